import { join } from 'node:path';
import { SEGMENT_HEADER_BYTES, type SegmentHeader, segmentFileName, segmentSeed } from './segment-header.ts';
import type { WalFile } from './wal-fs.ts';

/** One index entry per this many bytes of frames. */
const INDEX_STRIDE_BYTES = 64 * 1024;

/** A segment as `segments()` shows it. */
export interface WalSegmentInfo {
  readonly firstOffset: number;
  /** Offset after its last written record; equals `firstOffset` while it is empty. */
  readonly nextOffset: number;
  readonly sizeBytes: number;
  /** No record will be added; everything in it is durable. */
  readonly sealed: boolean;
}

/**
 * What is known about one segment, planned or on disk. `size` and `nextOffset` are the end of the last frame
 * written whole; `durableSize` is the end of what was synced.
 */
export class Segment {
  readonly header: SegmentHeader;
  readonly seed: number;
  readonly path: string;
  /** Open for writing while it is the active segment. */
  file: WalFile | undefined;
  size = SEGMENT_HEADER_BYTES;
  nextOffset: number;
  durableSize = SEGMENT_HEADER_BYTES;
  /** Bytes of the file; those from `size` on are filler. */
  allocatedSize = SEGMENT_HEADER_BYTES;
  sealed = false;
  /** Pairs of first offset and file position of a frame, ascending. */
  readonly #index: number[] = [];

  constructor(dir: string, header: SegmentHeader) {
    this.header = header;
    this.seed = segmentSeed(header);
    this.path = join(dir, segmentFileName(header.firstOffset));
    this.nextOffset = header.firstOffset;
  }

  get firstOffset(): number {
    return this.header.firstOffset;
  }

  get name(): string {
    return segmentFileName(this.header.firstOffset);
  }

  /** Records that a whole frame now ends at `size`. */
  grow(frameFirstOffset: number, count: number, frameBytes: number): void {
    const last = this.#index.at(-1);
    if (last === undefined || this.size - last >= INDEX_STRIDE_BYTES) {
      this.#index.push(frameFirstOffset, this.size);
    }
    this.size += frameBytes;
    this.allocatedSize = Math.max(this.allocatedSize, this.size);
    this.nextOffset = frameFirstOffset + count;
  }

  /** Position of a frame that starts at or below `offset`, at most one stride of frames before it. */
  seek(offset: number): number {
    let low = 0;
    let high = this.#index.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#index[2 * middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? SEGMENT_HEADER_BYTES : this.#index[2 * low - 1]!;
  }

  info(): WalSegmentInfo {
    return {
      firstOffset: this.firstOffset,
      nextOffset: this.nextOffset,
      sizeBytes: this.size,
      sealed: this.sealed,
    };
  }
}
