import { crc32 } from 'node:zlib';
import { decompress } from './parquet-compression.ts';
import type { ParquetChunk } from './parquet-footer.ts';
import { decodeHybrid } from './parquet-hybrid.ts';
import type { ParquetNode } from './parquet-schema.ts';
import { decodeThrift, ThriftFields } from './parquet-thrift.ts';
import { decodeIndexes, decodeValues, type PhysicalValues } from './parquet-values.ts';

/** Refused beyond this: a run-length encoded page can claim any number of values in a few bytes. */
const maxPageValues = 1 << 26;

/** What stands before a page's bytes. */
export interface PageHeader {
  readonly kind: 'data' | 'data-v2' | 'dictionary' | 'index';
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  /** CRC-32 of the page's bytes as stored, if the writer gave one. */
  readonly crc?: number;
  /** Values with nulls; 0 for other pages than data and dictionary. */
  readonly valueCount: number;
  readonly encoding: number;
  /** Version 2 only. */
  readonly v2?: {
    readonly rowCount: number;
    readonly nullCount: number;
    readonly definitionBytes: number;
    readonly repetitionBytes: number;
    readonly compressed: boolean;
  };
}

/** A decoded data page: levels, and either values or indexes into the chunk's dictionary. */
export interface DataPage {
  readonly valueCount: number;
  /** Absent when every value is there. */
  readonly definitions?: Uint8Array;
  /** Absent when the column does not repeat. */
  readonly repetitions?: Uint8Array;
  readonly values?: PhysicalValues;
  readonly indexes?: Uint32Array;
}

/**
 * Decodes the header of a page.
 *
 * @returns the header and the offset behind it
 * @throws ThriftTruncatedError when `bytes` end within the header, Error when it makes no sense
 */
export function decodePageHeader(bytes: Uint8Array, offset: number): { header: PageHeader; end: number } {
  const { value, end } = decodeThrift(bytes, offset);
  const page = new ThriftFields(value, 'a page header');
  const kind = (['data', 'index', 'dictionary', 'data-v2'] as const)[page.number(1) ?? -1];
  if (kind === undefined) throw new Error('a page header has no known type');
  const body = bodyOf(page, kind);
  const crc = page.number(4);
  const v2 = kind === 'data-v2' && body ? v2Of(body) : undefined;
  const header: PageHeader = {
    kind,
    uncompressedSize: count(page.need(page.number(2), 'uncompressed size')),
    compressedSize: count(page.need(page.number(3), 'compressed size')),
    ...(crc === undefined ? {} : { crc: crc >>> 0 }),
    valueCount: count(body?.number(1) ?? 0),
    encoding: body?.number(kind === 'data-v2' ? 4 : 2) ?? 0,
    ...(v2 ? { v2 } : {}),
  };
  if (header.valueCount > maxPageValues) throw new Error(`a page claims ${header.valueCount} values`);
  return { header, end };
}

function bodyOf(page: ThriftFields, kind: PageHeader['kind']): ThriftFields | undefined {
  if (kind === 'index') return undefined;
  const field = { data: 5, dictionary: 7, 'data-v2': 8 }[kind];
  return page.need(page.struct(field, `a ${kind} page header`), `${kind} header`);
}

function v2Of(body: ThriftFields): NonNullable<PageHeader['v2']> {
  return {
    nullCount: count(body.need(body.number(2), 'null count')),
    rowCount: count(body.need(body.number(3), 'row count')),
    definitionBytes: count(body.need(body.number(5), 'length of definition levels')),
    repetitionBytes: count(body.need(body.number(6), 'length of repetition levels')),
    compressed: body.boolean(7) ?? true,
  };
}

function count(value: number): number {
  if (value < 0) throw new Error(`a page header holds ${value} where only zero or more makes sense`);
  return value;
}

/** Checks the page's CRC-32, if it has one. */
export function checkPage(header: PageHeader, stored: Uint8Array): void {
  if (header.crc !== undefined && crc32(stored) !== header.crc) {
    throw new Error('the checksum of a page does not match');
  }
}

/** Decodes a dictionary page into its values. */
export function decodeDictionaryPage(
  header: PageHeader,
  stored: Uint8Array,
  chunk: ParquetChunk,
  node: ParquetNode,
): PhysicalValues {
  const bytes = decompress(chunk.codec, stored, header.uncompressedSize);
  // Dictionaries are always plain; older writers call that PLAIN_DICTIONARY.
  return decodeValues(leafOf(node), 0, bytes, header.valueCount);
}

