import { expect, test } from 'vitest';
import type { AvroValue } from '../avro/avro-encoder.ts';
import { decodeAvroFile } from '../avro/avro-file-reader.ts';
import { encodeAvroFile } from '../avro/avro-file-writer.ts';
import { type AvroRecord, array, field, optional, primitive, record } from '../avro/avro-type.ts';
import { IcebergError } from '../errors.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { DataFile, ManifestFile } from './data-file.ts';
import { ManifestList } from './manifest-list.ts';
import { decodeManifestList, readSnapshotManifests } from './manifest-list-reader.ts';
import { decodeManifest } from './manifest-reader.ts';
import { manifestFileType } from './manifest-schema.ts';
import { type EncodedManifest, encodeManifests, withSequenceNumber } from './manifest-writer.ts';

const snapshotId = 2n ** 62n + 1n;

function tableOf(type: PrimitiveType, transform: string): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    schema: { fields: [{ id: 1, name: 'c', required: false, type }] },
    partitionSpec: { fields: [{ sourceId: 1, name: 'p', transform }] },
  });
}

function fileOf(partition: DataFile['partition'], extra: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data',
    filePath: `mem://t/data/${String(partition[0])}.parquet`,
    fileFormat: 'PARQUET',
    partition,
    specId: 0,
    recordCount: 10,
    fileSizeInBytes: 100,
    ...extra,
  };
}

function encode(metadata: TableMetadata, files: readonly DataFile[]): EncodedManifest {
  const entries = files.map((dataFile) => ({ status: 'added', dataFile }) as const);
  const spec = metadata.partitionSpecs[0]!;
  const input = { metadata, spec, content: 'data', snapshotId, entries } as const;
  const [{ bytes, manifest }] = [...encodeManifests(input, () => 'mem://t/metadata/m.avro')] as [
    EncodedManifest,
  ];
  return { bytes, manifest: withSequenceNumber(manifest, 7n) };
}

test('every field of a data file comes back, and inherits id and sequence number', () => {
  const metadata = tableOf('string', 'identity');
  const bytes = Uint8Array.of(0, 255);
  const full = fileOf(['ü'], {
    columnSizes: new Map([[1, 2 ** 50]]),
    valueCounts: new Map([[1, 10]]),
    nullValueCounts: new Map([[1, 1]]),
    nanValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, bytes]]),
    upperBounds: new Map([[1, new Uint8Array()]]),
    keyMetadata: bytes,
    splitOffsets: [4, 2 ** 40],
    sortOrderId: 1,
    referencedDataFile: 'mem://t/data/other.parquet',
  });
  const { bytes: manifestBytes, manifest } = encode(metadata, [full, fileOf([null])]);
  expect([...decodeManifest(manifestBytes, metadata, manifest)]).toEqual([
    { status: 'added', snapshotId, sequenceNumber: 7n, fileSequenceNumber: 7n, dataFile: full },
    { status: 'added', snapshotId, sequenceNumber: 7n, fileSequenceNumber: 7n, dataFile: fileOf([null]) },
  ]);
  expect(manifest).toMatchObject({
    manifestLength: manifestBytes.length,
    addedFilesCount: 2,
    addedRowsCount: 20,
  });
});

test('the header has every key of the specification', () => {
  const metadata = tableOf('timestamptz', 'day');
  const header = decodeAvroFile(encode(metadata, [fileOf([1])]).bytes, 'm').metadata;
  expect(Object.fromEntries([...header].filter(([key]) => key !== 'avro.schema'))).toEqual({
    'avro.codec': 'deflate',
    schema: JSON.stringify({
      type: 'struct',
      'schema-id': 0,
      fields: [{ id: 1, name: 'c', required: false, type: 'timestamptz' }],
    }),
    'schema-id': '0',
    'partition-spec': JSON.stringify([{ 'source-id': 1, 'field-id': 1000, name: 'p', transform: 'day' }]),
    'partition-spec-id': '0',
    'format-version': '2',
    content: 'data',
  });
  const list = ManifestList.of([]).encode({ snapshotId, parentSnapshotId: 5n, sequenceNumber: 7n });
  const listHeader = decodeAvroFile(list, 'l').metadata;
  expect(listHeader.get('snapshot-id')).toBe(String(snapshotId));
  expect(listHeader.get('parent-snapshot-id')).toBe('5');
  expect(listHeader.get('sequence-number')).toBe('7');
  expect(listHeader.get('format-version')).toBe('2');
  const first = ManifestList.of([]).encode({ snapshotId, sequenceNumber: 1n });
  expect(decodeAvroFile(first, 'l').metadata.get('parent-snapshot-id')).toBe('null');
});

