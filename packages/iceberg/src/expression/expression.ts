import type { PrimitiveValue } from '../metadata/primitive-value.ts';

/** A comparison of a column with one value. */
export type ComparisonType = 'eq' | 'not-eq' | 'lt' | 'lt-eq' | 'gt' | 'gt-eq';

/** A question about a column that needs no value. */
export type UnaryType = 'is-null' | 'not-null' | 'is-nan' | 'not-nan';

/** A question about a column and a set of values. */
export type SetType = 'in' | 'not-in';

/**
 * A row filter by column name, not yet tied to a schema. Plain immutable data in the vocabulary of the REST
 * specification's expressions; make it with {@link eq}, {@link and} and so on.
 *
 * **Null and NaN**, as in SQL: a comparison with a null is neither true nor false, and a row is kept only when
 * the whole filter is true. So `notEq('a', 1)` and `not(eq('a', 1))` both leave out rows where `a` is null; add
 * `or(…, isNull('a'))` to have them. NaN is unequal to everything and neither below nor above anything.
 */
export type Expression =
  | { readonly type: 'true' }
  | { readonly type: 'false' }
  | { readonly type: 'and'; readonly operands: readonly Expression[] }
  | { readonly type: 'or'; readonly operands: readonly Expression[] }
  | { readonly type: 'not'; readonly child: Expression }
  | { readonly type: ComparisonType; readonly term: string; readonly value: PrimitiveValue }
  | { readonly type: SetType; readonly term: string; readonly values: readonly PrimitiveValue[] }
  | { readonly type: UnaryType; readonly term: string };

/** Keeps every row. */
export const alwaysTrue: Expression = Object.freeze({ type: 'true' });

/** Keeps no row. */
export const alwaysFalse: Expression = Object.freeze({ type: 'false' });

/** Rows that every operand keeps; with no operand every row. */
export function and(...operands: readonly Expression[]): Expression {
  return { type: 'and', operands };
}

/** Rows that at least one operand keeps; with no operand no row. */
export function or(...operands: readonly Expression[]): Expression {
  return { type: 'or', operands };
}

/** Rows for which the expression is false (not those for which a null leaves it open). */
export function not(child: Expression): Expression {
  return { type: 'not', child };
}

/** Rows whose column equals the value. `column` may name a field of a struct: `address.city`. */
export function eq(column: string, value: PrimitiveValue): Expression {
  return { type: 'eq', term: column, value };
}

/** Rows whose column has a value, and another one. */
export function notEq(column: string, value: PrimitiveValue): Expression {
  return { type: 'not-eq', term: column, value };
}

/** Rows whose column is less than the value. */
export function lt(column: string, value: PrimitiveValue): Expression {
  return { type: 'lt', term: column, value };
}

/** Rows whose column is at most the value. */
export function ltEq(column: string, value: PrimitiveValue): Expression {
  return { type: 'lt-eq', term: column, value };
}

/** Rows whose column is greater than the value. */
export function gt(column: string, value: PrimitiveValue): Expression {
  return { type: 'gt', term: column, value };
}

/** Rows whose column is at least the value. */
export function gtEq(column: string, value: PrimitiveValue): Expression {
  return { type: 'gt-eq', term: column, value };
}

/** Rows whose column is null. */
export function isNull(column: string): Expression {
  return { type: 'is-null', term: column };
}

/** Rows whose column is not null. */
export function notNull(column: string): Expression {
  return { type: 'not-null', term: column };
}

/** Rows whose column (float or double) is NaN. */
export function isNaN_(column: string): Expression {
  return { type: 'is-nan', term: column };
}

/** Rows whose column (float or double) has a value that is not NaN. */
export function notNaN(column: string): Expression {
  return { type: 'not-nan', term: column };
}

/** Rows whose column equals one of the values. */
export function in_(column: string, values: readonly PrimitiveValue[]): Expression {
  return { type: 'in', term: column, values };
}

/** Rows whose column has a value that is none of these. */
export function notIn(column: string, values: readonly PrimitiveValue[]): Expression {
  return { type: 'not-in', term: column, values };
}
