import { parentPort, workerData } from 'node:worker_threads';
import { openWal, WalError } from '../../src/index.ts';

/**
 * Tries to open the log from another thread, when `gate` opens; answers with 'opened' or the error's code. Closes the log
 * at the first message, and answers 'closed'.
 */
const { dir, gate } = workerData as { dir: string; gate?: Int32Array };
if (gate) Atomics.wait(gate, 0, 0);
try {
  const wal = await openWal({ dir });
  parentPort!.once('message', async () => {
    await wal.close();
    parentPort!.postMessage('closed');
  });
  parentPort!.postMessage('opened');
} catch (error) {
  parentPort!.postMessage(WalError.is(error) ? error.code : String(error));
}
