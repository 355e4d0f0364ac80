import type { AvroValue } from '../../src/avro/avro-encoder.ts';
import { encodeAvroFile } from '../../src/avro/avro-file-writer.ts';
import { array, field, keyValueArray, optional, primitive, record } from '../../src/avro/avro-type.ts';
import type { MemoryFileIO } from '../../src/io/memory-file-io.ts';
import type { DataFile } from '../../src/manifest/data-file.ts';
import { avroTypeOf } from '../../src/manifest/manifest-schema.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';
import type { PartitionSpec } from '../../src/metadata/partition-spec.ts';
import { partitionTypes } from '../../src/metadata/partition-spec-binding.ts';
import type { Row } from '../../src/metadata/row.ts';
import type { NestedField, PrimitiveType, Schema } from '../../src/metadata/schema.ts';
import type { TableMetadata } from '../../src/metadata/table-metadata.ts';
import { type EncodeParquetOptions, encodeParquet } from './parquet-file.ts';
import { type ContainerForm, encodeDeletionVector } from './roaring-writer.ts';

const [int, long, text, bytes] = (['int', 'long', 'string', 'bytes'] as const).map((kind) =>
  primitive(kind),
) as [
  ReturnType<typeof primitive>,
  ReturnType<typeof primitive>,
  ReturnType<typeof primitive>,
  ReturnType<typeof primitive>,
];

/** A file with the sequence number of the commit that brought it. */
export interface CommittedFile {
  readonly file: DataFile;
  readonly sequenceNumber: bigint;
}

/** The fields of position delete files. */
export const positionDeleteFields: readonly NestedField[] = [
  { id: 2147483546, name: 'file_path', required: true, type: 'string' },
  { id: 2147483545, name: 'pos', required: true, type: 'long' },
];

/** Stores a Parquet file and describes it, without metrics. */
export function parquetFile(
  io: MemoryFileIO,
  name: string,
  fields: readonly NestedField[],
  rows: readonly Row[],
  extra: Partial<DataFile> = {},
  options: EncodeParquetOptions = {},
): DataFile {
  const filePath = `mem://table/data/${name}.parquet`;
  const stored = encodeParquet(fields, rows, options);
  io.files.set(filePath, stored);
  return {
    content: 'data',
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    specId: 0,
    recordCount: rows.length,
    fileSizeInBytes: stored.length,
    ...extra,
  };
}

/** A position delete file of these positions, sorted as the specification wants it. */
export function positionDeletes(
  io: MemoryFileIO,
  name: string,
  positions: readonly (readonly [path: string, position: number])[],
  extra: Partial<DataFile> = {},
  options: EncodeParquetOptions = {},
): DataFile {
  const rows = positions
    .map(([path, position]) => ({ file_path: path, pos: BigInt(position) }))
    .sort((a, b) => (a.file_path < b.file_path ? -1 : a.file_path > b.file_path ? 1 : Number(a.pos - b.pos)));
  const content = { content: 'position-deletes', ...extra } as const;
  return parquetFile(io, name, positionDeleteFields, rows, content, options);
}

/** An equality delete file of these keys. */
export function equalityDeletes(
  io: MemoryFileIO,
  name: string,
  fields: readonly NestedField[],
  keys: readonly Row[],
  extra: Partial<DataFile> = {},
): DataFile {
  const equalityIds = fields.map(({ id }) => id);
  return parquetFile(io, name, fields, keys, { content: 'equality-deletes', equalityIds, ...extra });
}

/** A Puffin file that holds deletion vectors one after the other, each described for its data file. */
export function deletionVectors(
  io: MemoryFileIO,
  name: string,
  vectors: readonly { readonly of: DataFile; readonly positions: readonly number[] }[],
  formOf?: (key: number, cardinality: number) => ContainerForm,
): DataFile[] {
  const filePath = `mem://table/data/${name}.puffin`;
  const parts: Uint8Array[] = [Buffer.from('PFA1')];
  let offset = 4;
  const placed = vectors.map(({ of, positions }) => {
    const blob = encodeDeletionVector(positions, formOf);
    const place = { contentOffset: offset, contentSizeInBytes: blob.length };
    parts.push(blob);
    offset += blob.length;
    return { of, positions, place };
  });
  io.files.set(filePath, Buffer.concat(parts));
  return placed.map(({ of, positions, place }) => ({
    content: 'position-deletes',
    filePath,
    fileFormat: 'PUFFIN',
    partition: of.partition,
    specId: of.specId,
    recordCount: positions.length,
    fileSizeInBytes: offset,
    referencedDataFile: of.filePath,
    ...place,
  }));
}

/** An empty table with exactly these field ids, schemas oldest first. */
export function emptyTable(
  schemas: readonly Schema[],
  specs: readonly PartitionSpec[] = [{ specId: 0, fields: [] }],
): TableMetadata {
  const current = schemas.at(-1) as Schema;
  return {
    ...createTableMetadata({ location: 'mem://table', schema: { fields: [] } }),
    schemas,
    currentSchemaId: current.schemaId,
    partitionSpecs: specs,
    defaultSpecId: (specs.at(-1) as PartitionSpec).specId,
  };
}

