import { countBetween, MAX_TIMER_MS, numberBetween, refuseUnknownKeys } from './checks.ts';
import { ResilienceError } from './errors.ts';

/**
 * How many failures open a breaker: `failures` in a row; or more than `failureRatio` (0.01 to 0.99) of
 * the last `attempts`, once there were so many. The first finds an endpoint that is gone, the second also one that
 * fails every other time.
 */
export type OpensAfter =
  | { readonly kind: 'consecutive'; readonly failures: number }
  | { readonly kind: 'ratio'; readonly failureRatio: number; readonly attempts: number };

/** When an endpoint is left alone. */
export interface BreakerSettings {
  /** Default `{kind: 'consecutive', failures: 5}`. */
  readonly opensAfter?: OpensAfter | undefined;
  /**
   * How long an open breaker refuses everything before one attempt may probe the endpoint. Default 10,000 ms; 1 ms or
   * more. Less finds a healthy endpoint sooner and lets more calls fail slowly.
   */
  readonly halfOpenAfterMs?: number | undefined;
}

/** {@link BreakerSettings} with nothing left open. */
export interface ResolvedBreaker {
  readonly opensAfter: OpensAfter;
  readonly halfOpenAfterMs: number;
}

/** Fills defaults and checks ranges; throws `INVALID_ARGUMENT`. */
export function resolveBreakerSettings(settings: BreakerSettings): ResolvedBreaker {
  refuseUnknownKeys('breaker', settings, ['opensAfter', 'halfOpenAfterMs']);
  const { opensAfter = { kind: 'consecutive', failures: 5 }, halfOpenAfterMs = 10_000 } = settings;
  numberBetween('breaker.halfOpenAfterMs', halfOpenAfterMs, 1, MAX_TIMER_MS);
  checkOpensAfter(opensAfter);
  return { opensAfter, halfOpenAfterMs };
}

function checkOpensAfter(opensAfter: OpensAfter): void {
  const what = 'breaker.opensAfter';
  if (opensAfter?.kind === 'consecutive') {
    refuseUnknownKeys(what, opensAfter, ['kind', 'failures']);
    countBetween(`${what}.failures`, opensAfter.failures, 1, Number.MAX_SAFE_INTEGER);
  } else if (opensAfter?.kind === 'ratio') {
    refuseUnknownKeys(what, opensAfter, ['kind', 'failureRatio', 'attempts']);
    numberBetween(`${what}.failureRatio`, opensAfter.failureRatio, 0.01, 0.99);
    countBetween(`${what}.attempts`, opensAfter.attempts, 1, 100_000);
  } else {
    throw new ResilienceError('INVALID_ARGUMENT', `${what}.kind is consecutive or ratio`);
  }
}
