import { type Backoff, createBackoff, pause } from '@danube/resilience';
import { CallFailure } from './error-mapping.ts';
import type { ResolvedRetry } from './options.ts';

/** The waits of one loop: `baseDelayMs` doubled up to `maxDelayMs`, times 50–100 % so that no two clients keep step. */
export function backoffOf({ baseDelayMs, maxDelayMs }: ResolvedRetry): Backoff {
  return createBackoff({ initialDelayMs: baseDelayMs, maxDelayMs, jitter: 'half' });
}

/**
 * Repeats a call that may be repeated without harm, while it fails in a way another try may mend. `closing` ends a
 * wait; the call is then made once more, to say in its own words that the client is closed.
 */
export async function withRetries<T>(
  retry: ResolvedRetry,
  closing: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  const backoff = backoffOf(retry);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (failure) {
      const again = failure instanceof CallFailure && failure.transient;
      if (!again || attempt > retry.maxRetries) throw failure;
      await pause(backoff.next(), closing);
    }
  }
}
