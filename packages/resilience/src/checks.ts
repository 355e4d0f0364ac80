import { ResilienceError } from './errors.ts';

/** The longest delay a timer of Node.js takes; anything longer fires at once. About 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The number if it lies in the range (bounds inclusive); throws `INVALID_ARGUMENT` otherwise. */
export function numberBetween(name: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new ResilienceError(
    'INVALID_ARGUMENT',
    `${name} must be a number from ${min} to ${max}, not ${value}`,
  );
}

/** Like {@link numberBetween}, and a whole number (or `Infinity` where `max` is). */
export function countBetween(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
    return numberBetween(name, value, min, max);
  throw new ResilienceError(
    'INVALID_ARGUMENT',
    `${name} must be a whole number from ${min} to ${max}, not ${value}`,
  );
}

/** Throws `INVALID_ARGUMENT` when `options` is no object, or holds a key that is not in `known`. */
export function refuseUnknownKeys(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new ResilienceError('INVALID_ARGUMENT', `${what} takes an object of options, not ${options}`);
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new ResilienceError(
        'INVALID_ARGUMENT',
        `${what} has no option "${key}"; there are ${known.join(', ')}`,
      );
  }
}
