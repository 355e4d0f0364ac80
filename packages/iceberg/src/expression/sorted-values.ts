import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';

/** The values of a set in their type's order, as a bound `in` has them; a new array. */
export function sortValues(type: PrimitiveType, values: readonly PrimitiveValue[]): PrimitiveValue[] {
  return values.toSorted((left, right) => compareValues(type, left, right));
}

/** The least of sorted values that is not below the bound; undefined when all are. */
export function leastFrom(
  type: PrimitiveType,
  sorted: readonly PrimitiveValue[],
  bound: PrimitiveValue,
): PrimitiveValue | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareValues(type, sorted[middle] as PrimitiveValue, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
}
