import { expect, test } from 'vitest';
import { encodeAvroFile } from '../avro/avro-file-writer.ts';
import { field, optional, primitive, record } from '../avro/avro-type.ts';
import {
  type Catalog,
  type CreateTableOptions,
  createManifestListCache,
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  type FileIO,
  IcebergError,
  type LoadedTable,
  loadTableMetadata,
  type ManifestEntry,
  type PrepareAppendOptions,
  prepareAppend,
  readManifest,
  readSnapshotManifests,
} from '../index.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import { ManifestList } from '../manifest/manifest-list.ts';

const identifier = { namespace: ['default'], name: 'orders' };
const schema: CreateTableOptions['schema'] = {
  fields: [
    { id: 1, name: 'segment_offset', required: true, type: 'long' },
    { id: 2, name: 'append_time', required: true, type: 'timestamptz' },
    { id: 3, name: 'payload', required: false, type: 'binary' },
  ],
};

async function newTable(properties: Record<string, string> = {}): Promise<{
  io: MemoryFileIO;
  catalog: Catalog;
  table: LoadedTable;
}> {
  const io = createMemoryFileIO();
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh/' });
  await catalog.createNamespace(['default']);
  const table = await catalog.createTable(identifier, {
    schema,
    partitionSpec: { fields: [{ sourceId: 2, name: 'append_day', transform: 'day' }] },
    properties,
  });
  return { io, catalog, table };
}

