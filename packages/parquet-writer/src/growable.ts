type Growable = BigInt64Array | Int32Array | Float32Array | Float64Array | Uint8Array;

/** A typed array that doubles when it is full; `seal` hands out the filled part and starts afresh. */
export class GrowableArray<T extends Growable> {
  length = 0;
  array: T;
  readonly #create: (length: number) => T;
  readonly #initial: number;

  constructor(create: (length: number) => T, initial: number) {
    this.#create = create;
    this.#initial = initial;
    this.array = create(initial);
  }

  /** Makes room for `count` more elements; the caller fills them and moves `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.array.length) return;
    const grown = this.#create(Math.max(needed, this.array.length * 2));
    grown.set(this.array.subarray(0, this.length) as never);
    this.array = grown;
  }

  /** The elements so far in an ArrayBuffer of their own and of exactly their size. */
  seal(): T {
    const sealed = this.length === this.array.length ? this.array : (this.array.slice(0, this.length) as T);
    // The next row group is likely to be of this one's size; not more than 1 Mi elements on suspicion.
    this.array = this.#create(Math.max(this.#initial, Math.min(this.length, 1 << 20)));
    this.length = 0;
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
