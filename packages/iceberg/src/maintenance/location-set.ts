import { hash } from 'node:crypto';

const empty = 0;
const present = 1;
const removed = 2;

/**
 * A set of locations that keeps 64 bits of a hash of each instead of its text: 20 to 40 bytes a location, however
 * long, so that the files of a large table fit into memory. Two locations may share those bits (for ten million of
 * them with a probability of 3 in a million). `has` may then say yes for one that was not added, and `delete` takes both
 * out: use it only where either means that a file is kept.
 */
export class LocationSet {
  /** For each slot: its state, and two halves of the hash. */
  #states = new Uint8Array(1024);
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** Slots that were ever taken since the last growth. */
  #used = 0;
  #size = 0;

  /** How many locations are in it. */
  get size(): number {
    return this.#size;
  }

  /** True if it was not there yet. */
  add(location: string): boolean {
    const [high, low] = hashOf(location);
    const slot = this.#find(high, low);
    if (this.#states[slot] === present) return false;
    if (this.#states[slot] === empty) this.#used += 1;
    this.#put(slot, high, low);
    this.#size += 1;
    if (this.#used * 2 > this.#states.length) this.#grow();
    return true;
  }

  has(location: string): boolean {
    const [high, low] = hashOf(location);
    return this.#states[this.#find(high, low)] === present;
  }

  /** True if it was there. */
  delete(location: string): boolean {
    const [high, low] = hashOf(location);
    const slot = this.#find(high, low);
    if (this.#states[slot] !== present) return false;
    this.#states[slot] = removed;
    this.#size -= 1;
    return true;
  }

  /** The slot with this hash (removed or not), or the free one where it belongs. */
  #find(high: number, low: number): number {
    const mask = this.#states.length - 1;
    let slot = low & mask;
    while (this.#states[slot] !== empty && !(this.#low[slot] === low && this.#high[slot] === high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #put(slot: number, high: number, low: number): void {
    this.#states[slot] = present;
    this.#high[slot] = high;
    this.#low[slot] = low;
  }

  #grow(): void {
    const [states, highs, lows] = [this.#states, this.#high, this.#low];
    // At most a third full, or it would soon grow again. The slots of what was removed are free now.
    const length = 2 ** Math.ceil(Math.log2(Math.max(256, this.#size) * 3));
    this.#states = new Uint8Array(length);
    this.#high = new Uint32Array(length);
    this.#low = new Uint32Array(length);
    this.#used = this.#size;
    for (const [slot, state] of states.entries()) {
      if (state !== present) continue;
      this.#put(this.#find(highs[slot]!, lows[slot]!), highs[slot]!, lows[slot]!);
    }
  }
}

function hashOf(location: string): readonly [high: number, low: number] {
  const bytes = hash('sha1', location, 'buffer');
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
