import { countBetween } from './checks.ts';
import { abortedError, ResilienceError } from './errors.ts';

/** At most so many pieces of work at once; the rest wait in the order in which they came. */
export interface ConcurrencyLimit {
  /** Pieces of work under way. */
  readonly active: number;
  /** Pieces of work waiting. */
  readonly queued: number;
  /**
   * Runs `work` when its turn comes; the turn ends when its promise settles. Rejects, without having called `work`,
   * with `OVERLOADED` when the queue is full and with `ABORTED` when `signal` fires before the turn comes. Once
   * `work` is called, `signal` is its own business.
   */
  run<T>(work: () => T | PromiseLike<T>, signal?: AbortSignal): Promise<T>;
}

/**
 * A limit of `max` (1 or more, `Infinity` for none) pieces of work at once and `maxQueued` (0 or more, default
 * `Infinity`) waiting.
 */
export function createConcurrencyLimit(max: number, maxQueued = Number.POSITIVE_INFINITY): ConcurrencyLimit {
  countBetween('max', max, 1, Number.POSITIVE_INFINITY);
  countBetween('maxQueued', maxQueued, 0, Number.POSITIVE_INFINITY);
  return new FifoLimit(max, maxQueued);
}

/**
 * Not cockatiel's bulkhead: there a waiter whose signal fires keeps its place and hears of it only when its turn
 * comes, and a newcomer may take the turn that a waiter was just promised (ADR 0040).
 */
class FifoLimit implements ConcurrencyLimit {
  readonly #max: number;
  readonly #maxQueued: number;
  /**
   * By number, as at a counter: the first and one that is aborted are both found in constant time. (A `Set` finds its
   * first entry by passing all places that have become empty before it.)
   */
  readonly #waiters = new Map<number, () => void>();
  #lastNumber = 0;
  /** No waiter has a lower number. */
  #nextNumber = 1;
  #active = 0;

  constructor(max: number, maxQueued: number) {
    this.#max = max;
    this.#maxQueued = maxQueued;
  }

  get active(): number {
    return this.#active;
  }

  get queued(): number {
    return this.#waiters.size;
  }

  async run<T>(work: () => T | PromiseLike<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) throw this.#aborted(signal);
    if (this.#active < this.#max) this.#active += 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiters.size >= this.#maxQueued) {
      const context = { max: this.#max, maxQueued: this.#maxQueued };
      throw new ResilienceError('OVERLOADED', 'as many calls as allowed are under way and waiting', {
        context,
      });
    }
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    return new Promise((resolve, reject) => {
      const take = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        signal?.removeEventListener('abort', leave);
        this.#waiters.delete(number);
        reject(this.#aborted(signal as AbortSignal));
      };
      this.#waiters.set(number, take);
      signal?.addEventListener('abort', leave);
    });
  }

  /** The turn passes straight to the first waiter: `#active` does not change, so no newcomer can step in between. */
  #release(): void {
    const take = this.#shift();
    if (take === undefined) this.#active -= 1;
    else take();
  }

  #shift(): (() => void) | undefined {
    if (this.#waiters.size === 0) return undefined;
    // Numbers of waiters that have left are passed, each once.
    while (!this.#waiters.has(this.#nextNumber)) this.#nextNumber += 1;
    const take = this.#waiters.get(this.#nextNumber);
    this.#waiters.delete(this.#nextNumber);
    return take;
  }

  #aborted(signal: AbortSignal): ResilienceError {
    return abortedError(signal, 'a call waiting for its turn', { sent: false });
  }
}
