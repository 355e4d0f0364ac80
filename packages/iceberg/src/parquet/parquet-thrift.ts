/** A decoded struct: field number to value. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** A decoded value. All whole numbers but i8 are bigint or number by {@link ThriftStruct} width: i64 is bigint. */
export type ThriftValue = boolean | number | bigint | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Thrown when the bytes end inside a value; more bytes may help. */
export class ThriftTruncatedError extends Error {}

const maxDepth = 32;

/**
 * Decodes one struct of Thrift's compact protocol, the form of Parquet's footer, page headers and page indexes.
 *
 * Meant for bytes nobody vouches for: every length is checked against what is left before anything is
 * allocated, numbers have at most ten bytes, nesting at most 32 levels, and so time and memory are bounded by
 * the input's size.
 *
 * @returns the struct and the offset behind it; byte strings are views of `bytes`
 * @throws ThriftTruncatedError when the bytes end too soon, Error when they make no sense
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function decodeThrift(bytes: Uint8Array, offset = 0): { value: ThriftStruct; end: number } {
  const reader = new ThriftReader(bytes, offset);
  const value = reader.struct(0);
  return { value, end: reader.offset };
}

class ThriftReader {
  offset: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  struct(depth: number): ThriftStruct {
    if (depth > maxDepth) throw new Error('structs are nested too deeply');
    const fields = new Map<number, ThriftValue>();
    let id = 0;
    for (;;) {
      const header = this.#byte();
      if (header === 0) return fields;
      const delta = header >> 4;
      id = delta === 0 ? Number(this.#zigzag()) : id + delta;
      const type = header & 0x0f;
      // In a field, the type itself is the value of a boolean.
      fields.set(id, type === 1 || type === 2 ? type === 1 : this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return this.#byte() === 1;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
        return this.#int32();
      case 6:
        return BigInt.asIntN(64, this.#zigzag());
      case 7:
        return this.#double();
      case 8:
        return this.#binary();
      case 9:
      case 10:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Error(`type ${type} is not used by Parquet`);
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    if (depth > maxDepth) throw new Error('lists are nested too deeply');
    const header = this.#byte();
    const size = header >> 4 === 15 ? Number(this.#varint()) : header >> 4;
    // Every element takes at least one byte.
    if (size > this.#bytes.length - this.offset) throw new ThriftTruncatedError('a list ends too soon');
    const values: ThriftValue[] = [];
    for (let i = 0; i < size; i += 1) values.push(this.#value(header & 0x0f, depth + 1));
    return values;
  }

  #binary(): Uint8Array {
    const length = Number(this.#varint());
    if (length > this.#bytes.length - this.offset) {
      throw new ThriftTruncatedError('a byte string ends too soon');
    }
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }

  #double(): number {
    if (this.#bytes.length - this.offset < 8) throw new ThriftTruncatedError('a double ends too soon');
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.offset += 8;
    return view.getFloat64(this.offset - 8, true);
  }

  #int32(): number {
    return Number(BigInt.asIntN(32, this.#zigzag()));
  }

  #zigzag(): bigint {
    const raw = this.#varint();
    return (raw >> 1n) ^ -(raw & 1n);
  }

  #varint(): bigint {
    let low = 0;
    // Up to four bytes fit a 32-bit number; nearly all values end there.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number has more than ten bytes');
  }

  #byte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new ThriftTruncatedError('a struct ends too soon');
    this.offset += 1;
    return byte;
  }
}

/** Typed access to the fields of a struct; a field of the wrong kind is an error that names it. */
export class ThriftFields {
  readonly #struct: ThriftStruct;
  readonly #what: string;

  /** @param what name for error messages */
  constructor(struct: ThriftStruct, what: string) {
    this.#struct = struct;
    this.#what = what;
  }

  /** A number of any width that a double holds exactly. */
  number(id: number): number | undefined {
    const value = this.#struct.get(id);
    if (value === undefined) return undefined;
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw this.#wrong(id, 'a number');
    return number;
  }

  boolean(id: number): boolean | undefined {
    const value = this.#struct.get(id);
    if (value !== undefined && typeof value !== 'boolean') throw this.#wrong(id, 'a boolean');
    return value;
  }

  bytes(id: number): Uint8Array | undefined {
    const value = this.#struct.get(id);
    if (value !== undefined && !(value instanceof Uint8Array)) throw this.#wrong(id, 'bytes');
    return value;
  }

  text(id: number): string | undefined {
    const bytes = this.bytes(id);
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  struct(id: number, what: string): ThriftFields | undefined {
    const value = this.#struct.get(id);
    if (value === undefined) return undefined;
    if (!(value instanceof Map)) throw this.#wrong(id, 'a struct');
    return new ThriftFields(value, what);
  }

  structs(id: number, what: string): readonly ThriftFields[] | undefined {
    return this.list(id)?.map((value) => {
      if (!(value instanceof Map)) throw this.#wrong(id, 'a list of structs');
      return new ThriftFields(value, what);
    });
  }

  list(id: number): readonly ThriftValue[] | undefined {
    const value = this.#struct.get(id);
    if (value !== undefined && !Array.isArray(value)) throw this.#wrong(id, 'a list');
    return value as readonly ThriftValue[] | undefined;
  }

  /** Ids that are set; for unions. */
  ids(): readonly number[] {
    return [...this.#struct.keys()];
  }

  /** The value, or an error saying that this field is missing. */
  need<T>(value: T | undefined, name: string): T {
    if (value === undefined) throw new Error(`${this.#what} has no ${name}`);
    return value;
  }

  #wrong(id: number, expected: string): Error {
    return new Error(`${this.#what}: field ${id} is not ${expected}`);
  }
}
