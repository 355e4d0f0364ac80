import type { Attempt } from './attempt.ts';
import type { BreakerState } from './breaker.ts';
import { refuseUnknownKeys } from './checks.ts';
import { checkedAttempts, checkedTimeout, type ResolvedCallPolicy } from './options.ts';

/** What a failed attempt means, said by who knows the protocol. */
export interface Failure {
  /** Whether another attempt is safe and may help. Safe: the call may take effect twice, or surely did not. */
  readonly retry: boolean;
  /** How long the endpoint asks to be left alone (see `parseRetryAfter`). The wait is never shorter. */
  readonly retryAfterMs?: number | undefined;
  /**
   * Whether the endpoint is to blame: it counts towards the breaker. False says that it answered, as with "not
   * found", and is as good as a success. Left out where the failure says nothing of the endpoint, as when nothing was
   * sent.
   */
  readonly endpointFault?: boolean | undefined;
}

/** One call. */
export interface CallOptions {
  /** What the call does, as events and errors name it. */
  readonly operation: string;
  /** Ends the call with `ABORTED`, wherever it is. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit of one attempt, instead of the policy's. */
  readonly timeoutMs?: number | undefined;
  /** Attempts, instead of the policy's. */
  readonly maxAttempts?: number | undefined;
  /**
   * Says what a failure means: of an error the call threw, or of a `TIMEOUT`. Default: never tried again, and no
   * evidence for or against the endpoint. Must not throw, and answers at once: a promise is no answer.
   */
  readonly classify?: ((error: unknown, attempt: Attempt) => Failure) | undefined;
}

/** The way to one endpoint. Any number of calls may run at once; they share breaker and concurrency limit. */
export interface CallPolicy {
  /**
   * Makes a call, in as many attempts as needed and allowed, and resolves with its value. Rejects with
   *
   * - the error of the last attempt, unchanged, when it may not be retried or the attempts are used up, when the
   *   endpoint asks for too long a wait, and when breaker or queue refuse a further attempt,
   * - `TIMEOUT` where that error would be a time-out,
   * - `BREAKER_OPEN` or `OVERLOADED` when not even the first attempt was made,
   * - `ABORTED` when the caller's signal has fired,
   * - `INVALID_ARGUMENT` when an option is unknown or out of range, and when `classify` makes a mistake.
   *
   * The call ends on time and on abort even if `call` ignores its signal. What such a call does later is dropped.
   */
  execute<T>(call: (attempt: Attempt) => Promise<T>, options: CallOptions): Promise<T>;
  /** An open breaker becomes half-open with the first attempt after its time, not by itself. */
  readonly breakerState: BreakerState;
}

const callKeys = ['operation', 'signal', 'timeoutMs', 'maxAttempts', 'classify'];

/** {@link CallOptions} checked and with nothing left open. */
export interface ResolvedCall {
  readonly operation: string;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly classify: CallOptions['classify'];
}

/** Fills what a call leaves to its policy; throws `INVALID_ARGUMENT`. */
export function resolveCallOptions(options: CallOptions, policy: ResolvedCallPolicy): ResolvedCall {
  refuseUnknownKeys('execute', options, callKeys);
  const { operation, signal, classify } = options;
  return {
    operation,
    signal,
    classify,
    timeoutMs: checkedTimeout(options.timeoutMs ?? policy.timeoutMs),
    maxAttempts: checkedAttempts(options.maxAttempts ?? policy.maxAttempts),
  };
}
