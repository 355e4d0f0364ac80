import type { CommitBudget, RetrySettings } from './options.ts';

/** Waits, or returns early when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
    function finish() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    }
  });
}

/** Waits between attempts: doubling, with 50–100 % jitter. */
export class Backoff {
  readonly #settings: Required<RetrySettings>;
  readonly #random: () => number;
  #attempt = 0;

  constructor(settings: Required<RetrySettings>, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  /** Attempts waited for so far. */
  get attempt(): number {
    return this.#attempt;
  }

  async wait(signal?: AbortSignal): Promise<void> {
    const { minDelayMs, maxDelayMs } = this.#settings;
    const delay = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    await sleep(delay * (0.5 + this.#random() / 2), signal);
  }

  reset(): void {
    this.#attempt = 0;
  }
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

  /** Runs `work` when the budget allows it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#queue.push(resolve);
      this.#serve();
    });
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      this.#serve();
    }
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
