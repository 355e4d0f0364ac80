import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FileIO, TableIdentifier } from '@danube/iceberg';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { openSqlCatalog, type SqlCatalog } from '../../src/index.ts';

/** What a loop in `crash/` works with. */
export interface LoopProcess {
  readonly catalog: SqlCatalog;
  readonly io: FileIO;
  readonly table: TableIdentifier;
  /** Name of this process. */
  readonly who: string;
  /** How many commits are asked of it. */
  readonly count: number;
}

/**
 * Called by the process that `startCommitLoop` starts: opens what its arguments (directory, table, name of the process,
 * how many) name, says that it is ready, and waits for the starting signal.
 */
export async function loopProcess(): Promise<LoopProcess> {
  const [dir = '', name = '', who = '', count = ''] = process.argv.slice(2);
  const root = join(dir, 'warehouse');
  const warehouse = localBaseUri(root);
  const io = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: warehouse });
  const catalog = await openSqlCatalog({ file: join(dir, 'catalog.db'), name: 'danube', warehouse, io });
  writeSync(1, 'ready\n');
  await once(process.stdin, 'data');
  process.stdin.destroy();
  return { catalog, io, table: { namespace: ['default'], name }, who, count: Number(count) };
}
