// lmdb-js with the durability we promise. Its `put` resolves when the transaction is committed and visible, which
// with `overlappingSync` (its default) is before it is on the disk; `separateFlushed` adds to that promise the one
// that resolves when this very transaction is flushed. Both are awaited: the first rejects when a commit fails.
// (`db.flushed` is the flush of the newest transaction, one too many for an append that waits only for its own.)
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { closedLoop, driverArguments } from './closed-loop.ts';

interface Lmdb {
  open(options: object): {
    put(key: number, value: Buffer): Promise<boolean> & { readonly flushed: Promise<unknown> };
    close(): Promise<void>;
  };
}

// Installed by the bench into the folder this driver is started in; never a dependency of ours.
const { open } = createRequire(join(process.cwd(), 'driver.cjs'))('lmdb') as Lmdb;
const driver = driverArguments();
const db = open({
  path: join(driver.dir, 'lmdb'),
  keyEncoding: 'uint32',
  encoding: 'binary',
  separateFlushed: true,
});
let key = 0;
await closedLoop(driver, async () => {
  const committed = db.put(key++, driver.payload);
  await committed;
  await committed.flushed;
});
await db.close();
