import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openWal, type SyncMode } from '../../src/index.ts';
import { payloadText } from './payload.ts';

/**
 * Child process of the kill tests: opens the log, appends for ever, and truncates now and then. It prints `opening`, `open
 * EPOCH FIRST NEXT`, then `ack FIRST LAST EPOCH NUMBER` for each acknowledgement, and `truncating OFFSET` and `truncated
 * FIRST` around each truncation. Arguments: directory, sync mode, and `hold` to keep the log open without appending,
 * `race` for the same after printing `ready` and waiting for input, or `once` to open and close.
 */
const [dir = '', kind = 'always', what = 'append'] = process.argv.slice(2);
// Waits until the line is out: process.stdout would keep it back when the reader is slow, and a kill would lose it.
const say = (line: string) => writeSync(1, `${line}\n`);
const sync: SyncMode = kind === 'periodic' ? { kind, intervalMs: 20 } : { kind: kind as 'always' | 'none' };
if (what === 'race') {
  say('ready');
  await once(process.stdin, 'data');
}
say('opening');
const wal = await openWal({ dir, sync, maxFileSizeBytes: 16 * 1024, maxBatchBytes: 8 * 1024 });
say(`open ${wal.epoch} ${wal.firstOffset} ${wal.nextOffset}`);

async function appendForEver(lane: number): Promise<void> {
  for (let number = lane; ; number += 8) {
    const payload = Buffer.from(payloadText(wal.epoch, number));
    if (number % 5 === 0) {
      const { firstOffset, lastOffset } = await wal.appendBatch([
        { type: 1, payload },
        { type: 2, payload },
      ]);
      say(`ack ${firstOffset} ${lastOffset} ${wal.epoch} ${number}`);
    } else {
      const { offset } = await wal.append({ type: 1, payload });
      say(`ack ${offset} ${offset} ${wal.epoch} ${number}`);
    }
    if (number % 48 === 0 && wal.segments().length > 3) {
      const { firstOffset } = wal.segments().at(-3)!;
      say(`truncating ${firstOffset}`);
      await wal.truncateBefore(firstOffset);
      say(`truncated ${wal.firstOffset}`);
    }
  }
}

if (what === 'once') await wal.close();
else if (what === 'append') for (let lane = 0; lane < 8; lane++) void appendForEver(lane);
else setInterval(() => {}, 1000);
