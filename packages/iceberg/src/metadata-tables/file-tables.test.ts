import { expect, test } from 'vitest';
import { addDeletes, append, emptyRegionTable, regionFile } from '../../test/support/scan-table.ts';
import { applyCommit } from '../catalog/apply-commit.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { ManifestList } from '../manifest/manifest-list.ts';
import { encodeManifests, withSequenceNumber } from '../manifest/manifest-writer.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { metadataTables } from './metadata-tables.ts';

const update = (metadata: TableMetadata, ...updates: TableUpdate[]): TableMetadata =>
  applyCommit(metadata, { requirements: [], updates });

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

const nameOf = (file: Pick<DataFile, 'filePath'>): string => file.filePath.split('/').at(-1)!;

/** A file of deletes; nobody reads it here. */
const deletesOf = (
  name: string,
  content: DataFile['content'],
  partition: DataFile['partition'],
  rows: number,
): DataFile => ({
  content,
  filePath: `mem://table/data/${name}`,
  fileFormat: 'PARQUET',
  partition,
  specId: 0,
  recordCount: rows,
  fileSizeInBytes: 100,
  ...(content === 'equality-deletes'
    ? { equalityIds: [6] }
    : { referencedDataFile: 'mem://table/data/a1.parquet' }),
});

/** Two commits of region `a` and `b`, deletes on `a`, then a spec of two fields with one more file. */
async function evolvedTable(io: MemoryFileIO) {
  let metadata = await append(emptyRegionTable(), io, [regionFile(io, 'a1', 'a'), regionFile(io, 'b1', 'b')]);
  const first = metadata.currentSnapshotId!;
  metadata = await append(metadata, io, [regionFile(io, 'a2', 'a'), regionFile(io, 'none', null)]);
  await addDeletes(
    metadata,
    io,
    [
      deletesOf('p', 'position-deletes', ['a'], 7),
      deletesOf('q', 'position-deletes', ['a'], 4),
      deletesOf('e', 'equality-deletes', ['a'], 2),
    ],
    2n,
  );
  metadata = update(
    metadata,
    { action: 'set-snapshot-ref', refName: 'early', type: 'tag', snapshotId: first },
    {
      action: 'add-spec',
      spec: {
        fields: [
          { sourceId: 20, name: 'place', transform: 'identity' },
          { sourceId: 6, name: 'offset_bucket', transform: 'bucket[4]' },
        ],
      },
    },
    { action: 'set-default-spec', specId: -1 },
  );
  const a3 = { ...regionFile(io, 'a3', 'a'), specId: 1, partition: ['a', 3] };
  return { metadata: await append(metadata, io, [a3]), first };
}

test('files of all specs have one shape of partitions, and delete files are among them', async () => {
  const io = createMemoryFileIO();
  const { metadata } = await evolvedTable(io);
  const files = await collect(metadataTables.files(metadata, io));
  expect(files.map((file) => [nameOf(file), file.content, file.specId, file.partition])).toEqual([
    ['a3.parquet', 'data', 1, { place: 'a', offset_bucket: 3 }],
    ['p', 'position-deletes', 0, { place: 'a', offset_bucket: null }],
    ['q', 'position-deletes', 0, { place: 'a', offset_bucket: null }],
    ['e', 'equality-deletes', 0, { place: 'a', offset_bucket: null }],
    ['a2.parquet', 'data', 0, { place: 'a', offset_bucket: null }],
    ['none.parquet', 'data', 0, { place: null, offset_bucket: null }],
    ['a1.parquet', 'data', 0, { place: 'a', offset_bucket: null }],
    ['b1.parquet', 'data', 0, { place: 'b', offset_bucket: null }],
  ]);
  expect(files[3]!.equalityIds).toEqual([6]);
  expect(files[1]!.referencedDataFile).toBe('mem://table/data/a1.parquet');
  const data = await collect(metadataTables.dataFiles(metadata, io));
  expect(data).toEqual(files.filter((file) => file.content === 'data'));
  const deletes = await collect(metadataTables.deleteFiles(metadata, io));
  expect(deletes).toEqual(files.filter((file) => file.content !== 'data'));
});

