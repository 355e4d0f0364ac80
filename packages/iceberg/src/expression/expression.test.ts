import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryExpression,
  arbitraryRow,
  type PlainRow,
  wideSchema,
} from '../../test/support/arbitrary-rows.ts';
import { IcebergError } from '../errors.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType, Schema } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';
import {
  alwaysFalse,
  alwaysTrue,
  and,
  type Expression,
  eq,
  gt,
  in_,
  isNaN_,
  isNull,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNull,
  or,
} from './expression.ts';
import { bindExpression } from './expression-binding.ts';
import { referencesOf } from './expression-bound.ts';
import { rowPredicate } from './expression-row.ts';

const schema: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'at', required: false, type: 'timestamptz' },
    {
      id: 3,
      name: 'place',
      required: false,
      type: { type: 'struct', fields: [{ id: 4, name: 'city', required: true, type: 'string' }] },
    },
    {
      id: 5,
      name: 'tags',
      required: false,
      type: { type: 'list', elementId: 6, elementRequired: true, element: 'string' },
    },
    { id: 7, name: 'ratio', required: false, type: 'float' },
  ],
};

const keeps = (expression: Expression, row: Record<string, unknown>) =>
  rowPredicate(bindExpression(schema, expression))(row);

/** SQL's three-valued logic, written down directly: the judge of binding, `not` and rows together. */
function judge(expression: Expression, row: PlainRow): boolean | null {
  switch (expression.type) {
    case 'true':
    case 'false':
      return expression.type === 'true';
    case 'and':
    case 'or': {
      const parts = expression.operands.map((operand) => judge(operand, row));
      const decisive = expression.type === 'or';
      return parts.includes(decisive) ? decisive : parts.includes(null) ? null : !decisive;
    }
    case 'not': {
      const inner = judge(expression.child, row);
      return inner === null ? null : !inner;
    }
    default: {
      const value = row[expression.term] as PrimitiveValue | null;
      if (expression.type === 'is-null') return value === null;
      if (expression.type === 'not-null') return value !== null;
      if (value === null) {
        // An empty set needs no comparison.
        if ('values' in expression && expression.values.length === 0) return expression.type === 'not-in';
        return null;
      }
      const type = wideSchema.fields.find((field) => field.name === expression.term)?.type as PrimitiveType;
      const nan = Number.isNaN(value);
      const compared = (other: PrimitiveValue) => compareValues(type, value, other);
      switch (expression.type) {
        case 'is-nan':
          return nan;
        case 'not-nan':
          return !nan;
        case 'in':
          return expression.values.some((other) => compared(other) === 0);
        case 'not-in':
          return !expression.values.some((other) => compared(other) === 0);
        case 'eq':
          return !nan && compared(expression.value) === 0;
        case 'not-eq':
          return nan || compared(expression.value) !== 0;
        case 'lt':
          return !nan && compared(expression.value) < 0;
        case 'lt-eq':
          return !nan && compared(expression.value) <= 0;
        case 'gt':
          return !nan && compared(expression.value) > 0;
        case 'gt-eq':
          return !nan && compared(expression.value) >= 0;
      }
    }
  }
}

test('a row is kept exactly when SQL would keep it, however deep the nots', () => {
  fc.assert(
    fc.property(arbitraryExpression, arbitraryRow, (expression, row) => {
      const bound = bindExpression(wideSchema, expression);
      expect(rowPredicate(bound)(row)).toBe(judge(expression, row) === true);
    }),
    { numRuns: 1000 },
  );
});

