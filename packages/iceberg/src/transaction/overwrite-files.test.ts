import { expect, test } from 'vitest';
import {
  dataFile,
  equalityDeletes,
  liveFiles,
  newTestTable,
  positionDeletes,
  rowDelta,
} from '../../test/support/transaction-table.ts';
import { and, eq, fastAppend, gtEq, lt, overwriteFiles, replacePartitions, type Snapshot } from '../index.ts';

const [a1, a2, b1] = [dataFile('a1'), dataFile('a2', 'a', [10, 19]), dataFile('b1', 'b')];
const [n1, n2] = [dataFile('n1'), dataFile('n2', 'b')];

async function tableOfThree() {
  const table = await newTestTable();
  await table.commit(fastAppend({ dataFiles: [a1, a2, b1] }));
  return table;
}

test('files of a filter are replaced by others in one snapshot', async () => {
  const table = await tableOfThree();
  const { snapshots } = await table.commit(
    overwriteFiles({ filter: eq('category', 'a'), addDataFiles: [n1] }),
  );
  expect(await liveFiles(table)).toEqual(['b1', 'n1']);
  expect(snapshots[0]!.summary).toMatchObject({
    operation: 'overwrite',
    'added-data-files': '1',
    'deleted-data-files': '2',
    'added-records': '10',
    'deleted-records': '20',
  });
});

test('named files are replaced; their deletes stay as long as an older data file is there', async () => {
  const table = await tableOfThree();
  await table.commit(rowDelta([positionDeletes('p', a1)]));
  await table.commit(overwriteFiles({ removeDataFiles: [a1], addDataFiles: [n1] }));
  expect(await liveFiles(table)).toEqual(['a2', 'b1', 'n1', 'p']);
  await table.commit(overwriteFiles({ removeDataFiles: [a2, b1], addDataFiles: [n2] }));
  expect(await liveFiles(table)).toEqual(['n1', 'n2']);
});

test.each<[string, Parameters<typeof overwriteFiles>[0], string]>([
  ['only adding is an append', { addDataFiles: [n1] }, 'append'],
  ['only removing is a delete', { removeDataFiles: [a1] }, 'delete'],
  ['a filter without new files is a delete', { filter: lt('id', 10n) }, 'delete'],
  ['both is an overwrite', { removeDataFiles: [a1], addDataFiles: [n1] }, 'overwrite'],
])('%s', async (_, options, operation) => {
  const table = await tableOfThree();
  const { snapshots } = await table.commit(overwriteFiles(options));
  expect(snapshots.map((snapshot: Snapshot) => snapshot.summary.operation)).toEqual([operation]);
});

test('added files must match the filter when that is asked for', async () => {
  const table = await tableOfThree();
  const filter = and(eq('category', 'a'), gtEq('id', 0n), lt('id', 10n));
  const stray = dataFile('stray', 'a', [5, 12]);
  const overwrite = (file: typeof n1) =>
    table.commit(overwriteFiles({ filter, addDataFiles: [file], validateAddedFilesMatchFilter: true }));
  await expect(overwrite(stray)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    context: { filePath: stray.filePath },
  });
  await overwrite(n1);
  expect(await liveFiles(table)).toEqual(['a2', 'b1', 'n1']);
});

test('a partition is replaced with its deletes, others stay', async () => {
  const table = await tableOfThree();
  await table.commit(rowDelta([equalityDeletes('ea'), equalityDeletes('eb', 'b')]));
  const { snapshots } = await table.commit(replacePartitions({ addDataFiles: [n1] }));
  expect(await liveFiles(table)).toEqual(['b1', 'eb', 'n1']);
  expect(snapshots[0]!.summary).toMatchObject({ operation: 'overwrite', 'replace-partitions': 'true' });
});

test.each<[string, () => unknown]>([
  ['nothing to do', () => overwriteFiles({})],
  ['a file both removed and added', () => overwriteFiles({ removeDataFiles: [a1], addDataFiles: [a1] })],
  ['delete files to remove', () => overwriteFiles({ removeDataFiles: [equalityDeletes('e')] })],
  ['delete files to add', () => overwriteFiles({ addDataFiles: [equalityDeletes('e')] })],
  ['no filter to match', () => overwriteFiles({ addDataFiles: [n1], validateAddedFilesMatchFilter: true })],
  ['no partition to replace', () => replacePartitions({ addDataFiles: [] })],
])('%s is refused at once', (_, make) => {
  expect(make).toThrow(/^INVALID_ARGUMENT/);
});

test('a column that the filter names and the table has not is INVALID_ARGUMENT', async () => {
  const table = await tableOfThree();
  await expect(table.commit(overwriteFiles({ filter: eq('nope', 1n), addDataFiles: [n1] }))).rejects.toThrow(
    /^INVALID_ARGUMENT/,
  );
  expect(await liveFiles(table)).toEqual(['a1', 'a2', 'b1']);
});
