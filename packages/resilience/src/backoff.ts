import { MAX_TIMER_MS, numberBetween, refuseUnknownKeys } from './checks.ts';
import { ResilienceError } from './errors.ts';

/**
 * How a wait is spread, so that many clients do not come back at the same instant. With `step` the doubled delay:
 * `full` from 0 to `step`: spreads best. `half` from `step / 2` to `step`: never comes back at once.
 * `decorrelated` from `initialDelayMs` to three times the last wait: spreads clients that failed together at once.
 */
export type Jitter = 'full' | 'half' | 'decorrelated';

/** How long to wait between tries. */
export interface BackoffSettings {
  /** The first step. Default 200 ms; 1 ms or more. Less recovers sooner and knocks more often. */
  readonly initialDelayMs?: number | undefined;
  /** No wait is longer. Default 10,000 ms; at least `initialDelayMs`. */
  readonly maxDelayMs?: number | undefined;
  /** Default `full`. */
  readonly jitter?: Jitter | undefined;
}

/** {@link BackoffSettings} with nothing left open. */
export interface ResolvedBackoff {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
}

/** Waits between tries, growing until {@link Backoff.reset}. Belongs to one loop. */
export interface Backoff {
  /** Waits handed out since the start or the last reset. */
  readonly count: number;
  /** The next wait in whole milliseconds. */
  next(): number;
  /** Starts again from `initialDelayMs`: the loop got through. */
  reset(): void;
}

const jitters: readonly Jitter[] = ['full', 'half', 'decorrelated'];

/** Fills defaults and checks ranges; throws `INVALID_ARGUMENT`. Reads no other keys. */
export function resolveBackoffSettings(settings: BackoffSettings, what: string): ResolvedBackoff {
  const { initialDelayMs = 200, jitter = 'full' } = settings;
  numberBetween(`${what}.initialDelayMs`, initialDelayMs, 1, MAX_TIMER_MS);
  const maxDelayMs = settings.maxDelayMs ?? Math.max(10_000, initialDelayMs);
  numberBetween(`${what}.maxDelayMs`, maxDelayMs, initialDelayMs, MAX_TIMER_MS);
  if (!jitters.includes(jitter))
    throw new ResilienceError(
      'INVALID_ARGUMENT',
      `${what}.jitter is one of ${jitters.join(', ')}, not ${jitter}`,
    );
  return { initialDelayMs, maxDelayMs, jitter };
}

/** Exponential backoff: steps double from `initialDelayMs` to `maxDelayMs`. `random` is in [0, 1). */
export function createBackoff(settings: BackoffSettings = {}, random: () => number = Math.random): Backoff {
  refuseUnknownKeys('createBackoff', settings, ['initialDelayMs', 'maxDelayMs', 'jitter']);
  const resolved = resolveBackoffSettings(settings, 'createBackoff');
  let count = 0;
  let last = resolved.initialDelayMs;
  return {
    get count() {
      return count;
    },
    next() {
      const delayMs = Math.round(nextDelay(resolved, count, last, random()));
      last = Math.min(delayMs, Math.floor(resolved.maxDelayMs));
      count += 1;
      return last;
    },
    reset() {
      count = 0;
      last = resolved.initialDelayMs;
    },
  };
}

function nextDelay(
  { initialDelayMs, maxDelayMs, jitter }: ResolvedBackoff,
  count: number,
  last: number,
  r: number,
) {
  // 2 ** 1024 and up is Infinity, which the cap takes care of.
  const step = Math.min(maxDelayMs, initialDelayMs * 2 ** count);
  if (jitter === 'full') return step * r;
  if (jitter === 'half') return step * (0.5 + r / 2);
  return Math.min(maxDelayMs, initialDelayMs + r * (last * 3 - initialDelayMs));
}
