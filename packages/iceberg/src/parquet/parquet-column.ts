import { decoding } from './data-file-errors.ts';
import { joinBatches, type LeafBatch } from './leaf-batch.ts';
import type { ColumnValues } from './parquet-convert.ts';
import type { ByteRange } from './parquet-footer.ts';
import {
  checkPage,
  type DataPage,
  decodeDataPage,
  decodeDictionaryPage,
  decodePageHeader,
  type PageHeader,
} from './parquet-page.ts';
import { type ColumnSelection, selectedBytes } from './parquet-selection.ts';
import type { HeldBytes, ParquetSource } from './parquet-source.ts';
import { sliceOf } from './parquet-source.ts';
import { ThriftTruncatedError } from './parquet-thrift.ts';

/** The decoded page being handed out. */
interface CurrentPage {
  readonly data: DataPage;
  readonly values: ColumnValues;
  /** Entries handed out so far. */
  entry: number;
  /** Values handed out so far. */
  value: number;
}

/**
 * Reads one column of one row group from front to back, page by page. It holds at most one window of stored
 * bytes, one decoded page and the dictionary.
 */
export class ColumnCursor {
  readonly #source: ParquetSource;
  readonly #selection: ColumnSelection;
  readonly #windowBytes: number;
  readonly #dictionaryRange: ByteRange | undefined;
  readonly #end: number;
  /** Where the next page header is. */
  #offset: number;
  /** Row of the row group at which the next undecoded page begins. */
  #nextPageRow: number;
  #window: HeldBytes;
  #heldDictionary: Uint8Array | undefined;
  #dictionary: { readonly values: ColumnValues } | undefined;
  #page: CurrentPage | undefined;
  /** Row at which `take` continues. */
  #row: number;
  /** Position in the selection's pages of the next data page. */
  #pageIndex: number;

