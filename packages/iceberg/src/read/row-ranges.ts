/** Rows `[start, endExclusive)` of a file, counted from 0. */
export interface RowRange {
  readonly start: number;
  readonly endExclusive: number;
}

/** Sorted ranges that neither overlap nor touch. */
export type RowRanges = readonly RowRange[];

/** Rows that are in some of the ranges. */
export function unionRanges(ranges: readonly RowRange[]): RowRanges {
  const merged: { start: number; endExclusive: number }[] = [];
  for (const { start, endExclusive } of [...ranges].sort((a, b) => a.start - b.start)) {
    if (start >= endExclusive) continue;
    const last = merged.at(-1);
    if (last && start <= last.endExclusive) last.endExclusive = Math.max(last.endExclusive, endExclusive);
    else merged.push({ start, endExclusive });
  }
  return merged;
}

/** Rows that are in both. */
export function intersectRanges(left: RowRanges, right: RowRanges): RowRanges {
  const shared: RowRange[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const a = left[i] as RowRange;
    const b = right[j] as RowRange;
    const start = Math.max(a.start, b.start);
    const endExclusive = Math.min(a.endExclusive, b.endExclusive);
    if (start < endExclusive) shared.push({ start, endExclusive });
    if (a.endExclusive < b.endExclusive) i += 1;
    else j += 1;
  }
  return shared;
}
