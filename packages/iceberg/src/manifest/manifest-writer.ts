import type { AvroValue } from '../avro/avro-encoder.ts';
import { type AvroCodec, encodeAvroFile } from '../avro/avro-file-writer.ts';
import { IcebergError } from '../errors.ts';
import { stringifyJson } from '../json/json.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import { partitionTypes } from '../metadata/partition-spec-binding.ts';
import { partitionFieldsToJson } from '../metadata/partition-spec-json.ts';
import type { PrimitiveType, Schema } from '../metadata/schema.ts';
import { schemaToJson } from '../metadata/schema-json.ts';
import { checkValue } from '../metadata/single-value.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import type { DataFile, EntryStatus, FileContent, ManifestFile, PartitionValue } from './data-file.ts';
import { manifestEntryType } from './manifest-schema.ts';
import { summarizePartitions } from './partition-summary.ts';
import { partitionValueToAvro } from './partition-value-avro.ts';

/** What goes into a manifest of newly added data files, format v2. */
export interface AddedFilesManifest {
  readonly location: string;
  readonly metadata: TableMetadata;
  readonly spec: PartitionSpec;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  /** Data files of that spec, at least one. */
  readonly files: readonly DataFile[];
}

/** The bytes of a manifest and its line in the manifest list. */
export interface EncodedManifest {
  readonly bytes: Uint8Array;
  readonly manifest: ManifestFile;
}

const statusCodes: Readonly<Record<EntryStatus, number>> = { existing: 0, added: 1, deleted: 2 };
const contentCodes: Readonly<Record<FileContent, number>> = {
  data: 0,
  'position-deletes': 1,
  'equality-deletes': 2,
};

/**
 * Makes a manifest whose entries are all ADDED. Their sequence numbers stay null and are inherited from the
 * manifest list. `INVALID_ARGUMENT` for a file whose partition does not fit the spec, or a spec this release
 * can only read. Spec: https://iceberg.apache.org/spec/#sequence-number-inheritance
 */
export function encodeAddedFilesManifest(input: AddedFilesManifest): EncodedManifest {
  const { metadata, spec, files, snapshotId, sequenceNumber } = input;
  const schema = currentSchema(metadata);
  const types = writableTypes(spec, schema, metadata);
  for (const file of files) checkPartition(file, spec, types);
  const bytes = encodeAvroFile({
    type: manifestEntryType(spec, types),
    records: addedEntries(files, types, snapshotId),
    metadata: {
      schema: stringifyJson(schemaToJson(schema)),
      'schema-id': String(schema.schemaId),
      'partition-spec': stringifyJson(partitionFieldsToJson(spec.fields)),
      'partition-spec-id': String(spec.specId),
      'format-version': '2',
      content: 'data',
    },
    codec: manifestCodec(metadata),
  });
  return {
    bytes,
    manifest: {
      manifestPath: input.location,
      manifestLength: bytes.length,
      partitionSpecId: spec.specId,
      content: 'data',
      sequenceNumber,
      minSequenceNumber: sequenceNumber,
      addedSnapshotId: snapshotId,
      addedFilesCount: files.length,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: files.reduce((rows, file) => rows + file.recordCount, 0),
      existingRowsCount: 0,
      deletedRowsCount: 0,
      partitions: summarizePartitions(types, files),
    },
  };
}

/** The codec that the table asks for: `write.manifest.compression-codec`, gzip (deflate) unless it says none. */
export function manifestCodec(metadata: TableMetadata): AvroCodec {
  const codec = metadata.properties['write.manifest.compression-codec']?.toLowerCase();
  return codec === 'uncompressed' || codec === 'none' ? 'null' : 'deflate';
}

function writableTypes(
  spec: PartitionSpec,
  schema: Schema,
  metadata: TableMetadata,
): readonly PrimitiveType[] {
  return partitionTypes(spec, [schema, ...metadata.schemas.toReversed()]).map((type, index) => {
    if (type !== undefined) return type;
    const { name, transform } = spec.fields[index]!;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `partition field "${name}" with transform ${transform} can only be read`,
      {
        context: { specId: spec.specId, name, transform },
      },
    );
  });
}

function checkPartition(file: DataFile, spec: PartitionSpec, types: readonly PrimitiveType[]): void {
  if (file.partition.length !== types.length) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${file.filePath}: ${file.partition.length} partition values for the ${types.length} fields of spec ${spec.specId}`,
      { context: { filePath: file.filePath, specId: spec.specId } },
    );
  }
  file.partition.forEach((value: PartitionValue, index) => {
    if (value !== null) checkValue(types[index]!, value);
  });
}

/** One at a time, so that a large manifest is never held in this form. */
function* addedEntries(
  files: readonly DataFile[],
  types: readonly PrimitiveType[],
  snapshotId: bigint,
): Generator<AvroValue> {
  for (const file of files) yield [statusCodes.added, snapshotId, null, null, dataFileToAvro(file, types)];
}

function dataFileToAvro(file: DataFile, types: readonly PrimitiveType[]): AvroValue {
  return [
    contentCodes[file.content],
    file.filePath,
    file.fileFormat,
    file.partition.map((value, index) => partitionValueToAvro(types[index]!, value)),
    file.recordCount,
    file.fileSizeInBytes,
    mapToAvro(file.columnSizes),
    mapToAvro(file.valueCounts),
    mapToAvro(file.nullValueCounts),
    mapToAvro(file.nanValueCounts),
    mapToAvro(file.lowerBounds),
    mapToAvro(file.upperBounds),
    file.keyMetadata ?? null,
    file.splitOffsets ?? null,
    file.equalityIds ?? null,
    file.sortOrderId ?? null,
    file.referencedDataFile ?? null,
  ];
}

/** Ordered by column id, so that equal metrics give equal bytes. */
function mapToAvro(map: ReadonlyMap<number, AvroValue> | undefined): AvroValue {
  if (map === undefined) return null;
  return [...map].sort(([left], [right]) => left - right);
}
