import { describe, expect, test } from 'vitest';
import {
  dataFile,
  equalityDeletes,
  liveEntries,
  liveFiles,
  newTestTable,
  positionDeletes,
  rowDelta,
} from '../../test/support/transaction-table.ts';
import {
  alwaysTrue,
  currentSnapshot,
  deleteDataFiles,
  encodeSingleValue,
  eq,
  fastAppend,
  lt,
  type ManifestEntry,
  mergeAppend,
  readManifest,
  readSnapshotManifests,
  rollbackToSnapshot,
  updateSchema,
} from '../index.ts';

const [a1, a2, b1] = [dataFile('a1'), dataFile('a2', 'a', [10, 19]), dataFile('b1', 'b')];

async function tableOf(...appends: (typeof a1)[][]) {
  const table = await newTestTable();
  for (const dataFiles of appends) await table.commit(fastAppend({ dataFiles }));
  return table;
}

test('a removed file becomes a deleted entry of this snapshot, the others of its manifest existing ones as they were', async () => {
  const table = await tableOf([a1, a2], [b1]);
  const before = await liveEntries(table, await table.load());
  const { table: after, snapshots } = await table.commit(deleteDataFiles({ files: [a1] }));
  const [first, second] = await readSnapshotManifests(table.io, snapshots[0]!);
  const entries: ManifestEntry[] = [...(await readManifest(table.io, after.metadata, second!))];
  const { snapshotId } = snapshots[0]!;
  expect(entries).toEqual([
    { ...before.get('a1')!, status: 'deleted', snapshotId },
    { ...before.get('a2')!, status: 'existing' },
  ]);
  // Untouched: another partition.
  expect(first!.addedSnapshotId).toBe(before.get('b1')!.snapshotId);
  expect(second).toMatchObject({
    existingFilesCount: 1,
    deletedFilesCount: 1,
    minSequenceNumber: 1n,
    sequenceNumber: 3n,
  });
  expect(snapshots[0]!.summary).toMatchObject({
    operation: 'delete',
    'deleted-data-files': '1',
    'deleted-records': '10',
    'removed-files-size': '1000',
    'changed-partition-count': '1',
    'total-data-files': '2',
    'total-records': '20',
    'manifests-created': '1',
    'manifests-kept': '1',
    'manifests-replaced': '1',
  });
});

test('what an older snapshot deleted is not carried on, nor a manifest that holds nothing else', async () => {
  const table = await tableOf([a1, a2], [b1]);
  await table.commit(deleteDataFiles({ files: [a1] }));
  const { snapshots } = await table.commit(deleteDataFiles({ paths: [a2.filePath] }));
  const counts = (await readSnapshotManifests(table.io, snapshots[0]!)).map((manifest) => [
    manifest.addedFilesCount,
    manifest.existingFilesCount,
    manifest.deletedFilesCount,
  ]);
  expect(counts).toEqual([
    [1, 0, 0],
    [0, 0, 1],
  ]);
  const next = await table.commit(fastAppend({ dataFiles: [] }));
  expect(await readSnapshotManifests(table.io, next.snapshots[0]!)).toHaveLength(1);
});

test('manifests that cannot hold the files are carried over unread, by partition and by filter', async () => {
  const table = await tableOf([a1], [a2], [b1]);
  const manifests = await readSnapshotManifests(table.io, currentSnapshot((await table.load()).metadata)!);
  const readsOf = async (operation: ReturnType<typeof deleteDataFiles>): Promise<number[]> => {
    table.io.reads.length = 0;
    await table.commit(operation);
    const paths = manifests.map(({ manifestPath }) => manifestPath);
    return paths
      .map((path, index) => (table.io.reads.includes(path) ? index : -1))
      .filter((index) => index >= 0);
  };
  expect(await readsOf(deleteDataFiles({ files: [b1] }))).toEqual([0]);
  expect(await readsOf(deleteDataFiles({ filter: eq('category', 'a') }))).toEqual([1, 2]);
});

