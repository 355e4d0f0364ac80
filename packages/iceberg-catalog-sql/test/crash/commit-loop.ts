/**
 * Commits appends to one table until it has done as many as asked, or is killed, and says which ones resolved.
 * Arguments: directory, table, name of this process, how many. A conflict is what it is for: reload and try again.
 */
import { writeSync } from 'node:fs';
import { IcebergError, prepareAppend } from '@danube/iceberg';
import { loopProcess } from '../support/loop-process.ts';

const { catalog, io, table, who, count } = await loopProcess();

let conflicts = 0;
for (let i = 1; i <= count; i += 1) {
  const snapshotId = await commit(i);
  writeSync(1, `${i} ${snapshotId}\n`);
}
writeSync(1, `conflicts ${conflicts}\n`);
await catalog.close();

async function commit(i: number): Promise<bigint> {
  for (;;) {
    const base = await catalog.loadTable(table);
    const prepared = await prepareAppend({ base, io, dataFiles: [], setProperties: { [who]: String(i) } });
    try {
      await catalog.commitTable(table, prepared.request);
      return prepared.snapshotId;
    } catch (error) {
      if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
      conflicts += 1;
    }
  }
}