test('partitions count files, rows, bytes and deletes, and know who came last', async () => {
  const io = createMemoryFileIO();
  const { metadata } = await evolvedTable(io);
  const [one, two, three] = metadata.snapshots;
  const size = regionFile(io, 'a1', 'a').fileSizeInBytes;
  const nothing = {
    positionDeleteRecordCount: 0,
    positionDeleteFileCount: 0,
    equalityDeleteRecordCount: 0,
    equalityDeleteFileCount: 0,
  };
  const row = (place: string | null, bucket: number | null, files: number, by: typeof one, specId = 0) => ({
    partition: { place, offset_bucket: bucket },
    specId,
    recordCount: files * 3000,
    fileCount: files,
    totalDataFileSizeInBytes: files * size,
    ...nothing,
    lastUpdatedAtMs: by!.timestampMs,
    lastUpdatedSnapshotId: by!.snapshotId,
  });
  // Commits of the same millisecond: the one that is met first, which is the newer one.
  expect(await collect(metadataTables.partitions(metadata, io))).toEqual([
    row('a', 3, 1, three, 1),
    {
      ...row('a', null, 2, two),
      positionDeleteRecordCount: 11,
      positionDeleteFileCount: 2,
      equalityDeleteRecordCount: 2,
      equalityDeleteFileCount: 1,
    },
    row(null, null, 1, two),
    row('b', null, 1, one),
  ]);
});

test('who came last is unknown once its snapshot has expired; rows stay', async () => {
  const io = createMemoryFileIO();
  const { metadata } = await evolvedTable(io);
  const expired = update(
    metadata,
    { action: 'remove-snapshot-ref', refName: 'early' },
    { action: 'remove-snapshots', snapshotIds: metadata.snapshots.slice(0, 2).map((s) => s.snapshotId) },
  );
  const rows = await collect(metadataTables.partitions(expired, io));
  expect(rows.map((row) => [row.partition.place, row.fileCount, row.lastUpdatedSnapshotId])).toEqual([
    ['a', 1, expired.currentSnapshotId],
    ['a', 2, undefined],
    [null, 1, undefined],
    ['b', 1, undefined],
  ]);
});

test('a partition is told apart by value and type, not by how its values are written', async () => {
  const io = createMemoryFileIO();
  const files = ['null', null, '', 'string null'].map((region, i) => regionFile(io, `f${i}`, region));
  const metadata = await append(emptyRegionTable(), io, files);
  const rows = await collect(metadataTables.partitions(metadata, io));
  expect(rows.map((row) => row.partition.region)).toEqual(['null', null, '', 'string null']);
});

test('a name that a later field took over stays with the later one', async () => {
  const io = createMemoryFileIO();
  let metadata = await append(emptyRegionTable(), io, [regionFile(io, 'a', 'a')]);
  metadata = update(
    metadata,
    {
      action: 'add-spec',
      spec: {
        fields: [
          { sourceId: 20, name: 'region', transform: 'identity' },
          { sourceId: 6, name: 'b', transform: 'bucket[4]' },
        ],
      },
    },
    { action: 'add-spec', spec: { fields: [{ sourceId: 6, name: 'b', transform: 'bucket[8]' }] } },
    { action: 'set-default-spec', specId: -1 },
  );
  metadata = await append(metadata, io, [{ ...regionFile(io, 'c', null), specId: 2, partition: [7] }]);
  const rows = await collect(metadataTables.files(metadata, io));
  expect(rows.map((row) => row.partition)).toEqual([
    { region: null, b_1001: null, b: 7 },
    { region: 'a', b_1001: null, b: null },
  ]);
});

