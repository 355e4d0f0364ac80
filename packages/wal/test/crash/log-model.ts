import { strict as assert } from 'node:assert';
import type * as wal from '../../src/index.ts';

/** The package under test: the real one, or a mutant of it. */
export type WalModule = Pick<typeof wal, 'openWal' | 'WalError'>;

/** What the end of a life took: unsynced data, the process, trust in the page cache, or nothing. */
export type Lost = 'power' | 'process' | 'failure' | 'nothing';

/**
 * What must be true of the log, kept beside it.
 *
 * `written` maps each offset to the text last submitted there. `promised` is the end of what survives a power
 * loss, `kept` of what survives a killed process. Offsets given up by WAL_FAILED or a crash may have survived,
 * but only as part of an unbroken run.
 */
export class LogModel {
  readonly written = new Map<number, string>();
  readonly atomic: { first: number; last: number }[] = [];
  promised = 0;
  kept = 0;
  /** Numbers the records of this run, so that a seed gives the same bytes whatever ran before. */
  submitted = 0;
  confirmedFirst = 0;
  requestedCut = 0;
  epoch = 0;
  logId = '';

  submit(offset: number, text: string): void {
    // An offset given out again: what was there, and all after it, was rejected by a full disk.
    for (let old = offset; this.written.delete(old); old++);
    while (this.atomic.length > 0 && this.atomic.at(-1)!.last >= offset) this.atomic.pop();
    this.written.set(offset, text);
  }

  submitBatch(first: number, texts: readonly string[]): void {
    for (const [i, text] of texts.entries()) this.submit(first + i, text);
    this.atomic.push({ first, last: first + texts.length - 1 });
  }

  rejected(first: number, last: number, text: string): void {
    // The offset may have been given to another record since.
    if (this.written.get(first) !== text) return;
    for (let offset = first; offset <= last; offset++) this.written.delete(offset);
  }

  /** Everything below `next` was acknowledged, or shown to a reader. */
  acknowledged(next: number, durable: boolean): void {
    if (durable) this.promised = Math.max(this.promised, next);
    this.kept = Math.max(this.kept, next);
  }

  /** The log was opened and holds [first, next): check it against everything promised. */
  check(log: wal.Wal, texts: ReadonlyMap<number, string>, lost: Lost): void {
    const floor = lost === 'power' ? this.promised : this.kept;
    assert(
      log.nextOffset >= floor,
      `log ends at ${log.nextOffset}, ${floor} was promised after losing ${lost}`,
    );
    assert.equal(log.durableOffset, log.nextOffset - 1, 'what was recovered is not durable');
    assert(log.firstOffset >= this.confirmedFirst, 'a confirmed truncation came undone');
    assert(log.firstOffset <= this.requestedCut, 'more was truncated than asked for');
    assert(log.epoch > this.epoch, `epoch ${log.epoch} follows ${this.epoch}`);
    if (this.logId) assert.equal(log.logId, this.logId);
    for (let offset = log.firstOffset; offset < log.nextOffset; offset++) {
      assert.equal(texts.get(offset), this.written.get(offset), `record ${offset}`);
    }
    assert.equal(texts.size, log.nextOffset - log.firstOffset, 'records outside the log');
    for (const { first, last } of this.atomic) {
      assert(log.nextOffset <= first || log.nextOffset > last, `atomic batch ${first}..${last} is split`);
    }
    // What the reopened log shows is durable from now on, and what it does not show is gone for good.
    for (const offset of [...this.written.keys()]) if (offset >= log.nextOffset) this.written.delete(offset);
    this.atomic.splice(0, this.atomic.length, ...this.atomic.filter(({ last }) => last < log.nextOffset));
    this.promised = log.nextOffset;
    this.kept = log.nextOffset;
    this.confirmedFirst = log.firstOffset;
    this.epoch = log.epoch;
    this.logId = log.logId;
  }
}

/** Every record, by offset. None comes twice, and their times do not go back. */
export async function readAll(log: wal.Wal, from: number): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  let before = 0;
  for await (const batch of log.read({ from })) {
    for (const { offset, payload, timestampMs } of batch) {
      assert(timestampMs >= before, `time goes back at record ${offset}`);
      before = timestampMs;
      assert(!texts.has(offset), `record ${offset} was read twice`);
      texts.set(offset, Buffer.from(payload).toString());
    }
  }
  return texts;
}

/** Whether the error says that the simulated machine lost power, or the process was killed. */
export function isMachineDown(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === 'ESIMCRASH') return true;
  }
  return false;
}
