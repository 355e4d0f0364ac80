import type { WalError } from './errors.ts';
import type { Segment } from './segment.ts';

interface Waiter {
  readonly target: number;
  readonly resolve: (durableOffset: number) => void;
  readonly reject: (error: Error) => void;
}

/** What the stream needs of the log. */
export interface SyncedLog {
  readonly active: Segment;
  readonly failure: WalError | undefined;
  fail(cause: unknown): void;
  /** The durable end moved. */
  advanced(): void;
}

/**
 * The one stream of syncs of what was written and not yet made durable, and the durable end of the log. Parallel syncs
 * of one file help nobody: a sync covers everything written before it starts, and whoever asks before that shares it.
 */
export class SyncStream {
  readonly #log: SyncedLog;
  #durableNext: number;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  /** The next sync is due even if every record is durable. */
  #forced = false;
  /** In no order: a truncation waits for less than a sync() before it. */
  #waiters: Waiter[] = [];

  constructor(log: SyncedLog, durableNext: number) {
    this.#log = log;
    this.#durableNext = durableNext;
  }

  /** Every record below this is durable. */
  get durableNext(): number {
    return this.#durableNext;
  }

  /** Resolves when the syncs asked for so far are done. */
  get idle(): Promise<void> {
    return this.#running;
  }

  /** Whether a waiter waits only for a sync, its records being written. */
  hasWaiterAtOrBelow(writtenNext: number): boolean {
    return this.#waiters.some((waiter) => waiter.target <= writtenNext);
  }

  /** Resolves, with the last durable offset, when everything below `target` is durable. */
  waitFor(target: number): Promise<number> {
    if (this.#log.failure) return Promise.reject(this.#log.failure);
    if (this.#durableNext >= target) return Promise.resolve(this.#durableNext - 1);
    return new Promise((resolve, reject) => this.#waiters.push({ target, resolve, reject }));
  }

  /** Syncs what is written when the sync starts. Never rejects: a failure goes to the log. */
  request(): Promise<void> {
    if (!this.#queued) {
      this.#queued = this.#running.then(() => {
        this.#queued = undefined;
        return this.#sync();
      });
      this.#running = this.#queued;
    }
    return this.#queued;
  }

  /** Syncs even if every record is durable: for what else was done to the file, through the same one descriptor. */
  force(): Promise<void> {
    this.#forced = true;
    return this.request();
  }

  async #sync(): Promise<void> {
    const segment = this.#log.active;
    const { size, nextOffset, file } = segment;
    const due = this.#forced || segment.durableSize !== size;
    this.#forced = false;
    if (this.#log.failure || !due || !file) return;
    try {
      await file.sync();
    } catch (error) {
      this.#log.fail(error);
      return;
    }
    if (this.#log.failure) return; // of something beside it: nothing more is promised
    this.advance(segment, size, nextOffset);
    this.#log.advanced();
  }

  /** A sync that started when the segment ended at `size` and `nextOffset` succeeded. */
  advance(segment: Segment, size: number, nextOffset: number): void {
    segment.durableSize = Math.max(segment.durableSize, size);
    this.#durableNext = Math.max(this.#durableNext, nextOffset);
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter((waiter) => waiter.target <= this.#durableNext);
    this.#waiters = this.#waiters.filter((waiter) => waiter.target > this.#durableNext);
    for (const waiter of reached) waiter.resolve(this.#durableNext - 1);
  }

  /** Rejects whoever waits for records at or above `nextOffset`; whether anybody did. */
  rejectAbove(nextOffset: number, error: Error): boolean {
    const lost = this.#waiters.filter((waiter) => waiter.target > nextOffset);
    this.#waiters = this.#waiters.filter((waiter) => waiter.target <= nextOffset);
    for (const waiter of lost) waiter.reject(error);
    return lost.length > 0;
  }
}