test('a filter removes files of which every row matches, by metrics and by partition', async () => {
  const table = await tableOf([a1, a2, b1]);
  await table.commit(deleteDataFiles({ filter: lt('id', 10n) }));
  expect(await liveFiles(table)).toEqual(['a2']);
  await table.commit(fastAppend({ dataFiles: [b1] }));
  await table.commit(deleteDataFiles({ filter: eq('category', 'b') }));
  expect(await liveFiles(table)).toEqual(['a2']);
});

test('a file of which only some rows match is INVALID_ARGUMENT and named; nothing changes', async () => {
  const table = await tableOf([a1, a2, b1]);
  const files = [...table.io.files.keys()];
  const error = await table.commit(deleteDataFiles({ filter: lt('id', 15n) })).catch((cause) => cause);
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', context: { filePath: a2.filePath } });
  expect(await liveFiles(table)).toEqual(['a1', 'a2', 'b1']);
  expect([...table.io.files.keys()]).toEqual(files);
});

test('a partition loses all its files and their deletes', async () => {
  const table = await tableOf([a1, a2], [b1]);
  await table.commit(rowDelta([positionDeletes('p', a1), equalityDeletes('e'), equalityDeletes('f', 'b')]));
  await table.commit(deleteDataFiles({ partitions: [{ specId: 0, partition: ['a'] }] }));
  expect(await liveFiles(table)).toEqual(['b1', 'f']);
});

test('delete files older than every live data file go; one that concerns a live file stays', async () => {
  const table = await tableOf([a1]);
  await table.commit(rowDelta([equalityDeletes('old')]));
  await table.commit(fastAppend({ dataFiles: [a2] }));
  await table.commit(rowDelta([equalityDeletes('young')]));
  await table.commit(deleteDataFiles({ files: [a1] }));
  expect(await liveFiles(table)).toEqual(['a2', 'young']);
});

test('deletes that came in one commit with the oldest live data file stay: positions in it may be deleted', async () => {
  const table = await tableOf([a1]);
  await table.commit(rowDelta([positionDeletes('p', a2), equalityDeletes('e')], [a2]));
  await table.commit(deleteDataFiles({ files: [a1] }));
  expect(await liveFiles(table)).toEqual(['a2', 'e', 'p']);
});

test('a named file that is not live is INVALID_ARGUMENT, or passed over if allowed', async () => {
  const table = await tableOf([a1]);
  const { metadataLocation } = await table.load();
  for (const operation of [deleteDataFiles({ files: [a1, b1] }), deleteDataFiles({ paths: [b1.filePath] })]) {
    const error = await table.commit(operation).catch((cause) => cause);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', context: { missing: [b1.filePath] } });
  }
  await table.commit(deleteDataFiles({ paths: [b1.filePath], allowMissing: true }));
  expect((await table.load()).metadataLocation).toBe(metadataLocation);
  await table.commit(deleteDataFiles({ paths: [a1.filePath, b1.filePath], allowMissing: true }));
  expect(await liveFiles(table)).toEqual([]);
});

test('a filter that matches nothing makes no snapshot', async () => {
  const table = await tableOf([a1]);
  const { metadataLocation } = await table.load();
  const { snapshots } = await table.commit(deleteDataFiles({ filter: eq('category', 'zz') }));
  expect(snapshots).toEqual([]);
  expect((await table.load()).metadataLocation).toBe(metadataLocation);
});

test('everything can be removed at once', async () => {
  const table = await tableOf([a1, a2], [b1]);
  await table.commit(rowDelta([equalityDeletes('e')]));
  await table.commit(deleteDataFiles({ filter: alwaysTrue }));
  expect(await liveFiles(table)).toEqual([]);
});

test('a file that several entries name goes with all of them and counts once', async () => {
  const table = await tableOf([a1], [a1], [b1]);
  const { snapshots } = await table.commit(deleteDataFiles({ files: [a1] }));
  expect([...(await liveEntries(table, await table.load())).keys()]).toEqual(['b1']);
  expect(snapshots[0]!.summary).toMatchObject({ 'deleted-data-files': '1', 'deleted-duplicate-files': '1' });
});

