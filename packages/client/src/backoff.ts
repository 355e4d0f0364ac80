import type { ResolvedRetry } from './options.ts';

/**
 * The wait before the `attempt`-th retry (1, 2, …), in milliseconds: linear up to the cap, times 50–100 % so that
 * many clients do not come back at the same instant. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, retry: ResolvedRetry, random: () => number = Math.random): number {
  const linear = Math.min(retry.baseDelayMs * attempt, retry.maxDelayMs);
  return Math.round(linear * (0.5 + random() / 2));
}

/** Resolves after `ms`, or as soon as `signal` fires; never rejects. Does not keep the process alive by itself. */
export function pause(ms: number, signal: AbortSignal, options: { keepAlive: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    if (!options.keepAlive) timer.unref();
    signal.addEventListener('abort', finish, { once: true });
  });
}
