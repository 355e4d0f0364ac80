const brand: unique symbol = Symbol.for('@danube/resilience/ResilienceError') as never;

/**
 * What went wrong, as a closed set. Codes are API; messages are for people and may change.
 *
 * - `TIMEOUT`: an attempt did not end within its time limit. Whether it took effect is unknown. Try again only what
 *   may be done twice.
 * - `BREAKER_OPEN`: the endpoint failed too often lately. Nothing was sent. Come back after `retryAfterMs`; when that
 *   is 0 a probe is under way, which takes up to its time limit.
 * - `OVERLOADED`: as many attempts as allowed are under way and the queue is full. Nothing was sent. Slow down.
 * - `ABORTED`: the caller's signal fired; `cause` is its reason. `context.sent` says whether an attempt was under way
 *   (its outcome is then unknown), `context.attempts` how many were begun.
 * - `INVALID_ARGUMENT`: an option is unknown or out of range, or `classify` threw or answered with no `Failure`. Change the
 *   program.
 */
export type ResilienceErrorCode = 'TIMEOUT' | 'BREAKER_OPEN' | 'OVERLOADED' | 'ABORTED' | 'INVALID_ARGUMENT';

/** Facts about the failed call: endpoint, operation, attempt, limit … Plain values only, fit for a log line. */
export type ResilienceErrorContext = Readonly<Record<string, string | number | boolean>>;

/** What {@link ResilienceError} is made of beside code and message. */
export interface ResilienceErrorOptions {
  readonly context?: ResilienceErrorContext | undefined;
  readonly cause?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** The one error class of this package. Recognise it with `ResilienceError.is`, not `instanceof`. */
export class ResilienceError extends Error {
  readonly code: ResilienceErrorCode;
  readonly context: ResilienceErrorContext;
  /** With `BREAKER_OPEN`: milliseconds until the endpoint is probed; 0 while a probe is under way. */
  readonly retryAfterMs: number | undefined;
  readonly [brand] = true;

  constructor(code: ResilienceErrorCode, message: string, options: ResilienceErrorOptions = {}) {
    super(`${code}: ${message}`, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'ResilienceError';
    this.code = code;
    this.context = options.context ?? {};
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same call, made again later, can succeed without anybody changing anything. */
  get retryable(): boolean {
    return this.code !== 'INVALID_ARGUMENT' && this.code !== 'ABORTED';
  }

  /** True for an error of this class, also when it comes from another installed copy of the package. */
  static is(error: unknown): error is ResilienceError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/** `ABORTED` with the reason of a signal that has fired as its cause. */
export function abortedError(
  signal: AbortSignal,
  what: string,
  context: ResilienceErrorContext,
): ResilienceError {
  return new ResilienceError('ABORTED', `${what} was aborted by its caller`, {
    cause: signal.reason,
    context,
  });
}
