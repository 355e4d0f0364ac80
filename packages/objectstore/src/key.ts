import { ObjectStoreError } from './errors.ts';

/** The longest key, in bytes of UTF-8 (the limit of S3, kept everywhere so that keys stay portable). */
export const MAX_KEY_BYTES = 1024;

/**
 * Splits a key into its segments after checking that it can name an object.
 *
 * A key is text of 1 to 1,024 UTF-8 bytes: segments joined by `/`. No segment is empty, `.` or `..`, so there is no
 * leading, trailing or doubled slash. NUL, backslash (a separator on some systems) and lone surrogates (they have no
 * UTF-8, so two keys would become one) are refused. Everything else is literal: `a%2Fb` and `a/b` are two keys.
 *
 * Errors: `INVALID_PATH`.
 */
export function parseKey(key: string): readonly string[] {
  const segments = checkedSegments(key, 'key');
  if (segments.some((segment) => segment === '')) {
    throw invalid(
      'key',
      key,
      'has an empty segment (a leading, trailing or doubled slash, or no text at all)',
    );
  }
  return segments;
}

/**
 * Splits a list prefix into the whole segments before its last slash and the text behind it.
 * The rules are those of a key, but the text behind the last slash may be empty.
 *
 * Errors: `INVALID_PATH`.
 */
export function parsePrefix(prefix: string): { directories: readonly string[]; rest: string } {
  const segments = checkedSegments(prefix, 'prefix');
  const directories = segments.slice(0, -1);
  if (directories.some((segment) => segment === '')) {
    throw invalid('prefix', prefix, 'has an empty segment (a leading or doubled slash)');
  }
  return { directories, rest: segments.at(-1) ?? '' };
}

/** Compares two keys by their UTF-8 bytes: the order of listings. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rankInUtf8(x) - rankInUtf8(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters behind U+FFFF, which come last in UTF-8; as UTF-16 units they are less than U+E000. */
function rankInUtf8(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function checkedSegments(text: string, what: 'key' | 'prefix'): string[] {
  if (typeof text !== 'string') throw invalid(what, String(text), 'is not a string');
  if (text.includes('\0')) throw invalid(what, text, 'contains a NUL');
  if (text.includes('\\')) throw invalid(what, text, 'contains a backslash');
  if (/\p{Surrogate}/u.test(text)) throw invalid(what, text, 'contains a lone surrogate, which is no UTF-8');
  if (Buffer.byteLength(text) > MAX_KEY_BYTES) {
    throw invalid(what, text, `is longer than ${MAX_KEY_BYTES} bytes`);
  }
  const segments = text.split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    throw invalid(what, text, 'has a segment "." or ".."');
  }
  return segments;
}

function invalid(what: string, text: string, why: string): ObjectStoreError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new ObjectStoreError('INVALID_PATH', `${what} ${JSON.stringify(shown)} ${why}`, {
    context: { [what]: shown },
  });
}