test('a snapshot, a ref or a time shows the files of then; nothing selected by mistake is an error at once', async () => {
  const io = createMemoryFileIO();
  const { metadata, first } = await evolvedTable(io);
  const names = async (selection: Parameters<typeof metadataTables.files>[2]) =>
    (await collect(metadataTables.files(metadata, io, selection))).map(nameOf);
  expect(await names({ snapshotId: first })).toEqual(['a1.parquet', 'b1.parquet']);
  expect(await names({ ref: 'early' })).toEqual(['a1.parquet', 'b1.parquet']);
  for (const table of ['files', 'dataFiles', 'deleteFiles', 'entries', 'manifests', 'partitions'] as const) {
    expect(() => metadataTables[table](metadata, io, { ref: 'no such' })).toThrow(/SNAPSHOT_NOT_FOUND/);
    expect(() => metadataTables[table](metadata, io, { snapshotId: 5n })).toThrow(/SNAPSHOT_NOT_FOUND/);
  }
});

test('a table without snapshots has no files, entries, manifests and partitions', async () => {
  const io = createMemoryFileIO();
  for (const table of ['files', 'entries', 'manifests', 'partitions', 'allFiles', 'allManifests'] as const) {
    expect(await collect<unknown>(metadataTables[table](emptyRegionTable(), io))).toEqual([]);
  }
  expect(io.reads).toEqual([]);
});

test('entries are what the manifests say, with the snapshot and numbers of each file', async () => {
  const io = createMemoryFileIO();
  const { metadata, first } = await evolvedTable(io);
  const entries = await collect(metadataTables.entries(metadata, io));
  const last = entries.at(-1)!;
  expect(last).toMatchObject({
    status: 'added',
    snapshotId: first,
    sequenceNumber: 1n,
    fileSequenceNumber: 1n,
  });
  expect(nameOf(last.dataFile)).toBe('b1.parquet');
  expect(last.dataFile).not.toHaveProperty('readableMetrics');
  expect(last.readableMetrics.segment_offset).toEqual({
    lowerBound: 2n ** 53n,
    upperBound: 2n ** 53n + 2999n,
  });
  expect(entries.map((entry) => entry.sequenceNumber)).toEqual([3n, 2n, 2n, 2n, 2n, 2n, 1n, 1n]);
});

/** A snapshot of one manifest that removed `gone`, kept `kept` and added `new`; without manifest list it is as in v1. */
async function rewrittenTable(io: MemoryFileIO, withList: boolean): Promise<TableMetadata> {
  const metadata = await append(emptyRegionTable(), io, [regionFile(io, 'first', 'a')]);
  const [snapshot] = metadata.snapshots;
  const { snapshotId, sequenceNumber } = snapshot!;
  const numbers = { snapshotId, sequenceNumber, fileSequenceNumber: sequenceNumber };
  const entries = [
    { status: 'deleted', dataFile: regionFile(io, 'gone', 'a'), ...numbers },
    { status: 'existing', dataFile: regionFile(io, 'kept', 'a'), ...numbers },
  ] as const;
  const location = 'mem://table/metadata/rewritten.avro';
  const input = {
    metadata,
    spec: metadata.partitionSpecs[0]!,
    content: 'data',
    snapshotId,
    entries,
  } as const;
  const [encoded] = encodeManifests(input, () => location);
  io.files.set(location, encoded!.bytes);
  const list = ManifestList.of([withSequenceNumber(encoded!.manifest, sequenceNumber)]);
  io.files.set(snapshot!.manifestList, list.encode({ snapshotId, sequenceNumber }));
  return withList ? metadata : { ...metadata, snapshots: [{ ...snapshot!, manifests: [location] }] };
}

