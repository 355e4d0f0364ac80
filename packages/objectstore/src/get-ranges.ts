import type { ObjectStore, ResolvedRange } from './object-store.ts';
import { badRange, checkOptions, invalidArgument } from './request-checks.ts';

export interface GetRangesOptions {
  /** Read only this version; see `GetOptions.ifMatch`. Default: the one that the first request meets. */
  readonly ifMatch?: string | undefined;
  /**
   * Ranges that lie at most this many bytes apart are read as one: what lies between is read and dropped, which costs
   * less than another round trip. 0 joins only those that touch. Default: 1 MiB.
   */
  readonly coalesceGapBytes?: number | undefined;
  /** The most requests at a time. Default: 8. */
  readonly concurrency?: number | undefined;
  /** See `CallOptions.signal`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads many ranges of one object with few requests, all from one version of it, and gives the bytes in the order of
 * `ranges`. The ranges may overlap and come in any order. Buffers of ranges that were read together share memory.
 *
 * Every range must lie within the object: one that ends behind it is `INVALID_RANGE`, as a reader that asks for many
 * places knows them from the object's own index. An object that is replaced in between is `PRECONDITION_FAILED`.
 *
 * Errors: those of `ObjectStore.get`.
 */
export async function getRanges(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  ranges: readonly ResolvedRange[],
  options: GetRangesOptions = {},
): Promise<Uint8Array[]> {
  checkOptions(options, ['ifMatch', 'coalesceGapBytes', 'concurrency']);
  const { coalesceGapBytes = 1024 * 1024, concurrency = 8, signal } = options;
  if (!Number.isSafeInteger(coalesceGapBytes) || coalesceGapBytes < 0) {
    throw invalidArgument('coalesceGapBytes is not a whole number from 0', { coalesceGapBytes });
  }
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalidArgument('concurrency is not a whole number from 1', { concurrency });
  }
  for (const range of ranges) {
    const whole = Number.isSafeInteger(range.start) && Number.isSafeInteger(range.endExclusive);
    if (!whole || range.start < 0 || range.endExclusive < range.start)
      throw badRange(key, range, 'is not a range');
  }
  const spans = coalesce(ranges, coalesceGapBytes);
  const results = new Array<Uint8Array>(ranges.length);
  let ifMatch = options.ifMatch;

  const read = async (span: Span): Promise<void> => {
    const { start, endExclusive } = span;
    const { bytes, meta } = await store.get(key, { range: { start, endExclusive }, ifMatch, signal });
    ifMatch ??= meta.etag;
    for (const { index, range } of span.parts) {
      if (range.endExclusive > start + bytes.byteLength) throw badRange(key, range, 'ends behind the object');
      results[index] = bytes.subarray(range.start - start, range.endExclusive - start);
    }
  };

  const [first, ...others] = spans;
  // The first alone, so that the others can ask for the same version.
  if (first !== undefined) await read(first);
  const failures: unknown[] = [];
  const workers = Array.from({ length: Math.min(concurrency, others.length) }, async () => {
    for (let span = others.shift(); span !== undefined && failures.length === 0; span = others.shift()) {
      await read(span).catch((error: unknown) => failures.push(error));
    }
  });
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
  return results;
}

interface Span {
  readonly start: number;
  endExclusive: number;
  readonly parts: { readonly index: number; readonly range: ResolvedRange }[];
}

/** The ranges in the order of their starts, those closer than the gap joined. */
function coalesce(ranges: readonly ResolvedRange[], gapBytes: number): Span[] {
  const ordered = ranges
    .map((range, index) => ({ index, range }))
    .sort((a, b) => a.range.start - b.range.start);
  const spans: Span[] = [];
  for (const part of ordered) {
    const { start, endExclusive } = part.range;
    const last = spans.at(-1);
    if (last !== undefined && start - last.endExclusive <= gapBytes) {
      last.endExclusive = Math.max(last.endExclusive, endExclusive);
      last.parts.push(part);
    } else {
      spans.push({ start, endExclusive, parts: [part] });
    }
  }
  return spans;
}