test('partition summaries hold null, NaN and the bounds of the rest', () => {
  const doubles = encode(
    tableOf('double', 'identity'),
    [1.5, null, Number.NaN, -3].map((v) => fileOf([v])),
  );
  expect(doubles.manifest.partitions).toEqual([
    {
      containsNull: true,
      containsNan: true,
      lowerBound: encodeSingleValue('double', -3),
      upperBound: encodeSingleValue('double', 1.5),
    },
  ]);
  const days = encode(tableOf('timestamptz', 'day'), [fileOf([20000]), fileOf([-1])]);
  expect(days.manifest.partitions).toEqual([
    {
      containsNull: false,
      containsNan: false,
      lowerBound: encodeSingleValue('date', -1),
      upperBound: encodeSingleValue('date', 20000),
    },
  ]);
  const nulls = encode(tableOf('string', 'identity'), [fileOf([null])]);
  expect(nulls.manifest.partitions).toEqual([{ containsNull: true, containsNan: false }]);
});

test('partition values that do not fit the spec are refused', () => {
  const metadata = tableOf('int', 'identity');
  for (const partition of [[], [1, 2], ['1'], [1n], [1.5]]) {
    expect(() => encode(metadata, [fileOf(partition)])).toThrow(/^INVALID_ARGUMENT/);
  }
});

test('a partition column widened since is read as what it is today', () => {
  const metadata = tableOf('int', 'identity');
  const { bytes, manifest } = encode(metadata, [fileOf([5])]);
  const schema = metadata.schemas[0]!;
  const widened: TableMetadata = {
    ...metadata,
    schemas: [{ ...schema, fields: [{ ...schema.fields[0]!, type: 'long' }] }],
  };
  const [entry] = decodeManifest(bytes, widened, manifest);
  expect(entry!.dataFile.partition).toEqual([5n]);
});

test('a partition of timestamps is read as the dates that they were, by the unit of the file', () => {
  const metadata = tableOf('timestamp', 'identity');
  const { bytes, manifest } = encode(metadata, [fileOf([-86_400_000_000n]), fileOf([-1n])]);
  const schema = metadata.schemas[0]!;
  const dates = { ...schema, fields: [{ ...schema.fields[0]!, type: 'date' as const }] };
  const read = (file: Uint8Array) =>
    [...decodeManifest(file, metadata, manifest, dates)].map(({ dataFile }) => dataFile.partition);
  // A moment before 1970 belongs to the day that it is in.
  expect(read(bytes)).toEqual([[-1], [-1]]);
  const nanos = Buffer.from(
    encode({ ...metadata, properties: { 'write.manifest.compression-codec': 'none' } }, [
      fileOf([-86_400_000_000_000n]),
    ]).bytes,
  );
  const text = 'timestamp-micros';
  const at = nanos.lastIndexOf(text);
  expect(at).toBeGreaterThan(0);
  nanos.write('timestamp-nanos"', at);
  expect(nanos[at + text.length]).toBe(0x22);
  nanos[at + text.length] = 0x20;
  expect(
    [...decodeManifest(nanos, metadata, { ...manifest, addedFilesCount: 1 }, dates)][0]!.dataFile.partition,
  ).toEqual([-1]);
});

test('EXISTING and DELETED entries keep their own numbers, and entries of v1 have none', () => {
  const metadata = tableOf('int', 'identity');
  const { bytes, manifest } = encode(metadata, [fileOf([1])]);
  const file = decodeAvroFile(bytes, 'm');
  const [first] = [...file.records()] as AvroValue[][];
  const dataFile = first![4]!;
  const rewritten = encodeAvroFile({
    type: file.type,
    records: [
      [0, 11n, 3n, null, dataFile],
      [2, 12n, 4n, 5n, dataFile],
      [1, null, 2n, null, dataFile],
    ],
  });
  const counts = { ...manifest, addedFilesCount: 1, existingFilesCount: 1, deletedFilesCount: 1 };
  expect([...decodeManifest(rewritten, metadata, counts)].map(({ dataFile: _, ...entry }) => entry)).toEqual([
    { status: 'existing', snapshotId: 11n, sequenceNumber: 3n, fileSequenceNumber: 3n },
    { status: 'deleted', snapshotId: 12n, sequenceNumber: 4n, fileSequenceNumber: 5n },
    { status: 'added', snapshotId, sequenceNumber: 2n, fileSequenceNumber: 7n },
  ]);
  const orphan = encodeAvroFile({ type: file.type, records: [[0, 11n, null, null, dataFile]] });
  expect(() => [...decodeManifest(orphan, metadata, counts)]).toThrow(/sequence number/);
  const v1 = { ...counts, sequenceNumber: 0n, addedFilesCount: 0, deletedFilesCount: 0 };
  expect([...decodeManifest(orphan, metadata, v1)][0]).toMatchObject({ sequenceNumber: 0n });
});

