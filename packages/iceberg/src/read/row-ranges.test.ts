import fc from 'fast-check';
import { expect, test } from 'vitest';
import { intersectRanges, type RowRange, type RowRanges, unionRanges } from './row-ranges.ts';

const arbitraryRanges = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10 }))
    .map(([start, length]): RowRange => ({ start, endExclusive: start + length })),
  { maxLength: 6 },
);

const rowsOf = (ranges: readonly RowRange[]) =>
  new Set(
    ranges.flatMap(({ start, endExclusive }) =>
      Array.from({ length: endExclusive - start }, (_, i) => start + i),
    ),
  );

const isTidy = (ranges: RowRanges) =>
  ranges.every(
    ({ start, endExclusive }, i) => start < endExclusive && start > (ranges[i - 1]?.endExclusive ?? -1),
  );

test('union and intersection are those of the rows', () => {
  fc.assert(
    fc.property(arbitraryRanges, arbitraryRanges, (left, right) => {
      const both = unionRanges([...left, ...right]);
      expect(rowsOf(both)).toEqual(new Set([...rowsOf(left), ...rowsOf(right)]));
      expect(isTidy(both)).toBe(true);
      const shared = intersectRanges(unionRanges(left), unionRanges(right));
      expect(rowsOf(shared)).toEqual(new Set([...rowsOf(left)].filter((row) => rowsOf(right).has(row))));
      expect(isTidy(shared)).toBe(true);
    }),
  );
});
