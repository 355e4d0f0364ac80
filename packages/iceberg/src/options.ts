import { IcebergError } from './errors.ts';

/** Every key of an options type, so that the compiler misses none when one is added. */
export type OptionKeys<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses options with a key that is not known: a misspelt one would be ignored, and a scan give other rows than were
 * asked for.
 *
 * @param of names the options in the message: the function they are given to
 * @throws IcebergError `INVALID_ARGUMENT` naming the key and those that are known
 */
export function checkOptions<T>(of: string, options: T, known: OptionKeys<T>): void {
  if (typeof options !== 'object' || options === null) {
    throw new IcebergError('INVALID_ARGUMENT', `the options of ${of} are ${String(options)}, no object`);
  }
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue;
    const keys = Object.keys(known);
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${of} has no option ${JSON.stringify(key)}; there are ${keys.join(', ')}`,
      { context: { option: key, known: keys } },
    );
  }
}

/**
 * Refuses an id that is not a bigint, as who does not use TypeScript may give it.
 *
 * @throws IcebergError `INVALID_ARGUMENT` saying what is expected
 */
export function checkBigint(option: string, value: bigint | undefined): void {
  if (value === undefined || typeof value === 'bigint') return;
  const given = value as unknown;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${option} is the ${typeof given} ${String(given)}; a bigint is expected, as in 1n: numbers cannot hold all 64 bits`,
    { context: { option } },
  );
}