test('a v1 manifest without content, counts and sequence numbers is read by field id', () => {
  const metadata = tableOf('int', 'identity');
  const dataFileType = record('whatever', [
    field(100, 'file_path', primitive('string')),
    field(101, 'file_format', primitive('string')),
    field(102, 'partition', record('p', [field(1000, 'renamed', optional(primitive('int')))])),
    field(103, 'record_count', primitive('long')),
    field(104, 'file_size_in_bytes', primitive('long')),
    field(105, 'block_size_in_bytes', primitive('long')),
  ]);
  const type = record('manifest_entry', [
    field(0, 'status', primitive('int')),
    field(1, 'snapshot_id', primitive('long')),
    field(2, 'data_file', dataFileType),
  ]);
  const bytes = encodeAvroFile({
    type,
    records: [[1, 42, ['mem://a', 'parquet', [9], 5, 50, 64]]],
    codec: 'null',
  });
  const manifest: ManifestFile = {
    manifestPath: 'mem://m1',
    manifestLength: bytes.length,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: 42n,
  };
  expect([...decodeManifest(bytes, metadata, manifest)]).toEqual([
    {
      status: 'added',
      snapshotId: 42n,
      sequenceNumber: 0n,
      fileSequenceNumber: 0n,
      dataFile: { ...fileOf([9]), filePath: 'mem://a', recordCount: 5, fileSizeInBytes: 50 },
    },
  ]);
});

test('v3 first row ids follow each other over the files that have none of their own', () => {
  const metadata = tableOf('int', 'identity');
  const v2 = decodeAvroFile(encode(metadata, [fileOf([1])]).bytes, 'm').type as AvroRecord;
  const dataFileField = v2.fields.find((f) => f.fieldId === 2)!;
  const dataFileType = dataFileField.type as AvroRecord;
  const type: AvroRecord = {
    ...v2,
    fields: v2.fields.map((f) =>
      f.fieldId === 2
        ? {
            ...f,
            type: {
              ...dataFileType,
              fields: [...dataFileType.fields, field(142, 'first_row_id', optional(primitive('long')))],
            },
          }
        : f,
    ),
  };
  const row = (name: string, records: number, rowId: bigint | null, status = 1): never =>
    [status, null, 1, 1, [0, name, 'PARQUET', [1], records, 9, ...Array(11).fill(null), rowId]] as never;
  const bytes = encodeAvroFile({
    type,
    records: [row('a', 5, null), row('gone', 11, null, 2), row('b', 3, 1000n), row('c', 7, null)],
  });
  const { manifest } = encode(metadata, [fileOf([1])]);
  const entries = [...decodeManifest(bytes, metadata, { ...manifest, firstRowId: 2n ** 60n })];
  expect(entries.map((entry) => entry.dataFile.firstRowId)).toEqual([
    2n ** 60n,
    // A removed file takes no ids, as in Java: lists do not reserve any for it.
    undefined,
    1000n,
    2n ** 60n + 5n,
  ]);
});

test('a manifest list of v1, without content and counts and with old names, is read by field id', () => {
  const type = record('manifest_file', [
    field(500, 'manifest_path', primitive('string')),
    field(501, 'manifest_length', primitive('long')),
    field(502, 'partition_spec_id', primitive('int')),
    field(503, 'added_snapshot_id', optional(primitive('long'))),
    field(504, 'added_data_files_count', optional(primitive('int'))),
    field(
      507,
      'partitions',
      optional(array(508, record('r508', [field(509, 'contains_null', primitive('boolean'))]))),
    ),
  ]);
  const bytes = encodeAvroFile({ type, records: [['mem://a', 9, 0, snapshotId, null, [[true]]]] });
  expect(decodeManifestList(bytes, 'l')).toEqual([
    {
      manifestPath: 'mem://a',
      manifestLength: 9,
      partitionSpecId: 0,
      content: 'data',
      sequenceNumber: 0n,
      minSequenceNumber: 0n,
      addedSnapshotId: snapshotId,
      partitions: [{ containsNull: true }],
    },
  ]);
});

