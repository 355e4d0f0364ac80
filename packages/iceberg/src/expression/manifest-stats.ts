import type { DataFile, PartitionFieldSummary, PartitionValue } from '../manifest/data-file.ts';
import { partitionValueAs } from '../manifest/partition-value.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { isPrimitiveType, type PrimitiveType } from '../metadata/schema.ts';
import { decodeSingleValue } from '../metadata/single-value.ts';
import type { ColumnReference, PartitionReference } from './expression-bound.ts';
import { unknownStats, type ValueStats } from './expression-stats.ts';

const noRows: ValueStats = { canBeNull: false, canBeNaN: false, canBeValue: false };

/**
 * What a manifest entry says of the columns of a data file. Bounds are decoded in the column's present type, so
 * bounds written before a column was widened still serve; a bound that cannot be decoded counts as none.
 *
 * @param spec of the file's partition: all rows have the value of an identity partition
 */
export function dataFileStats(file: DataFile, spec?: PartitionSpec): (column: ColumnReference) => ValueStats {
  if (file.recordCount === 0) return () => noRows;
  const ofPartition = partitionStats(file.partition);
  return ({ id, type }) => {
    if (!isPrimitiveType(type)) return unknownStats;
    const position = spec?.fields.findIndex(
      (field) => field.sourceId === id && field.transform === 'identity',
    );
    if (position !== undefined && position >= 0) return ofPartition({ position, type });
    const nulls = file.nullValueCounts?.get(id);
    const nans = isFloat(type) ? file.nanValueCounts?.get(id) : 0;
    const values = file.valueCounts?.get(id);
    const counted = values !== undefined && values > 0 && nulls !== undefined;
    return {
      ...boundsOf(type, file.lowerBounds?.get(id), file.upperBounds?.get(id)),
      canBeNull: nulls !== 0,
      canBeNaN: nans !== 0 && !(counted && nulls >= values),
      canBeValue: !(counted && nulls + (nans ?? 0) >= values),
    };
  };
}

/** A file's partition values as knowledge: each is the only value of its partition field. */
export function partitionStats(
  partition: readonly PartitionValue[],
): (field: PartitionReference) => ValueStats {
  return ({ position, type }) => {
    const value = partition[position];
    if (value === undefined || !isPrimitiveType(type)) return unknownStats;
    if (value === null) return { canBeNull: true, canBeNaN: false, canBeValue: false };
    if (Number.isNaN(value)) return { canBeNull: false, canBeNaN: true, canBeValue: false };
    const only = partitionValueAs(type, value);
    return { lower: only, upper: only, canBeNull: false, canBeNaN: false, canBeValue: true };
  };
}

/**
 * What a manifest list says of the partitions of a manifest's files. Where null or NaN occurs, bounds are missing
 * only when nothing else does.
 */
export function summaryStats(
  summaries: readonly PartitionFieldSummary[],
): (field: PartitionReference) => ValueStats {
  return ({ position, type }) => {
    const summary = summaries[position];
    if (!summary || !isPrimitiveType(type)) return unknownStats;
    const { lowerBound, upperBound, containsNull, containsNan } = summary;
    const bounded = lowerBound !== undefined || upperBound !== undefined;
    return {
      ...boundsOf(type, lowerBound, upperBound),
      canBeNull: containsNull,
      canBeNaN: isFloat(type) && containsNan !== false,
      canBeValue: bounded || !(containsNull || containsNan === true),
    };
  };
}

function boundsOf(
  type: PrimitiveType,
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): { lower?: PrimitiveValue; upper?: PrimitiveValue } {
  // Java long ordered uuids as two signed numbers; bounds in that order would rule out the wrong files.
  if (type === 'uuid') return {};
  const low = decoded(type, lower);
  const high = decoded(type, upper);
  return { ...(low === undefined ? {} : { lower: low }), ...(high === undefined ? {} : { upper: high }) };
}

function decoded(type: PrimitiveType, bytes: Uint8Array | undefined): PrimitiveValue | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeSingleValue(type, bytes);
  } catch {
    // A bound only ever saves work: without it the file is read.
    return undefined;
  }
}

function isFloat(type: PrimitiveType): boolean {
  return type === 'float' || type === 'double';
}
