import type { ResolvedRange } from './object-store.ts';

/** A part of an object that is read in one request. */
export interface RangeSpan extends ResolvedRange {
  /** The ranges that lie in it, with their places in what was asked for. */
  readonly parts: readonly { readonly index: number; readonly range: ResolvedRange }[];
}

/**
 * The fewest spans that hold all ranges, in the order of their starts: ranges at most `gapBytes` apart are joined
 * unless that makes a span longer than `maxSpanBytes`. A range that is longer by itself is a span of its own length.
 */
export function spansOf(
  ranges: readonly ResolvedRange[],
  gapBytes: number,
  maxSpanBytes: number,
): RangeSpan[] {
  const ordered = ranges
    .map((range, index) => ({ index, range }))
    .sort((a, b) => a.range.start - b.range.start);
  const spans: { start: number; endExclusive: number; parts: typeof ordered }[] = [];
  for (const part of ordered) {
    const { start, endExclusive } = part.range;
    const last = spans.at(-1);
    const end = Math.max(last?.endExclusive ?? 0, endExclusive);
    // A range inside the span costs nothing, however long the span is already.
    const fits = last !== undefined && (end === last.endExclusive || end - last.start <= maxSpanBytes);
    if (fits && start - last.endExclusive <= gapBytes) {
      last.endExclusive = end;
      last.parts.push(part);
    } else {
      spans.push({ start, endExclusive, parts: [part] });
    }
  }
  return spans;
}