/**
 * Decodes a data page of either version.
 *
 * @param stored the page's bytes as in the file
 * @param dictionarySize values in the chunk's dictionary, if one came before
 */
export function decodeDataPage(
  header: PageHeader,
  stored: Uint8Array,
  chunk: ParquetChunk,
  node: ParquetNode,
  dictionarySize: number | undefined,
): DataPage {
  const { valueCount } = header;
  const levels = header.v2
    ? splitV2(header, header.v2, stored, chunk, node)
    : splitV1(decompress(chunk.codec, stored, header.uncompressedSize), valueCount, node);
  const { definitions, repetitions, rest } = levels;
  const present = definitions ? countOf(definitions, node.definitionLevel) : valueCount;
  const common = {
    valueCount,
    ...(definitions && present < valueCount ? { definitions } : {}),
    ...(repetitions ? { repetitions } : {}),
  };
  if (header.encoding !== 2 && header.encoding !== 8) {
    return { ...common, values: decodeValues(leafOf(node), header.encoding, rest, present) };
  }
  if (dictionarySize === undefined) throw new Error('a page uses a dictionary that the column does not have');
  return { ...common, indexes: decodeIndexes(rest, present, dictionarySize) };
}

interface PageParts {
  readonly definitions?: Uint8Array;
  readonly repetitions?: Uint8Array;
  readonly rest: Uint8Array;
}

/** Version 1: everything is compressed together, each kind of level with its length before it. */
function splitV1(page: Uint8Array, valueCount: number, node: ParquetNode): PageParts {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let offset = 0;
  const read = (maxLevel: number): Uint8Array => {
    if (offset + 4 > page.length) throw new Error('levels end too soon');
    const start = offset + 4;
    const end = start + view.getUint32(offset, true);
    if (end > page.length) throw new Error('levels end outside their page');
    offset = end;
    return decodeLevels(page, start, end, maxLevel, valueCount);
  };
  const repetitions = node.repetitionLevel > 0 ? read(node.repetitionLevel) : undefined;
  const definitions = node.definitionLevel > 0 ? read(node.definitionLevel) : undefined;
  return { ...parts(definitions, repetitions), rest: page.subarray(offset) };
}

/** Version 2: levels stand uncompressed before the values. */
function splitV2(
  header: PageHeader,
  v2: NonNullable<PageHeader['v2']>,
  stored: Uint8Array,
  chunk: ParquetChunk,
  node: ParquetNode,
): PageParts {
  const definitionsStart = v2.repetitionBytes;
  const valuesStart = definitionsStart + v2.definitionBytes;
  if (valuesStart > stored.length || valuesStart > header.uncompressedSize) {
    throw new Error('levels end outside their page');
  }
  const read = (start: number, end: number, maxLevel: number) =>
    maxLevel > 0 ? decodeLevels(stored, start, end, maxLevel, header.valueCount) : undefined;
  const repetitions = read(0, definitionsStart, node.repetitionLevel);
  const definitions = read(definitionsStart, valuesStart, node.definitionLevel);
  const values = stored.subarray(valuesStart);
  const size = header.uncompressedSize - valuesStart;
  // A page without values may leave out its compressed part altogether.
  const empty = values.length === 0 && size === 0;
  const rest = v2.compressed && !empty ? decompress(chunk.codec, values, size) : values;
  return { ...parts(definitions, repetitions), rest };
}

function parts(definitions: Uint8Array | undefined, repetitions: Uint8Array | undefined) {
  return { ...(definitions ? { definitions } : {}), ...(repetitions ? { repetitions } : {}) };
}

function decodeLevels(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxLevel: number,
  valueCount: number,
): Uint8Array {
  const levels = new Uint8Array(valueCount);
  decodeHybrid(bytes, start, end, 32 - Math.clz32(maxLevel), levels);
  for (const level of levels) if (level > maxLevel) throw new Error(`level ${level} above ${maxLevel}`);
  return levels;
}

function countOf(levels: Uint8Array, level: number): number {
  let found = 0;
  for (const other of levels) if (other === level) found += 1;
  return found;
}

function leafOf(node: ParquetNode): NonNullable<ParquetNode['leaf']> {
  if (!node.leaf) throw new Error(`${node.name} is not a column`);
  return node.leaf;
}
