import { checkNames, invalidArgument } from '../request-checks.ts';

/** Options of {@link withLimits}. With none of them nothing is limited. */
export interface LimitsOptions {
  /**
   * The most calls under way at once, from 1. Fewer spare memory and the server, more hide its latency. Default: no
   * limit.
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * The most calls that wait, for a place or for their time, from 0; further ones are `THROTTLED` at once, so that a
   * caller learns of it instead of piling up memory. Default: no limit.
   */
  readonly maxQueued?: number | undefined;
  /** Calls begun in a second in the long run, more than 0. Default: no limit. */
  readonly requestsPerSecond?: number | undefined;
  /**
   * Calls that may begin at once after a quiet time, from 1. Without `requestsPerSecond` it has no effect. Default: what
   * comes in one second, at least 1.
   */
  readonly burst?: number | undefined;
}

/** {@link LimitsOptions} with defaults, checked. */
export interface ResolvedLimits {
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly requestsPerSecond: number;
  readonly burst: number;
}

/** Fills defaults and checks. Errors: `INVALID_ARGUMENT` for values out of range and for unknown names. */
export function resolveLimits(options: LimitsOptions): ResolvedLimits {
  checkNames(options, ['maxConcurrent', 'maxQueued', 'requestsPerSecond', 'burst']);
  const none = Number.POSITIVE_INFINITY;
  const { maxConcurrent = none, maxQueued = none, requestsPerSecond = none } = options;
  checkCount('maxConcurrent', maxConcurrent, 1);
  checkCount('maxQueued', maxQueued, 0);
  // Below one in a day a timer could not hold the time until the next.
  if (!(requestsPerSecond >= 1 / 86_400)) {
    throw invalidArgument('requestsPerSecond is not a number of 1/86,400 or more', { requestsPerSecond });
  }
  const { burst = Math.max(1, Math.ceil(requestsPerSecond)) } = options;
  checkCount('burst', burst, 1);
  return { maxConcurrent, maxQueued, requestsPerSecond, burst };
}

function checkCount(option: string, value: number, least: number): void {
  if ((Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY) && value >= least) return;
  throw invalidArgument(`${option} is not a whole number from ${least}`, { option, value });
}
