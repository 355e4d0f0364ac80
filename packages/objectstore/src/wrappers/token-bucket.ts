import { abortedError, throwIfAborted } from '../request-checks.ts';

/**
 * A rate: `perSecond` tokens come in a second, at most `burst` of them wait to be taken. Takers that find none wait in the
 * order in which they came. The clock is the monotonic one; no timer is left behind when nobody waits.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  /** In the order of arrival; a set, so that one that gives up leaves in constant time. */
  readonly #waiters = new Set<() => void>();
  #tokens: number;
  #countedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** How many wait. */
  get queued(): number {
    return this.#waiters.size;
  }

  /** Whether a token could be taken without waiting. */
  get ready(): boolean {
    this.#count();
    return this.#waiters.size === 0 && this.#tokens >= 1;
  }

  /** Takes a token, when its turn comes. Rejects with `ABORTED`, and takes none, if the signal fires before. */
  async take(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (this.ready) {
      this.#tokens -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const take = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiters.delete(take);
        if (this.#waiters.size === 0) this.#stopTimer();
        reject(abortedError(signal as AbortSignal));
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiters.add(take);
      this.#schedule();
    });
  }

  #count(): void {
    // Without a rate there is nothing to count: no time at all times infinity is no number.
    if (this.#perSecond === Number.POSITIVE_INFINITY) return;
    const nowMs = performance.now();
    const come = ((nowMs - this.#countedAtMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + come);
    this.#countedAtMs = nowMs;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiters.size === 0) return;
    // A timer may fire a little early; then it is set once more.
    const waitMs = Math.max(1, Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, waitMs);
  }

  #serve(): void {
    this.#count();
    for (const take of this.#waiters) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiters.delete(take);
      take();
    }
    this.#schedule();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
