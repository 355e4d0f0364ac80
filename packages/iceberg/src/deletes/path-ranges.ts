/** A file that names paths of a range, both ends included, in the order of their bytes. */
interface PathRange<F> {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly file: F;
}

/**
 * Files by the range of paths that they name: those for one path are found without looking at the others. The ranges
 * are sorted by their lower ends and searched as a balanced tree; each of its nodes knows the highest upper end below.
 */
export class PathRanges<F> {
  readonly #ranges: PathRange<F>[] = [];
  /** For each range the highest upper end of the subtree whose root it is. */
  #highest: Uint8Array[] = [];
  #built = true;

  add(lower: Uint8Array, upper: Uint8Array, file: F): void {
    this.#ranges.push({ lower, upper, file });
    this.#built = false;
  }

  /** The files whose range holds the path, by their lower ends. */
  at(path: Uint8Array): F[] {
    if (!this.#built) this.#build();
    const found: F[] = [];
    this.#search(path, 0, this.#ranges.length, found);
    return found;
  }

  #search(path: Uint8Array, low: number, high: number, found: F[]): void {
    if (low >= high) return;
    const middle = (low + high) >>> 1;
    if (Buffer.compare(this.#highest[middle] as Uint8Array, path) < 0) return;
    this.#search(path, low, middle, found);
    const { lower, upper, file } = this.#ranges[middle] as PathRange<F>;
    if (Buffer.compare(lower, path) > 0) return;
    if (Buffer.compare(upper, path) >= 0) found.push(file);
    this.#search(path, middle + 1, high, found);
  }

  #build(): void {
    this.#ranges.sort((left, right) => Buffer.compare(left.lower, right.lower));
    this.#highest = new Array<Uint8Array>(this.#ranges.length);
    this.#note(0, this.#ranges.length);
    this.#built = true;
  }

  #note(low: number, high: number): Uint8Array | undefined {
    if (low >= high) return undefined;
    const middle = (low + high) >>> 1;
    let highest = (this.#ranges[middle] as PathRange<F>).upper;
    for (const below of [this.#note(low, middle), this.#note(middle + 1, high)]) {
      if (below && Buffer.compare(below, highest) > 0) highest = below;
    }
    this.#highest[middle] = highest;
    return highest;
  }
}
