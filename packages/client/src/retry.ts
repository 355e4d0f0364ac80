import { backoffMs, pause } from './backoff.ts';
import { CallFailure } from './error-mapping.ts';
import type { ResolvedRetry } from './options.ts';

const never = new AbortController().signal;

/** Repeats a call that may be repeated without harm, while it fails in a way another try may mend. */
export async function withRetries<T>(retry: ResolvedRetry, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (failure) {
      const again = failure instanceof CallFailure && failure.transient;
      if (!again || attempt > retry.maxRetries) throw failure;
      await pause(backoffMs(attempt, retry), never, { keepAlive: true });
    }
  }
}
