import { expect, test } from 'vitest';
import {
  type Catalog,
  type CreateTableOptions,
  createManifestListCache,
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  IcebergError,
  type LoadedTable,
  loadTableMetadata,
  type ManifestEntry,
  prepareAppend,
  readManifest,
  readSnapshotManifests,
} from './index.ts';
import { createMemoryFileIO, type MemoryFileIO } from './memory-file-io.ts';

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
