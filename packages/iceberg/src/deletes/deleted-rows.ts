/** Rows in one container; the unit of roaring bitmaps too. */
const containerRows = 65_536;

/** Bytes of a container with one bit for each row, the lowest first. */
export const containerBytes = containerRows / 8;

/**
 * Positions of deleted rows of one data file. Memory is at most one bit for each row of the file, and nothing for
 * stretches of 65,536 rows without a deleted one.
 */
export class DeletedRows {
  readonly rowCount: number;
  readonly #containers = new Map<number, Uint8Array>();
  #last: { readonly index: number; readonly bits: Uint8Array | undefined } = { index: -1, bits: undefined };

  constructor(rowCount: number) {
    this.rowCount = rowCount;
  }

  /** @throws Error when the file has no such row */
  add(position: number): void {
    if (!(Number.isSafeInteger(position) && position >= 0 && position < this.rowCount)) {
      throw new Error(`position ${position} is deleted in a file of ${this.rowCount} rows`);
    }
    const offset = position % containerRows;
    const bits = this.#container((position - offset) / containerRows);
    bits[offset >> 3] = (bits[offset >> 3] as number) | (1 << (offset & 7));
  }

  /**
   * Adds the rows of one container.
   *
   * @param index rows from `index` · 65,536
   * @param bits {@link containerBytes} bytes
   * @throws Error when the file has no such row
   */
  addContainer(index: number, bits: Uint8Array): void {
    const highest = highestBit(bits);
    if (highest < 0) return;
    if (index * containerRows + highest >= this.rowCount) {
      throw new Error(
        `position ${index * containerRows + highest} is deleted in a file of ${this.rowCount} rows`,
      );
    }
    const into = this.#container(index);
    for (let i = 0; i < containerBytes; i += 1) into[i] = (into[i] as number) | (bits[i] as number);
  }

  has(position: number): boolean {
    const offset = position % containerRows;
    const index = (position - offset) / containerRows;
    // Asked for in the order of the rows: nearly always the container of before.
    if (this.#last.index !== index) this.#last = { index, bits: this.#containers.get(index) };
    const { bits } = this.#last;
    return bits !== undefined && ((bits[offset >> 3] as number) & (1 << (offset & 7))) !== 0;
  }

  #container(index: number): Uint8Array {
    let bits = this.#containers.get(index);
    if (!bits) {
      bits = new Uint8Array(containerBytes);
      this.#containers.set(index, bits);
      this.#last = { index: -1, bits: undefined };
    }
    return bits;
  }
}

function highestBit(bits: Uint8Array): number {
  for (let i = bits.length - 1; i >= 0; i -= 1) {
    const byte = bits[i] as number;
    if (byte !== 0) return i * 8 + (31 - Math.clz32(byte));
  }
  return -1;
}
