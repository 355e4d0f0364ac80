/**
 * Commits transactions of many kinds to one table until it has done as many as asked, and says what became of each.
 * Arguments: directory, table, name of this process, how many. Other processes do the same at the same time: what
 * conflicts is rebased by the commit loop, and of each contested file one of them gets to remove it.
 */
import { writeSync } from 'node:fs';
import {
  type CommitTransactionOptions,
  commitTransaction,
  type DataFile,
  deleteDataFiles,
  fastAppend,
  IcebergError,
  mergeAppend,
  overwriteFiles,
  rewriteFiles,
  rewriteManifests,
  type TableOperation,
  updateProperties,
} from '@danube/iceberg';
import { loopProcess } from '../support/loop-process.ts';
import { contestedName, fileNamed } from '../support/named-files.ts';

const { catalog, io, table, who, count } = await loopProcess();

/** The files of this process that must be live at the end. */
const live: DataFile[] = [];
let attempts = 0;
for (let i = 1; i <= count; i += 1) await turn(i);
writeSync(1, `attempts ${attempts}\n`);
writeSync(1, `live ${live.map(({ filePath }) => filePath.slice(filePath.lastIndexOf('/') + 1)).join(' ')}\n`);
await catalog.close();

async function turn(i: number): Promise<void> {
  const file = fileNamed(`${who}-${i}`);
  if (i % 10 === 0) return contest(i);
  if (i % 10 === 9) return commit(i, rewriteManifests());
  if (i % 5 === 3 && live.length >= 2) {
    const merged = { ...file, recordCount: live[0]!.recordCount + live[1]!.recordCount };
    await commit(i, rewriteFiles({ removeDataFiles: live.splice(0, 2), addDataFiles: [merged] }));
    return void live.push(merged);
  }
  if (i % 5 === 4) return commit(i, deleteDataFiles({ files: live.splice(0, 1) }));
  const append = (i % 2 === 0 ? fastAppend : mergeAppend)({ dataFiles: [file] });
  await commit(i, append, updateProperties({ set: { [who]: String(i) } }));
  live.push(file);
}

/** Both processes want this file replaced by one of their own: one of them is too late, and is told so. */
async function contest(i: number): Promise<void> {
  const own = fileNamed(`${who}-${i}`);
  const contested = fileNamed(contestedName(i));
  try {
    await commit(i, overwriteFiles({ removeDataFiles: [contested], addDataFiles: [own] }));
    live.push(own);
    writeSync(1, `won ${contestedName(i)}\n`);
  } catch (error) {
    // Removed before this one looked, or between its look and its commit.
    if (!IcebergError.is(error, 'INVALID_ARGUMENT') && !IcebergError.is(error, 'COMMIT_CONFLICT'))
      throw error;
    writeSync(1, `lost ${contestedName(i)}\n`);
  }
}

async function commit(i: number, ...operations: TableOperation[]): Promise<void> {
  const options: CommitTransactionOptions = { retry: { numRetries: 1000, minWaitMs: 1, maxWaitMs: 50 } };
  const done = await commitTransaction({ catalog, identifier: table, io }, operations, options);
  attempts += done.attempts;
  for (const { snapshotId } of done.snapshots) writeSync(1, `${i} ${snapshotId}\n`);
}
