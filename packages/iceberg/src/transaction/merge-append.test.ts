import { expect, test } from 'vitest';
import {
  dataFile,
  equalityDeletes,
  liveEntries,
  liveFiles,
  newTestTable,
  rowDelta,
} from '../../test/support/transaction-table.ts';
import { fastAppend, type ManifestFile, mergeAppend, readSnapshotManifests } from '../index.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);

async function manifestsAfter(
  table: Awaited<ReturnType<typeof newTestTable>>,
): Promise<readonly ManifestFile[]> {
  return readSnapshotManifests(table.io, (await table.load()).metadata.snapshots.at(-1)!);
}

test('manifests are joined when the minimum count has gathered, and every file keeps its numbers', async () => {
  const table = await newTestTable({ 'commit.manifest.min-count-to-merge': '4' });
  const counts: number[] = [];
  for (const name of names(6)) {
    await table.commit(mergeAppend({ dataFiles: [dataFile(name)] }));
    counts.push((await manifestsAfter(table)).length);
  }
  expect(counts).toEqual([1, 2, 3, 1, 2, 3]);
  const live = await liveEntries(table, await table.load());
  expect([...live].map(([name, entry]) => [name, entry.sequenceNumber]).sort()).toEqual(
    names(6).map((name, index) => [name, BigInt(index + 1)]),
  );
  expect(await liveFiles(table)).toEqual(names(6));
});

test('delete manifests wait for the minimum count as data manifests do', async () => {
  const table = await newTestTable({ 'commit.manifest.min-count-to-merge': '3' });
  await table.commit(mergeAppend({ dataFiles: [dataFile('a')] }));
  await table.commit(rowDelta([equalityDeletes('d1')]));
  await table.commit(rowDelta([equalityDeletes('d2')]));
  await table.commit(mergeAppend({ dataFiles: [dataFile('b')] }));
  expect((await manifestsAfter(table)).map(({ content }) => content)).toEqual([
    'data',
    'data',
    'deletes',
    'deletes',
  ]);
});

test('a join of an earlier attempt does not serve when the numbers in it have become others', async () => {
  const table = await newTestTable({ 'commit.manifest.min-count-to-merge': '2' });
  const base = await table.load();
  // It takes a sequence number and adds no manifest: the second attempt joins the same ones.
  await table.commit(fastAppend({ dataFiles: [] }));
  const operations = [
    fastAppend({ dataFiles: [dataFile('first')] }),
    mergeAppend({ dataFiles: [dataFile('second')] }),
  ];
  const { table: after, attempts } = await table.commit(operations, { base });
  expect(attempts).toBe(2);
  const live = await liveEntries(table, after);
  expect([...live].map(([name, entry]) => [name, entry.sequenceNumber]).sort()).toEqual([
    ['first', 2n],
    ['second', 3n],
  ]);
});

test('without merging, and with one attempt or several, the manifests stay as they were written', async () => {
  const table = await newTestTable({
    'commit.manifest-merge.enabled': 'false',
    'commit.manifest.min-count-to-merge': '2',
  });
  for (const name of names(3)) await table.commit(mergeAppend({ dataFiles: [dataFile(name)] }));
  expect(await manifestsAfter(table)).toHaveLength(3);
});
