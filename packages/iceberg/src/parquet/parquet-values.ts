import { isUtf8 } from 'node:buffer';
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js';
import { byteStreamSplit } from 'hyparquet/src/encoding.js';
import { decodeHybrid } from './parquet-hybrid.ts';
import type { ParquetLeaf } from './parquet-schema.ts';

/** Decoded values of one page (or one dictionary) in the column's physical type, nulls left out. */
export type PhysicalValues =
  | { readonly kind: 'boolean'; readonly values: Uint8Array }
  | { readonly kind: 'int32'; readonly values: Int32Array }
  | { readonly kind: 'int64'; readonly values: BigInt64Array }
  | { readonly kind: 'float'; readonly values: Float32Array }
  | { readonly kind: 'double'; readonly values: Float64Array }
  | { readonly kind: 'bytes'; readonly values: ByteSlices };

/** Byte strings within one buffer; cheaper than an object each when only text is wanted. */
export class ByteSlices {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;

  /** Keeps `bytes`; the positions are offsets in it. */
  constructor(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array) {
    this.length = starts.length;
    this.#bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#starts = starts;
    this.#ends = ends;
  }

  /** A view of the value's bytes. It keeps the whole page in memory for as long as it lives. */
  at(index: number): Uint8Array {
    const start = this.#starts[index] as number;
    const end = this.#ends[index] as number;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }

  /** The value as text; bytes that are not UTF-8 are an error, not replaced. */
  text(index: number): string {
    const text = this.#buffer.toString('utf8', this.#starts[index], this.#ends[index]);
    if (text.includes('\ufffd') && !isUtf8(this.at(index))) throw new Error('a string is not UTF-8');
    return text;
  }
}

/**
 * Decodes the values of a page.
 *
 * @param leaf the column
 * @param encoding Parquet's number of the encoding
 * @param bytes exactly the encoded values
 * @param count values to decode
 * @throws Error when the bytes cannot hold that many values, or the encoding does not fit the type
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
export function decodeValues(
  leaf: ParquetLeaf,
  encoding: number,
  bytes: Uint8Array,
  count: number,
): PhysicalValues {
  switch (encoding) {
    case 0:
      return decodePlain(leaf, bytes, count);
    case 3:
      return decodeRleBooleans(leaf, bytes, count);
    case 5:
      return decodeDeltaNumbers(leaf, bytes, count);
    case 6:
    case 7:
      return decodeDeltaBytes(leaf, encoding, bytes, count);
    case 9:
      return decodeByteStreamSplit(leaf, bytes, count);
    default:
      throw new Error(`encoding ${encoding} is not supported`);
  }
}

/** Decodes the indexes of a dictionary-encoded page and checks that each is in the dictionary. */
export function decodeIndexes(bytes: Uint8Array, count: number, dictionarySize: number): Uint32Array {
  const indexes = new Uint32Array(count);
  if (count === 0) return indexes;
  const bitWidth = bytes[0];
  if (bitWidth === undefined) throw new Error('a dictionary-encoded page is empty');
  decodeHybrid(bytes, 1, bytes.length, bitWidth, indexes);
  for (const index of indexes) {
    if (index >= dictionarySize) throw new Error(`index ${index} in a dictionary of ${dictionarySize}`);
  }
  return indexes;
}

function decodePlain(leaf: ParquetLeaf, bytes: Uint8Array, count: number): PhysicalValues {
  switch (leaf.physicalType) {
    case 'BOOLEAN':
      return { kind: 'boolean', values: unpackBooleans(bytes, count) };
    case 'INT32':
      return { kind: 'int32', values: new Int32Array(aligned(bytes, count, 4), 0, count) };
    case 'INT64':
      return { kind: 'int64', values: new BigInt64Array(aligned(bytes, count, 8), 0, count) };
    case 'FLOAT':
      return { kind: 'float', values: new Float32Array(aligned(bytes, count, 4), 0, count) };
    case 'DOUBLE':
      return { kind: 'double', values: new Float64Array(aligned(bytes, count, 8), 0, count) };
    case 'BYTE_ARRAY':
      return { kind: 'bytes', values: plainByteArrays(bytes, count) };
    case 'FIXED_LEN_BYTE_ARRAY':
      return { kind: 'bytes', values: fixedByteArrays(bytes, count, leaf.typeLength) };
    case 'INT96':
      throw new Error('INT96 columns are not supported');
  }
}

/** A copy that typed arrays can be laid over; Parquet and this machine are both little-endian. */
function aligned(bytes: Uint8Array, count: number, width: number): ArrayBuffer {
  requireBytes(bytes, count * width);
  const copy = new Uint8Array(count * width);
  copy.set(bytes.subarray(0, count * width));
  return copy.buffer;
}

function unpackBooleans(bytes: Uint8Array, count: number): Uint8Array {
  requireBytes(bytes, Math.ceil(count / 8));
  const values = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) values[i] = ((bytes[i >> 3] as number) >> (i & 7)) & 1;
  return values;
}

