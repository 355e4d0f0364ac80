import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryHabit,
  arbitrarySpecOver,
  dataFileOf,
  describeRows,
  partitionOf,
} from '../../test/support/arbitrary-files.ts';
import {
  arbitraryExpressionOver,
  arbitraryRow,
  type PlainRow,
  wideSchema,
} from '../../test/support/arbitrary-rows.ts';
import { IcebergError } from '../errors.ts';
import { and, type Expression, eq, gtEq, in_, isNull, lt, notEq, or } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import { complementOf } from '../expression/expression-complement.ts';
import { rowPredicate } from '../expression/expression-row.ts';
import { mayMatch } from '../expression/expression-stats.ts';
import { dataFileStats } from '../expression/manifest-stats.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { type PartitionSpec, unpartitionedSpec } from '../metadata/partition-spec.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { createFileMatcher, type FileMatch, matchFile } from './file-match.ts';

interface MatchCase {
  readonly filter: Expression;
  readonly spec: PartitionSpec;
  readonly rows: readonly PlainRow[];
  readonly file: DataFile;
}

/** A file whose rows share the partition of the first; few columns, so that filter and spec speak of the same. */
const arbitraryCase: fc.Arbitrary<MatchCase> = fc
  .subarray([...wideSchema.fields], { minLength: 1, maxLength: 2 })
  .chain((fields) =>
    fc.record({
      filter: arbitraryExpressionOver(fields.map((field) => field.name)),
      spec: arbitrarySpecOver(fields),
      drawn: fc.array(arbitraryRow, { minLength: 1, maxLength: 6 }),
      habit: arbitraryHabit,
    }),
  )
  .map(({ filter, spec, drawn, habit }) => {
    const partition = partitionOf(spec, drawn[0] as PlainRow);
    const rows = drawn.filter((row) =>
      partitionOf(spec, row).every((value, at) => same(value, partition[at])),
    );
    const file = { ...describeRows(rows, habit), partition, specId: spec.specId };
    return { filter, spec, rows, file };
  });

function same(left: unknown, right: unknown): boolean {
  return left instanceof Uint8Array ? fc.stringify(left) === fc.stringify(right) : Object.is(left, right);
}

const keptOf = ({ filter, rows }: MatchCase) => rows.filter(rowPredicate(bindExpression(wideSchema, filter)));

