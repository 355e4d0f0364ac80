import { type BackoffSettings, type ResolvedBackoff, resolveBackoffSettings } from './backoff.ts';
import { type BreakerSettings, type ResolvedBreaker, resolveBreakerSettings } from './breaker-settings.ts';
import { countBetween, MAX_TIMER_MS, numberBetween, refuseUnknownKeys } from './checks.ts';
import { ResilienceError } from './errors.ts';
import { type CallEvent, safeListener } from './events.ts';

/** How failed attempts are repeated, where `classify` says that they may be. */
export interface RetrySettings extends BackoffSettings {
  /**
   * Attempts, the first included. Default 5; 1 or more, `Infinity` for as long as it takes. One call may ask for
   * fewer or more.
   */
  readonly maxAttempts?: number | undefined;
  /**
   * The longest wait an endpoint may ask for. Default 30,000 ms; 0 or more. Who asks for more gets no further attempt:
   * the failure is thrown at once. More waits out longer overloads, with callers waiting.
   */
  readonly maxRetryAfterMs?: number | undefined;
}

/** What a policy takes from outside, so that tests can supply their own. */
export interface CallComponents {
  /** Numbers in [0, 1) for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds for the breaker; must not jump. Default `performance.now`. Timers are always those of Node.js. */
  readonly nowMs?: (() => number) | undefined;
}

/** Settings of one endpoint. Only `name` is needed. */
export interface CallPolicyOptions {
  /** The endpoint, as events and errors name it. Not empty; keep credentials out of it. */
  readonly name: string;
  readonly retry?: RetrySettings | undefined;
  /**
   * Time limit of one attempt. Default 30,000 ms; 1 ms to 2^31-1 ms. It starts when the attempt starts, not while the
   * call waits for its turn. One call may set its own.
   */
  readonly timeoutMs?: number | undefined;
  /** Default: `BreakerSettings` with all defaults. `false` for none. */
  readonly breaker?: BreakerSettings | false | undefined;
  /** Attempts under way at once. Default `Infinity`; 1 or more. Waits between attempts do not count. */
  readonly maxConcurrent?: number | undefined;
  /** Attempts that may wait for their turn. Default `Infinity`; 0 or more. No effect without `maxConcurrent`. */
  readonly maxQueued?: number | undefined;
  /** Called for each event, synchronously. What it throws is dropped. */
  readonly onEvent?: ((event: CallEvent) => void) | undefined;
  readonly components?: CallComponents | undefined;
}

/** {@link CallPolicyOptions} checked and with nothing left open. */
export interface ResolvedCallPolicy {
  readonly name: string;
  readonly backoff: ResolvedBackoff;
  readonly maxAttempts: number;
  readonly maxRetryAfterMs: number;
  readonly timeoutMs: number;
  readonly breaker: ResolvedBreaker | false;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly emit: (event: CallEvent) => void;
  readonly components: { readonly random: () => number; readonly nowMs: () => number };
}

const policyKeys = [
  'name',
  'retry',
  'timeoutMs',
  'breaker',
  'maxConcurrent',
  'maxQueued',
  'onEvent',
  'components',
];
const retryKeys = ['maxAttempts', 'maxRetryAfterMs', 'initialDelayMs', 'maxDelayMs', 'jitter'];

/** Checks a time limit; throws `INVALID_ARGUMENT`. */
export const checkedTimeout = (ms: number) => numberBetween('timeoutMs', ms, 1, MAX_TIMER_MS);

/** Checks a number of attempts; throws `INVALID_ARGUMENT`. */
export const checkedAttempts = (count: number) =>
  countBetween('maxAttempts', count, 1, Number.POSITIVE_INFINITY);

/** Fills defaults and checks ranges; throws `INVALID_ARGUMENT`. */
export function resolveCallPolicyOptions(options: CallPolicyOptions): ResolvedCallPolicy {
  refuseUnknownKeys('createCallPolicy', options, policyKeys);
  const { name, retry = {}, breaker = {}, maxConcurrent = Number.POSITIVE_INFINITY } = options;
  const { maxQueued = Number.POSITIVE_INFINITY, components = {} } = options;
  refuseUnknownKeys('retry', retry, retryKeys);
  refuseUnknownKeys('components', components, ['random', 'nowMs']);
  if (typeof name !== 'string' || name === '')
    throw new ResilienceError('INVALID_ARGUMENT', 'name must say which endpoint it is');
  return {
    name,
    backoff: resolveBackoffSettings(retry, 'retry'),
    maxAttempts: checkedAttempts(retry.maxAttempts ?? 5),
    maxRetryAfterMs: numberBetween('retry.maxRetryAfterMs', retry.maxRetryAfterMs ?? 30_000, 0, MAX_TIMER_MS),
    timeoutMs: checkedTimeout(options.timeoutMs ?? 30_000),
    breaker: breaker === false ? false : resolveBreakerSettings(breaker),
    maxConcurrent: countBetween('maxConcurrent', maxConcurrent, 1, Number.POSITIVE_INFINITY),
    maxQueued: countBetween('maxQueued', maxQueued, 0, Number.POSITIVE_INFINITY),
    emit: safeListener(options.onEvent),
    components: {
      random: components.random ?? Math.random,
      nowMs: components.nowMs ?? (() => performance.now()),
    },
  };
}