function plainByteArrays(bytes: Uint8Array, count: number): ByteSlices {
  requireBytes(bytes, count * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let offset = 0;
  for (let i = 0; i < count; i += 1) {
    if (offset + 4 > bytes.length) throw new Error('values end too soon');
    const end = offset + 4 + view.getUint32(offset, true);
    if (end > bytes.length) throw new Error('a value ends outside its page');
    starts[i] = offset + 4;
    ends[i] = end;
    offset = end;
  }
  return new ByteSlices(bytes, starts, ends);
}

function fixedByteArrays(bytes: Uint8Array, count: number, width: number): ByteSlices {
  requireBytes(bytes, count * width);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) {
    starts[i] = i * width;
    ends[i] = (i + 1) * width;
  }
  return new ByteSlices(bytes, starts, ends);
}

function decodeRleBooleans(leaf: ParquetLeaf, bytes: Uint8Array, count: number): PhysicalValues {
  if (leaf.physicalType !== 'BOOLEAN') throw new Error(`encoding RLE for ${leaf.physicalType}`);
  const values = new Uint8Array(count);
  // The length of the runs comes first, and is the rest of the page.
  if (count > 0) decodeHybrid(bytes, 4, bytes.length, 1, values);
  return { kind: 'boolean', values };
}

function decodeDeltaNumbers(leaf: ParquetLeaf, bytes: Uint8Array, count: number): PhysicalValues {
  if (leaf.physicalType === 'INT32') {
    const values = new Int32Array(count);
    if (count > 0) deltaBinaryUnpack(readerOf(bytes), count, values);
    return { kind: 'int32', values };
  }
  if (leaf.physicalType !== 'INT64') throw new Error(`encoding DELTA_BINARY_PACKED for ${leaf.physicalType}`);
  const values = new BigInt64Array(count);
  if (count > 0) deltaBinaryUnpack(readerOf(bytes), count, values);
  return { kind: 'int64', values };
}

function decodeDeltaBytes(
  leaf: ParquetLeaf,
  encoding: number,
  bytes: Uint8Array,
  count: number,
): PhysicalValues {
  if (leaf.physicalType !== 'BYTE_ARRAY' && leaf.physicalType !== 'FIXED_LEN_BYTE_ARRAY') {
    throw new Error(`a delta encoding of bytes for ${leaf.physicalType}`);
  }
  const parts: Uint8Array[] = new Array(count);
  const decode = encoding === 6 ? deltaLengthByteArray : deltaByteArray;
  if (count > 0) decode(readerOf(bytes), count, parts);
  return { kind: 'bytes', values: joined(parts, leaf.typeLength) };
}

/** Lays byte strings out one after the other. `width` is their required length, 0 for any. */
function joined(parts: readonly Uint8Array[], width: number): ByteSlices {
  const starts = new Uint32Array(parts.length);
  const ends = new Uint32Array(parts.length);
  let size = 0;
  for (const [index, part] of parts.entries()) {
    if (width > 0 && part.length !== width) throw new Error(`a value of ${part.length} bytes, not ${width}`);
    starts[index] = size;
    size += part.length;
    ends[index] = size;
  }
  const bytes = new Uint8Array(size);
  for (const [index, part] of parts.entries()) bytes.set(part, starts[index]);
  return new ByteSlices(bytes, starts, ends);
}

function decodeByteStreamSplit(leaf: ParquetLeaf, bytes: Uint8Array, count: number): PhysicalValues {
  const decode = () => byteStreamSplit(readerOf(bytes), count, leaf.physicalType, leaf.typeLength);
  switch (leaf.physicalType) {
    case 'INT32':
      requireBytes(bytes, count * 4);
      return { kind: 'int32', values: decode() as Int32Array };
    case 'INT64':
      requireBytes(bytes, count * 8);
      return { kind: 'int64', values: decode() as BigInt64Array };
    case 'FLOAT':
      requireBytes(bytes, count * 4);
      return { kind: 'float', values: decode() as Float32Array };
    case 'DOUBLE':
      requireBytes(bytes, count * 8);
      return { kind: 'double', values: decode() as Float64Array };
    case 'FIXED_LEN_BYTE_ARRAY':
      requireBytes(bytes, count * leaf.typeLength);
      return { kind: 'bytes', values: joined(decode() as Uint8Array[], leaf.typeLength) };
    default:
      throw new Error(`encoding BYTE_STREAM_SPLIT for ${leaf.physicalType}`);
  }
}

/**
 * hyparquet's decoders check lengths against the buffer below a view, not against the view: they get a buffer
 * that holds the page and nothing else.
 */
function readerOf(bytes: Uint8Array): { view: DataView<ArrayBuffer>; offset: number } {
  const alone = Uint8Array.from(bytes);
  return { view: new DataView(alone.buffer), offset: 0 };
}

function requireBytes(bytes: Uint8Array, needed: number): void {
  if (bytes.length < needed)
    throw new Error(`${needed} bytes of values in a page that holds ${bytes.length}`);
}