function dataFile(name: string, day: number | null, rows = 10): DataFile {
  return {
    content: 'data',
    filePath: `mem://wh/default/orders/data/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition: [day],
    specId: 0,
    recordCount: rows,
    fileSizeInBytes: 1000,
    columnSizes: new Map([
      [1, 100],
      [3, 2 ** 40],
    ]),
    valueCounts: new Map([[1, rows]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)]]),
    upperBounds: new Map([[1, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0)]]),
    splitOffsets: [4, 500],
    sortOrderId: 0,
  };
}

async function entriesOf(io: MemoryFileIO, table: LoadedTable): Promise<ManifestEntry[]> {
  const snapshot = currentSnapshot(table.metadata);
  const entries: ManifestEntry[] = [];
  for (const manifest of await readSnapshotManifests(io, snapshot!)) {
    entries.push(...(await readManifest(io, table.metadata, manifest)));
  }
  return entries;
}

test('appends add up: files, sequence numbers, partitions and metrics come back as they were given', async () => {
  const { io, catalog, table } = await newTable();
  const files = [dataFile('a', 20000), dataFile('b', null), dataFile('c', -1)];
  const first = await prepareAppend({ base: table, io, dataFiles: files.slice(0, 2) });
  const afterFirst = await catalog.commitTable(identifier, first.request);
  const second = await prepareAppend({ base: afterFirst, io, dataFiles: files.slice(2) });
  const afterSecond = await catalog.commitTable(identifier, second.request);

  const entries = await entriesOf(io, afterSecond);
  expect(entries.map((entry) => entry.dataFile)).toEqual([files[2], files[0], files[1]]);
  expect(entries.map((entry) => entry.sequenceNumber)).toEqual([2n, 1n, 1n]);
  expect(entries.map((entry) => entry.snapshotId)).toEqual([
    second.snapshotId,
    first.snapshotId,
    first.snapshotId,
  ]);
  const snapshot = currentSnapshot(afterSecond.metadata)!;
  expect(snapshot.parentSnapshotId).toBe(first.snapshotId);
  expect(snapshot.summary).toMatchObject({
    operation: 'append',
    'added-data-files': '1',
    'changed-partition-count': '1',
    'total-data-files': '3',
    'total-records': '30',
    'total-files-size': '3000',
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  });
  expect(await loadTableMetadata(io, afterSecond.metadataLocation)).toEqual(afterSecond.metadata);
});

test('an append without files makes a snapshot without a manifest of its own and keeps the totals', async () => {
  const { io, catalog, table } = await newTable();
  const first = await catalog.commitTable(
    identifier,
    (await prepareAppend({ base: table, io, dataFiles: [dataFile('a', 1)] })).request,
  );
  const empty = await prepareAppend({
    base: first,
    io,
    dataFiles: [],
    setProperties: { 'danube.ledger./default/orders': '{}' },
    tags: ['danube.ledger'],
    summary: { 'danube.ranges': '0-9' },
  });
  expect(empty.writtenFiles).toHaveLength(1);
  const after = await catalog.commitTable(identifier, empty.request);
  expect(after.metadata.properties['danube.ledger./default/orders']).toBe('{}');
  expect(after.metadata.refs).toEqual({
    main: { snapshotId: empty.snapshotId, type: 'branch' },
    'danube.ledger': { snapshotId: empty.snapshotId, type: 'tag' },
  });
  expect(currentSnapshot(after.metadata)!.summary).toMatchObject({
    'danube.ranges': '0-9',
    'total-records': '10',
    'changed-partition-count': '0',
  });
  expect(await entriesOf(io, after)).toHaveLength(1);
});

test('the same request lands once: sent again it conflicts, and so does one made on an older base', async () => {
  const { io, catalog, table } = await newTable();
  const commit = await prepareAppend({ base: table, io, dataFiles: [dataFile('a', 1)], tags: ['t'] });
  const late = await prepareAppend({ base: table, io, dataFiles: [dataFile('b', 1)], tags: ['t'] });
  const after = await catalog.commitTable(identifier, commit.request);
  for (const request of [commit.request, late.request]) {
    const error = await catalog.commitTable(identifier, request).catch((cause: unknown) => cause);
    expect(IcebergError.is(error, 'COMMIT_CONFLICT')).toBe(true);
  }
  expect((await catalog.loadTable(identifier)).metadata).toEqual(after.metadata);
});

test('with a cache a series of appends reads no manifest and no list', async () => {
  const { io, catalog, table } = await newTable();
  const manifestListCache = createManifestListCache();
  let base = table;
  for (let i = 0; i < 5; i += 1) {
    const { request } = await prepareAppend({
      base,
      io,
      dataFiles: [dataFile(`f${i}`, i)],
      manifestListCache,
    });
    base = await catalog.commitTable(identifier, request);
  }
  expect(io.reads).toEqual([]);
  expect(await entriesOf(io, base)).toHaveLength(5);
});

test('manifests of several specs are written in one commit, one each', async () => {
  const { io, catalog, table } = await newTable();
  const after = await catalog.commitTable(identifier, {
    requirements: [],
    updates: [
      { action: 'add-spec', spec: { fields: [] } },
      { action: 'set-default-spec', specId: -1 },
    ],
  });
  const files = [dataFile('a', 1), { ...dataFile('b', 1), partition: [], specId: 1 }, dataFile('c', 2)];
  const { request, writtenFiles } = await prepareAppend({ base: after, io, dataFiles: files });
  expect(writtenFiles).toHaveLength(3);
  const done = await catalog.commitTable(identifier, request);
  const read = (await entriesOf(io, done)).map((entry) => entry.dataFile);
  expect(read).toEqual([files[1], files[0], files[2]]);
  expect(currentSnapshot(done.metadata)!.summary['changed-partition-count']).toBe('3');
  expect(table.metadata.partitionSpecs).toHaveLength(1);
});

test('the retention settings of moved refs stay', async () => {
  const { io, catalog, table } = await newTable();
  const first = await prepareAppend({ base: table, io, dataFiles: [], tags: ['t'] });
  const { snapshotId } = first;
  await catalog.commitTable(identifier, first.request);
  const base = await catalog.commitTable(identifier, {
    requirements: [],
    updates: [
      { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId, minSnapshotsToKeep: 7 },
      { action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId, maxRefAgeMs: 1000 },
    ],
  });
  const second = await prepareAppend({ base, io, dataFiles: [], tags: ['t'] });
  const { refs } = (await catalog.commitTable(identifier, second.request)).metadata;
  expect(refs).toEqual({
    main: { type: 'branch', snapshotId: second.snapshotId, minSnapshotsToKeep: 7 },
    t: { type: 'tag', snapshotId: second.snapshotId, maxRefAgeMs: 1000 },
  });
});

test('the snapshot time is the given one, but not before the table was updated last', async () => {
  const { io, table } = await newTable();
  const { lastUpdatedMs } = table.metadata;
  const early = await prepareAppend({ base: table, io, dataFiles: [], timestampMs: 1000 });
  expect(early.snapshot.timestampMs).toBe(lastUpdatedMs);
  const late = await prepareAppend({ base: table, io, dataFiles: [], timestampMs: lastUpdatedMs + 99 });
  expect(late.snapshot.timestampMs).toBe(lastUpdatedMs + 99);
});

test('manifest and manifest list are named after commit and snapshot, in the metadata folder', async () => {
  const { io, table } = await newTable({ 'write.metadata.path': 'mem://meta' });
  const { writtenFiles, snapshotId } = await prepareAppend({
    base: table,
    io,
    dataFiles: [dataFile('a', 1)],
    snapshotId: 2n ** 63n - 1n,
  });
  expect(snapshotId).toBe(2n ** 63n - 1n);
  expect(writtenFiles[0]).toMatch(/^mem:\/\/meta\/[0-9a-f-]{36}-m0\.avro$/);
  expect(writtenFiles[1]).toMatch(/^mem:\/\/meta\/snap-9223372036854775807-1-[0-9a-f-]{36}\.avro$/);
  expect(io.writes.slice(-2).sort()).toEqual([...writtenFiles].sort());
});

test('a parent whose summary lacks totals is counted once, and the next summary has all six', async () => {
  const { io, catalog, table } = await newTable();
  const first = await catalog.commitTable(
    identifier,
    (await prepareAppend({ base: table, io, dataFiles: [dataFile('a', 1, 7), dataFile('b', 2, 5)] })).request,
  );
  const [snapshot] = first.metadata.snapshots;
  const summary = { operation: 'append', 'total-records': '12' };
  const base = { ...first, metadata: { ...first.metadata, snapshots: [{ ...snapshot!, summary }] } };
  const next = await prepareAppend({ base, io, dataFiles: [dataFile('c', 3, 1)] });
  expect(next.snapshot.summary).toMatchObject({
    'total-data-files': '3',
    'total-records': '13',
    'total-files-size': '3000',
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  });
});

test('a manifest without a live file is not carried on', async () => {
  const { io, catalog, table } = await newTable();
  const first = await prepareAppend({ base: table, io, dataFiles: [dataFile('a', 1)] });
  const base = await catalog.commitTable(identifier, first.request);
  const [manifest] = await readSnapshotManifests(io, currentSnapshot(base.metadata)!);
  const dead = { ...manifest!, manifestPath: 'mem://dead', addedFilesCount: 0, deletedFilesCount: 1 };
  const list = ManifestList.of([dead, manifest!]);
  const bytes = list.encode({ snapshotId: first.snapshotId, sequenceNumber: 1n });
  io.files.set(first.snapshot.manifestList, bytes);
  const second = await prepareAppend({ base, io, dataFiles: [] });
  expect(await readSnapshotManifests(io, second.snapshot)).toEqual([manifest]);
});

test('a failed write leaves nothing behind: the commit was never sent', async () => {
  const { io, table } = await newTable();
  const before = [...io.files.keys()];
  const failing: FileIO = {
    ...io,
    writeFile: (location, data, options) =>
      location.includes('/snap-')
        ? Promise.reject(Object.assign(new Error('disk full'), { retryable: true }))
        : io.writeFile(location, data, options),
  };
  const error = await prepareAppend({ base: table, io: failing, dataFiles: [dataFile('a', 1)] }).catch(
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: 'IO_ERROR', retryable: true });
  expect(io.writes.at(-1)).toMatch(/-m0\.avro$/);
  expect([...io.files.keys()]).toEqual(before);
});

test('a parent list that cannot be read fails the append before anything is written', async () => {
  const { io, catalog, table } = await newTable();
  const first = await prepareAppend({ base: table, io, dataFiles: [dataFile('a', 1)] });
  const base = await catalog.commitTable(identifier, first.request);
  const before = io.writes.length;
  io.files.set(first.snapshot.manifestList, Uint8Array.of(1, 2, 3));
  await expect(prepareAppend({ base, io, dataFiles: [] })).rejects.toThrow(/^INVALID_MANIFEST/);
  io.files.delete(first.snapshot.manifestList);
  await expect(prepareAppend({ base, io, dataFiles: [] })).rejects.toThrow(/^IO_ERROR/);
  expect(io.writes).toHaveLength(before);
});

test.each<[string, Partial<PrepareAppendOptions>]>([
  ['a delete file', { dataFiles: [{ ...dataFile('a', 1), content: 'position-deletes' }] }],
  ['a file given twice', { dataFiles: [dataFile('a', 1), dataFile('a', 2)] }],
  ['a row count that is none', { dataFiles: [{ ...dataFile('a', 1), recordCount: -1 }] }],
  ['a partition of the wrong type', { dataFiles: [{ ...dataFile('a', 1), partition: ['x'] }] }],
  ['main as a tag', { tags: ['main'] }],
  ['a tag named twice', { tags: ['t', 't'] }],
  ['snapshot id 0', { snapshotId: 0n }],
  ['a snapshot id beyond 64 bits', { snapshotId: 2n ** 63n }],
])('%s is INVALID_ARGUMENT and writes nothing', async (_, options) => {
  const { io, table } = await newTable();
  const before = io.writes.length;
  await expect(prepareAppend({ base: table, io, dataFiles: [], ...options })).rejects.toThrow(
    /^INVALID_ARGUMENT/,
  );
  expect(io.writes).toHaveLength(before);
});

test('tables of other formats than v2 are not appended to', async () => {
  const { io, table } = await newTable();
  for (const formatVersion of [1, 3] as const) {
    const base = { ...table, metadata: { ...table.metadata, formatVersion } };
    await expect(prepareAppend({ base, io, dataFiles: [] })).rejects.toThrow(/^UNSUPPORTED_FORMAT_VERSION/);
  }
});

test('a list of a v1 table, which may lack counts, is counted before it is carried on', async () => {
  const { io, catalog, table } = await newTable();
  const files = [dataFile('a', 1, 7), dataFile('b', 2, 5)];
  const first = await prepareAppend({ base: table, io, dataFiles: files });
  const base = await catalog.commitTable(identifier, first.request);
  const [manifest] = await readSnapshotManifests(io, first.snapshot);
  const v1 = encodeAvroFile({
    type: record('manifest_file', [
      field(500, 'manifest_path', primitive('string')),
      field(501, 'manifest_length', primitive('long')),
      field(502, 'partition_spec_id', primitive('int')),
      field(503, 'added_snapshot_id', optional(primitive('long'))),
    ]),
    records: [[manifest!.manifestPath, manifest!.manifestLength, 0, first.snapshotId]],
  });
  io.files.set(first.snapshot.manifestList, v1);
  const second = await prepareAppend({ base, io, dataFiles: [] });
  expect(await readSnapshotManifests(io, second.snapshot)).toMatchObject([
    {
      manifestPath: manifest!.manifestPath,
      addedFilesCount: 2,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: 12,
    },
  ]);
});

test('properties are set as updateProperties sets them: what the metadata itself says is refused, unchanged ones are not sent', async () => {
  const { io, table: base } = await newTable({ same: '1' });
  const prepared = (setProperties: Record<string, string>) =>
    prepareAppend({ base, io, dataFiles: [], setProperties });
  for (const key of ['format-version', 'current-schema']) {
    await expect(prepared({ [key]: '1' })).rejects.toThrow(`INVALID_ARGUMENT: property ${key}`);
  }
  const { request } = await prepared({ same: '1' });
  expect(request.updates.map(({ action }) => action)).toEqual(['add-snapshot', 'set-snapshot-ref']);
});
