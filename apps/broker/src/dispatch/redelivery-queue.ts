import type { StoredMessage } from '@danube/storage';

/** A message to be delivered again. */
export interface Redelivery {
  readonly message: StoredMessage;
  /** Deliveries so far. */
  readonly attempt: number;
  /** Not before this time, in milliseconds of the clock that `takeDue` is given. */
  readonly dueMs: number;
}

/**
 * Messages that wait for another delivery. Holds at most one window of unacknowledged messages; the lowest
 * offset that is due goes first, so that order is restored as far as it can be.
 */
export class RedeliveryQueue {
  readonly #entries = new Map<number, Redelivery>();
  #nextDueMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#entries.size;
  }

  /** When the next entry is due; infinity when there is none. May be too early after a deletion, never too late. */
  get nextDueMs(): number {
    return this.#entries.size === 0 ? Number.POSITIVE_INFINITY : this.#nextDueMs;
  }

  add(entry: Redelivery): void {
    this.#entries.set(entry.message.offset, entry);
    this.#nextDueMs = Math.min(this.#nextDueMs, entry.dueMs);
  }

  delete(offset: number): void {
    this.#entries.delete(offset);
  }

  clear(): void {
    this.#entries.clear();
    this.#nextDueMs = Number.POSITIVE_INFINITY;
  }

  /** Removes and returns the entry with the lowest offset among those due, or undefined. */
  takeDue(nowMs: number): Redelivery | undefined {
    if (this.#entries.size === 0 || this.#nextDueMs > nowMs) return undefined;
    let best: Redelivery | undefined;
    let nextDueMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.dueMs <= nowMs && (best === undefined || entry.message.offset < best.message.offset))
        best = entry;
    }
    if (best !== undefined) this.#entries.delete(best.message.offset);
    for (const entry of this.#entries.values()) nextDueMs = Math.min(nextDueMs, entry.dueMs);
    this.#nextDueMs = nextDueMs;
    return best;
  }
}
