import type { AvroValue } from './avro-encoder.ts';
import { type AvroCodec, encodeAvroFile } from './avro-file.ts';
import type { ManifestFile } from './data-file.ts';
import { IcebergError } from './errors.ts';
import { manifestFileType } from './manifest-schema.ts';

export interface ManifestListHeader {
  readonly snapshotId: bigint;
  readonly parentSnapshotId?: bigint;
  readonly sequenceNumber: bigint;
}

/** The bytes of a manifest list, format v2. Spec: https://iceberg.apache.org/spec/#manifest-lists */
export function encodeManifestList(
  header: ManifestListHeader,
  manifests: readonly ManifestFile[],
  codec: AvroCodec = 'deflate',
): Uint8Array {
  return encodeAvroFile({
    type: manifestFileType,
    records: manifests.map(manifestFileToAvro),
    metadata: {
      'snapshot-id': String(header.snapshotId),
      'parent-snapshot-id': header.parentSnapshotId === undefined ? 'null' : String(header.parentSnapshotId),
      'sequence-number': String(header.sequenceNumber),
      'format-version': '2',
    },
    codec,
  });
}

function manifestFileToAvro(manifest: ManifestFile): AvroValue {
  return [
    manifest.manifestPath,
    manifest.manifestLength,
    manifest.partitionSpecId,
    manifest.content === 'data' ? 0 : 1,
    manifest.sequenceNumber,
    manifest.minSequenceNumber,
    manifest.addedSnapshotId,
    required(manifest, 'addedFilesCount'),
    required(manifest, 'existingFilesCount'),
    required(manifest, 'deletedFilesCount'),
    required(manifest, 'addedRowsCount'),
    required(manifest, 'existingRowsCount'),
    required(manifest, 'deletedRowsCount'),
    manifest.partitions?.map((summary) => [
      summary.containsNull,
      summary.containsNan ?? null,
      summary.lowerBound ?? null,
      summary.upperBound ?? null,
    ]) ?? null,
    manifest.keyMetadata ?? null,
  ];
}

/** v2 demands the counts that v1 may lack; `withCounts` fills them in before a list is written. */
function required(manifest: ManifestFile, key: Extract<keyof ManifestFile, `${string}Count`>): number {
  const count = manifest[key];
  if (count !== undefined) return count;
  throw new IcebergError('INVALID_ARGUMENT', `${manifest.manifestPath}: the manifest list needs ${key}`, {
    context: { manifestPath: manifest.manifestPath },
  });
}
