import { IcebergError } from '@danube/iceberg';

/** An option that is refused. Its value is not shown: it may be a secret. */
export function invalidOption(what: string, option: string, expected: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', `${what}: ${option} is not ${expected}`, {
    context: { option, expected },
  });
}

/** Throws `INVALID_ARGUMENT` for options that are no object, and for a key that is not known, which it names. */
export function refuseUnknownOptions(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw invalidOption(what, 'options', 'an object');
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${what}: there is no option ${JSON.stringify(unknown)}, only ${known.join(', ')}`,
      { context: { option: unknown } },
    );
  }
}

/** Text that is not empty, if it is given at all; the text itself is never shown. */
export function checkedText(what: string, option: string, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw invalidOption(what, option, 'text that is not empty');
}
