import { TimeoutStrategy, timeout } from 'cockatiel';

/** One try of a call. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /**
   * Fires when the caller's signal fires and when the attempt's time is up, while the attempt is under way. Once it
   * has settled, the signal fires no more.
   */
  readonly signal: AbortSignal;
}

/** How an attempt ended. */
export type AttemptEnd<T> =
  | { readonly kind: 'value'; readonly value: T; readonly attempt: Attempt }
  | { readonly kind: 'error'; readonly error: unknown; readonly attempt: Attempt }
  | { readonly kind: 'timed-out'; readonly attempt: Attempt }
  | { readonly kind: 'aborted'; readonly attempt: Attempt };

/**
 * Runs one attempt. It ends on time and on abort even if `call` ignores its signal; whatever such a call does later is
 * dropped, a rejection included. Never rejects. `callerSignal` must not have fired yet.
 */
export async function runAttempt<T>(
  call: (attempt: Attempt) => PromiseLike<T>,
  number: number,
  timeoutMs: number,
  callerSignal: AbortSignal | undefined,
): Promise<AttemptEnd<T>> {
  // `abortOnReturn: false`: a result may still be read through its signal (the body of a response).
  const limit = timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
  let cut: 'timed-out' | 'aborted' | undefined;
  // cockatiel reports both in the same way, and with the same error.
  limit.onTimeout(() => {
    cut = callerSignal?.aborted ? 'aborted' : 'timed-out';
  });
  let attempt!: Attempt;
  try {
    const value = await limit.execute(({ signal }) => {
      attempt = { number, signal };
      return call(attempt);
    }, callerSignal);
    // A call may answer its signal with a value that is not the whole answer.
    return cut === undefined ? { kind: 'value', value, attempt } : { kind: cut, attempt };
  } catch (error) {
    return cut === undefined ? { kind: 'error', error, attempt } : { kind: cut, attempt };
  }
}
