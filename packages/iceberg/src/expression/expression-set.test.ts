import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import * as order from '../metadata/value-order.ts';
import { eq, in_, type not, notEq, notIn, or } from './expression.ts';
import { bindExpression } from './expression-binding.ts';
import { mayMatch, type ValueStats } from './expression-stats.ts';

vi.mock('../metadata/value-order.ts', { spy: true });

afterEach(() => {
  vi.clearAllMocks();
});

const schema = {
  fields: [
    { id: 1, name: 'int', required: false, type: 'int' as const },
    { id: 2, name: 'double', required: false, type: 'double' as const },
    { id: 3, name: 'string', required: false, type: 'string' as const },
    { id: 4, name: 'binary', required: false, type: 'binary' as const },
  ],
};

const domains: Readonly<Record<string, fc.Arbitrary<PrimitiveValue>>> = {
  int: fc.integer({ min: -3, max: 12 }),
  double: fc.constantFrom(-0, 0, 1.5, -1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 7),
  string: fc.string({ unit: fc.constantFrom('a', '\u{ffff}', '\u{1f600}'), maxLength: 2 }),
  binary: fc.uint8Array({ maxLength: 2, max: 3 }),
};

test('a set is judged as its values one by one, whatever their order and the bounds', () => {
  const arbitraryCase = fc.constantFrom(...Object.keys(domains)).chain((column) => {
    const value = domains[column] as fc.Arbitrary<PrimitiveValue>;
    const bound = fc.option(column === 'double' ? fc.oneof(value, fc.constant(Number.NaN)) : value, {
      nil: undefined,
    });
    const facts = { lower: bound, upper: bound, canBeNull: fc.boolean(), canBeNaN: fc.boolean() };
    const stats = fc.record({ ...facts, canBeValue: fc.boolean() }) as fc.Arbitrary<ValueStats>;
    return fc.tuple(fc.constant(column), fc.array(value, { minLength: 1, maxLength: 6 }), stats);
  });
  const seen = { kept: 0, left: 0 };
  fc.assert(
    fc.property(arbitraryCase, ([column, values, stats]) => {
      const judge = (filter: Parameters<typeof not>[0]) =>
        mayMatch(bindExpression(schema, filter), () => stats);
      const some = judge(or(...values.map((value) => eq(column, value))));
      expect(judge(in_(column, values))).toBe(some);
      seen[some ? 'kept' : 'left'] += 1;
      // No value of a set can be the only one left when it is each value that the rows must not have.
      expect(judge(notIn(column, values))).toBe(values.every((value) => judge(notEq(column, value))));
    }),
    { numRuns: 4000 },
  );
  expect(Math.min(seen.kept, seen.left)).toBeGreaterThan(300);
});

test('a set of many values costs a file a few comparisons', () => {
  const count = 4096;
  const even = Array.from({ length: count }, (_, n) => n * 2);
  const bound = bindExpression(schema, in_('int', even.toReversed()));
  const unwanted = bindExpression(schema, notIn('int', even));
  const compared = vi.mocked(order.compareNumbers);
  compared.mockClear();
  for (let n = 0; n < 100; n += 1) {
    const odd = {
      lower: 41 * n * 2 + 1,
      upper: 41 * n * 2 + 1,
      canBeNull: false,
      canBeNaN: false,
      canBeValue: true,
    };
    expect(mayMatch(bound, () => odd)).toBe(false);
    expect(mayMatch(unwanted, () => odd)).toBe(true);
  }
  // A look at every value would take thousands for each.
  expect(compared.mock.calls.length).toBeGreaterThan(0);
  expect(compared.mock.calls.length / 200).toBeLessThan(20);
});
