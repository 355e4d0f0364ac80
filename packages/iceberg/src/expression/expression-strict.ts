import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';
import type { ComparisonType, SetType } from './expression.ts';
import {
  type BoundExpression,
  type BoundPredicate,
  boundAnd,
  boundFalse,
  boundOr,
  boundTrue,
  type ColumnReference,
  type PartitionReference,
  type Reference,
} from './expression-bound.ts';
import { projectToPartition } from './expression-projection.ts';
import { mayMatch, type ValueStats } from './expression-stats.ts';

/**
 * Whether every row of the set is kept by the filter. True is a promise: not one row of the set fails it, nulls
 * and NaN included. False promises nothing.
 *
 * All rows match when no row can match the complement, so what `mayMatch` may be trusted with, this may: missing
 * counts, truncated bounds and unknown NaN counts make it answer false.
 *
 * @param statsOf what is known of a reference over the set
 */
export function mustMatch<R extends Reference>(
  expression: BoundExpression<R>,
  statsOf: (reference: R) => ValueStats,
): boolean {
  return !mayMatch(complementOf(expression), statsOf);
}

/**
 * Projects a row filter onto the partitions of a spec, strictly: every row of a partition that fulfils the
 * projection matches the filter; one that does not fulfil it may hold matching rows all the same. A field whose
 * transform is unknown, takes several columns, or can say nothing about a predicate proves nothing.
 *
 * @param schema a schema that holds the columns of the filter; gives the partition fields their types
 */
export function projectToPartitionStrict(
  schema: Pick<Schema, 'fields'>,
  spec: PartitionSpec,
  expression: BoundExpression<ColumnReference>,
): BoundExpression<PartitionReference> {
  return complementOf(projectToPartition(schema, spec, complementOf(expression)));
}

/**
 * The filter that keeps exactly the rows this one leaves out. Unlike `not`, which leaves out what a null leaves
 * open, it keeps those too: the complement of `a < 5` is `a >= 5 or a is null`, and for a float `or a is NaN`.
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

const oppositeComparison: Record<ComparisonType, ComparisonType> = {
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
