import fc from 'fast-check';
import type {
  DataFile,
  ManifestFile,
  PartitionFieldSummary,
  PartitionValue,
} from '../../src/manifest/data-file.ts';
import type { NewManifestEntry } from '../../src/manifest/manifest-writer.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';
import type { PrimitiveType } from '../../src/metadata/schema.ts';
import type { TableMetadata } from '../../src/metadata/table-metadata.ts';
import { arbitraryLong } from './arbitrary-metadata.ts';

const signed = (bits: bigint) => fc.bigInt({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n });
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 6 });
const digits = (count: bigint) => fc.bigInt({ min: -(10n ** count) + 1n, max: 10n ** count - 1n });

/** Partition values of every type that a partition field can have. */
const partitionValues: Readonly<Record<string, fc.Arbitrary<PartitionValue>>> = {
  boolean: fc.boolean(),
  int,
  long: signed(64n),
  float: fc.float(),
  double: fc.double(),
  date: int,
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: signed(64n),
  timestamptz: signed(64n),
  string: text,
  uuid: fc.uuid(),
  binary: fc.uint8Array({ maxLength: 6 }),
  'fixed[3]': fc.uint8Array({ minLength: 3, maxLength: 3 }),
  'decimal(9,2)': digits(9n),
  'decimal(38,10)': digits(38n),
};

const partitionTypes = Object.keys(partitionValues) as PrimitiveType[];

/** A table partitioned by the identity of a column of every type. */
export const widelyPartitioned: TableMetadata = createTableMetadata({
  location: 'mem://t',
  schema: {
    fields: partitionTypes.map((type, at) => ({ id: at + 1, name: `c${at}`, required: false, type })),
  },
  partitionSpec: {
    fields: partitionTypes.map((_, at) => ({ sourceId: at + 1, name: `p ${at}-é`, transform: 'identity' })),
  },
});

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const columnMap = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<number, T>> =>
  fc
    .dictionary(fc.nat(2 ** 31 - 1).map(String), values, { maxKeys: 3 })
    .map((entries) => new Map(Object.entries(entries).map(([id, value]) => [Number(id), value])));

const bytes = fc.uint8Array({ maxLength: 5 });

/** Data files with anything in any field; fields without a value are left out. */
export const arbitraryDataFile: fc.Arbitrary<DataFile> = fc
  .record(
    {
      content: fc.constantFrom('data' as const),
      filePath: text,
      fileFormat: fc.constantFrom('PARQUET' as const, 'AVRO' as const, 'ORC' as const),
      partition: fc.tuple(...partitionTypes.map((type) => fc.option(partitionValues[type]!))),
      specId: fc.constant(0),
      recordCount: count,
      fileSizeInBytes: count,
      columnSizes: columnMap(count),
      valueCounts: columnMap(count),
      nullValueCounts: columnMap(count),
      nanValueCounts: columnMap(count),
      lowerBounds: columnMap(bytes),
      upperBounds: columnMap(bytes),
      keyMetadata: bytes,
      splitOffsets: fc.array(count, { maxLength: 3 }),
      equalityIds: fc.array(fc.nat(99), { maxLength: 3 }),
      sortOrderId: fc.nat(9),
      referencedDataFile: text,
    },
    {
      requiredKeys: [
        'content',
        'filePath',
        'fileFormat',
        'partition',
        'specId',
        'recordCount',
        'fileSizeInBytes',
      ],
    },
  )
  .map((file) => file as DataFile);

/** Entries with the numbers that their status needs. */
export const arbitraryEntry: fc.Arbitrary<NewManifestEntry> = fc.oneof(
  arbitraryDataFile.map((dataFile): NewManifestEntry => ({ status: 'added', dataFile })),
  fc.record({
    status: fc.constantFrom('existing' as const, 'deleted' as const),
    dataFile: arbitraryDataFile,
    snapshotId: arbitraryLong,
    sequenceNumber: arbitraryLong,
    fileSequenceNumber: arbitraryLong,
  }),
);

const summary: fc.Arbitrary<PartitionFieldSummary> = fc.record(
  { containsNull: fc.boolean(), containsNan: fc.boolean(), lowerBound: bytes, upperBound: bytes },
  { requiredKeys: ['containsNull'] },
) as fc.Arbitrary<PartitionFieldSummary>;

/** Lines of a manifest list of format v2. */
export const arbitraryManifestFile: fc.Arbitrary<ManifestFile> = fc.record(
  {
    manifestPath: text,
    manifestLength: count,
    partitionSpecId: fc.nat(9),
    content: fc.constantFrom('data' as const, 'deletes' as const),
    sequenceNumber: arbitraryLong,
    minSequenceNumber: arbitraryLong,
    addedSnapshotId: arbitraryLong,
    addedFilesCount: fc.nat(2 ** 31 - 1),
    existingFilesCount: fc.nat(2 ** 31 - 1),
    deletedFilesCount: fc.nat(2 ** 31 - 1),
    addedRowsCount: count,
    existingRowsCount: count,
    deletedRowsCount: count,
    partitions: fc.array(summary, { maxLength: 3 }),
    keyMetadata: bytes,
  },
  {
    requiredKeys: [
      'manifestPath',
      'manifestLength',
      'partitionSpecId',
      'content',
      'sequenceNumber',
      'minSequenceNumber',
      'addedSnapshotId',
      'addedFilesCount',
      'existingFilesCount',
      'deletedFilesCount',
      'addedRowsCount',
      'existingRowsCount',
      'deletedRowsCount',
    ],
  },
) as fc.Arbitrary<ManifestFile>;
