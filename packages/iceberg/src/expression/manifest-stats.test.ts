import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryHabit,
  arbitrarySpecOver,
  dataFileOf,
  describeRows,
  factsOf,
  partitionOf,
} from '../../test/support/arbitrary-files.ts';
import {
  arbitraryExpression,
  arbitraryExpressionOver,
  arbitraryRow,
  columnDomains,
  type PlainRow,
  wideSchema,
} from '../../test/support/arbitrary-rows.ts';
import type { DataFile, PartitionFieldSummary } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { transformResultType } from '../metadata/transform.ts';
import { eq, gt, isNull, lt, notNull } from './expression.ts';
import { bindExpression } from './expression-binding.ts';
import { projectToPartition } from './expression-projection.ts';
import { rowPredicate } from './expression-row.ts';
import { mayMatch } from './expression-stats.ts';
import { dataFileStats, partitionStats, summaryStats } from './manifest-stats.ts';

const fieldOf = (type: string) => {
  const field = wideSchema.fields.find((candidate) => candidate.type === type);
  if (!field) throw new Error(`no column of type ${type}`);
  return field;
};

test('a data file that is ruled out holds no matching row', () => {
  let ruledOut = 0;
  fc.assert(
    fc.property(
      fc.array(arbitraryRow, { minLength: 1, maxLength: 6 }),
      arbitraryExpression,
      arbitraryHabit,
      (rows, expression, habit) => {
        const bound = bindExpression(wideSchema, expression);
        const read = mayMatch(bound, dataFileStats(describeRows(rows, habit)));
        if (!read) ruledOut += 1;
        if (!read) expect(rows.filter(rowPredicate(bound))).toEqual([]);
      },
    ),
    { numRuns: 3000 },
  );
  // The property would hold for a reader that rules out nothing; it must not be that reader.
  expect(ruledOut).toBeGreaterThan(500);
});

test('a partition that is ruled out holds no matching row, nor does a manifest of such partitions', () => {
  let ruledOut = 0;
  // Few columns at a time, so that filter and spec mostly speak of the same ones.
  const arbitraryCase = fc
    .subarray([...wideSchema.fields], { minLength: 1, maxLength: 2 })
    .chain((fields) =>
      fc.tuple(arbitraryExpressionOver(fields.map((field) => field.name)), arbitrarySpecOver(fields)),
    );
  fc.assert(
    fc.property(
      fc.array(arbitraryRow, { minLength: 1, maxLength: 4 }),
      arbitraryCase,
      fc.boolean(),
      (rows, [expression, spec], knowsNaN) => {
        const bound = bindExpression(wideSchema, expression);
        const projected = projectToPartition(wideSchema, spec, bound);
        const matching = rows.filter(rowPredicate(bound));
        for (const row of matching) {
          expect(mayMatch(projected, partitionStats(partitionOf(spec, row)))).toBe(true);
        }
        const read = mayMatch(projected, summaryStats(summaryOf(spec, rows, knowsNaN)));
        if (!read) expect(matching).toEqual([]);
        if (!read) ruledOut += 1;
      },
    ),
    { numRuns: 3000 },
  );
  expect(ruledOut).toBeGreaterThan(500);
});

function summaryOf(
  spec: PartitionSpec,
  rows: readonly PlainRow[],
  knowsNaN: boolean,
): PartitionFieldSummary[] {
  return spec.fields.map(({ sourceId, transform }, position) => {
    const source = wideSchema.fields[sourceId - 1]?.type as PrimitiveType;
    const type = transformResultType(transform, source) ?? 'int';
    const facts = factsOf(
      type,
      rows.map((row) => partitionOf(spec, row)[position] ?? null),
    );
    return {
      containsNull: facts.nulls > 0,
      ...(knowsNaN ? { containsNan: facts.nans > 0 } : {}),
      ...(facts.lower === undefined ? {} : { lowerBound: encodeSingleValue(type, facts.lower) }),
      ...(facts.upper === undefined ? {} : { upperBound: encodeSingleValue(type, facts.upper) }),
    };
  });
}

describe('data file metrics', () => {
  const { id, name } = fieldOf('long');
  const match = (facts: Partial<DataFile>, expression: Parameters<typeof bindExpression>[1]) =>
    mayMatch(bindExpression(wideSchema, expression), dataFileStats(dataFileOf(facts)));
  const bounds = (lower: bigint, upper: bigint) => ({
    lowerBounds: new Map([[id, encodeSingleValue('long', lower)]]),
    upperBounds: new Map([[id, encodeSingleValue('long', upper)]]),
  });

  test('bounds of 64 bits are compared exactly', () => {
    const facts = bounds(2n ** 53n, 2n ** 53n);
    expect(match(facts, eq(name, 2n ** 53n))).toBe(true);
    expect(match(facts, eq(name, 2n ** 53n + 1n))).toBe(false);
    expect(match(facts, gt(name, 2n ** 53n))).toBe(false);
  });

  test('an empty file matches nothing', () => {
    expect(match({ recordCount: 0 }, isNull(name))).toBe(false);
  });

  test('only nulls: nothing but is-null matches', () => {
    const facts = { valueCounts: new Map([[id, 3]]), nullValueCounts: new Map([[id, 3]]) };
    expect(match(facts, notNull(name))).toBe(false);
    expect(match(facts, lt(name, 1n))).toBe(false);
    expect(match(facts, isNull(name))).toBe(true);
  });

  test('a bound from before the column was widened from int is understood', () => {
    const facts = { upperBounds: new Map([[id, encodeSingleValue('int', 5)]]) };
    expect(match(facts, gt(name, 5n))).toBe(false);
    expect(match(facts, gt(name, 4n))).toBe(true);
  });

  test('a bound that makes no sense rules nothing out', () => {
    const facts = { upperBounds: new Map([[id, Uint8Array.of(1, 2, 3)]]) };
    expect(match(facts, gt(name, 2n ** 62n))).toBe(true);
  });

  test('bounds of uuids rule nothing out, because older writers ordered them otherwise', () => {
    const uuid = fieldOf('uuid');
    const [low] = columnDomains.uuid as readonly [string];
    const facts = { upperBounds: new Map([[uuid.id, encodeSingleValue('uuid', low)]]) };
    expect(match(facts, gt(uuid.name, low))).toBe(true);
  });
});

test('times before 1970 are found in partitions of early writers, which rounded towards zero', () => {
  const { id, name } = fieldOf('timestamptz');
  const spec: PartitionSpec = {
    specId: 1,
    fields: [{ sourceId: id, fieldId: 1000, name: 'day', transform: 'day' }],
  };
  const found = (value: bigint, day: number) =>
    mayMatch(
      projectToPartition(wideSchema, spec, bindExpression(wideSchema, eq(name, value))),
      partitionStats([day]),
    );
  expect(found(-1n, -1)).toBe(true);
  expect(found(-1n, 0)).toBe(true);
  expect(found(-1n, 1)).toBe(false);
  expect(found(1n, 0)).toBe(true);
  expect(found(1n, -1)).toBe(false);
});
