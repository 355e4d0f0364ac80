/**
 * Commits appends to one table, as many as asked, whatever becomes of each, and says what did: `1 SNAPSHOT done`, or the
 * code of the error. Arguments: directory, table, name of this process, how many.
 */
import { writeSync } from 'node:fs';
import { IcebergError, prepareAppend } from '@danube/iceberg';
import { loopProcess } from '../support/loop-process.ts';

const { catalog, io, table, who, count } = await loopProcess();

for (let i = 1; i <= count; i += 1) {
  const base = await catalog.loadTable(table);
  const setProperties = { [who]: String(i) };
  const { request, snapshotId } = await prepareAppend({ base, io, dataFiles: [], setProperties });
  const outcome = await catalog.commitTable(table, request).then(
    () => 'done',
    (error: unknown) => (IcebergError.is(error) ? error.code : 'something else'),
  );
  writeSync(1, `${i} ${snapshotId} ${outcome}\n`);
}
// A fault that closing meets is told of elsewhere.
await catalog.close().catch(() => undefined);