test.each([true, false])(
  'deleted entries are entries, not files (with a manifest list: %s)',
  async (withList) => {
    const io = createMemoryFileIO();
    const metadata = await rewrittenTable(io, withList);
    const entries = await collect(metadataTables.entries(metadata, io));
    expect(entries.map(({ status, dataFile }) => [status, nameOf(dataFile)])).toEqual([
      ['deleted', 'gone.parquet'],
      ['existing', 'kept.parquet'],
    ]);
    expect((await collect(metadataTables.files(metadata, io))).map(nameOf)).toEqual(['kept.parquet']);
    expect((await collect(metadataTables.allFiles(metadata, io))).map(nameOf)).toEqual(['kept.parquet']);
    const [partition] = await collect(metadataTables.partitions(metadata, io));
    expect(partition).toMatchObject({ fileCount: 1, recordCount: 3000 });
    const [manifest] = await collect(metadataTables.manifests(metadata, io));
    expect(manifest!.deletedDataFilesCount).toBe(withList ? 1 : undefined);
  },
);

test('a partition of files of two specs is one, and bounds are text that people read', async () => {
  const io = createMemoryFileIO();
  const region = { sourceId: 20, name: 'region', transform: 'identity' };
  let metadata = update(
    emptyRegionTable(),
    { action: 'add-spec', spec: { fields: [region, { sourceId: 8, name: 'hour', transform: 'hour' }] } },
    { action: 'set-default-spec', specId: -1 },
  );
  metadata = await append(metadata, io, [
    { ...regionFile(io, 'new', 'a'), specId: 1, partition: ['a', null] },
    { ...regionFile(io, 'hour', 'a'), specId: 1, partition: ['a', 419_686] },
  ]);
  metadata = await append(metadata, io, [regionFile(io, 'old', 'a')]);
  const rows = await collect(metadataTables.partitions(metadata, io));
  expect(rows.map((row) => [row.partition, row.specId, row.fileCount])).toEqual([
    [{ region: 'a', hour: null }, 1, 2],
    [{ region: 'a', hour: 419_686 }, 1, 1],
  ]);
  const [, manifest] = await collect(metadataTables.manifests(metadata, io));
  expect(manifest!.partitionSummaries[1]).toEqual({
    containsNull: true,
    containsNan: false,
    lowerBound: '2017-11-16-22',
    upperBound: '2017-11-16-22',
  });
});

test('manifests count data files and delete files apart, bounds as text', async () => {
  const io = createMemoryFileIO();
  const { metadata, first } = await evolvedTable(io);
  const rows = await collect(metadataTables.manifests(metadata, io));
  expect(
    rows.map((row) => [row.content, row.partitionSpecId, row.addedDataFilesCount, row.addedDeleteFilesCount]),
  ).toEqual([
    ['data', 1, 1, 0],
    ['deletes', 0, 0, 3],
    ['data', 0, 2, 0],
    ['data', 0, 2, 0],
  ]);
  expect(rows[2]!.partitionSummaries).toEqual([
    { containsNull: true, containsNan: false, lowerBound: 'a', upperBound: 'a' },
  ]);
  expect(rows[3]!.addedSnapshotId).toBe(first);
  expect(rows[3]!.length).toBe(io.files.get(rows[3]!.path)!.length);
  const all = await collect(metadataTables.allManifests(metadata, io));
  expect(all.map((row) => row.referenceSnapshotId)).toEqual(
    metadata.snapshots.flatMap((snapshot, i) =>
      Array(i === 0 ? 1 : i === 1 ? 3 : 4).fill(snapshot.snapshotId),
    ),
  );
});

test('all files are those of every snapshot, each manifest read once', async () => {
  const io = createMemoryFileIO();
  const { metadata } = await evolvedTable(io);
  io.reads.splice(0);
  const names = (await collect(metadataTables.allFiles(metadata, io))).map(nameOf);
  expect(names.sort()).toEqual([
    'a1.parquet',
    'a2.parquet',
    'a3.parquet',
    'b1.parquet',
    'e',
    'none.parquet',
    'p',
    'q',
  ]);
  expect(io.reads).toHaveLength(3 + 4);
  expect(new Set(io.reads).size).toBe(3 + 4);
  const data = await collect(metadataTables.allDataFiles(metadata, io));
  const deletes = await collect(metadataTables.allDeleteFiles(metadata, io));
  expect(data.length + deletes.length).toBe(names.length);
  expect(deletes.map(nameOf)).toEqual(['p', 'q', 'e']);
});

