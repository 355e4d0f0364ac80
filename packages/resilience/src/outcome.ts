import type { Failure } from './call.ts';
import type { ResilienceError } from './errors.ts';

/** Breaker or concurrency limit let no attempt through; nothing was sent. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: 'breaker-open' | 'overloaded';
  readonly error: ResilienceError;
}

/** The attempt failed with `error`, which means `failure`. */
export interface Failed {
  readonly kind: 'failed';
  readonly error: unknown;
  readonly failure: Failure;
}

/** How an attempt ended, or that it was not made. `sent`: the caller's signal cut it short while it was under way. */
export type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'aborted'; readonly sent: boolean }
  | Failed
  | Refused;
