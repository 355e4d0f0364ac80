import type { WalDamage } from './errors.ts';
import {
  decodeFrameBody,
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  type FrameHeader,
  type WalRecord,
} from './frame.ts';
import type { Segment } from './segment.ts';
import { SEGMENT_HEADER_BYTES } from './segment-header.ts';
import { viewOf } from './u64.ts';
import { readFully, type WalFile } from './wal-fs.ts';

const WINDOW_BYTES = 2 * 1024 * 1024;

/** What a scan of one segment found. The segment itself is grown to the end of its last good frame. */
export interface SegmentScan {
  readonly fileSize: number;
  /** Highest `durableUpTo` in any intact frame header of the file, also behind damage. */
  readonly durableUpTo: number;
  /** Byte ranges that are not good frames in sequence; empty when the file is sound. */
  readonly damage: readonly WalDamage[];
}

/**
 * Reads a segment from front to back with bounded memory: one window, or the largest frame. After the first bad
 * frame it goes on as a survey, searching for intact frames, since they decide between a torn tail and
 * corruption.
 */
export class FrameScanner {
  #buffer: Buffer = Buffer.alloc(0);

  /** `onRecord` sees the last record of each good frame. */
  async scan(
    file: WalFile,
    segment: Segment,
    fileSize: number,
    onRecord: (record: WalRecord) => void,
  ): Promise<SegmentScan> {
    const window = new Window(file, fileSize, this.#buffer);
    const damage: WalDamage[] = [];
    let durableUpTo = segment.header.durableUpTo;
    let at = SEGMENT_HEADER_BYTES;
    let reason: string | undefined;
    while (at < fileSize) {
      const frame = await readFrame(window, segment, at);
      reason =
        frame.header?.firstOffset === segment.nextOffset
          ? frame.reason
          : (frame.reason ?? 'frame out of sequence');
      if (!frame.header || reason !== undefined) break;
      durableUpTo = Math.max(durableUpTo, frame.header.durableUpTo);
      segment.grow(frame.header.firstOffset, frame.header.count, frame.byteLength);
      onRecord(frame.lastRecord!);
      at += frame.byteLength;
    }
    // The survey: from the first bad byte on.
    let expected = segment.nextOffset;
    while (at < fileSize) {
      const start = at;
      let resumed: { header: FrameHeader; byteLength: number } | undefined;
      for (
        let found = await window.indexOfMagic(at);
        found !== -1;
        found = await window.indexOfMagic(found + 1)
      ) {
        const frame = await readFrame(window, segment, found);
        if (!frame.header) continue;
        durableUpTo = Math.max(durableUpTo, frame.header.durableUpTo);
        if (frame.reason === undefined && frame.header.firstOffset >= expected) {
          resumed = { header: frame.header, byteLength: frame.byteLength };
          at = found;
          break;
        }
      }
      const end = resumed ? at : fileSize;
      if (end > start) {
        damage.push({
          file: segment.name,
          startByte: start,
          endByteExclusive: end,
          firstOffset: expected,
          ...(resumed && { resumesAtOffset: resumed.header.firstOffset }),
          reason: reason ?? 'damaged frame',
        });
      }
      if (!resumed) break;
      expected = resumed.header.firstOffset + resumed.header.count;
      at += resumed.byteLength;
      reason = undefined;
    }
    this.#buffer = window.buffer;
    return { fileSize, durableUpTo, damage };
  }
}

interface ReadFrame {
  /** Present when the header is intact, whatever the body is. */
  readonly header?: FrameHeader;
  readonly byteLength: number;
  /** Why the frame is not good, if it is not. */
  readonly reason?: string;
  readonly lastRecord?: WalRecord;
}

async function readFrame(window: Window, segment: Segment, at: number): Promise<ReadFrame> {
  const { salt } = segment.header;
  if (!(await window.load(at, FRAME_HEADER_BYTES)))
    return { byteLength: 0, reason: 'incomplete frame header' };
  const header = decodeFrameHeader(window.buffer, window.view, at - window.start, salt, segment.seed);
  if (!header) return { byteLength: 0, reason: 'frame header damaged' };
  const byteLength = FRAME_HEADER_BYTES + header.byteLength;
  if (!(await window.load(at, byteLength)))
    return { header, byteLength, reason: 'frame ends beyond the file' };
  let lastRecord: WalRecord | undefined;
  const reason = decodeFrameBody(
    window.buffer,
    window.view,
    at - window.start + FRAME_HEADER_BYTES,
    header,
    segment.seed,
    (record) => {
      lastRecord = record;
    },
  );
  return reason === undefined
    ? { header, byteLength, lastRecord: lastRecord! }
    : { header, byteLength, reason };
}

/** A piece of a file in memory that moves forward. It never grows beyond the file. */
class Window {
  readonly #file: WalFile;
  readonly #fileSize: number;
  buffer: Buffer;
  view: DataView;
  /** File position of the first byte, and how many bytes are there. */
  start = 0;
  #length = 0;

  constructor(file: WalFile, fileSize: number, buffer: Buffer) {
    this.#file = file;
    this.#fileSize = fileSize;
    this.buffer = buffer;
    this.view = viewOf(buffer);
  }

  /** Makes `[at, at + length)` present; false if the file ends before. */
  async load(at: number, length: number): Promise<boolean> {
    if (at + length > this.#fileSize) return false;
    if (at >= this.start && at + length <= this.start + this.#length) return true;
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#fileSize - at);
    if (this.buffer.length < wanted) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(WINDOW_BYTES, this.#fileSize)));
      this.view = viewOf(this.buffer);
    }
    this.start = at;
    this.#length = await readFully(this.#file, this.buffer.subarray(0, wanted), at);
    return this.#length >= length;
  }

  /** Position of the next frame magic at or after `at`, or -1. */
  async indexOfMagic(at: number): Promise<number> {
    for (let from = at; await this.load(from, FRAME_MAGIC.length); ) {
      const local = from - this.start;
      const found = this.buffer.subarray(0, this.#length).indexOf(FRAME_MAGIC, local);
      if (found !== -1) return this.start + found;
      // The magic may straddle the end of the window.
      from = this.start + this.#length - FRAME_MAGIC.length + 1;
    }
    return -1;
  }
}
