import type { AvroType } from './avro-type.ts';

/**
 * A value as the Avro code takes and gives it: records as arrays of their fields' values in order, maps as
 * Maps, null branches of unions as null. A long is a number where that is exact, else a bigint.
 */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | ReadonlyMap<string, AvroValue>;

/** Collects encoded bytes in one growing buffer. */
export class AvroSink {
  #buffer = Buffer.allocUnsafe(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written since the last call; the sink starts over. */
  take(): Uint8Array {
    const bytes = Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
    this.#length = 0;
    return bytes;
  }

  writeByte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = byte;
  }

  /** Zigzag, then 7 bits a byte, low bits first. */
  writeLong(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= -0x40000000 && value < 0x40000000) {
      let rest = (value << 1) ^ (value >> 31);
      while (rest > 0x7f) {
        this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      this.#buffer[this.#length++] = rest;
      return;
    }
    const signed = BigInt(value);
    if (BigInt.asIntN(64, signed) !== signed) throw new RangeError(`${signed} is no 64-bit integer`);
    let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  writeFloat(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
  }

  writeDouble(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** The bytes as they are. */
  writeRaw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length, then bytes. */
  writeBytes(bytes: Uint8Array): void {
    this.writeLong(bytes.length);
    this.writeRaw(bytes);
  }

  writeString(text: string): void {
    const size = Buffer.byteLength(text, 'utf8');
    this.writeLong(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** Appends one value to a sink. */
export type AvroEncode = (sink: AvroSink, value: AvroValue) => void;

/** Makes the encoder of a type. A value that is not of the type throws a `TypeError` naming the place. */
export function compileEncoder(type: AvroType, path = ''): AvroEncode {
  const mismatch = (value: AvroValue): TypeError =>
    new TypeError(
      `${path || 'value'}: expected ${type.kind}, found ${value === null ? 'null' : typeof value}`,
    );
  switch (type.kind) {
    case 'null':
      return (_sink, value) => {
        if (value !== null) throw mismatch(value);
      };
    case 'boolean':
      return (sink, value) => {
        if (typeof value !== 'boolean') throw mismatch(value);
        sink.writeByte(value ? 1 : 0);
      };
    case 'int':
      return (sink, value) => {
        if (typeof value !== 'number' || (value | 0) !== value) throw mismatch(value);
        sink.writeLong(value);
      };
    case 'long':
      return (sink, value) => {
        if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw mismatch(value);
        sink.writeLong(value as number | bigint);
      };
    case 'float':
      return (sink, value) => {
        if (typeof value !== 'number') throw mismatch(value);
        sink.writeFloat(value);
      };
    case 'double':
      return (sink, value) => {
        if (typeof value !== 'number') throw mismatch(value);
        sink.writeDouble(value);
      };
    case 'string':
      return (sink, value) => {
        if (typeof value !== 'string') throw mismatch(value);
        sink.writeString(value);
      };
    case 'bytes':
      return (sink, value) => {
        if (!(value instanceof Uint8Array)) throw mismatch(value);
        sink.writeBytes(value);
      };
    case 'fixed':
      return (sink, value) => {
        if (!(value instanceof Uint8Array) || value.length !== type.size) throw mismatch(value);
        sink.writeRaw(value);
      };
    case 'enum':
      return (sink, value) => {
        const index = typeof value === 'string' ? type.symbols.indexOf(value) : -1;
        if (index < 0) throw mismatch(value);
        sink.writeLong(index);
      };
    case 'record': {
      const encoders = type.fields.map((f) => compileEncoder(f.type, `${path}.${f.name}`));
      return (sink, value) => {
        if (!Array.isArray(value) || value.length !== encoders.length) throw mismatch(value);
        for (let i = 0; i < encoders.length; i += 1) encoders[i]!(sink, (value as readonly AvroValue[])[i]!);
      };
    }
    case 'array': {
      const encode = compileEncoder(type.items, `${path}[]`);
      return (sink, value) => {
        if (!Array.isArray(value)) throw mismatch(value);
        if (value.length > 0) {
          sink.writeLong(value.length);
          for (const item of value as readonly AvroValue[]) encode(sink, item);
        }
        sink.writeByte(0);
      };
    }
    case 'map': {
      const encode = compileEncoder(type.values, `${path}{}`);
      return (sink, value) => {
        if (!(value instanceof Map)) throw mismatch(value as AvroValue);
        if (value.size > 0) {
          sink.writeLong(value.size);
          for (const [key, member] of value as ReadonlyMap<string, AvroValue>) {
            sink.writeString(key);
            encode(sink, member);
          }
        }
        sink.writeByte(0);
      };
    }
    case 'union':
      return unionEncoder(type.branches, path, mismatch);
  }
}

/** Iceberg's unions are `["null", T]`: null goes to the null branch, all else to the other. */
function unionEncoder(
  branches: readonly AvroType[],
  path: string,
  mismatch: (value: AvroValue) => TypeError,
): AvroEncode {
  const nullBranch = branches.findIndex((branch) => branch.kind === 'null');
  const valueBranch = branches.findIndex((branch) => branch.kind !== 'null');
  const branch = branches[valueBranch];
  const encode = branch === undefined ? undefined : compileEncoder(branch, path);
  return (sink, value) => {
    if (value === null && nullBranch >= 0) return sink.writeLong(nullBranch);
    if (encode === undefined) throw mismatch(value);
    sink.writeLong(valueBranch);
    encode(sink, value);
  };
}
