import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues, encodeSingleValue } from '../metadata/single-value.ts';
import type { DataFile, PartitionFieldSummary, PrimitiveValue } from './data-file.ts';

/**
 * What a manifest list says of each partition field over the files of a manifest: null and NaN seen, and the
 * bounds of all other values. Spec: https://iceberg.apache.org/spec/#field-summary
 */
export function summarizePartitions(
  types: readonly PrimitiveType[],
  files: readonly DataFile[],
): readonly PartitionFieldSummary[] {
  return types.map((type, index) => {
    let containsNull = false;
    let containsNan = false;
    let lower: PrimitiveValue | undefined;
    let upper: PrimitiveValue | undefined;
    for (const file of files) {
      const value = file.partition[index]!;
      if (value === null) containsNull = true;
      else if (Number.isNaN(value)) containsNan = true;
      else {
        if (lower === undefined || compareValues(type, value, lower) < 0) lower = value;
        if (upper === undefined || compareValues(type, value, upper) > 0) upper = value;
      }
    }
    return {
      containsNull,
      containsNan,
      ...(lower !== undefined && { lowerBound: encodeSingleValue(type, lower) }),
      ...(upper !== undefined && { upperBound: encodeSingleValue(type, upper) }),
    };
  });
}