describe('binding', () => {
  test('finds struct fields by their dotted name', () => {
    const [reference] = [...referencesOf(bindExpression(schema, eq('place.city', 'Ulm')))];
    expect(reference).toEqual({ id: 4, path: ['place', 'city'], type: 'string' });
    expect(keeps(eq('place.city', 'Ulm'), { place: { city: 'Ulm' } })).toBe(true);
    expect(keeps(eq('place.city', 'Ulm'), { place: null })).toBe(false);
    expect(keeps(isNull('place.city'), { place: null })).toBe(true);
  });

  test('folds what the schema already decides', () => {
    expect(bindExpression(schema, isNull('id'))).toEqual({ type: 'false' });
    expect(bindExpression(schema, notNull('id'))).toEqual({ type: 'true' });
    expect(bindExpression(schema, in_('id', []))).toEqual({ type: 'false' });
    expect(bindExpression(schema, and(alwaysTrue, not(alwaysFalse)))).toEqual({ type: 'true' });
    expect(bindExpression(schema, or())).toEqual({ type: 'false' });
    // A required field of an optional struct can be absent all the same.
    expect(bindExpression(schema, isNull('place.city')).type).toBe('is-null');
  });

  test('takes an exact number for a long, and one value in a set for an equality', () => {
    expect(bindExpression(schema, in_('id', [5, 5n]))).toMatchObject({ type: 'eq', value: 5n });
    expect(bindExpression(schema, notIn('id', [1n, 2n]))).toMatchObject({ type: 'not-in', values: [1n, 2n] });
  });

  test('a set of 100,000 values costs no more for each value and row than a small one', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => BigInt(i));
    const start = performance.now();
    const wanted = rowPredicate(bindExpression(schema, in_('id', [...values, ...values])));
    const unwanted = rowPredicate(bindExpression(schema, notIn('id', values)));
    expect(values.every((id) => wanted({ id: id * 2n }) === id * 2n < 100_000n)).toBe(true);
    expect(values.every((id) => unwanted({ id }))).toBe(false);
    // Minutes when each value is compared with each other one.
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test('null columns of any type can be asked for', () => {
    expect(keeps(isNull('tags'), { tags: null })).toBe(true);
    expect(keeps(notNull('tags'), { tags: [] })).toBe(true);
  });

  test('the negation of an order is true for NaN', () => {
    expect(keeps(not(lt('ratio', 1)), { ratio: Number.NaN })).toBe(true);
    expect(keeps(gt('ratio', 1), { ratio: Number.NaN })).toBe(false);
    expect(keeps(notEq('ratio', 1), { ratio: Number.NaN })).toBe(true);
  });

  test('names can be matched without case', () => {
    expect(() => bindExpression(schema, eq('ID', 1n))).toThrow('no column ID; there are id, at,');
    expect(bindExpression(schema, eq('ID', 1n), { caseSensitive: false })).toMatchObject({ type: 'eq' });
  });

  test.each<[string, Expression]>([
    ['no column nope', eq('nope', 1)],
    ['column at: INVALID_ARGUMENT: expected a 64-bit bigint', gt('at', 1_700_000_000_000)],
    ['column id: INVALID_ARGUMENT: expected a 64-bit bigint', eq('id', 2 ** 60)],
    ['column id: INVALID_ARGUMENT: expected a 64-bit bigint', eq('id', 'x')],
    ['column tags is a list and cannot be compared', eq('tags', 'x')],
    ['column tags.element is inside a list or map', eq('tags.element', 'x')],
    ['column ratio cannot be compared with NaN; use isNaN_', eq('ratio', Number.NaN)],
    ['column ratio: 1e+300 is beyond the range of type float', ltEq('ratio', 1e300)],
    ['column id cannot be compared with null; use isNull', eq('id', null as unknown as bigint)],
    ['column id of type long is never NaN', isNaN_('id')],
    ['unknown expression "like"', { type: 'like', term: 'id' } as unknown as Expression],
  ])('says %s', (message, expression) => {
    let thrown: unknown;
    try {
      bindExpression(schema, not(and(alwaysTrue, expression)));
    } catch (error) {
      thrown = error;
    }
    expect(IcebergError.is(thrown, 'INVALID_ARGUMENT')).toBe(true);
    expect((thrown as Error).message).toContain(message);
  });
});
