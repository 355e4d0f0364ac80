import { isNoSpace } from './errors.ts';
import { filler } from './filler.ts';
import type { SyncMode } from './options.ts';
import type { Segment } from './segment.ts';
import type { FailableLog } from './segment-preparer.ts';
import { writeFully } from './wal-fs.ts';

/** Frames above this are not worth writing their space twice: the disk's bandwidth counts, not its journal. */
const LARGEST_FRAME_BYTES = 32 * 1024;
/** Less than this is not worth a trip to the disk. */
const SMALLEST_FILL_BYTES = 512;

/**
 * Keeps durable filler ahead of the end of the segment being written. A write over it changes neither the file's size nor
 * its blocks, so that making it durable needs no commit of the file system's own journal: measured on ext4, that is
 * a third to half of the time of a small commit.
 *
 * Filler behind the last frame is no damage; recovery cuts it off. Invariant: a fill that runs writes at and above
 * `#filling.start` only, and no frame is written there before it has ended, see {@link Preallocation.clear}.
 */
export class Preallocation {
  readonly #log: FailableLog;
  readonly #bytes: number;
  readonly #maxFileSizeBytes: number;
  #filler: Uint8Array | undefined;
  #filling: { readonly segment: Segment; readonly start: number; readonly done: Promise<void> } | undefined;
  /** There was no room for more of it. */
  #gaveUp: Segment | undefined;

  constructor(
    log: FailableLog,
    options: {
      readonly sync: SyncMode;
      readonly preallocateBytes: number;
      readonly maxFileSizeBytes: number;
    },
  ) {
    this.#log = log;
    // In the other modes nobody waits for the disk.
    this.#bytes = options.sync.kind === 'always' ? options.preallocateBytes : 0;
    this.#maxFileSizeBytes = options.maxFileSizeBytes;
  }

  /** What a segment's file holds before its header: filler, `atLeast` so many bytes. */
  initial(atLeast: number): Uint8Array {
    return this.#take(Math.max(atLeast, Math.min(this.#bytes, this.#maxFileSizeBytes)));
  }

  /** Resolves when no fill runs. */
  async idle(): Promise<void> {
    await this.#filling?.done;
  }

  /** To be awaited before a frame that ends at `end` is written. */
  clear(segment: Segment, end: number): Promise<void> | undefined {
    const filling = this.#filling;
    return filling && filling.segment === segment && end > filling.start ? filling.done : undefined;
  }

  /** A frame of this size was written: fills ahead when what is left would not last. */
  after(segment: Segment, frameBytes: number): void {
    if (this.#filling || this.#gaveUp === segment || frameBytes > LARGEST_FRAME_BYTES) return;
    const start = segment.allocatedSize;
    if (start - segment.size >= this.#bytes / 2) return;
    const end = Math.min(start + this.#bytes, this.#maxFileSizeBytes);
    if (end - start < SMALLEST_FILL_BYTES) return;
    this.#filling = { segment, start, done: this.#fill(segment, start, end) };
  }

  async #fill(segment: Segment, start: number, end: number): Promise<void> {
    const file = segment.file!;
    try {
      await writeFully(file, [this.#take(end - start)], start);
      // Through another descriptor than the frames: the kernel reports lost pages once to each, so that neither of
      // two syncs that overlap can take the other's failure away.
      await file.sync().catch((error: unknown) => this.#log.fail(error));
      segment.allocatedSize = end;
    } catch (error) {
      if (isNoSpace(error)) await this.#takeBack(segment, start);
      else this.#log.fail(error);
    } finally {
      this.#filling = undefined;
    }
  }

  #take(length: number): Uint8Array {
    if (!this.#filler || this.#filler.length < length) this.#filler = filler(Math.max(length, this.#bytes));
    return this.#filler.subarray(0, length);
  }

  /** The disk is full: what was filled goes back, so that the file ends where the log thinks it does. */
  async #takeBack(segment: Segment, start: number): Promise<void> {
    this.#gaveUp = segment;
    try {
      await segment.file!.truncate(start);
    } catch (error) {
      this.#log.fail(error);
    }
  }
}
