import { buildParquetSchema, type ParquetNode } from './parquet-schema.ts';
import { decodeThrift, ThriftFields } from './parquet-thrift.ts';

/** Byte range of a file. */
export interface ByteRange {
  readonly start: number;
  readonly endExclusive: number;
}

export type ParquetCodec = 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP' | 'LZO' | 'BROTLI' | 'LZ4' | 'ZSTD' | 'LZ4_RAW';

const codecs: readonly ParquetCodec[] = [
  'UNCOMPRESSED',
  'SNAPPY',
  'GZIP',
  'LZO',
  'BROTLI',
  'LZ4',
  'ZSTD',
  'LZ4_RAW',
];

/** What a writer noted about a column chunk, as raw bytes in the column's physical type. */
export interface ChunkStatistics {
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
  readonly nullCount?: number;
}

/** The part of one leaf column that lies in one row group. */
export interface ParquetChunk {
  readonly codec: ParquetCodec;
  /** Values with nulls (and, in repeated columns, with empty lists). */
  readonly valueCount: number;
  /** All pages, the dictionary first if there is one. */
  readonly range: ByteRange;
  readonly uncompressedSize: number;
  readonly statistics?: ChunkStatistics;
  readonly offsetIndex?: ByteRange;
  readonly columnIndex?: ByteRange;
  /** Whether it is known in which order bounds were found: without it those of the column index mean nothing. */
  readonly hasOrder: boolean;
}

export interface ParquetRowGroup {
  /** Number of rows in the groups before this one. */
  readonly rowStart: number;
  readonly rowCount: number;
  /** One for each leaf of the schema, in its order. */
  readonly chunks: readonly ParquetChunk[];
}

export interface ParquetFooter {
  readonly rowCount: number;
  readonly root: ParquetNode;
  readonly leaves: readonly ParquetNode[];
  readonly rowGroups: readonly ParquetRowGroup[];
}

/**
 * Decodes a Parquet footer (`FileMetaData`) and checks it against the file: row counts add up, every chunk lies
 * before the footer.
 *
 * @param bytes the footer alone, without its length and the magic bytes
 * @param footerStart offset of the footer in the file
 * @throws Error saying what is wrong; the caller names the file
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */
export function decodeFooter(bytes: Uint8Array, footerStart: number): ParquetFooter {
  const file = new ThriftFields(decodeThrift(bytes).value, 'the footer');
  const { root, leaves } = buildParquetSchema(file.need(file.structs(2, 'a schema element'), 'schema'));
  const orders = file.structs(7, 'a column order') ?? [];
  const rowGroups: ParquetRowGroup[] = [];
  let rowStart = 0;
  for (const group of file.need(file.structs(4, 'a row group'), 'row groups')) {
    const rowCount = atLeastZero(group.need(group.number(3), 'row count'), 'the row count of a row group');
    const columns = group.need(group.structs(1, 'a column chunk'), 'columns');
    if (columns.length !== leaves.length) {
      throw new Error(`a row group has ${columns.length} columns, the schema ${leaves.length}`);
    }
    const chunks = columns.map((column, index) =>
      decodeChunk(column, leaves[index] as ParquetNode, footerStart, isTypeOrder(orders[index])),
    );
    for (const [index, chunk] of chunks.entries()) {
      if (leaves[index]?.repetitionLevel === 0 && chunk.valueCount !== rowCount) {
        throw new Error(`column ${index} has ${chunk.valueCount} values in a row group of ${rowCount} rows`);
      }
    }
    rowGroups.push({ rowStart, rowCount, chunks });
    rowStart += rowCount;
  }
  const rowCount = file.need(file.number(3), 'row count');
  if (rowCount !== rowStart)
    throw new Error(`the footer counts ${rowCount} rows, its row groups ${rowStart}`);
  return { rowCount, root, leaves, rowGroups };
}

