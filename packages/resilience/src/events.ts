/** Where an event happened. */
interface CallFacts {
  /** {@link CallPolicyOptions.name}. */
  readonly endpoint: string;
  /** {@link CallOptions.operation}. */
  readonly operation: string;
}

/** Why a failure that may be retried was not. */
export type GiveUpReason = 'attempts-used-up' | 'retry-after-too-long' | 'breaker-open' | 'overloaded';

/**
 * What a person or a metric may want to know of the calls to an endpoint; nothing needs to be done about it.
 *
 * - `retry`: attempt number `attempt` failed with `error`, the next one starts in `delayMs`.
 * - `gave-up`: `error`, which may be retried, is thrown to the caller after `attempts` attempts.
 * - `timed-out`: attempt number `attempt` had not ended after `timeoutMs`.
 * - `refused`: a call ended before its first attempt; nothing was sent.
 * - `breaker-…`: the breaker changed its state. `breaker-opened` after the failure `error`, or with `halfOpenAfterMs` 0
 *   and no error when a probe was cut short: then the next attempt is a probe again.
 */
export type CallEvent =
  | (CallFacts & {
      readonly kind: 'retry';
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: unknown;
    })
  | (CallFacts & {
      readonly kind: 'gave-up';
      readonly attempts: number;
      readonly reason: GiveUpReason;
      readonly error: unknown;
    })
  | (CallFacts & { readonly kind: 'timed-out'; readonly attempt: number; readonly timeoutMs: number })
  | (CallFacts & { readonly kind: 'refused'; readonly reason: 'breaker-open' | 'overloaded' })
  | {
      readonly kind: 'breaker-opened';
      readonly endpoint: string;
      readonly halfOpenAfterMs: number;
      readonly error: unknown;
    }
  | { readonly kind: 'breaker-half-open' | 'breaker-closed'; readonly endpoint: string };

/** A listener that cannot break what it listens to: whatever it throws, or its promise rejects with, ends here. */
export function safeListener(
  listener: ((event: CallEvent) => unknown) | undefined,
): (event: CallEvent) => void {
  if (listener === undefined) return () => {};
  return (event) => {
    try {
      const result = listener(event);
      // An async function is a listener like any other; its rejection would end the process.
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // There is nobody to tell: the call goes on, and its caller did nothing wrong.
    }
  };
}
