import { ObjectStoreError } from './errors.ts';
import type { ByteRange, ListOptions, ListPage, ObjectMeta } from './object-store.ts';

const MAX_PAGE = 1000;
const TOKEN_MARK = 'v1:';

/** Checks that a range is one, before any I/O. Errors: `INVALID_RANGE`. */
export function checkRange(key: string, range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, endExclusive } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(endExclusive);
  if (!whole || start < 0 || endExclusive < start) throw badRange(key, range, 'is not a range');
}

/** Cuts a checked range to an object's size by the rules of `ByteRange`. Errors: `INVALID_RANGE`. */
export function resolveRange(key: string, range: ByteRange | undefined, sizeBytes: number): ByteRange {
  if (range === undefined) return { start: 0, endExclusive: sizeBytes };
  const asksForBytes = range.endExclusive > range.start;
  if (range.start > sizeBytes || (asksForBytes && range.start === sizeBytes)) {
    throw badRange(key, range, `starts behind the object's end at ${sizeBytes}`);
  }
  return { start: range.start, endExclusive: Math.min(range.endExclusive, sizeBytes) };
}

/** Checks the page size. Errors: `INVALID_ARGUMENT`. */
export function pageLimit(options: ListOptions | undefined): number {
  const limit = options?.limit ?? MAX_PAGE;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new ObjectStoreError(
      'INVALID_ARGUMENT',
      `limit ${limit} is not a whole number from 1 to ${MAX_PAGE}`,
      {
        context: { limit },
      },
    );
  }
  return limit;
}

/** The key behind which the page starts. Errors: `INVALID_ARGUMENT` for a token that we did not make. */
export function decodePageToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith(TOKEN_MARK) || encodePageToken(text.slice(TOKEN_MARK.length)) !== token) {
    throw new ObjectStoreError('INVALID_ARGUMENT', 'the page token is not one that this store gave out', {
      context: { pageToken: token.slice(0, 100) },
    });
  }
  return text.slice(TOKEN_MARK.length);
}

/** Makes a page from up to `limit + 1` objects in key order: the one too many only says that there is more. */
export function toPage(found: readonly ObjectMeta[], limit: number): ListPage {
  const objects = found.slice(0, limit);
  const last = objects.at(-1);
  return found.length > limit && last !== undefined
    ? { objects, nextPageToken: encodePageToken(last.key) }
    : { objects };
}

function encodePageToken(lastKey: string): string {
  return Buffer.from(TOKEN_MARK + lastKey, 'utf8').toString('base64url');
}

function badRange(key: string, range: ByteRange, why: string): ObjectStoreError {
  const { start, endExclusive } = range;
  return new ObjectStoreError('INVALID_RANGE', `[${start}, ${endExclusive}) of "${key}" ${why}`, {
    context: { key, start, endExclusive },
  });
}
