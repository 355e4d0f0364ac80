import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadText } from './payload.ts';

/**
 * Child process of the fault tests. It appends, syncs, rotates and truncates in a fixed order while the disk fails
 * under it, and prints what it was told, one line at a time and before it goes on, so that the lines stand in the
 * system call trace where they happened:
 *
 * - `opening`, then `open EPOCH FIRST NEXT` or `open-failed CODE CAUSE`, after which it opens again
 * - `try NUMBER`, before each append, then one of the next two
 * - `ack NUMBER FIRST COUNT DURABLE`, `synced OFFSET`, `rotated`, `truncating OFFSET`, `truncated OFFSET`, `closing`,
 *   `closed`
 * - `error WHAT NUMBER CODE CAUSE`: an operation failed; NUMBER is that of the append, or `-`
 * - `error background - CODE CAUSE`: the log had stopped without an operation to tell it to
 * - `probe WHAT CODE`: the same operations on a log that has failed
 * - `end`
 *
 * Arguments: URL of the package's source, directory, sync mode, `abandon`, `close`, or `reopen` to close and open again,
 * and how many bytes of filler are kept ahead.
 */
const [module = '', dir = '', mode = 'always', ending = 'abandon', ahead = '0'] = process.argv.slice(2);
const { openWal } = (await import(module)) as typeof import('../../src/index.ts');
type Wal = Awaited<ReturnType<typeof openWal>>;

/** So large that it is written from the caller's memory, with pwritev. */
const BIG_BYTES = 40_000;

const say = (line: string) => writeSync(1, `${line}\n`);
const code = (error: unknown) => (error as { code?: string }).code ?? String(error);
const cause = (error: unknown) => code((error as { cause?: unknown }).cause ?? {});
const record = (number: number, index: number, bytes = 300) => ({
  type: 1,
  payload: Buffer.from(payloadText(number, index, bytes)),
});
/** Names of new segments must be known beforehand to fault them by name. */
let random = 0;
const randomBytes = (length: number) => new Uint8Array(length).fill(++random);

let number = 0;

async function open(): Promise<Wal> {
  for (let attempt = 0; attempt < 4; attempt++) {
    say('opening');
    try {
      const wal = await openWal({
        dir,
        sync: mode === 'periodic' ? { kind: mode, intervalMs: 1 } : { kind: mode as 'always' | 'none' },
        maxFileSizeBytes: 64 * 1024,
        preallocateBytes: Number(ahead),
        randomBytes,
      });
      say(`open ${wal.epoch} ${wal.firstOffset} ${wal.nextOffset}`);
      return wal;
    } catch (error) {
      say(`open-failed ${code(error)} ${cause(error)}`);
    }
  }
  throw new Error('the log could not be opened');
}

/** Runs one operation; once more if the disk was full, since the fault is over by then. */
async function step(what: string, run: () => Promise<void>): Promise<string | undefined> {
  for (let attempt = 0; ; attempt++) {
    const mine = number;
    const failed = await run().then(
      () => undefined,
      (error: unknown) => {
        say(`error ${what} ${number > mine ? number : '-'} ${code(error)} ${cause(error)}`);
        return code(error);
      },
    );
    // Time for a periodic sync.
    if (mode === 'periodic') await sleep(4);
    if (failed !== 'WAL_NO_SPACE' || attempt === 1) return failed;
  }
}

async function append(wal: Wal): Promise<void> {
  const mine = ++number;
  say(`try ${mine}`);
  const { offset, durable } = await wal.append(record(mine, 0));
  say(`ack ${mine} ${offset} 1 ${durable}`);
}

async function appendBatch(wal: Wal, bytes?: number): Promise<void> {
  const mine = ++number;
  say(`try ${mine}`);
  const { firstOffset, lastOffset, durable } = await wal.appendBatch([
    record(mine, 0),
    record(mine, 1, bytes),
  ]);
  say(`ack ${mine} ${firstOffset} ${lastOffset - firstOffset + 1} ${durable}`);
}

async function run(wal: Wal): Promise<void> {
  const steps: [string, () => Promise<void>][] = [
    ['append', () => append(wal)],
    ['appendBatch', () => appendBatch(wal, BIG_BYTES)],
    ['append', () => append(wal)],
    ['sync', async () => void say(`synced ${await wal.sync()}`)],
    ['append', () => append(wal)],
    ['rotate', () => wal.rotate().then(() => void say('rotated'))],
    ['appendBatch', () => appendBatch(wal)],
    [
      'truncate',
      async () => {
        const { firstOffset } = wal.segments().at(-1)!;
        say(`truncating ${firstOffset}`);
        await wal.truncateBefore(firstOffset);
        say(`truncated ${firstOffset}`);
      },
    ],
    ['appendBatch', () => appendBatch(wal, BIG_BYTES)],
    ['append', () => append(wal)],
  ];
  for (const [what, operation] of steps) {
    if ((await step(what, operation)) !== 'WAL_FAILED') continue;
    await probe(wal);
    return;
  }
  // What happens in the background may have failed after the last step.
  await sleep(10);
  if (!wal.failure) return;
  say(`error background - ${code(wal.failure)} ${cause(wal.failure)}`);
  await probe(wal);
}

/** A log that failed must refuse everything, also later. */
async function probe(wal: Wal): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (const [what, operation] of [
      ['append', () => wal.append(record(++number, 0))],
      ['appendBatch', () => wal.appendBatch([record(++number, 0), record(number, 1)])],
      ['sync', () => wal.sync()],
      ['rotate', () => wal.rotate()],
      ['truncateBefore', () => wal.truncateBefore(0)],
    ] as const) {
      const answer = await operation().then(() => 'resolved', code);
      say(`probe ${what} ${answer}`);
    }
    await sleep(5);
  }
}

let wal = await open();
await run(wal);
if (ending !== 'abandon') {
  say('closing');
  await wal.close().then(
    () => say('closed'),
    (error: unknown) => say(`error close - ${code(error)} ${cause(error)}`),
  );
}
if (ending === 'reopen') {
  // In the same process, so that a lock still held would show.
  wal = await open();
  await step('append', () => append(wal));
}
say('end');
process.exit(0); // without closing: like a crash, but after everything was said
