import type { ComparisonType, SetType } from './expression.ts';
import {
  type BoundExpression,
  type BoundPredicate,
  boundAnd,
  boundFalse,
  boundOr,
  boundTrue,
  type Reference,
} from './expression-bound.ts';

/**
 * The filter that keeps exactly the rows this one leaves out. Unlike `not`, which leaves out what a null leaves
 * open, it keeps those too: the complement of `a < 5` is `a >= 5 or a is null`, and for a float `or a is NaN`.
 *
 * All rows of a set match a filter when no row of it can match the complement: what `mayMatch` may be trusted with,
 * missing counts and truncated bounds included, proves both.
 */
export function complementOf<R extends Reference>(expression: BoundExpression<R>): BoundExpression<R> {
  switch (expression.type) {
    case 'true':
      return boundFalse;
    case 'false':
      return boundTrue;
    case 'and':
      return boundOr(expression.operands.map(complementOf));
    case 'or':
      return boundAnd(expression.operands.map(complementOf));
    default:
      return complementOfPredicate(expression);
  }
}

/** What an order is turned into by `not`, NaN aside. */
export const oppositeComparison: Record<ComparisonType, ComparisonType> = {
  eq: 'not-eq',
  'not-eq': 'eq',
  lt: 'gt-eq',
  'lt-eq': 'gt',
  gt: 'lt-eq',
  'gt-eq': 'lt',
};

const oppositeSet: Record<SetType, SetType> = { in: 'not-in', 'not-in': 'in' };

function complementOfPredicate<R extends Reference>(predicate: BoundPredicate<R>): BoundExpression<R> {
  const { type, reference } = predicate;
  switch (type) {
    case 'is-null':
      return { type: 'not-null', reference };
    case 'not-null':
      return { type: 'is-null', reference };
    case 'is-nan':
      return orNull({ type: 'not-nan', reference });
    case 'not-nan':
      return orNull({ type: 'is-nan', reference });
    case 'in':
    case 'not-in':
      return orNull({ type: oppositeSet[type], reference, values: predicate.values });
    case 'eq':
    case 'not-eq':
      // NaN is unequal to every value, so the opposites share it out between them.
      return orNull({ type: oppositeComparison[type], reference, value: predicate.value });
    default:
      return orNaN(orNull({ type: oppositeComparison[type], reference, value: predicate.value }), reference);
  }
}

function orNull<R extends Reference>(predicate: BoundPredicate<R>): BoundExpression<R> {
  return boundOr<R>([predicate, { type: 'is-null', reference: predicate.reference }]);
}

/** NaN is on neither side of an order, and so in the complement of both. */
function orNaN<R extends Reference>(expression: BoundExpression<R>, reference: R): BoundExpression<R> {
  const floating = reference.type === 'float' || reference.type === 'double';
  return floating ? boundOr<R>([expression, { type: 'is-nan', reference }]) : expression;
}