  /**
   * @param windowBytes how much to read at a time; pages larger than that are read whole
   * @param held bytes already read: of the dictionary range, and from the beginning of the data range
   */
  constructor(
    source: ParquetSource,
    selection: ColumnSelection,
    windowBytes: number,
    held: { dictionary?: Uint8Array; data?: Uint8Array } = {},
  ) {
    const { dictionary, data } = selectedBytes(selection);
    this.#source = source;
    this.#selection = selection;
    this.#windowBytes = windowBytes;
    this.#dictionaryRange = dictionary;
    this.#heldDictionary = held.dictionary;
    this.#offset = data.start;
    this.#end = data.endExclusive;
    this.#window = { start: data.start, bytes: held.data ?? new Uint8Array(0) };
    this.#pageIndex = Math.max(
      0,
      selection.pages?.findLastIndex(({ range }) => range.start <= data.start) ?? 0,
    );
    this.#nextPageRow = selection.pages?.[this.#pageIndex]?.firstRow ?? 0;
    this.#row = selection.rowStart;
  }

  /**
   * The next rows of the selection.
   *
   * @param rowCount how many; the selection must hold that many more
   */
  async take(rowCount: number): Promise<LeafBatch> {
    const end = this.#row + rowCount;
    const parts: LeafBatch[] = [];
    const nested = this.#selection.node.repetitionLevel > 0;
    // The last row of a repeated column ends where the next row begins, or with the column.
    while (nested || this.#row < end) {
      if (!this.#page || this.#page.entry >= this.#page.data.valueCount) {
        if (await this.#nextPage()) continue;
        if (this.#row >= end) break;
        throw this.#error(`a column ends ${end - this.#row} rows too soon`);
      }
      const part = nested ? this.#takeNested(end) : this.#takeFlat(end);
      if (!part) break;
      parts.push(part);
    }
    return joinBatches(parts, this.#selection.node.definitionLevel);
  }

  #takeFlat(end: number): LeafBatch {
    const page = this.#page as CurrentPage;
    const count = Math.min(end - this.#row, page.data.valueCount - page.entry);
    this.#row += count;
    return this.#slice(count);
  }

  /** Entries up to the beginning of the row after the last wanted one; undefined when there are none. */
  #takeNested(end: number): LeafBatch | undefined {
    const page = this.#page as CurrentPage;
    const repetitions = page.data.repetitions as Uint8Array;
    let entry = page.entry;
    for (; entry < repetitions.length; entry += 1) {
      if (repetitions[entry] !== 0) continue;
      if (this.#row >= end) break;
      this.#row += 1;
    }
    return entry === page.entry ? undefined : this.#slice(entry - page.entry);
  }

  /** Cuts the next entries off the current page. */
  #slice(count: number): LeafBatch {
    const page = this.#page as CurrentPage;
    const { definitions, repetitions } = page.data;
    const { entry, value } = page;
    const present = definitions
      ? countPresent(definitions, entry, entry + count, this.#selection.node.definitionLevel)
      : count;
    page.entry += count;
    page.value += present;
    return {
      entryCount: count,
      values: sliceValues(page.values, value, value + present),
      ...(definitions ? { definitions: definitions.subarray(entry, entry + count) } : {}),
      ...(repetitions ? { repetitions: repetitions.subarray(entry, entry + count) } : {}),
    };
  }

  /** Moves to the next page that has rows to read; false at the end of the column. */
  async #nextPage(): Promise<boolean> {
    if (this.#dictionaryRange && !this.#dictionary) await this.#loadDictionary(this.#dictionaryRange);
    while (this.#offset < this.#end) {
      const pageStart = this.#offset;
      const { header, stored } = await this.#readPage();
      if (header.kind === 'index') continue;
      if (header.kind === 'dictionary') {
        this.#setDictionary(header, stored);
        continue;
      }
      this.#checkAgainstIndex(header, pageStart);
      if (this.#skipWhole(header)) continue;
      this.#decodePage(header, stored);
      return true;
    }
    return false;
  }

  /** An offset index that leads to another page than it says would silently give the wrong rows. */
  #checkAgainstIndex(header: PageHeader, pageStart: number): void {
    const { pages, node } = this.#selection;
    if (!pages) return;
    const location = pages[this.#pageIndex];
    this.#pageIndex += 1;
    const next = pages[this.#pageIndex];
    const rows = header.v2?.rowCount ?? (node.repetitionLevel > 0 ? undefined : header.valueCount);
    const fits =
      location?.range.start === pageStart &&
      location.firstRow === this.#nextPageRow &&
      (!next || rows === undefined || location.firstRow + rows === next.firstRow);
    if (!fits) throw this.#error(`the page at ${pageStart} is not the one the offset index describes`);
  }

  /** Passes a page of which no row is wanted, without decompressing it. */
  #skipWhole(header: PageHeader): boolean {
    const nested = this.#selection.node.repetitionLevel > 0;
    const rows = header.v2?.rowCount ?? (nested ? undefined : header.valueCount);
    if (rows === undefined || this.#nextPageRow + rows > this.#row) return false;
    this.#nextPageRow += rows;
    return true;
  }

  #decodePage(header: PageHeader, stored: Uint8Array): void {
    const { node, chunk, convert } = this.#selection;
    const data = this.#decoding(() =>
      decodeDataPage(header, stored, chunk, node, this.#dictionary?.values.length),
    );
    const values = this.#decoding(() =>
      data.indexes
        ? gather((this.#dictionary as { values: ColumnValues }).values, data.indexes)
        : convert(data.values as NonNullable<DataPage['values']>),
    );
    this.#page = { data, values, entry: 0, value: 0 };
    this.#skipRows(this.#page);
  }

  /** Passes the rows of a page that come before the first wanted one. */
  #skipRows(page: CurrentPage): void {
    const { repetitions, valueCount } = page.data;
    if (!repetitions) {
      const skip = Math.min(valueCount, Math.max(0, this.#row - this.#nextPageRow));
      this.#nextPageRow += valueCount;
      if (skip > 0) this.#slice(skip);
      return;
    }
    const { rowStart } = this.#selection;
    let entry = 0;
    // Rows begun before this page; once the first wanted one has begun, nothing is passed any more.
    let begun = this.#nextPageRow;
    while (begun <= rowStart && entry < valueCount && !(repetitions[entry] === 0 && begun === rowStart)) {
      if (repetitions[entry] === 0) begun += 1;
      entry += 1;
    }
    if (entry > 0) this.#slice(entry);
    for (const level of repetitions) if (level === 0) this.#nextPageRow += 1;
  }

  async #loadDictionary(range: ByteRange): Promise<void> {
    const bytes = this.#heldDictionary ?? (await this.#source.read(range));
    this.#heldDictionary = undefined;
    const { header, end } = this.#decoding(() => decodePageHeader(bytes, 0));
    if (header.kind !== 'dictionary' || end + header.compressedSize > bytes.length) {
      throw this.#error('no dictionary where one should be');
    }
    this.#setDictionary(header, bytes.subarray(end, end + header.compressedSize));
  }

  #setDictionary(header: PageHeader, stored: Uint8Array): void {
    const { chunk, node, convert } = this.#selection;
    this.#dictionary = this.#decoding(() => {
      checkPage(header, stored);
      return { values: convert(decodeDictionaryPage(header, stored, chunk, node)) };
    });
  }

  /** Reads the page at the offset and moves behind it. */
  async #readPage(): Promise<{ header: PageHeader; stored: Uint8Array }> {
    const { header, end } = await this.#readHeader();
    const pageEnd = end + header.compressedSize;
    if (pageEnd > this.#end) throw this.#error('a page ends outside its column');
    const stored = await this.#bytes(end, header.compressedSize);
    this.#decoding(() => checkPage(header, stored));
    this.#offset = pageEnd;
    return { header, stored };
  }

  /** A header's length is not known beforehand: with statistics of long values it can be long itself. */
  async #readHeader(): Promise<{ header: PageHeader; end: number }> {
    for (let length = 512; ; length *= 8) {
      const available = Math.min(length, this.#end - this.#offset);
      const bytes = await this.#bytes(this.#offset, available);
      try {
        const { header, end } = decodePageHeader(bytes, 0);
        return { header, end: this.#offset + end };
      } catch (error) {
        const more = error instanceof ThriftTruncatedError && this.#offset + available < this.#end;
        if (!more) {
          return this.#decoding(() => {
            throw error;
          });
        }
      }
    }
  }

  /** Bytes within the selected range, from the window or by reading the next one. */
  async #bytes(start: number, length: number): Promise<Uint8Array> {
    const held = sliceOf(this.#window, { start, endExclusive: start + length });
    if (held) return held;
    const endExclusive = Math.min(this.#end, start + Math.max(length, this.#windowBytes));
    this.#window = { start, bytes: await this.#source.read({ start, endExclusive }) };
    return this.#window.bytes.subarray(0, length);
  }

  #decoding<T>(decode: () => T): T {
    return decoding(this.#source.location, `column ${this.#selection.node.name}`, decode);
  }

  #error(problem: string): Error {
    try {
      return this.#decoding(() => {
        throw new Error(problem);
      });
    } catch (error) {
      return error as Error;
    }
  }
}

function gather(dictionary: ColumnValues, indexes: Uint32Array): ColumnValues {
  const values: ColumnValues[number][] = new Array(indexes.length);
  for (let i = 0; i < indexes.length; i += 1) {
    values[i] = dictionary[indexes[i] as number] as ColumnValues[number];
  }
  return values;
}

function countPresent(definitions: Uint8Array, start: number, end: number, level: number): number {
  let present = 0;
  for (let i = start; i < end; i += 1) if (definitions[i] === level) present += 1;
  return present;
}

function sliceValues(values: ColumnValues, start: number, end: number): ColumnValues {
  if (start === 0 && end === values.length) return values;
  if (Array.isArray(values)) return values.slice(start, end);
  return (values as Int32Array).subarray(start, end);
}
