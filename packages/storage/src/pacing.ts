import { type Backoff, createBackoff } from '@danube/resilience';
import type { CommitBudget, ResolvedOptions } from './options.ts';

/** Waits between attempts when the catalog or the store fails: doubling, with 50–100 % jitter. */
export function createRetryBackoff(options: Pick<ResolvedOptions, 'retry' | 'random'>): Backoff {
  const { minDelayMs, maxDelayMs } = options.retry;
  return createBackoff({ initialDelayMs: minDelayMs, maxDelayMs, jitter: 'half' }, options.random);
}

/**
 * The broker's commit budget: how many commits are under way and how many start in a second. Waiters are
 * served in the order they came, so no table starves another.
 */
export class CommitPacer {
  readonly #budget: Required<CommitBudget>;
  readonly #now: () => number;
  #inFlight = 0;
  #nextStartMs = 0;
  #queue: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(budget: Required<CommitBudget>, now: () => number) {
    this.#budget = budget;
    this.#now = now;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Runs `work` when the budget allows it. Rejects with the signal's reason if that fires before; not later. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      this.#serve();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(start), 1);
        if (this.#queue.length === 0) {
          clearTimeout(this.#timer);
          this.#timer = undefined;
        }
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.push(start);
      this.#serve();
    });
  }

  #serve(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#budget.concurrency) {
      const now = this.#now();
      // A burst of up to a quarter second may start at once; then the rate holds. Should the clock have been set
      // back, it is no reason to wait longer than one turn.
      this.#nextStartMs = Math.min(this.#nextStartMs, now + 250 + 1000 / this.#budget.perSecond);
      const earliest = this.#nextStartMs - 250;
      if (now < earliest) {
        if (this.#timer === undefined) {
          this.#timer = setTimeout(() => {
            this.#timer = undefined;
            this.#serve();
          }, earliest - now);
        }
        return;
      }
      this.#nextStartMs = Math.max(this.#nextStartMs, now) + 1000 / this.#budget.perSecond;
      this.#inFlight += 1;
      (this.#queue.shift() as () => void)();
    }
  }
}
