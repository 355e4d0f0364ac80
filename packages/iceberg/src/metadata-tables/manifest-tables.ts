import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { readAhead } from '../io/read-ahead.ts';
import type { ManifestContent, ManifestFile, PartitionFieldSummary } from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import type { PartitionField } from '../metadata/partition-spec.ts';
import { partitionTypes } from '../metadata/partition-spec-binding.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { decodeSingleValue } from '../metadata/single-value.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import { type SnapshotSelection, selectionKeys, selectSnapshot } from '../scan/snapshot-selection.ts';
import { formatPartitionValue } from './partition-text.ts';

/** What a manifest list says of one partition field over all files of a manifest. */
export interface PartitionSummaryRow {
  readonly containsNull: boolean;
  /** Absent if the writer did not say. */
  readonly containsNan?: boolean;
  /** For people: `2026-08-22` for a day. Absent if all values are null, or the transform is not known. */
  readonly lowerBound?: string;
  readonly upperBound?: string;
}

/** A manifest of a snapshot. Counts are absent only where a v1 list does not give them. */
export interface ManifestRow {
  readonly content: ManifestContent;
  readonly path: string;
  /** Bytes. */
  readonly length: number;
  readonly partitionSpecId: number;
  readonly addedSnapshotId: bigint;
  /** These three are 0 for manifests of delete files. */
  readonly addedDataFilesCount?: number;
  readonly existingDataFilesCount?: number;
  readonly deletedDataFilesCount?: number;
  /** These three are 0 for manifests of data files. */
  readonly addedDeleteFilesCount?: number;
  readonly existingDeleteFilesCount?: number;
  readonly deletedDeleteFilesCount?: number;
  /** One for each field of the manifest's spec, in its order. */
  readonly partitionSummaries: readonly PartitionSummaryRow[];
}

/** A manifest, and a snapshot that has it. */
export interface AllManifestsRow extends ManifestRow {
  readonly referenceSnapshotId: bigint;
  readonly keyMetadata?: Uint8Array;
}

/**
 * The manifests of a snapshot, in the order of its manifest list. Reads that one file.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND` and `INVALID_ARGUMENT` at once; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`
 */
export function manifests(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<ManifestRow> {
  checkOptions('a metadata table', selection, selectionKeys);
  const { snapshot } = selectSnapshot(metadata, selection);
  return {
    async *[Symbol.asyncIterator]() {
      if (snapshot === undefined) return;
      for (const manifest of await readSnapshotManifests(io, snapshot)) yield manifestRow(metadata, manifest);
    },
  };
}

/**
 * The manifests of all snapshots: a row for each snapshot that has the manifest. One manifest list at a time is in
 * memory, a few read ahead. Errors while iterating: `IO_ERROR`, `INVALID_MANIFEST`.
 */
export function allManifests(metadata: TableMetadata, io: FileIO): AsyncIterable<AllManifestsRow> {
  return {
    async *[Symbol.asyncIterator]() {
      const lists = readAhead(metadata.snapshots, (snapshot) => readSnapshotManifests(io, snapshot));
      for await (const { item: snapshot, result } of lists) {
        for (const manifest of result) {
          const { keyMetadata } = manifest;
          const row = { ...manifestRow(metadata, manifest), referenceSnapshotId: snapshot.snapshotId };
          yield keyMetadata === undefined ? row : { ...row, keyMetadata };
        }
      }
    },
  };
}

function manifestRow(metadata: TableMetadata, manifest: ManifestFile): ManifestRow {
  const { content, manifestPath, manifestLength, partitionSpecId, addedSnapshotId } = manifest;
  return {
    content,
    path: manifestPath,
    length: manifestLength,
    partitionSpecId,
    addedSnapshotId,
    ...counts(manifest),
    partitionSummaries: summaries(metadata, manifest),
  };
}

function counts(manifest: ManifestFile): Partial<ManifestRow> {
  const { addedFilesCount, existingFilesCount, deletedFilesCount } = manifest;
  const data = manifest.content === 'data';
  return {
    ...given('addedDataFilesCount', data ? addedFilesCount : 0),
    ...given('existingDataFilesCount', data ? existingFilesCount : 0),
    ...given('deletedDataFilesCount', data ? deletedFilesCount : 0),
    ...given('addedDeleteFilesCount', data ? 0 : addedFilesCount),
    ...given('existingDeleteFilesCount', data ? 0 : existingFilesCount),
    ...given('deletedDeleteFilesCount', data ? 0 : deletedFilesCount),
  };
}

function given<K extends string>(name: K, count: number | undefined): { readonly [N in K]?: number } {
  return count === undefined ? {} : ({ [name]: count } as { readonly [N in K]?: number });
}

function summaries(metadata: TableMetadata, manifest: ManifestFile): readonly PartitionSummaryRow[] {
  const spec = partitionSpecById(metadata, manifest.partitionSpecId);
  const types = partitionTypes(spec, [currentSchema(metadata), ...metadata.schemas.toReversed()]);
  return (manifest.partitions ?? []).map((summary, index) =>
    summaryRow(summary, spec.fields[index], types[index], manifest.manifestPath),
  );
}

function summaryRow(
  summary: PartitionFieldSummary,
  field: PartitionField | undefined,
  type: PrimitiveType | undefined,
  manifestPath: string,
): PartitionSummaryRow {
  const { containsNull, containsNan } = summary;
  const text = (bound: Uint8Array | undefined): string | undefined => {
    if (bound === undefined || field === undefined || type === undefined) return undefined;
    try {
      return formatPartitionValue(field.transform, type, decodeSingleValue(type, bound));
    } catch (cause) {
      throw new IcebergError(
        'INVALID_MANIFEST',
        `${manifestPath}: a bound of partition field ${field.name} is no ${type}`,
        {
          cause,
          context: { file: manifestPath, field: field.name, type },
        },
      );
    }
  };
  const lowerBound = text(summary.lowerBound);
  const upperBound = text(summary.upperBound);
  return {
    containsNull,
    ...(containsNan !== undefined && { containsNan }),
    ...(lowerBound !== undefined && { lowerBound }),
    ...(upperBound !== undefined && { upperBound }),
  };
}
