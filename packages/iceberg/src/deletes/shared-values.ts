import type { ColumnReference } from '../expression/expression-bound.ts';
import type { ValueStats } from '../expression/expression-stats.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { isPrimitiveType, type PrimitiveType } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';

/**
 * Whether some value of a column in one set of rows may equal one in another, as equality deletes compare: null with
 * null and NaN with NaN too. False is a promise, true promises nothing.
 */
export function mayShareValue({ type }: ColumnReference, left: ValueStats, right: ValueStats): boolean {
  if ((left.canBeNull && right.canBeNull) || (left.canBeNaN && right.canBeNaN)) return true;
  if (!left.canBeValue || !right.canBeValue || !isPrimitiveType(type)) return false;
  return notAbove(type, left.lower, right.upper) && notAbove(type, right.lower, left.upper);
}

/** Unknown bounds, and NaN, which is none, rule out nothing. */
function notAbove(
  type: PrimitiveType,
  lower: PrimitiveValue | undefined,
  upper: PrimitiveValue | undefined,
): boolean {
  if (lower === undefined || upper === undefined || Number.isNaN(lower) || Number.isNaN(upper)) return true;
  return compareValues(type, lower, upper) <= 0;
}
