import type { AvroValue } from './avro-encoder.ts';
import type { AvroType } from './avro-type.ts';

/** Bytes that are not what the schema says; the file reader turns it into an `IcebergError` naming the file. */
export class AvroDataError extends Error {}

/** U+FEFF at the start of a value is a character of it, no mark of the encoding. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A position in encoded bytes. Every length is checked against what is left before anything is made of it, so
 * damaged input cannot ask for more memory than the input's own size.
 */
export class AvroSource {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    // A plain view: `slice` of a Buffer would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  readByte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new AvroDataError('ends too early');
    this.#position += 1;
    return byte;
  }

  /** A number where that is exact, else a bigint. */
  readLong(): number | bigint {
    let low = 0;
    let shift = 0;
    // Up to 4 bytes stay within 28 bits: plain number arithmetic.
    for (; shift < 28; shift += 7) {
      const byte = this.readByte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let zigzag = BigInt(low);
    for (; shift < 70; shift += 7) {
      const byte = this.readByte();
      zigzag |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte >= 0x80) continue;
      if (zigzag >> 64n !== 0n) break;
      const value = (zigzag >> 1n) ^ -(zigzag & 1n);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    throw new AvroDataError('a number has more than 64 bits');
  }

  readInt(): number {
    const value = this.readLong();
    if (typeof value === 'number' && (value | 0) === value) return value;
    throw new AvroDataError(`${value} does not fit 32 bits`);
  }

  /** A count or length: not negative, not more than the bytes left. */
  readSize(): number {
    const value = this.readLong();
    if (typeof value === 'number' && value >= 0 && value <= this.remaining) return value;
    throw new AvroDataError(`a length of ${value} with ${this.remaining} bytes left`);
  }

  readFloat(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  readDouble(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  /** A copy of the next bytes, so that a value does not keep the whole block alive. */
  readRaw(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  /** A view of the next bytes. */
  readView(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  readBytes(): Uint8Array {
    return this.readRaw(this.readSize());
  }

  readString(): string {
    const size = this.readSize();
    const start = this.#advance(size);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + size));
    } catch {
      throw new AvroDataError('a string is not UTF-8');
    }
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.remaining) throw new AvroDataError('ends too early');
    this.#position += length;
    return start;
  }
}

/** Reads one value. */
export type AvroDecode = (source: AvroSource) => AvroValue;

/** Makes the decoder of a type; it throws {@link AvroDataError} on bytes that are not of the type. */
export function compileDecoder(type: AvroType): AvroDecode {
  switch (type.kind) {
    case 'null':
      return () => null;
    case 'boolean':
      return (source) => {
        const byte = source.readByte();
        if (byte > 1) throw new AvroDataError(`${byte} is no boolean`);
        return byte === 1;
      };
    case 'int':
      return (source) => source.readInt();
    case 'long':
      return (source) => source.readLong();
    case 'float':
      return (source) => source.readFloat();
    case 'double':
      return (source) => source.readDouble();
    case 'bytes':
      return (source) => source.readBytes();
    case 'string':
      return (source) => source.readString();
    case 'fixed':
      return type.isPrefixed
        ? (source) => readPrefixed(source, type.size)
        : (source) => source.readRaw(type.size);
    case 'enum':
      return (source) => {
        const symbol = type.symbols[source.readInt()];
        if (symbol === undefined) throw new AvroDataError(`no such symbol of enum ${type.name}`);
        return symbol;
      };
    case 'record': {
      const decoders = type.fields.map((f) => compileDecoder(f.type));
      return (source) => decoders.map((decode) => decode(source));
    }
    case 'array': {
      const decode = compileDecoder(type.items);
      return (source) => {
        const items: AvroValue[] = [];
        readBlocks(source, () => items.push(decode(source)));
        return items;
      };
    }
    case 'map': {
      const decode = compileDecoder(type.values);
      return (source) => {
        const members = new Map<string, AvroValue>();
        readBlocks(source, () => members.set(source.readString(), decode(source)));
        return members;
      };
    }
    case 'union': {
      const decoders = type.branches.map((branch) => compileDecoder(branch));
      return (source) => {
        const index = source.readLong();
        const decode = typeof index === 'number' ? decoders[index] : undefined;
        if (decode === undefined) throw new AvroDataError(`a union has no branch ${index}`);
        return decode(source);
      };
    }
  }
}

function readPrefixed(source: AvroSource, size: number): Uint8Array {
  const length = source.readSize();
  if (length !== size) throw new AvroDataError(`${length} bytes where ${size} are fixed`);
  return source.readRaw(size);
}

/**
 * Blocks of items, each a count (negative: a byte size follows), until a count of 0. More items than bytes are
 * refused: no type of a manifest takes less than a byte.
 */
function readBlocks(source: AvroSource, readItem: () => void): void {
  for (;;) {
    let count = source.readLong();
    if (count === 0) return;
    if (count < 0) {
      count = -count;
      source.readSize();
    }
    if (count > source.remaining) {
      throw new AvroDataError(`${count} items with ${source.remaining} bytes left`);
    }
    const start = source.position;
    for (let i = 0; i < (count as number); i += 1) readItem();
    if (source.position - start < count) throw new AvroDataError(`${count} items of no bytes`);
  }
}
