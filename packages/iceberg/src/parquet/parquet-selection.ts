import type { ValueConverter } from './parquet-convert.ts';
import type { ByteRange, ParquetChunk } from './parquet-footer.ts';
import type { ParquetNode } from './parquet-schema.ts';

/** A page's place, from the offset index. */
export interface PageLocation {
  readonly range: ByteRange;
  /** First row of the page, counted within its row group. */
  readonly firstRow: number;
}

/** What to read of a column chunk. */
export interface ColumnSelection {
  readonly node: ParquetNode;
  readonly chunk: ParquetChunk;
  readonly convert: ValueConverter;
  /** First row to read, counted within the row group. */
  readonly rowStart: number;
  readonly rowEnd: number;
  /** All pages of the chunk, if the file has an offset index and it was read. */
  readonly pages?: readonly PageLocation[];
}

/** Which bytes a selection needs: the dictionary (when pages are known to follow later) and the data pages. */
export function selectedBytes(selection: ColumnSelection): { dictionary?: ByteRange; data: ByteRange } {
  const { chunk, pages, rowStart, rowEnd } = selection;
  if (!pages || pages.length === 0) return { data: chunk.range };
  const first = pages.findLastIndex((page) => page.firstRow <= rowStart);
  const last = pages.findLastIndex((page) => page.firstRow < rowEnd);
  const from = pages[Math.max(0, first)] as PageLocation;
  const to = pages[Math.max(0, first, last)] as PageLocation;
  const data = { start: from.range.start, endExclusive: to.range.endExclusive };
  const dictionaryEnd = (pages[0] as PageLocation).range.start;
  if (dictionaryEnd === chunk.range.start) return { data };
  const dictionary = { start: chunk.range.start, endExclusive: dictionaryEnd };
  // Neighbours are one range.
  if (data.start === dictionaryEnd)
    return { data: { start: chunk.range.start, endExclusive: data.endExclusive } };
  return { dictionary, data };
}
