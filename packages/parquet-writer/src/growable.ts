type Growable = BigInt64Array | Int32Array | Float32Array | Float64Array | Uint8Array;

/**
 * A typed array that grows; `seal` hands out the filled part and starts afresh. The first allocation
 * after a seal is as large as what was sealed: the next row group is likely to be of the last one's size.
 */
export class GrowableArray<T extends Growable> {
  length = 0;
  array: T;
  readonly #create: (length: number) => T;
  #hint: number;

  /** `create` must return zeroed arrays, each on an ArrayBuffer of its own, unless every slot is written. */
  constructor(create: (length: number) => T, initial: number) {
    this.#create = create;
    this.#hint = initial;
    this.array = create(0);
  }

  /** Makes room for `count` more elements; the caller fills them and moves `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.array.length) return;
    const grown = this.#create(Math.max(needed, this.array.length * 2, this.#hint));
    grown.set(this.array.subarray(0, this.length) as never);
    this.array = grown;
  }

  /** The elements so far, at the start of an ArrayBuffer of their own that is at most a quarter larger. */
  seal(): T {
    const { array, length } = this;
    let sealed = array.subarray(0, length) as T;
    if (length * 1.25 < array.length) {
      sealed = this.#create(length);
      sealed.set(array.subarray(0, length) as never);
    }
    this.#hint = Math.max(this.#hint, Math.ceil(length * 1.125));
    this.array = this.#create(0);
    this.length = 0;
    return sealed;
  }
}

/** Collects Arrow offsets: one more than there are values, the first is 0. */
export class OffsetsBuilder {
  readonly #offsets = new GrowableArray((length) => new Int32Array(length), 1024);

  constructor() {
    this.#offsets.length = 1;
  }

  /** Where the value just appended ends. */
  push(end: number): void {
    this.#offsets.reserve(1);
    this.#offsets.array[this.#offsets.length++] = end;
  }

  seal(): Int32Array {
    // Without any value nothing was allocated yet, not even the leading 0.
    this.#offsets.reserve(0);
    const sealed = this.#offsets.seal();
    this.#offsets.length = 1;
    return sealed;
  }
}

/** Collects a validity bitmap. No bitmap exists until the first null. */
export class ValidityBuilder {
  length = 0;
  nullCount = 0;
  #bits: Uint8Array | undefined;

  appendValid(count: number): void {
    if (this.#bits !== undefined) {
      this.#reserve(count);
      for (let i = this.length; i < this.length + count; i++) this.#set(i);
    }
    this.length += count;
  }

  appendNull(count: number): void {
    if (count === 0) return;
    if (this.#bits === undefined) {
      this.#bits = new Uint8Array(bitmapBytes(Math.max(1024, this.length + count)));
      for (let i = 0; i < this.length; i++) this.#set(i);
    }
    this.#reserve(count);
    this.length += count;
    this.nullCount += count;
  }

  seal(): { length: number; nullCount: number; validity: Uint8Array | undefined } {
    const { length, nullCount } = this;
    const validity = this.#bits?.slice(0, bitmapBytes(length));
    this.length = 0;
    this.nullCount = 0;
    this.#bits = undefined;
    return { length, nullCount, validity };
  }

  #set(index: number): void {
    const bits = this.#bits as Uint8Array;
    bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
  }

  #reserve(count: number): void {
    const bits = this.#bits as Uint8Array;
    const needed = bitmapBytes(this.length + count);
    if (needed <= bits.length) return;
    const grown = new Uint8Array(Math.max(needed, bits.length * 2));
    grown.set(bits);
    this.#bits = grown;
  }
}

function bitmapBytes(rows: number): number {
  return (rows + 7) >> 3;
}
