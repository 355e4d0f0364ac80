/** How long the refusal of a stream waits. */
const DELAY_MS = 500;
/** Refusals that wait at the same time; more are answered at once. */
const MAX_WAITING = 1_000;

/** What a waiting call must be able to say. */
export interface DampedCall {
  on(event: 'cancelled' | 'close', listener: () => void): unknown;
}

/**
 * Delays refusals of streams. Published clients reopen a refused stream at once and without end; answered at
 * once, one of them takes a core (measured: over 1,000 calls a second). A waiting refusal costs a timer, and
 * their number is bounded.
 */
export class Damper {
  readonly #delayMs: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Map<object, () => void>();
  #released = false;

  constructor(delayMs = DELAY_MS, maxWaiting = MAX_WAITING) {
    this.#delayMs = delayMs;
    this.#maxWaiting = maxWaiting;
  }

  /** Refusals that wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `answer` after the delay, or never when the client goes away before. */
  hold(call: DampedCall, answer: () => void): void {
    if (this.#released || this.#waiting.size >= this.#maxWaiting) {
      answer();
      return;
    }
    const key = {};
    const timer = setTimeout(() => {
      this.#waiting.delete(key);
      answer();
    }, this.#delayMs);
    this.#waiting.set(key, () => {
      clearTimeout(timer);
      answer();
    });
    const gone = () => {
      clearTimeout(timer);
      this.#waiting.delete(key);
    };
    call.on('cancelled', gone);
    call.on('close', gone);
  }

  /** Answers all that wait, and everything from now on at once. */
  release(): void {
    this.#released = true;
    const answers = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const answer of answers) answer();
  }
}
