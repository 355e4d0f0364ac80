import type { ParquetChunk } from './parquet-footer.ts';
import type { PageLocation } from './parquet-selection.ts';
import { decodeThrift, ThriftFields } from './parquet-thrift.ts';

/** What the column index says of one page, as raw bytes in the column's physical type. */
export interface PageStatistics {
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
  /** True when every value of the page is null. */
  readonly allNull: boolean;
  readonly nullCount?: number;
}

/**
 * Decodes an offset index: where each data page of a chunk is and with which row it begins.
 *
 * @throws Error when pages lie outside the chunk, out of order, or do not begin with the first row
 * @see https://github.com/apache/parquet-format/blob/master/PageIndex.md
 */
export function decodeOffsetIndex(bytes: Uint8Array, chunk: ParquetChunk, rowCount: number): PageLocation[] {
  const index = new ThriftFields(decodeThrift(bytes).value, 'an offset index');
  let end = chunk.range.start;
  let row = -1;
  const pages = index.need(index.structs(1, 'a page location'), 'pages').map((location) => {
    const start = location.need(location.number(1), 'offset');
    const size = location.need(location.number(2), 'size');
    const firstRow = location.need(location.number(3), 'first row');
    if (start < end || size <= 0 || firstRow <= row || firstRow >= rowCount) {
      throw new Error('an offset index is out of order');
    }
    if (row === -1 && firstRow !== 0) throw new Error('an offset index does not begin with the first row');
    end = start + size;
    row = firstRow;
    return { range: { start, endExclusive: end }, firstRow };
  });
  if (end > chunk.range.endExclusive) throw new Error('an offset index leads outside its column');
  return pages;
}

/**
 * Decodes a column index: bounds and null counts of each data page.
 *
 * @param hasOrder whether it is known in which order bounds were found; if not, they are left out
 * @throws Error when it does not speak of `pageCount` pages
 */
export function decodeColumnIndex(bytes: Uint8Array, pageCount: number, hasOrder: boolean): PageStatistics[] {
  const index = new ThriftFields(decodeThrift(bytes).value, 'a column index');
  const nullPages = index.need(index.list(1), 'null pages');
  const mins = index.need(index.list(2), 'lower bounds');
  const maxes = index.need(index.list(3), 'upper bounds');
  const nullCounts = index.list(5);
  if ([nullPages, mins, maxes].some((list) => list.length !== pageCount)) {
    throw new Error(`a column index does not have ${pageCount} pages`);
  }
  return nullPages.map((allNull, page) => {
    const min = mins[page];
    const max = maxes[page];
    const nullCount = nullCounts?.[page];
    // A page without values has empty bounds, which mean nothing.
    const bounded = hasOrder && allNull !== true;
    return {
      allNull: allNull === true,
      ...(bounded && min instanceof Uint8Array ? { min } : {}),
      ...(bounded && max instanceof Uint8Array ? { max } : {}),
      ...(typeof nullCount === 'bigint' && nullCount >= 0n ? { nullCount: Number(nullCount) } : {}),
    };
  });
}
