/** Where a stretch of a topic's records begins in the log. */
interface IndexEntry {
  /** First topic offset of the stretch. */
  readonly offset: number;
  /** Log offset of that record. */
  readonly walOffset: number;
  /** Bytes of all records of the topic before it. */
  readonly bytesBefore: number;
  readonly appendTimeMs: number;
  /** True if this stretch does not follow the one before it in the log: reading restarts here. */
  readonly jump: boolean;
}

/** Records of a stretch at most; more makes the index smaller and reads longer. */
const RECORDS_PER_ENTRY = 256;
/** Bytes of a stretch at most, about. */
const BYTES_PER_ENTRY = 64 * 1024;

/**
 * Sparse index of one topic over the shared log: which log offset to read from to find a topic offset. Its
 * size depends on the number of records, not on their payloads. Every segment begins a new stretch, so what
 * is left after a truncation is known exactly.
 */
export class TopicIndex {
  #entries: IndexEntry[] = [];
  #bytes = 0;
  #last = -1;
  #lastTimeMs = 0;
  #lastSegment = -1;
  #lastWalOffset = -1;
  #cut = false;

  /** Bytes of all records ever added. */
  get bytes(): number {
    return this.#bytes;
  }

  /** First topic offset the log holds, or undefined if it holds none. */
  get first(): number | undefined {
    return this.#entries[0]?.offset;
  }

  /** Highest topic offset added, -1 if none. */
  get last(): number {
    return this.#last;
  }

  /**
   * The next record begins a stretch. Called where a commit ends, so that the bytes and the age of what is above it
   * are its own.
   */
  cut(): void {
    this.#cut = true;
  }

  /** The log had lost its tail and the table has everything through `offset`: records to be found come after it. */
  skipTo(offset: number): void {
    this.#entries = [];
    this.#last = Math.max(this.#last, offset);
  }

  /** Adds the next record. Offsets ascend; `segment` is the first log offset of its segment. */
  add(offset: number, walOffset: number, segment: number, bytes: number, appendTimeMs: number): void {
    const entry = this.#entries.at(-1);
    if (
      entry === undefined ||
      this.#cut ||
      offset - entry.offset >= RECORDS_PER_ENTRY ||
      this.#bytes - entry.bytesBefore >= BYTES_PER_ENTRY ||
      segment !== this.#lastSegment ||
      walOffset < this.#lastWalOffset
    )
      this.#entries.push({
        offset,
        walOffset,
        bytesBefore: this.#bytes,
        appendTimeMs,
        jump: walOffset < this.#lastWalOffset,
      });
    this.#cut = false;
    this.#bytes += bytes;
    this.#last = offset;
    this.#lastTimeMs = appendTimeMs;
    this.#lastSegment = segment;
    this.#lastWalOffset = walOffset;
  }

  /** Where to start reading the log to find `offset` or the first record after it; undefined if there is none. */
  seek(offset: number): { readonly walOffset: number; readonly endOffsetExclusive: number } | undefined {
    if (offset > this.#last || this.#entries.length === 0) return undefined;
    const at = Math.max(0, this.#floor(offset));
    const entry = this.#entries[at] as IndexEntry;
    let end = at + 1;
    while (end < this.#entries.length && !(this.#entries[end] as IndexEntry).jump) end += 1;
    return {
      walOffset: entry.walOffset,
      endOffsetExclusive: this.#entries[end]?.offset ?? this.#last + 1,
    };
  }

  /** Bytes of the records above `offset`; too many by less than one stretch. */
  bytesAbove(offset: number): number {
    if (offset >= this.#last || this.#entries.length === 0) return 0;
    const entry = this.#entries[this.#floor(offset + 1)] ?? (this.#entries[0] as IndexEntry);
    return this.#bytes - entry.bytesBefore;
  }

  /** About when the first record above `offset` was appended (never later); undefined if there is none. */
  timeAbove(offset: number): number | undefined {
    if (offset >= this.#last || this.#entries.length === 0) return undefined;
    return (this.#entries[this.#floor(offset + 1)] ?? (this.#entries[0] as IndexEntry)).appendTimeMs;
  }

  /** When the last record was appended; 0 if there is none. */
  get lastTimeMs(): number {
    return this.#lastTimeMs;
  }

  /** Lowest log offset that holds a record above `offset`; undefined if there is none. Never too high. */
  lowestWalOffsetAbove(offset: number): number | undefined {
    if (offset >= this.#last || this.#entries.length === 0) return undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (let at = Math.max(0, this.#floor(offset + 1)); at < this.#entries.length; at += 1) {
      const entry = this.#entries[at] as IndexEntry;
      if (at === Math.max(0, this.#floor(offset + 1)) || entry.jump)
        lowest = Math.min(lowest, entry.walOffset);
    }
    return lowest;
  }

  /** Log offset of the newest record, or undefined if the log holds none. */
  get lastWalOffset(): number | undefined {
    return this.#entries.length === 0 ? undefined : this.#lastWalOffset;
  }

  /** The log forgot everything below `walOffset`, the first offset of a segment. */
  truncate(walOffset: number): void {
    const kept = this.#entries.findIndex((entry) => entry.walOffset >= walOffset);
    this.#entries = kept < 0 ? [] : this.#entries.slice(kept);
  }

  /** Position of the last entry at or below `offset`, -1 if all are above. */
  #floor(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as IndexEntry).offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
