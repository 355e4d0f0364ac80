import type { DataFile } from '../manifest/data-file.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { truncateLower, truncateUpper } from './bound-truncation.ts';
import type { ColumnSummary } from './column-summary.ts';
import { hasBounds, type MetricsMode } from './metrics-mode.ts';

/** The metrics of a manifest entry. */
export type FileMetrics = Required<
  Pick<DataFile, 'columnSizes' | 'valueCounts' | 'nullValueCounts' | 'lowerBounds' | 'upperBounds'>
>;

/** A column's summary and type. */
export interface SummarizedColumn {
  readonly id: number;
  readonly type: PrimitiveType;
  readonly summary: ColumnSummary;
}

/**
 * The metrics a manifest keeps of a file's columns, as their modes want them. NaN counts are not among them: a
 * footer does not count NaN.
 */
export function fileMetrics(
  columns: readonly SummarizedColumn[],
  modeOf: (fieldId: number) => MetricsMode,
): FileMetrics {
  const columnSizes = new Map<number, number>();
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  for (const { id, type, summary } of columns) {
    const mode = modeOf(id);
    columnSizes.set(id, summary.size);
    if (mode.kind === 'none') continue;
    valueCounts.set(id, summary.valueCount);
    if (summary.nullCount !== undefined) nullValueCounts.set(id, summary.nullCount);
    if (!hasBounds(mode)) continue;
    const { lower, upper } = summary;
    setBound(lowerBounds, id, type, lower === undefined ? undefined : truncateLower(type, mode, lower));
    setBound(upperBounds, id, type, upper === undefined ? undefined : truncateUpper(type, mode, upper));
  }
  return { columnSizes, valueCounts, nullValueCounts, lowerBounds, upperBounds };
}

function setBound(
  bounds: Map<number, Uint8Array>,
  id: number,
  type: PrimitiveType,
  value: PrimitiveValue | undefined,
): void {
  // A copy: the bound must not keep the footer it was cut from in memory.
  if (value !== undefined) bounds.set(id, encodeSingleValue(type, value).slice());
}
