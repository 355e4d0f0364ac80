/** A run of acknowledged offsets, both ends included. */
interface Run {
  first: number;
  last: number;
}

/**
 * Which offsets of a subscription are acknowledged: everything up to a cursor, and single runs above it.
 * Acknowledgements may come in any order; the cursor moves over contiguous ones only.
 *
 * Memory is one entry a run, and runs are separated by messages in flight or by acknowledgements that came
 * before their delivery; {@link runCount} lets the owner bound the latter.
 */
export class AckTracker {
  #cursor: number;
  readonly #runs: Run[] = []; // Sorted, disjoint, never adjacent, all above #cursor + 1.

  /** @param cursor highest offset up to which everything is acknowledged, -1 for nothing */
  constructor(cursor: number) {
    this.#cursor = cursor;
  }

  /** Highest offset up to which everything is acknowledged; -1 for nothing. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Runs above the cursor. */
  get runCount(): number {
    return this.#runs.length;
  }

  has(offset: number): boolean {
    if (offset <= this.#cursor) return true;
    const run = this.#runs[this.#search(offset)];
    return run !== undefined && run.first <= offset;
  }

  /** Acknowledges one offset. Returns whether it was new. */
  add(offset: number): boolean {
    if (this.has(offset)) return false;
    this.addRange(offset, offset);
    return true;
  }

  /** Acknowledges `first` to `last`, both included; also for offsets that hold no message any more. */
  addRange(first: number, last: number): void {
    if (last <= this.#cursor || last < first) return;
    const at = this.#search(first - 1); // The first run that touches or follows the new one.
    const merged: Run = { first, last };
    let end = at;
    for (let run = this.#runs[end]; run !== undefined && run.first <= last + 1; run = this.#runs[end]) {
      merged.first = Math.min(merged.first, run.first);
      merged.last = Math.max(merged.last, run.last);
      end += 1;
    }
    if (merged.first <= this.#cursor + 1) {
      this.#cursor = merged.last;
      this.#runs.splice(0, end); // Whatever lies before `at` is below the new cursor: there is nothing.
    } else {
      this.#runs.splice(at, end - at, merged);
    }
  }

  /** Index of the first run whose last offset is ≥ `offset`. */
  #search(offset: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.last < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