test('filtered manifests serve every attempt: a conflict costs no second reading', async () => {
  const table = await tableOf([a1], [a2], [b1]);
  const base = await table.load();
  const manifests = await readSnapshotManifests(table.io, currentSnapshot(base.metadata)!);
  await table.commit(fastAppend({ dataFiles: [dataFile('late', 'c')] }));
  table.io.reads.length = 0;
  const { attempts } = await table.commit(deleteDataFiles({ paths: [a1.filePath] }), { base });
  expect(attempts).toBe(2);
  for (const { manifestPath } of manifests) {
    expect(table.io.reads.filter((path) => path === manifestPath).length).toBeLessThanOrEqual(1);
  }
  expect(await liveFiles(table)).toEqual(['a2', 'b1', 'late']);
});

test('operations of one transaction build on each other in every attempt, with the numbers of the one that lands', async () => {
  const table = await newTestTable({ 'commit.manifest.min-count-to-merge': '2' });
  await table.commit(fastAppend({ dataFiles: [b1] }));
  const base = await table.load();
  await table.commit(fastAppend({ dataFiles: [dataFile('late', 'c')] }));
  const { snapshots, table: after } = await table.commit(
    [
      fastAppend({ dataFiles: [a1, a2] }),
      deleteDataFiles({ files: [a1] }),
      mergeAppend({ dataFiles: [dataFile('a3')] }),
    ],
    { base },
  );
  const live = await liveEntries(table, after);
  const numbers = [...live].map(([name, entry]) => [name, entry.sequenceNumber, entry.fileSequenceNumber]);
  expect(Object.fromEntries(numbers.map(([name, ...rest]) => [name, rest]))).toEqual({
    b1: [1n, 1n],
    late: [2n, 2n],
    a2: [3n, 3n],
    a3: [5n, 5n],
  });
  expect(live.get('a2')!.snapshotId).toBe(snapshots[0]!.snapshotId);
});

test('what names nothing, or a file of the wrong kind, is refused at once', () => {
  expect(() => deleteDataFiles({})).toThrow(/^INVALID_ARGUMENT/);
  expect(() => deleteDataFiles({ files: [equalityDeletes('e')] })).toThrow(/^INVALID_ARGUMENT/);
  expect(() => deleteDataFiles({ files: [a1, a1] })).toThrow(/^INVALID_ARGUMENT/);
});

describe('what an earlier attempt found does not count on another base', () => {
  test('a filter whose column means another one by then removes nothing', async () => {
    const table = await newTestTable();
    await table.commit(fastAppend({ dataFiles: [dataFile('old')] }));
    const base = await table.load();
    await table.commit(updateSchema((schema) => schema.renameColumn('id', 'former')));
    await table.commit(updateSchema((schema) => schema.addColumn('id', { type: 'long' })));
    const bound = new Map([[3, encodeSingleValue('long', 50n)]]);
    const theirs = {
      ...dataFile('theirs', 'b'),
      valueCounts: new Map([[3, 10]]),
      nullValueCounts: new Map([[3, 0]]),
      lowerBounds: bound,
      upperBounds: bound,
    };
    await table.commit(fastAppend({ dataFiles: [theirs] }));
    const removal = table.commit(deleteDataFiles({ filter: lt('id', 10n) }), { base });
    await Promise.allSettled([removal]);
    expect(await liveFiles(table)).toEqual(['old', 'theirs']);
  });

  test('deletes that were too old for every file stay when an older file is back', async () => {
    const table = await newTestTable();
    const [gone, back] = [dataFile('gone'), dataFile('back')];
    await table.commit(fastAppend({ dataFiles: [gone, back] }));
    await table.commit(rowDelta([positionDeletes('deletes', back)]));
    const { snapshotId } = currentSnapshot((await table.load()).metadata)!;
    await table.commit(deleteDataFiles({ files: [back] }));
    await table.commit(fastAppend({ dataFiles: [dataFile('young')] }));
    const base = await table.load();
    await table.commit(rollbackToSnapshot(snapshotId));
    expect((await table.commit(deleteDataFiles({ files: [gone] }), { base })).attempts).toBe(2);
    expect(await liveFiles(table)).toEqual(['back', 'deletes']);
  });
});
