/**
 * Delete files by sequence number, so that those too old for a data file are not looked at one by one. Files of one
 * number stay in the order in which they were added.
 */
export class SequencedFiles<F> {
  readonly #files: { readonly sequenceNumber: bigint; readonly file: F }[] = [];
  #sorted = true;

  add(sequenceNumber: bigint, file: F): void {
    this.#files.push({ sequenceNumber, file });
    this.#sorted = false;
  }

  /** The files of this number and higher ones. */
  *from(sequenceNumber: bigint): Generator<F> {
    if (!this.#sorted) this.#sort();
    for (let i = this.#start(sequenceNumber); i < this.#files.length; i += 1) {
      yield (this.#files[i] as { readonly file: F }).file;
    }
  }

  #start(sequenceNumber: bigint): number {
    let low = 0;
    let high = this.#files.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#files[middle]?.sequenceNumber as bigint) < sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sort(): void {
    this.#files.sort((left, right) =>
      left.sequenceNumber < right.sequenceNumber ? -1 : left.sequenceNumber > right.sequenceNumber ? 1 : 0,
    );
    this.#sorted = true;
  }
}