test('a snapshot of v1 that names its manifests itself is read', async () => {
  const io = createMemoryFileIO();
  const metadata = tableOf('int', 'identity');
  const { bytes } = encode(metadata, [fileOf([1])]);
  await io.writeFile('mem://m0', bytes);
  const manifests = await readSnapshotManifests(io, {
    snapshotId: 42n,
    sequenceNumber: 0n,
    timestampMs: 1,
    manifestList: '',
    manifests: ['mem://m0'],
    summary: {},
  });
  expect(manifests).toMatchObject([
    { manifestPath: 'mem://m0', manifestLength: bytes.length, addedSnapshotId: 42n },
  ]);
});

test('lists made one from another stay right while their blocks are shared and joined', () => {
  const manifestOf = (i: number): ManifestFile => ({
    ...encoded.manifest,
    manifestPath: `mem://m${i}`,
    sequenceNumber: BigInt(i),
  });
  const encoded = encode(tableOf('int', 'identity'), [fileOf([1])]);
  const expected: ManifestFile[] = [];
  let list = ManifestList.of([], 'null');
  for (let i = 1; i <= 1100; i += 1) {
    const added = i % 7 === 0 ? [] : i % 5 === 0 ? [manifestOf(i), manifestOf(-i)] : [manifestOf(i)];
    list = list.prepend(added, i < 900 ? 'null' : 'deflate');
    expected.unshift(...added);
    if (i % 97 !== 0 && i !== 1100) continue;
    const bytes = list.encode({ snapshotId: BigInt(i), sequenceNumber: BigInt(i) });
    expect(decodeManifestList(bytes, 'l')).toEqual(expected);
    expect(decodeManifestList(bytes, 'l')).toEqual(list.manifests);
    expect(decodeAvroFile(bytes, 'l').metadata.get('avro.codec')).toBe(i < 900 ? 'null' : 'deflate');
  }
});

test('a manifest list without field ids, or without a required one, is INVALID_MANIFEST and names the file', () => {
  const plain = record('manifest_file', [{ name: 'manifest_path', type: primitive('string') }]);
  const partial = record('manifest_file', manifestFileType.fields.slice(0, 1));
  for (const [type, problem] of [
    [plain, /no field ids/],
    [partial, /required field 501/],
  ] as const) {
    const bytes = encodeAvroFile({ type, records: [['mem://a']] });
    expect(() => decodeManifestList(bytes, 'mem://list.avro')).toThrow(problem);
    expect(() => decodeManifestList(bytes, 'mem://list.avro')).toThrow(
      /^INVALID_MANIFEST: mem:\/\/list\.avro/,
    );
  }
});

test('a manifest cut between two blocks is INVALID_MANIFEST', () => {
  const metadata = tableOf('string', 'identity');
  const files = Array.from({ length: 3000 }, (_, i) => fileOf([`partition value number ${i}`]));
  const { bytes, manifest } = encode(
    { ...metadata, properties: { 'write.manifest.compression-codec': 'none' } },
    files,
  );
  expect([...decodeManifest(bytes, metadata, manifest)]).toHaveLength(3000);
  const sync = bytes.subarray(bytes.length - 16);
  const lastButOne = Buffer.from(bytes).lastIndexOf(sync, bytes.length - 17);
  const cut = bytes.subarray(0, lastButOne + 16);
  expect(() => [...decodeManifest(cut, metadata, manifest)]).toThrow(/^INVALID_MANIFEST: mem:\/\/t.*fewer/);
});

test('a manifest cut or changed at any byte is read or refused with a typed error', () => {
  const metadata = tableOf('string', 'identity');
  const { bytes, manifest } = encode(metadata, [
    fileOf(['a'], { lowerBounds: new Map([[1, Uint8Array.of(1)]]) }),
  ]);
  // The header is mostly schema text; the data at the end is tried byte by byte.
  for (let at = 0; at < bytes.length; at += at < bytes.length - 400 ? 11 : 1) {
    for (const damaged of [
      bytes.subarray(0, at),
      Uint8Array.from(bytes, (b, i) => (i === at ? b ^ 0x41 : b)),
    ]) {
      try {
        for (const _ of decodeManifest(damaged, metadata, manifest));
      } catch (error) {
        expect(IcebergError.is(error), String(error)).toBe(true);
      }
    }
  }
});

test('a manifest of 100,000 entries is read back to the last', () => {
  const metadata = tableOf('long', 'identity');
  const files = Array.from({ length: 100_000 }, (_, i) => fileOf([BigInt(i)]));
  const { bytes, manifest } = encode(metadata, files);
  let count = 0;
  let last: DataFile | undefined;
  for (const { dataFile } of decodeManifest(bytes, metadata, manifest)) {
    count += 1;
    last = dataFile;
  }
  expect(count).toBe(100_000);
  expect(last).toEqual(files.at(-1));
});
