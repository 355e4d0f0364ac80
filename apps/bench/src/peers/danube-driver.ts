// @danube/wal as a user has it: every append awaited, checksums on (they cannot be turned off).
// danube-driver always|periodic DIR OUTSTANDING BYTES MILLISECONDS
import { openWal } from '@danube/wal';
import { closedLoop, driverArguments } from './closed-loop.ts';

const driver = driverArguments();
const wal = await openWal({
  dir: driver.dir,
  sync: process.argv[2] === 'periodic' ? { kind: 'periodic', intervalMs: 1000 } : { kind: 'always' },
});
const record = { type: 1, payload: driver.payload };
await closedLoop(driver, () => wal.append(record));
await wal.close();
