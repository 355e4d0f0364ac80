import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues, encodeSingleValue } from '../metadata/single-value.ts';
import type { DataFile, PartitionFieldSummary } from './data-file.ts';

interface FieldRange {
  readonly type: PrimitiveType;
  containsNull: boolean;
  containsNan: boolean;
  lower?: PrimitiveValue;
  upper?: PrimitiveValue;
}

/**
 * Gathers what a manifest list says of each partition field over the files of a manifest: null and NaN seen, and
 * the bounds of all other values. Spec: https://iceberg.apache.org/spec/#field-summary
 */
export class PartitionSummary {
  readonly #ranges: readonly FieldRange[];

  constructor(types: readonly PrimitiveType[]) {
    this.#ranges = types.map((type) => ({ type, containsNull: false, containsNan: false }));
  }

  add(partition: DataFile['partition']): void {
    for (const [index, range] of this.#ranges.entries()) {
      const value = partition[index]!;
      if (value === null) range.containsNull = true;
      else if (Number.isNaN(value)) range.containsNan = true;
      else {
        if (range.lower === undefined || compareValues(range.type, value, range.lower) < 0)
          range.lower = value;
        if (range.upper === undefined || compareValues(range.type, value, range.upper) > 0)
          range.upper = value;
      }
    }
  }

  fields(): readonly PartitionFieldSummary[] {
    return this.#ranges.map(({ type, containsNull, containsNan, lower, upper }) => ({
      containsNull,
      containsNan,
      // Which of the two zeros occurred is not kept, and other readers put -0 below +0.
      ...(lower !== undefined && { lowerBound: encodeSingleValue(type, lower === 0 ? -0 : lower) }),
      ...(upper !== undefined && { upperBound: encodeSingleValue(type, upper === 0 ? 0 : upper) }),
    }));
  }
}
