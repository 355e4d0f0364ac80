import { openWal, type SyncMode } from '../../src/index.ts';
import { payloadText } from './payload.ts';

/**
 * Child process of the kill tests: opens the log, prints `open EPOCH NEXT`, then appends for ever, printing `ack FIRST
 * LAST EPOCH NUMBER` for each acknowledgement. Arguments: directory, sync mode, and `hold` to keep the log open without appending.
 */
const [dir = '', kind = 'always', hold] = process.argv.slice(2);
const sync: SyncMode = kind === 'periodic' ? { kind, intervalMs: 20 } : { kind: kind as 'always' | 'none' };
const wal = await openWal({ dir, sync, maxFileSizeBytes: 64 * 1024, maxBatchBytes: 16 * 1024 });
process.stdout.write(`open ${wal.epoch} ${wal.nextOffset}\n`);

async function appendForEver(lane: number): Promise<void> {
  for (let number = lane; ; number += 8) {
    const payload = Buffer.from(payloadText(wal.epoch, number));
    if (number % 5 === 0) {
      const { firstOffset, lastOffset } = await wal.appendBatch([
        { type: 1, payload },
        { type: 2, payload },
      ]);
      process.stdout.write(`ack ${firstOffset} ${lastOffset} ${wal.epoch} ${number}\n`);
    } else {
      const { offset } = await wal.append({ type: 1, payload });
      process.stdout.write(`ack ${offset} ${offset} ${wal.epoch} ${number}\n`);
    }
  }
}

if (hold === 'hold') setInterval(() => {}, 1000);
else for (let lane = 0; lane < 8; lane++) void appendForEver(lane);
