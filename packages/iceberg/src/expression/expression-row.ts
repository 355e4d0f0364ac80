import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues, valueKey } from '../metadata/single-value.ts';
import type { BoundExpression, BoundPredicate, ColumnReference } from './expression-bound.ts';

/** A row as read: column name to value. */
type RowLike = Readonly<Record<string, unknown>>;

/**
 * Turns a bound filter into a function that says whether to keep a row. The row must hold every column the
 * filter speaks of, in the form of `Row`; an absent one counts as null.
 */
export function rowPredicate(expression: BoundExpression<ColumnReference>): (row: RowLike) => boolean {
  switch (expression.type) {
    case 'true':
      return () => true;
    case 'false':
      return () => false;
    case 'and': {
      const tests = expression.operands.map(rowPredicate);
      return (row) => tests.every((test) => test(row));
    }
    case 'or': {
      const tests = expression.operands.map(rowPredicate);
      return (row) => tests.some((test) => test(row));
    }
    default: {
      const test = valuePredicate(expression);
      const read = accessor(expression.reference.path);
      return (row) => test(read(row));
    }
  }
}

/**
 * Turns one predicate into a function over a value, null included. False for null, except for `is-null`; a NaN
 * fulfils only `not-eq`, `not-in`, `not-null` and `is-nan`.
 */
function valuePredicate(
  predicate: BoundPredicate<ColumnReference>,
): (value: PrimitiveValue | null | undefined) => boolean {
  const type = predicate.reference.type as PrimitiveType;
  const given = (value: PrimitiveValue | null | undefined): value is PrimitiveValue =>
    value !== null && value !== undefined;
  switch (predicate.type) {
    case 'is-null':
      return (value) => !given(value);
    case 'not-null':
      return given;
    case 'is-nan':
      return (value) => Number.isNaN(value);
    case 'not-nan':
      return (value) => given(value) && !Number.isNaN(value);
    case 'in':
    case 'not-in': {
      const wanted = predicate.type === 'in';
      const keys = new Set(predicate.values.map(valueKey));
      return (value) => given(value) && keys.has(valueKey(value)) === wanted;
    }
    case 'eq':
    case 'not-eq': {
      const wanted = predicate.type === 'eq';
      const { value: literal } = predicate;
      return (value) => given(value) && (compareValues(type, value, literal) === 0) === wanted;
    }
    default: {
      const { value: literal } = predicate;
      const accepts = orderTests[predicate.type];
      return (value) => given(value) && !Number.isNaN(value) && accepts(compareValues(type, value, literal));
    }
  }
}

const orderTests = {
  lt: (order: number) => order < 0,
  'lt-eq': (order: number) => order <= 0,
  gt: (order: number) => order > 0,
  'gt-eq': (order: number) => order >= 0,
};

function accessor(path: readonly string[]): (row: RowLike) => PrimitiveValue | null | undefined {
  const [first] = path as [string];
  if (path.length === 1) return (row) => row[first] as PrimitiveValue | null | undefined;
  return (row) => {
    let value: unknown = row;
    for (const name of path) {
      if (value === null || value === undefined) return null;
      value = (value as RowLike)[name];
    }
    return value as PrimitiveValue | null | undefined;
  };
}
