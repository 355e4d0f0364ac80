import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { compareValues } from '../metadata/single-value.ts';
import type { ParquetChunk, ParquetRowGroup } from '../parquet/parquet-footer.ts';
import { storedStats } from '../parquet/parquet-stats.ts';
import type { FileColumn } from './file-columns.ts';

/** What a footer proves of one column over the whole file. */
export interface ColumnSummary {
  /** Compressed bytes, page headers included. */
  readonly size: number;
  /** Values with nulls and NaN; in a list or map also a slot for each empty one. */
  readonly valueCount: number;
  /** Absent when some row group does not count its nulls. */
  readonly nullCount?: number;
  /** At most every value that is neither null nor NaN. Absent when some row group with values says nothing. */
  readonly lower?: PrimitiveValue;
  /** At least every value that is neither null nor NaN. */
  readonly upper?: PrimitiveValue;
}

/** Sums a column up over the row groups of a file. Bounds inside lists and maps are left out, as everywhere. */
export function summarizeColumn(column: FileColumn, rowGroups: readonly ParquetRowGroup[]): ColumnSummary {
  const chunks = rowGroups.map((group) => group.chunks[column.node.leaf?.index as number] as ParquetChunk);
  const nullCount = nullCountOf(column, chunks);
  const lower = boundOf(column, chunks, 'lower');
  const upper = boundOf(column, chunks, 'upper');
  return {
    size: sum(chunks, ({ range }) => range.endExclusive - range.start),
    valueCount: sum(chunks, (chunk) => chunk.valueCount),
    ...(nullCount === undefined ? {} : { nullCount }),
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
  };
}

function nullCountOf({ node }: FileColumn, chunks: readonly ParquetChunk[]): number | undefined {
  // Neither the column nor anything around it can be null, whatever the writer counted.
  if (node.definitionLevel === 0) return 0;
  const counted = chunks.filter(({ valueCount }) => valueCount > 0);
  const known = counted.every(
    ({ statistics, valueCount }) => (statistics?.nullCount ?? Number.POSITIVE_INFINITY) <= valueCount,
  );
  return known ? sum(counted, ({ statistics }) => statistics?.nullCount as number) : undefined;
}

function boundOf(
  { type, node, repeated, convert }: FileColumn,
  chunks: readonly ParquetChunk[],
  side: 'lower' | 'upper',
): PrimitiveValue | undefined {
  if (repeated || !convert) return undefined;
  const sign = side === 'lower' ? -1 : 1;
  let bound: PrimitiveValue | undefined;
  for (const { statistics, valueCount } of chunks) {
    if (valueCount === 0) continue;
    const stats = storedStats(type, { node, convert }, { ...statistics, valueCount });
    if (!stats.canBeValue && !stats.canBeNaN) continue;
    const candidate = withSignedZero(stats[side], side);
    // One row group that says nothing, and nothing is known of the file.
    if (candidate === undefined) return undefined;
    if (bound === undefined || compareValues(type, candidate, bound) * sign > 0) bound = candidate;
  }
  return bound;
}

/** A zero bound may stand for the other zero, too: the lower one is -0 and the upper one +0. */
function withSignedZero(
  value: PrimitiveValue | undefined,
  side: 'lower' | 'upper',
): PrimitiveValue | undefined {
  return value === 0 ? (side === 'lower' ? -0 : 0) : value;
}

function sum<T>(items: readonly T[], size: (item: T) => number): number {
  return items.reduce((total, item) => total + size(item), 0);
}
