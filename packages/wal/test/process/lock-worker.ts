import { parentPort, workerData } from 'node:worker_threads';
import { openWal, WalError } from '../../src/index.ts';

/** Tries to open the log from another thread; answers with 'opened' or the error's code. */
try {
  const wal = await openWal({ dir: workerData as string });
  await wal.close();
  parentPort!.postMessage('opened');
} catch (error) {
  parentPort!.postMessage(WalError.is(error) ? error.code : String(error));
}
