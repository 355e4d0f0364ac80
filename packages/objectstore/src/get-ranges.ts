import type { ObjectStore, ResolvedRange } from './object-store.ts';
import { type RangeSpan, spansOf } from './range-spans.ts';
import { badRange, checkOptions, invalidArgument } from './request-checks.ts';

export interface GetRangesOptions {
  /** Read only this version; see `GetOptions.ifMatch`. Default: the one that the first request meets. */
  readonly ifMatch?: string | undefined;
  /**
   * Ranges that lie at most this many bytes apart are read as one: what lies between is read and dropped, which costs
   * less than another round trip. 0 joins only those that touch or overlap. Default: 1 MiB.
   */
  readonly coalesceGapBytes?: number | undefined;
  /**
   * The most bytes that joined ranges are read in at once. Bounds what one request holds and what a range that is kept
   * holds on to. A range that is longer by itself is still read whole. Default: 8 MiB.
   */
  readonly maxSpanBytes?: number | undefined;
  /** The most requests at a time. Default: 8. */
  readonly concurrency?: number | undefined;
  /** See `CallOptions.signal`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads many ranges of one object with few requests, all from one version of it, and gives the bytes in the order of
 * `ranges`. The ranges may overlap and come in any order. Ranges that were read together share memory, which is the
 * caller's own. Without `ifMatch` the first request goes alone, to learn the version. No ranges are no request.
 *
 * Every range must lie within the object: one that ends behind it is `INVALID_RANGE`, as a reader that asks for many
 * places knows them from the object's own index. An object that is replaced in between is `PRECONDITION_FAILED`. The
 * first failure aborts the requests under way.
 *
 * Errors: those of `ObjectStore.get`.
 */
export async function getRanges(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  ranges: readonly ResolvedRange[],
  options: GetRangesOptions = {},
): Promise<Uint8Array[]> {
  const { coalesceGapBytes, maxSpanBytes, concurrency, ifMatch, signal } = resolveOptions(options);
  for (const range of ranges) checkRange(key, range);
  const results = new Array<Uint8Array>(ranges.length);
  const spans = spansOf(ranges, coalesceGapBytes, maxSpanBytes);
  const read = async (span: RangeSpan, etag: string | undefined, until: AbortSignal | undefined) => {
    const { start, endExclusive, parts } = span;
    const got = await store.get(key, { range: { start, endExclusive }, ifMatch: etag, signal: until });
    for (const { index, range } of parts) {
      if (range.endExclusive > got.range.endExclusive) throw badRange(key, range, 'ends behind the object');
      results[index] = got.bytes.subarray(range.start - start, range.endExclusive - start);
    }
    return got.meta.etag;
  };
  // Without a version to ask for, the first span tells which it is.
  const first = ifMatch === undefined ? spans.shift() : undefined;
  const etag = first === undefined ? ifMatch : await read(first, undefined, signal);
  await eachAtMost(concurrency, spans, signal, (span, until) => read(span, etag, until));
  return results;
}

/** Runs a task per item, so many at a time. The first failure ends the others, and is thrown when they have ended. */
async function eachAtMost<T>(
  concurrency: number,
  items: readonly T[],
  signal: AbortSignal | undefined,
  task: (item: T, until: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  const failures: unknown[] = [];
  const queue = [...items].reverse();
  const work = async () => {
    for (let item = queue.pop(); item !== undefined && failures.length === 0; item = queue.pop()) {
      await task(item, controller.signal).catch((error: unknown) => {
        failures.push(error);
        controller.abort(error);
      });
    }
  };
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  if (failures.length > 0) throw failures[0];
}

function resolveOptions(options: GetRangesOptions) {
  checkOptions(options, ['ifMatch', 'coalesceGapBytes', 'maxSpanBytes', 'concurrency']);
  const { coalesceGapBytes = 1024 * 1024, maxSpanBytes = 8 * 1024 * 1024, concurrency = 8 } = options;
  for (const [name, value, least] of [
    ['coalesceGapBytes', coalesceGapBytes, 0],
    ['maxSpanBytes', maxSpanBytes, 1],
    ['concurrency', concurrency, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw invalidArgument(`${name} ${value} is not a whole number from ${least}`, { [name]: String(value) });
  }
  return { ...options, coalesceGapBytes, maxSpanBytes, concurrency };
}

function checkRange(key: string, range: ResolvedRange): void {
  const whole = Number.isSafeInteger(range.start) && Number.isSafeInteger(range.endExclusive);
  if (!whole || range.start < 0 || range.endExclusive < range.start) {
    throw badRange(key, range, 'is not a range');
  }
}
