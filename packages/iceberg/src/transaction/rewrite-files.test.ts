import { expect, test } from 'vitest';
import {
  dataFile,
  equalityDeletes,
  liveEntries,
  liveFiles,
  newTestTable,
  positionDeletes,
  rowDelta,
} from '../../test/support/transaction-table.ts';
import { type DataFile, fastAppend, rewriteFiles, updatePartitionSpec } from '../index.ts';

const [a1, a2, b1] = [dataFile('a1'), dataFile('a2', 'a', [10, 19]), dataFile('b1', 'b')];
const compacted: DataFile = { ...dataFile('compacted', 'a', [0, 19]), recordCount: 20 };

async function tableOfThree() {
  const table = await newTestTable();
  for (const file of [a1, a2, b1]) await table.commit(fastAppend({ dataFiles: [file] }));
  return table;
}

test('replaced rows keep the data sequence number of the base, and get the file sequence number of the commit', async () => {
  const table = await tableOfThree();
  const { table: after, snapshots } = await table.commit(
    rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [compacted] }),
  );
  expect(await liveFiles(table)).toEqual(['b1', 'compacted']);
  const entry = (await liveEntries(table, after)).get('compacted')!;
  expect(entry).toMatchObject({ status: 'added', sequenceNumber: 3n, fileSequenceNumber: 4n });
  expect(snapshots[0]!.summary).toMatchObject({
    operation: 'replace',
    'added-records': '20',
    'deleted-records': '20',
    'total-records': '30',
  });
});

test('equality deletes that others committed meanwhile stay, and concern the new file', async () => {
  const table = await tableOfThree();
  const base = await table.load();
  await table.commit(rowDelta([equalityDeletes('e')]));
  const rewrite = rewriteFiles({ removeDataFiles: [a1, a2, b1], addDataFiles: [compacted] });
  const { table: after } = await table.commit(rewrite, { base });
  const live = await liveEntries(table, after);
  // Were it dropped as older than every live file, or the file numbered anew, deleted rows would be back.
  expect([...live.keys()].sort()).toEqual(['compacted', 'e']);
  expect(live.get('compacted')!.sequenceNumber).toBe(3n);
  expect(live.get('e')!.sequenceNumber).toBe(4n);
});

test('equality deletes committed meanwhile are a conflict when rows move to another partition spec, where they would be back', async () => {
  const table = await tableOfThree();
  await table.commit(updatePartitionSpec((spec) => spec.removeField('category').addField('id', 'bucket[2]')));
  const base = await table.load();
  const moved: DataFile = { ...compacted, partition: [0], specId: 1 };
  const rewrite = rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [moved] });
  await table.commit(rowDelta([equalityDeletes('other', 'b')]));
  await table.commit(rowDelta([equalityDeletes('e')]));
  await expect(table.commit(rewrite, { base })).rejects.toThrow(
    /^COMMIT_CONFLICT.*e.parquet was added meanwhile/,
  );
  // Within their spec the deletes still concern the rows.
  const within = rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [compacted] });
  await table.commit(within, { base });
  expect(await liveFiles(table)).toEqual(['b1', 'compacted', 'e', 'other']);
});

test('deletes that were applied go by name; older ones than every live file go by themselves', async () => {
  const table = await tableOfThree();
  await table.commit(rowDelta([equalityDeletes('e'), positionDeletes('p', a1)]));
  const [e, p] = [equalityDeletes('e'), positionDeletes('p', a1)];
  const applied = { ...compacted, recordCount: 17 };
  await table.commit(
    rewriteFiles({ removeDataFiles: [a1, a2], removeDeleteFiles: [p], addDataFiles: [applied] }),
  );
  expect(await liveFiles(table)).toEqual(['b1', 'compacted', 'e']);
  await table.commit(
    rewriteFiles({
      removeDataFiles: [b1],
      addDataFiles: [dataFile('b2', 'b')],
      dataSequenceNumber: 'commit',
    }),
  );
  // The compacted file has the number of the base, 4: `e` with the same number cannot concern it, but that is kept.
  expect(await liveFiles(table)).toEqual(['b2', 'compacted', 'e']);
  await table.commit(rewriteFiles({ removeDeleteFiles: [e] }));
  expect(await liveFiles(table)).toEqual(['b2', 'compacted']);
});

test('a number below that of a replaced file is refused: old deletes would hit young rows', async () => {
  const table = await tableOfThree();
  const rewrite = (dataSequenceNumber: bigint) =>
    table.commit(rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [compacted], dataSequenceNumber }));
  await expect(rewrite(1n)).rejects.toThrow(/^INVALID_ARGUMENT.*data sequence number 2/);
  await expect(rewrite(4n)).rejects.toThrow(/^INVALID_ARGUMENT.*not between/);
  await expect(rewrite(-1n)).rejects.toThrow(/^INVALID_ARGUMENT/);
  await rewrite(2n);
  expect((await liveEntries(table, await table.load())).get('compacted')!.sequenceNumber).toBe(2n);
});

test('the number of the commit may be wanted', async () => {
  const table = await tableOfThree();
  const { table: after } = await table.commit(
    rewriteFiles({ removeDataFiles: [a1], addDataFiles: [dataFile('r')], dataSequenceNumber: 'commit' }),
  );
  expect((await liveEntries(table, after)).get('r')!.sequenceNumber).toBe(4n);
});

test('a file that is not live is INVALID_ARGUMENT and nothing changes', async () => {
  const table = await tableOfThree();
  const { metadataLocation } = await table.load();
  const gone = dataFile('gone');
  for (const operation of [
    rewriteFiles({ removeDataFiles: [gone], addDataFiles: [dataFile('r')] }),
    rewriteFiles({ removeDeleteFiles: [equalityDeletes('e')] }),
  ]) {
    await expect(table.commit(operation)).rejects.toThrow(/^INVALID_ARGUMENT.*not a live file/);
  }
  expect((await table.load()).metadataLocation).toBe(metadataLocation);
});

test.each<[string, Parameters<typeof rewriteFiles>[0]]>([
  ['nothing to replace', { addDataFiles: [compacted] }],
  ['more rows than there were', { removeDataFiles: [a1], addDataFiles: [compacted] }],
  ['rows for delete files', { removeDeleteFiles: [equalityDeletes('e')], addDataFiles: [a1] }],
  ['a delete file among the data files', { removeDataFiles: [equalityDeletes('e')] }],
  ['a data file among the delete files', { removeDeleteFiles: [a1] }],
  ['a file replaced by itself', { removeDataFiles: [a1], addDataFiles: [a1] }],
])('%s is refused at once', (_, options) => {
  expect(() => rewriteFiles(options)).toThrow(/^INVALID_ARGUMENT/);
});
