import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';
import type { BoundExpression, BoundPredicate, Reference } from './expression-bound.ts';
import { leastFrom } from './sorted-values.ts';

/**
 * What is known of one column over some set of rows: a data file, a row group, a page, all files of a manifest,
 * or a single partition value. Everything unknown is left permissive, so that a set is never ruled out by
 * ignorance.
 */
export interface ValueStats {
  /** At most every value that is neither null nor NaN; need not occur (it may be truncated). */
  readonly lower?: PrimitiveValue;
  /** At least every value that is neither null nor NaN; need not occur (it may be truncated). */
  readonly upper?: PrimitiveValue;
  /** False only when no row has null. */
  readonly canBeNull: boolean;
  /** False only when no row has NaN. */
  readonly canBeNaN: boolean;
  /** False only when every row has null or NaN. */
  readonly canBeValue: boolean;
}

/** Knows nothing and rules out nothing. */
export const unknownStats: ValueStats = Object.freeze({ canBeNull: true, canBeNaN: true, canBeValue: true });

/**
 * Whether some row of the set might be kept by the filter. False is a promise: no row of the set can match.
 * True promises nothing.
 *
 * @param statsOf what is known of a reference over the set
 */
export function mayMatch<R extends Reference>(
  expression: BoundExpression<R>,
  statsOf: (reference: R) => ValueStats,
): boolean {
  switch (expression.type) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return expression.operands.every((operand) => mayMatch(operand, statsOf));
    case 'or':
      return expression.operands.some((operand) => mayMatch(operand, statsOf));
    default:
      return predicateMayMatch(expression, statsOf(expression.reference));
  }
}

function predicateMayMatch<R extends Reference>(predicate: BoundPredicate<R>, stats: ValueStats): boolean {
  const type = predicate.reference.type as PrimitiveType;
  switch (predicate.type) {
    case 'is-null':
      return stats.canBeNull;
    case 'not-null':
      return stats.canBeValue || stats.canBeNaN;
    case 'is-nan':
      return stats.canBeNaN;
    case 'not-nan':
      return stats.canBeValue;
    case 'not-eq':
      return stats.canBeNaN || (stats.canBeValue && !isOnly(type, predicate.value, stats));
    case 'not-in':
      return stats.canBeNaN || (stats.canBeValue && !hasOnly(type, predicate.values, stats));
    case 'eq':
      return stats.canBeValue && within(type, predicate.value, stats);
    case 'in':
      return stats.canBeValue && someWithin(type, predicate.values, stats);
    case 'lt':
      return stats.canBeValue && orderOf(type, stats.lower, predicate.value, -1) < 0;
    case 'lt-eq':
      return stats.canBeValue && orderOf(type, stats.lower, predicate.value, -1) <= 0;
    case 'gt':
      return stats.canBeValue && orderOf(type, stats.upper, predicate.value, 1) > 0;
    case 'gt-eq':
      return stats.canBeValue && orderOf(type, stats.upper, predicate.value, 1) >= 0;
  }
}

/** Whether both bounds are the value: then no other can occur, even if a bound was truncated. */
function isOnly(type: PrimitiveType, value: PrimitiveValue, stats: ValueStats): boolean {
  return orderOf(type, stats.lower, value, -1) === 0 && orderOf(type, stats.upper, value, 1) === 0;
}

function within(type: PrimitiveType, value: PrimitiveValue, stats: ValueStats): boolean {
  return orderOf(type, stats.lower, value, -1) <= 0 && orderOf(type, stats.upper, value, 1) >= 0;
}

/** Whether one of the sorted values is the only one that can occur. */
function hasOnly(type: PrimitiveType, sorted: readonly PrimitiveValue[], stats: ValueStats): boolean {
  if (stats.lower === undefined || Number.isNaN(stats.lower)) return false;
  const least = leastFrom(type, sorted, stats.lower);
  return least !== undefined && isOnly(type, least, stats);
}

/** Whether one of the sorted values may occur. If the least that is not below the bounds is above them, all are. */
function someWithin(type: PrimitiveType, sorted: readonly PrimitiveValue[], stats: ValueStats): boolean {
  const { lower } = stats;
  const least = lower === undefined || Number.isNaN(lower) ? sorted[0] : leastFrom(type, sorted, lower);
  return least !== undefined && within(type, least, stats);
}

/** How the bound compares with the value; `whenUnknown` if there is no bound (or NaN, which is none). */
function orderOf(
  type: PrimitiveType,
  bound: PrimitiveValue | undefined,
  value: PrimitiveValue,
  whenUnknown: number,
): number {
  if (bound === undefined || Number.isNaN(bound)) return whenUnknown;
  return compareValues(type, bound, value);
}
