import { MAX_TIMER_MS, numberBetween } from './checks.ts';

/** How {@link pause} waits. */
export interface PauseOptions {
  /**
   * Default true: the process stays alive until the pause is over. False lets it end in the middle of the pause when
   * nothing else is going on.
   */
  readonly keepAlive?: boolean | undefined;
}

/**
 * Waits in a loop that is not a call: a reconnection, a commit. Resolves to true after `ms` milliseconds (0 to
 * 2^31-1), never sooner and mostly one or two later, to false as soon as `signal` fires or when it has fired already. Leaves neither a timer nor a listener
 * behind. Rejects with `INVALID_ARGUMENT` for another `ms`, and for nothing else.
 */
export async function pause(ms: number, signal?: AbortSignal, options: PauseOptions = {}): Promise<boolean> {
  numberBetween('pause: ms', ms, 0, MAX_TIMER_MS);
  if (signal?.aborted) return false;
  return new Promise((resolve) => {
    const finish = (passed: boolean) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(passed);
    };
    const onAbort = () => finish(false);
    // Node.js drops fractions, both of the wait and of the time at which it begins.
    const timer = setTimeout(finish, Math.min(Math.ceil(ms) + 1, MAX_TIMER_MS), true);
    if (options.keepAlive === false) timer.unref();
    signal?.addEventListener('abort', onAbort);
  });
}
