import { decoding } from '../parquet/data-file-errors.ts';
import { ColumnCursor } from '../parquet/parquet-column.ts';
import type { ByteRange, ParquetChunk, ParquetRowGroup } from '../parquet/parquet-footer.ts';
import { decodeOffsetIndex } from '../parquet/parquet-index.ts';
import { type ColumnSelection, type PageLocation, selectedBytes } from '../parquet/parquet-selection.ts';
import { type ParquetSource, readRanges } from '../parquet/parquet-source.ts';
import type { PlannedLeaf } from '../parquet/planned-leaf.ts';

/** Column chunks up to this size are read whole: finding their pages first would cost as much. */
const smallChunkBytes = 32 * 1024;

/** Pages of the chunks whose offset index was read. */
export type PageCache = Map<ParquetChunk, readonly PageLocation[]>;

/** The offset indexes of these chunks, read (joined into few requests) where not known yet. */
export async function loadPages(
  source: ParquetSource,
  group: ParquetRowGroup,
  chunks: readonly ParquetChunk[],
  cache: PageCache,
): Promise<void> {
  const unknown = chunks.filter((chunk) => chunk.offsetIndex && !cache.has(chunk));
  const ranges = unknown.map((chunk) => chunk.offsetIndex as ByteRange);
  const indexes = await readRanges(source, ranges, Number.POSITIVE_INFINITY);
  for (const [position, chunk] of unknown.entries()) {
    const bytes = indexes[position] as Uint8Array;
    const pages = decoding(source.location, 'offset index', () =>
      decodeOffsetIndex(bytes, chunk, group.rowCount),
    );
    cache.set(chunk, pages);
  }
}

/**
 * Opens cursors over rows of one row group. What each column needs first is read here, near ranges in one
 * request; with a part of the rows only the pages that hold them are read, if the file has an offset index.
 *
 * @param rowStart first row, counted within the row group
 * @param windowBytes the most a cursor reads ahead
 */
export async function openColumns(
  source: ParquetSource,
  group: ParquetRowGroup,
  leaves: readonly PlannedLeaf[],
  rows: { readonly rowStart: number; readonly rowEnd: number },
  windowBytes: number,
  cache: PageCache,
): Promise<ColumnCursor[]> {
  const chunkOf = ({ node }: PlannedLeaf) => group.chunks[node.leaf?.index as number] as ParquetChunk;
  const whole = rows.rowStart === 0 && rows.rowEnd === group.rowCount;
  if (!whole) {
    const large = leaves
      .map(chunkOf)
      .filter(({ range }) => range.endExclusive - range.start > smallChunkBytes);
    await loadPages(source, group, large, cache);
  }
  const openings = leaves.map((leaf) => {
    const chunk = chunkOf(leaf);
    const pages = whole ? undefined : cache.get(chunk);
    const selection: ColumnSelection = { ...leaf, chunk, ...rows, ...(pages ? { pages } : {}) };
    const { dictionary, data } = selectedBytes(selection);
    const first = { start: data.start, endExclusive: Math.min(data.endExclusive, data.start + windowBytes) };
    return { selection, ranges: dictionary ? [first, dictionary] : [first] };
  });
  const bytes = await readRanges(
    source,
    openings.flatMap(({ ranges }) => ranges),
    windowBytes,
  );
  let next = 0;
  return openings.map(({ selection, ranges }) => {
    const [data, dictionary] = bytes.slice(next, next + ranges.length);
    next += ranges.length;
    return new ColumnCursor(source, selection, windowBytes, {
      ...(data ? { data } : {}),
      ...(dictionary ? { dictionary } : {}),
    });
  });
}
