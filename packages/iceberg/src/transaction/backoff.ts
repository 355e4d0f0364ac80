import { setTimeout as sleep } from 'node:timers/promises';
import type { CommitRetrySettings } from './table-properties.ts';

/** Waits a number of milliseconds; rejects, or resolves early, when the signal is aborted. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<unknown>;

/** Counts tries and waits between them: exponential, with jitter, bounded in number and time. */
export class Backoff {
  readonly #settings: CommitRetrySettings;
  readonly #wait: Wait;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: number;
  #tries = 0;

  constructor(
    settings: CommitRetrySettings,
    { wait, signal }: { readonly wait?: Wait | undefined; readonly signal?: AbortSignal | undefined },
  ) {
    this.#settings = settings;
    this.#wait = wait ?? ((ms, abort) => sleep(ms, undefined, abort === undefined ? {} : { signal: abort }));
    this.#signal = signal;
    this.#deadline = performance.now() + settings.totalTimeoutMs;
  }

  /** Waits for the next try; false when there is none. */
  async next(): Promise<boolean> {
    const { numRetries, minWaitMs, maxWaitMs } = this.#settings;
    if (this.#tries >= numRetries || performance.now() >= this.#deadline) return false;
    const longest = Math.min(maxWaitMs, minWaitMs * 2 ** Math.min(this.#tries, 30));
    this.#tries += 1;
    // Writers that met once must not meet again at once.
    await this.#wait(longest * (0.5 + Math.random() / 2), this.#signal);
    return true;
  }
}
