/**
 * Commits appends to one table until it has done as many as asked, or is killed, and says which ones resolved.
 * Arguments: directory, table, name of this process, how many. A conflict is what it is for: reload and try again.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { IcebergError, prepareAppend } from '@danube/iceberg';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { openSqlCatalog } from '../../src/index.ts';

const [dir = '', name = '', who = '', count = ''] = process.argv.slice(2);
const root = join(dir, 'warehouse');
const io = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: localBaseUri(root) });
const catalog = await openSqlCatalog({
  file: join(dir, 'catalog.db'),
  name: 'danube',
  warehouse: localBaseUri(root),
  io,
});
const table = { namespace: ['default'], name };
writeSync(1, 'ready\n');
await once(process.stdin, 'data'); // the starting signal
process.stdin.destroy();

let conflicts = 0;
for (let i = 1; i <= Number(count); i += 1) {
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
