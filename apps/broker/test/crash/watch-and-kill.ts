// Stands between a broker and whoever watches it: passes its log on, and kills it the moment a chosen phase begins.
// A process of its own, because the one that makes the load is too busy to hit a phase of a few milliseconds.
import { createInterface } from 'node:readline';

/** Sent by the parent: kill `pid` when `phase` begins, `delayMs` later. */
export interface KillOrder {
  readonly pid: number;
  readonly phase: string;
  readonly delayMs: number;
}

let order: KillOrder | undefined;
process.on('message', (message: KillOrder) => {
  order = message;
});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (order !== undefined && line.includes(`"phase":"${order.phase}","state":"begin"`)) {
      const { pid, delayMs } = order;
      order = undefined;
      if (delayMs > 0) setTimeout(() => process.kill(pid, 'SIGKILL'), delayMs);
      else process.kill(pid, 'SIGKILL');
    }
    process.stdout.write(`${line}\n`);
  })
  .on('close', () => process.disconnect?.());