function decodeChunk(
  column: ThriftFields,
  leaf: ParquetNode,
  footerStart: number,
  ordered: boolean,
): ParquetChunk {
  if (column.bytes(1)) throw new Error('columns in other files are not supported');
  if (column.ids().includes(8)) throw new Error('encrypted columns are not supported');
  const meta = column.need(column.struct(3, 'column metadata'), 'metadata');
  const codecId = meta.need(meta.number(4), 'codec');
  const codec = codecs[codecId];
  if (codec === undefined) throw new Error(`there is no codec ${codecId}`);
  const dataStart = meta.need(meta.number(9), 'data page offset');
  const dictionaryStart = meta.number(11) ?? 0;
  // Some writers set the dictionary offset to 0, or behind the data, when there is none.
  const start = dictionaryStart > 0 && dictionaryStart < dataStart ? dictionaryStart : dataStart;
  const size = atLeastZero(meta.need(meta.number(7), 'size'), 'the size of a column chunk');
  const hasOrder = ordered || hasOneOrder(leaf);
  const statistics = decodeStatistics(meta.struct(12, 'statistics'), leaf, hasOrder);
  const offsetIndex = indexRange(column.number(4), column.number(5), footerStart);
  const columnIndex = indexRange(column.number(6), column.number(7), footerStart);
  return {
    codec,
    valueCount: atLeastZero(meta.need(meta.number(5), 'value count'), 'a value count'),
    range: checkRange({ start, endExclusive: start + size }, footerStart, 'a column chunk'),
    uncompressedSize: atLeastZero(meta.need(meta.number(6), 'uncompressed size'), 'an uncompressed size'),
    ...(statistics ? { statistics } : {}),
    ...(offsetIndex ? { offsetIndex } : {}),
    ...(columnIndex ? { columnIndex } : {}),
    hasOrder,
  };
}

/**
 * `min_value` and `max_value` count only when the footer says in which order they were found, or when only one
 * order is possible; the deprecated `min` and `max` were compared as signed numbers and count for those alone.
 */
function decodeStatistics(
  statistics: ThriftFields | undefined,
  leaf: ParquetNode,
  hasOrder: boolean,
): ChunkStatistics | undefined {
  if (!statistics) return undefined;
  const signed = hasOneOrder(leaf);
  const max = (hasOrder ? statistics.bytes(5) : undefined) ?? (signed ? statistics.bytes(1) : undefined);
  const min = (hasOrder ? statistics.bytes(6) : undefined) ?? (signed ? statistics.bytes(2) : undefined);
  const nullCount = statistics.number(3);
  return {
    ...(min ? { min } : {}),
    ...(max ? { max } : {}),
    ...(nullCount === undefined || nullCount < 0 ? {} : { nullCount }),
  };
}

/** The only order that there is so far; bounds in one that is yet to come mean nothing here. */
function isTypeOrder(order: ThriftFields | undefined): boolean {
  return order?.ids().includes(1) === true;
}

function hasOneOrder({ leaf, annotation }: ParquetNode): boolean {
  if (annotation?.kind === 'integer' && !annotation.signed) return false;
  return ['BOOLEAN', 'INT32', 'INT64', 'FLOAT', 'DOUBLE'].includes(leaf?.physicalType ?? '');
}

function indexRange(
  start: number | undefined,
  length: number | undefined,
  footerStart: number,
): ByteRange | undefined {
  if (!start || !length) return undefined;
  return checkRange({ start, endExclusive: start + length }, footerStart, 'a page index');
}

function checkRange(range: ByteRange, limit: number, what: string): ByteRange {
  if (range.start < 0 || range.endExclusive < range.start || range.endExclusive > limit) {
    throw new Error(`${what} is said to lie at ${range.start}-${range.endExclusive}, outside the file`);
  }
  return range;
}

function atLeastZero(value: number, what: string): number {
  if (value < 0) throw new Error(`${what} is ${value}`);
  return value;
}