describe('what metadata proves of a file', () => {
  test('all and none are never said of a file that holds another row', () => {
    const said: Record<FileMatch, number> = { all: 0, none: 0, 'maybe-some': 0 };
    fc.assert(
      fc.property(arbitraryCase, (drawn) => {
        const match = matchFile(drawn.filter, wideSchema, drawn.spec, drawn.file);
        said[match] += 1;
        if (match === 'all') expect(keptOf(drawn)).toEqual(drawn.rows);
        if (match === 'none') expect(keptOf(drawn)).toEqual([]);
      }),
      { numRuns: 4000 },
    );
    // The property would hold for a matcher that never commits itself; it must not be that matcher.
    expect(said.all).toBeGreaterThan(700);
    expect(said.none).toBeGreaterThan(700);
  });

  test('a row is in a filter or in its complement, never in both', () => {
    fc.assert(
      fc.property(arbitraryCase, ({ filter, rows }) => {
        const bound = bindExpression(wideSchema, filter);
        const kept = rowPredicate(bound);
        const left = rowPredicate(complementOf(bound));
        for (const row of rows) expect(left(row)).toBe(!kept(row));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('one column', () => {
  const field = (type: string) =>
    wideSchema.fields.find((candidate) => candidate.type === type) as { id: number; name: string };
  const long = field('long');
  const text = field('string');
  const double = field('double');

  interface Facts {
    readonly lower?: bigint | string | number;
    readonly upper?: bigint | string | number;
    readonly nulls?: number;
    readonly nans?: number;
  }

  const fileOf = ({ id, name }: { id: number; name: string }, { lower, upper, nulls, nans }: Facts) => {
    const type = name as 'long' | 'string' | 'double';
    return dataFileOf({
      recordCount: 10,
      valueCounts: new Map([[id, 10]]),
      ...(nulls === undefined ? {} : { nullValueCounts: new Map([[id, nulls]]) }),
      ...(nans === undefined ? {} : { nanValueCounts: new Map([[id, nans]]) }),
      ...(lower === undefined ? {} : { lowerBounds: new Map([[id, encodeSingleValue(type, lower)]]) }),
      ...(upper === undefined ? {} : { upperBounds: new Map([[id, encodeSingleValue(type, upper)]]) }),
    });
  };
  const match = (filter: Expression, file: DataFile) =>
    matchFile(filter, wideSchema, unpartitionedSpec, file);
  const all = (filter: Expression, file: DataFile) => match(filter, file) === 'all';

  test.each<[Expression, FileMatch]>([
    [lt('long', 10n), 'all'],
    [lt('long', 9n), 'maybe-some'],
    [lt('long', 5n), 'none'],
    [gtEq('long', 5n), 'all'],
    [gtEq('long', 6n), 'maybe-some'],
    [notEq('long', 4n), 'all'],
    [notEq('long', 7n), 'maybe-some'],
    [eq('long', 7n), 'maybe-some'],
    [isNull('long'), 'none'],
    [or(lt('long', 3n), gtEq('long', 5n)), 'all'],
    [and(gtEq('long', 5n), notEq('string', 'x')), 'maybe-some'],
  ])('from 5 to 9 without nulls: %o is %s', (filter, expected) => {
    expect(match(filter, fileOf(long, { lower: 5n, upper: 9n, nulls: 0 }))).toBe(expected);
  });

  test('one null, or no count of nulls, and a comparison does not match all', () => {
    expect(all(lt('long', 10n), fileOf(long, { lower: 5n, upper: 9n, nulls: 1 }))).toBe(false);
    expect(all(lt('long', 10n), fileOf(long, { lower: 5n, upper: 9n }))).toBe(false);
    expect(all(notEq('long', 1n), fileOf(long, { lower: 5n, upper: 9n, nulls: 1 }))).toBe(false);
  });

  test('only nulls: is-null is all, and everything else none', () => {
    const file = fileOf(long, { nulls: 10 });
    expect(match(isNull('long'), file)).toBe('all');
    expect(match(notEq('long', 1n), file)).toBe('none');
  });

  test('equality is all only when both bounds are the value, and then also among others', () => {
    const single = fileOf(text, { lower: 'ab', upper: 'ab', nulls: 0 });
    expect(all(eq('string', 'ab'), single)).toBe(true);
    expect(all(in_('string', ['x', 'ab']), single)).toBe(true);
    // A truncated bound: every value begins with "ab", and none need be it.
    expect(all(eq('string', 'ab'), fileOf(text, { lower: 'ab', upper: 'ac', nulls: 0 }))).toBe(false);
    expect(all(in_('string', ['ab', 'ac']), fileOf(text, { lower: 'ab', upper: 'ac', nulls: 0 }))).toBe(
      false,
    );
    expect(all(lt('string', 'ac'), fileOf(text, { lower: 'ab', upper: 'ac', nulls: 0 }))).toBe(false);
  });

  test('a float may hold NaN until a count says that it does not', () => {
    expect(all(lt('double', 10), fileOf(double, { lower: 1, upper: 2, nulls: 0 }))).toBe(false);
    expect(all(lt('double', 10), fileOf(double, { lower: 1, upper: 2, nulls: 0, nans: 1 }))).toBe(false);
    expect(all(lt('double', 10), fileOf(double, { lower: 1, upper: 2, nulls: 0, nans: 0 }))).toBe(true);
    // NaN is unequal to every value.
    expect(all(notEq('double', 10), fileOf(double, { lower: 1, upper: 2, nulls: 0 }))).toBe(true);
    expect(all(eq('double', 0), fileOf(double, { lower: -0, upper: 0, nulls: 0, nans: 0 }))).toBe(true);
  });

  test('a file that was written without metrics, or without the column, proves nothing', () => {
    expect(match(gtEq('long', 0n), dataFileOf({}))).toBe('maybe-some');
  });

  test('a file without rows is none, whatever is asked', () => {
    expect(match(isNull('long'), dataFileOf({ recordCount: 0 }))).toBe('none');
  });
});

describe('partitions', () => {
  const source = wideSchema.fields.find((field) => field.type === 'timestamptz') as { id: number };
  const day = 86_400_000_000n;
  const spec: PartitionSpec = {
    specId: 3,
    fields: [{ sourceId: source.id, fieldId: 1000, name: 'day', transform: 'day' }],
  };
  const dayFile = (value: number | null) => dataFileOf({ specId: 3, partition: [value] });
  const matcher = createFileMatcher(gtEq('timestamptz', 10n * day), wideSchema, [unpartitionedSpec, spec]);

  test('whole days match by their partition alone, without metrics', () => {
    expect([9, 10, 11, null].map((value) => matcher(dayFile(value)))).toEqual(['none', 'all', 'all', 'none']);
  });

  test('a filter that cuts a day leaves that day open', () => {
    const cut = createFileMatcher(gtEq('timestamptz', 10n * day + 1n), wideSchema, [spec]);
    expect([9, 10, 11].map((value) => cut(dayFile(value)))).toEqual(['none', 'maybe-some', 'all']);
  });

  test('partition and metrics prove together what neither proves alone', () => {
    const filter = and(gtEq('timestamptz', 10n * day), eq('long', 4n));
    const { id } = wideSchema.fields.find((field) => field.name === 'long') as { id: number };
    const four = new Map([[id, encodeSingleValue('long', 4n)]]);
    const file = {
      ...dayFile(10),
      lowerBounds: four,
      upperBounds: four,
      nullValueCounts: new Map([[id, 0]]),
    };
    expect(matchFile(filter, wideSchema, spec, file)).toBe('all');
    const unwanted = complementOf(bindExpression(wideSchema, filter));
    expect(mayMatch(unwanted, dataFileStats(file, spec))).toBe(true);
  });

  test('a file of a spec that was not given is an error, not a guess', () => {
    let thrown: unknown;
    try {
      matcher(dataFileOf({ specId: 4 }));
    } catch (error) {
      thrown = error;
    }
    expect(IcebergError.is(thrown, 'INVALID_ARGUMENT')).toBe(true);
    expect((thrown as Error).message).toContain('mem://f.parquet is of partition spec 4');
  });
});