test('the first rows cost a few manifests, and every iteration starts anew', async () => {
  const io = createMemoryFileIO();
  let metadata = emptyRegionTable();
  for (let i = 0; i < 30; i += 1) metadata = await append(metadata, io, [regionFile(io, `f${i}`, 'a')]);
  io.reads.splice(0);
  const files = metadataTables.files(metadata, io);
  expect(io.reads).toEqual([]);
  for await (const file of files) {
    expect(nameOf(file)).toBe('f29.parquet');
    break;
  }
  // The list, this manifest and three read ahead.
  expect(io.reads).toHaveLength(5);
  expect(await collect(files)).toHaveLength(30);
});

test('a bound that is no value of its column is an error that names file and column', async () => {
  const io = createMemoryFileIO();
  const file = { ...regionFile(io, 'a', 'a'), lowerBounds: new Map([[6, Uint8Array.of(1, 2, 3)]]) };
  const metadata = await append(emptyRegionTable(), io, [file]);
  await expect(collect(metadataTables.files(metadata, io))).rejects.toThrow(
    /INVALID_MANIFEST: .*segment_offset of mem:\/\/table\/data\/a\.parquet/,
  );
});

test('metrics are named by path, keep what is written before a widening, and leave out what has no form', async () => {
  const io = createMemoryFileIO();
  const base = emptyRegionTable();
  const [schema] = base.schemas;
  const fields = [
    { id: 30, name: 'wide', required: false, type: 'long' },
    {
      id: 31,
      name: 'place',
      required: false,
      type: { type: 'struct', fields: [{ id: 32, name: 'city', required: false, type: 'string' }] },
    },
    {
      id: 33,
      name: 'tags',
      required: false,
      type: { type: 'list', elementId: 34, elementRequired: false, element: 'float' },
    },
    { id: 35, name: 'shape', required: false, type: 'geometry' },
    { id: 36, name: '__proto__', required: false, type: 'int' },
  ] as const;
  const evolved = {
    ...base,
    schemas: [{ ...schema!, fields }],
    lastColumnId: 36,
    partitionSpecs: [{ specId: 0, fields: [] }],
  };
  const file: DataFile = {
    ...regionFile(io, 'a', null),
    partition: [],
    columnSizes: new Map([[30, 17]]),
    valueCounts: new Map([
      [30, 5],
      [34, 9],
    ]),
    nullValueCounts: new Map([[30, 1]]),
    nanValueCounts: new Map([[34, 2]]),
    // An int of four bytes, from before the column was widened.
    lowerBounds: new Map([
      [30, encodeSingleValue('int', -5)],
      [32, encodeSingleValue('string', 'Ulm')],
      [35, Uint8Array.of(1)],
      [36, encodeSingleValue('int', 1)],
    ]),
    upperBounds: new Map([
      [30, encodeSingleValue('long', 2n ** 60n)],
      [99, Uint8Array.of(1)],
    ]),
  };
  const metadata = await append(evolved, io, [file]);
  const [row] = await collect(metadataTables.files(metadata, io));
  expect(Object.entries(row!.readableMetrics)).toEqual([
    ['__proto__', { lowerBound: 1 }],
    ['place.city', { lowerBound: 'Ulm' }],
    ['shape', {}],
    ['tags.element', { valueCount: 9, nanValueCount: 2 }],
    ['wide', { columnSize: 17, valueCount: 5, nullValueCount: 1, lowerBound: -5n, upperBound: 2n ** 60n }],
  ]);
});