/**
 * The table with a snapshot of these files, as an engine of any format version would have committed it: manifests for
 * each spec and content, every entry with its own sequence number.
 */
export function withSnapshot(
  table: TableMetadata,
  io: MemoryFileIO,
  files: readonly CommittedFile[],
  snapshotId = 1n,
): TableMetadata {
  const [sequenceNumber = 1n] = files.map((file) => file.sequenceNumber).sort((a, b) => (a < b ? 1 : -1));
  const manifests: AvroValue[] = [];
  for (const spec of table.partitionSpecs) {
    for (const content of [0, 1]) {
      const entries = files.filter(
        ({ file }) => file.specId === spec.specId && (file.content === 'data') === (content === 0),
      );
      if (entries.length === 0) continue;
      const location = `mem://table/metadata/${snapshotId}-${spec.specId}-${content}.avro`;
      const manifest = encodeManifest(table, spec, entries, snapshotId);
      io.files.set(location, manifest);
      manifests.push([location, manifest.length, spec.specId, content, sequenceNumber, 0n, snapshotId]);
    }
  }
  const manifestList = `mem://table/metadata/snap-${snapshotId}.avro`;
  io.files.set(manifestList, encodeAvroFile({ type: manifestFile, records: manifests }));
  return {
    ...table,
    currentSnapshotId: snapshotId,
    lastSequenceNumber: sequenceNumber,
    snapshots: [
      ...table.snapshots,
      {
        snapshotId,
        sequenceNumber,
        timestampMs: 0,
        manifestList,
        summary: { operation: 'overwrite' },
        schemaId: table.currentSchemaId,
      },
    ],
  };
}

const manifestFile = record('manifest_file', [
  field(500, 'manifest_path', text),
  field(501, 'manifest_length', long),
  field(502, 'partition_spec_id', int),
  field(517, 'content', int),
  field(515, 'sequence_number', long),
  field(516, 'min_sequence_number', long),
  field(503, 'added_snapshot_id', long),
]);

const contents = { data: 0, 'position-deletes': 1, 'equality-deletes': 2 };

function encodeManifest(
  table: TableMetadata,
  spec: PartitionSpec,
  entries: readonly CommittedFile[],
  snapshotId: bigint,
): Uint8Array {
  const types = partitionTypes(spec, table.schemas) as readonly PrimitiveType[];
  const counts = (keyId: number, valueId: number) => optional(keyValueArray(keyId, int, valueId, long));
  const bounds = (keyId: number, valueId: number) => optional(keyValueArray(keyId, int, valueId, bytes));
  const dataFile = record('r2', [
    field(134, 'content', int),
    field(100, 'file_path', text),
    field(101, 'file_format', text),
    field(
      102,
      'partition',
      record(
        'r102',
        spec.fields.map(({ fieldId }, i) =>
          field(fieldId, `p${i}`, optional(avroTypeOf(types[i] as PrimitiveType))),
        ),
      ),
    ),
    field(103, 'record_count', long),
    field(104, 'file_size_in_bytes', long),
    field(109, 'value_counts', counts(119, 120)),
    field(110, 'null_value_counts', counts(121, 122)),
    field(137, 'nan_value_counts', counts(138, 139)),
    field(125, 'lower_bounds', bounds(126, 127)),
    field(128, 'upper_bounds', bounds(129, 130)),
    field(135, 'equality_ids', optional(array(136, int))),
    field(143, 'referenced_data_file', optional(text)),
    field(144, 'content_offset', optional(long)),
    field(145, 'content_size_in_bytes', optional(long)),
  ]);
  const entry = record('manifest_entry', [
    field(0, 'status', int),
    field(1, 'snapshot_id', long),
    field(3, 'sequence_number', long),
    field(4, 'file_sequence_number', long),
    field(2, 'data_file', dataFile),
  ]);
  const pairs = (map: ReadonlyMap<number, AvroValue> | undefined): AvroValue => (map ? [...map] : null);
  const records = entries.map(
    ({ file, sequenceNumber }): AvroValue => [
      1,
      snapshotId,
      sequenceNumber,
      sequenceNumber,
      [
        contents[file.content],
        file.filePath,
        file.fileFormat,
        file.partition,
        file.recordCount,
        file.fileSizeInBytes,
        pairs(file.valueCounts),
        pairs(file.nullValueCounts),
        pairs(file.nanValueCounts),
        pairs(file.lowerBounds),
        pairs(file.upperBounds),
        file.equalityIds ?? null,
        file.referencedDataFile ?? null,
        file.contentOffset ?? null,
        file.contentSizeInBytes ?? null,
      ],
    ],
  );
  return encodeAvroFile({ type: entry, records });
}
