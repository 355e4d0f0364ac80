/** First offsets of the log's segments, to tell in which segment a record is. */
export class SegmentMap {
  #starts: number[] = [];

  /** Adds a segment; each is added once or more, in any order. */
  add(firstOffset: number): void {
    const last = this.#starts.at(-1);
    if (last === undefined || firstOffset > last) this.#starts.push(firstOffset);
    else if (!this.#starts.includes(firstOffset))
      this.#starts = [...this.#starts, firstOffset].sort((a, b) => a - b);
  }

  /** The first offset of the segment that holds this offset; 0 if it is below all. */
  of(walOffset: number): number {
    for (let at = this.#starts.length - 1; at >= 0; at -= 1) {
      const start = this.#starts[at] as number;
      if (start <= walOffset) return start;
    }
    return 0;
  }

  /** Forgets segments below this offset. */
  truncate(walOffset: number): void {
    this.#starts = this.#starts.filter((start) => start >= walOffset);
  }
}
