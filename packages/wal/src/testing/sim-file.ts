import type { Random } from './random.ts';

/** The unit that a power loss keeps or loses as a whole. */
export const SECTOR_BYTES = 512;

/** What a running sync will make durable. */
export interface BegunSync {
  readonly sectors: readonly number[];
  readonly contents: Buffer;
  readonly size: number;
  /** How many writes the file had seen. */
  readonly writes: number;
}

/**
 * A simulated file: what processes see (the page cache) and what a power loss would leave, sector by sector.
 */
export class SimInode {
  #cache = Buffer.alloc(0);
  #size = 0;
  #durable = Buffer.alloc(0);
  #durableSize = 0;
  #dirty = new Set<number>();
  /** Counts writes, so that of two syncs at a time the one that started earlier cannot undo the other's work. */
  #writes = 0;
  /** When what is durable of a sector, and of the size, was written. */
  readonly #persisted = new Map<number, number>();
  #sizePersisted = 0;
  #lostPages = 0;

  /** How often a failed sync has lost pages: each open descriptor hears of each such event once, as on Linux. */
  get lostPages(): number {
    return this.#lostPages;
  }

  get size(): number {
    return this.#size;
  }

  read(target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.#size - position));
    target.set(this.#cache.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    this.#writes++;
    this.#cache = grown(this.#cache, end);
    if (position > this.#size) this.#cache.fill(0, this.#size, position);
    const from = Math.min(position, this.#size);
    this.#cache.set(bytes, position);
    this.#size = Math.max(this.#size, end);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++)
      this.#dirty.add(sector);
  }

  truncate(size: number): void {
    this.#writes++;
    this.#cache = grown(this.#cache, size);
    if (size > this.#size) this.#cache.fill(0, this.#size, size);
    this.#size = size;
    const last = Math.floor(size / SECTOR_BYTES);
    for (const sector of [...this.#dirty]) if (sector > last) this.#dirty.delete(sector);
  }

  /**
   * What a sync that starts now will make durable: of the bytes in [start, end) only, and the size. Writes after this
   * moment are not covered.
   */
  beginSync(start = 0, end = Number.POSITIVE_INFINITY): BegunSync {
    return {
      writes: this.#writes,
      sectors: [...this.#dirty].filter((n) => (n + 1) * SECTOR_BYTES > start && n * SECTOR_BYTES < end),
      contents: Buffer.from(this.#cache.subarray(0, this.#size)),
      size: this.#size,
    };
  }

  endSync(begun: BegunSync): void {
    for (const sector of begun.sectors) {
      if (!this.#dirty.has(sector)) continue; // written back meanwhile
      if ((this.#persisted.get(sector) ?? 0) > begun.writes) continue; // newer than what this sync saw
      this.#persist(sector, begun.contents, begun.writes);
      if (this.#sameAs(sector, begun.contents)) this.#dirty.delete(sector);
    }
    if (this.#sizePersisted > begun.writes) return;
    this.#durableSize = begun.size;
    this.#sizePersisted = begun.writes;
  }

  /** A failed sync as Linux does it: some pages reached the disk, the rest did not, and all count as clean. */
  failSync(random: Random): void {
    for (const sector of this.#dirty) if (random.chance(0.3)) this.#persist(sector, this.#cache);
    if (random.chance(0.5)) {
      this.#durableSize = this.#size;
      this.#sizePersisted = this.#writes;
    }
    this.#dirty.clear();
    this.#lostPages++;
  }

  /** The kernel writes some pages back on its own. */
  writeBack(random: Random): void {
    for (const sector of [...this.#dirty]) {
      if (!random.chance(0.3)) continue;
      this.#persist(sector, this.#cache);
      this.#dirty.delete(sector);
    }
  }

  /** Power loss: any subset or prefix of what was not synced survives; the size is old, new or between. */
  crash(random: Random): void {
    const style = random.pick(['none', 'all', 'prefix', 'suffix', 'any'] as const);
    const dirty = [...this.#dirty].sort((a, b) => a - b);
    const cut = random.integer(0, dirty.length);
    for (const [i, sector] of dirty.entries()) {
      const survives =
        style === 'all' ||
        (style === 'prefix' && i < cut) ||
        (style === 'suffix' && i >= cut) ||
        (style === 'any' && random.chance(0.5));
      if (survives) this.#persist(sector, this.#cache);
      else if (style === 'any' && sector * SECTOR_BYTES >= this.#durable.length && random.chance(0.2)) {
        // A block was allocated but its data never came: old contents of the disk show through.
        this.#persist(sector, random.bytes((sector + 1) * SECTOR_BYTES));
      }
    }
    if (this.#durableSize !== this.#size) {
      const [low, high] = [Math.min(this.#size, this.#durableSize), Math.max(this.#size, this.#durableSize)];
      this.#durableSize = random.pick([this.#durableSize, this.#size, random.integer(low, high)]);
    }
    this.#durable = grown(this.#durable, this.#durableSize);
    this.#cache = Buffer.from(this.#durable.subarray(0, this.#durableSize));
    this.#size = this.#durableSize;
    this.#dirty.clear();
  }

  /** Replaces the contents, durably: for planting damage. */
  replace(bytes: Uint8Array): void {
    this.#cache = Buffer.from(bytes);
    this.#durable = Buffer.from(bytes);
    this.#size = bytes.length;
    this.#durableSize = bytes.length;
    this.#dirty.clear();
  }

  contents(): Buffer {
    return Buffer.from(this.#cache.subarray(0, this.#size));
  }

  #persist(sector: number, source: Uint8Array, writes = this.#writes): void {
    this.#persisted.set(sector, writes);
    const start = sector * SECTOR_BYTES;
    const piece = source.subarray(start, start + SECTOR_BYTES);
    this.#durable = grown(this.#durable, start + SECTOR_BYTES);
    this.#durable.fill(0, start, start + SECTOR_BYTES);
    this.#durable.set(piece, start);
  }

  #sameAs(sector: number, contents: Buffer): boolean {
    const start = sector * SECTOR_BYTES;
    const end = Math.min(start + SECTOR_BYTES, this.#size);
    return contents.subarray(start, start + SECTOR_BYTES).equals(this.#cache.subarray(start, end));
  }
}

function grown(buffer: Buffer<ArrayBuffer>, size: number): Buffer<ArrayBuffer> {
  if (buffer.length >= size) return buffer;
  const larger = Buffer.alloc(Math.max(size, 2 * buffer.length));
  larger.set(buffer);
  return larger;
}
