import type { BoundExpression, BoundPredicate, ColumnReference } from '../expression/expression-bound.ts';
import { referencesOf } from '../expression/expression-bound.ts';
import { mayMatch, unknownStats, type ValueStats } from '../expression/expression-stats.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { RowValue } from '../metadata/row.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { decoding } from '../parquet/data-file-errors.ts';
import type { ByteRange, ParquetChunk, ParquetRowGroup } from '../parquet/parquet-footer.ts';
import { decodeColumnIndex, type PageStatistics } from '../parquet/parquet-index.ts';
import type { PageLocation } from '../parquet/parquet-selection.ts';
import { type ParquetSource, readRanges } from '../parquet/parquet-source.ts';
import { storedStats } from '../parquet/parquet-stats.ts';
import type { PlannedLeaf } from '../parquet/planned-leaf.ts';
import { loadPages, type PageCache } from './data-file-reader-columns.ts';
import { intersectRanges, type RowRange, type RowRanges, unionRanges } from './row-ranges.ts';

/** How a filter's column is found in a file: stored, or the same for every row, or not to be judged. */
export type PrunableColumn =
  | { readonly kind: 'stored'; readonly leaf: PlannedLeaf; readonly type: PrimitiveType }
  | { readonly kind: 'constant'; readonly value: RowValue };

export type FindPrunable = (column: ColumnReference) => PrunableColumn | undefined;

type Filter = BoundExpression<ColumnReference>;

/** What the footer says of a row group. */
export function rowGroupStats(
  group: ParquetRowGroup,
  find: FindPrunable,
): (column: ColumnReference) => ValueStats {
  return (reference) => {
    const column = find(reference);
    if (!column) return unknownStats;
    if (column.kind === 'constant') return constantStats(column.value);
    const chunk = chunkOf(group, column.leaf);
    return storedStats(column.type, column.leaf, { ...chunk.statistics, valueCount: chunk.valueCount });
  };
}

function constantStats(value: RowValue): ValueStats {
  if (value === null) return { canBeNull: true, canBeNaN: false, canBeValue: false };
  if (Number.isNaN(value)) return { canBeNull: false, canBeNaN: true, canBeValue: false };
  const only =
    typeof value === 'object' && !(value instanceof Uint8Array) ? undefined : (value as PrimitiveValue);
  const bounds = only === undefined ? {} : { lower: only, upper: only };
  return { ...bounds, canBeNull: false, canBeNaN: false, canBeValue: true };
}

/**
 * The rows of a row group that might match a filter, judged page by page where the file has a page index.
 * Columns are paged independently: each predicate gives the rows of its column's pages, `and` and `or` combine
 * rows.
 *
 * @returns ranges counted within the file
 */
export async function pruneByPages(
  source: ParquetSource,
  group: ParquetRowGroup,
  filter: Filter,
  find: FindPrunable,
  cache: PageCache,
): Promise<RowRanges> {
  const all: RowRanges = [{ start: group.rowStart, endExclusive: group.rowStart + group.rowCount }];
  const statistics = await loadPageStatistics(source, group, filter, find, cache);
  const whole = rowGroupStats(group, find);
  const judge = (predicate: BoundPredicate<ColumnReference>): RowRanges => {
    const column = find(predicate.reference);
    const pages = column?.kind === 'stored' ? statistics.get(chunkOf(group, column.leaf)) : undefined;
    if (column?.kind !== 'stored' || !pages) return mayMatch(predicate, whole) ? all : [];
    const kept = pages.filter(({ stats }) =>
      mayMatch(predicate, () => storedStats(column.type, column.leaf, stats)),
    );
    return unionRanges(kept.map(({ rows }) => rows));
  };
  return combine(filter, all, judge);
}

function combine(
  filter: Filter,
  all: RowRanges,
  judge: (predicate: BoundPredicate<ColumnReference>) => RowRanges,
): RowRanges {
  switch (filter.type) {
    case 'true':
      return all;
    case 'false':
      return [];
    case 'and':
      return filter.operands
        .map((operand) => combine(operand, all, judge))
        .reduce((left, right) => intersectRanges(left, right), all);
    case 'or':
      return unionRanges(filter.operands.flatMap((operand) => combine(operand, all, judge)));
    default:
      return judge(filter);
  }
}

interface PageFacts {
  readonly rows: RowRange;
  readonly stats: PageStatistics;
}

/** Reads the page indexes of the filter's columns, as far as there are any. */
async function loadPageStatistics(
  source: ParquetSource,
  group: ParquetRowGroup,
  filter: Filter,
  find: FindPrunable,
  cache: PageCache,
): Promise<Map<ParquetChunk, readonly PageFacts[]>> {
  const chunks = new Set<ParquetChunk>();
  for (const reference of referencesOf(filter)) {
    const column = find(reference);
    if (column?.kind !== 'stored') continue;
    const chunk = chunkOf(group, column.leaf);
    if (chunk.columnIndex && chunk.offsetIndex) chunks.add(chunk);
  }
  const indexed = [...chunks];
  await loadPages(source, group, indexed, cache);
  const ranges = indexed.map((chunk) => chunk.columnIndex as ByteRange);
  const indexes = await readRanges(source, ranges, Number.POSITIVE_INFINITY);
  return new Map(
    indexed.map((chunk, position) => {
      const pages = cache.get(chunk) as readonly PageLocation[];
      const statistics = decoding(source.location, 'column index', () =>
        decodeColumnIndex(indexes[position] as Uint8Array, pages.length, chunk.hasOrder),
      );
      return [chunk, statistics.map((stats, page) => ({ stats, rows: rowsOfPage(group, pages, page) }))];
    }),
  );
}

function rowsOfPage(group: ParquetRowGroup, pages: readonly PageLocation[], page: number): RowRange {
  const first = (pages[page] as PageLocation).firstRow;
  const next = pages[page + 1]?.firstRow ?? group.rowCount;
  return { start: group.rowStart + first, endExclusive: group.rowStart + next };
}

function chunkOf(group: ParquetRowGroup, { node }: PlannedLeaf): ParquetChunk {
  return group.chunks[node.leaf?.index as number] as ParquetChunk;
}
