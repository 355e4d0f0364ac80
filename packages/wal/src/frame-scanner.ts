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
import type { LogState } from './state-file.ts';
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
  /** Epoch of the last good frame, over all segments scanned. */
  #epoch = 0;

  /** `onRecord` sees the last record of each good frame. */
  async scan(
    file: WalFile,
    segment: Segment,
    fileSize: number,
    state: Pick<LogState, 'epoch' | 'epochStart'>,
    onRecord: (record: WalRecord) => void,
  ): Promise<SegmentScan> {
    const window = new Window(file, fileSize, this.#buffer);
    let durableUpTo = segment.header.durableUpTo;
    let damage: readonly WalDamage[] = [];
    for (let at = SEGMENT_HEADER_BYTES; at < fileSize; ) {
      const frame = await readFrame(window, segment, at);
      if (frame.header) durableUpTo = Math.max(durableUpTo, frame.header.durableUpTo);
      const reason = frame.reason ?? this.#misplaced(frame.header!, segment, state);
      if (reason !== undefined && !frame.header && (await window.isZeroFrom(at))) break; // filled ahead, not used
      if (reason !== undefined) {
        const survey = await surveyDamage(window, segment, at, fileSize, reason);
        durableUpTo = Math.max(durableUpTo, survey.durableUpTo);
        damage = survey.damage;
        break;
      }
      this.#epoch = frame.header!.epoch;
      segment.grow(frame.header!.firstOffset, frame.header!.count, frame.byteLength);
      onRecord(frame.lastRecord!);
      at += frame.byteLength;
    }
    this.#buffer = window.buffer;
    return { fileSize, durableUpTo, damage };
  }

  /**
   * Why an intact frame does not belong where it is. When a file grows after its torn tail was cut, and power fails, some
   * file systems show what the disk held there before: whole frames of an earlier life, long given up.
   */
  #misplaced(
    header: FrameHeader,
    segment: Segment,
    state: Pick<LogState, 'epoch' | 'epochStart'>,
  ): string | undefined {
    if (header.firstOffset !== segment.nextOffset) return 'frame out of sequence';
    const oldest =
      header.firstOffset >= state.epochStart ? Math.max(this.#epoch, state.epoch % 2 ** 32) : this.#epoch;
    return header.epoch >= oldest ? undefined : 'frame of an earlier life';
  }
}

/** Lists what is bad from `start` on, where a bad frame is, and what intact frame headers behind it prove. */
async function surveyDamage(
  window: Window,
  segment: Segment,
  start: number,
  fileSize: number,
  reason: string,
): Promise<{ durableUpTo: number; damage: readonly WalDamage[] }> {
  const damage: WalDamage[] = [];
  let durableUpTo = 0;
  let expected = segment.nextOffset;
  let badFrom = start;
  let found = await window.indexOfMagic(start + 1);
  while (found !== -1) {
    const { header, byteLength, reason: bad } = await readFrame(window, segment, found);
    if (header) durableUpTo = Math.max(durableUpTo, header.durableUpTo);
    if (header && bad === undefined && header.firstOffset >= expected) {
      if (found > badFrom) damage.push(range(badFrom, found, expected, header.firstOffset));
      expected = header.firstOffset + header.count;
      badFrom = found + byteLength;
      found = await window.indexOfMagic(badFrom);
    } else found = await window.indexOfMagic(found + 1);
  }
  if (badFrom < fileSize) damage.push(range(badFrom, fileSize, expected));
  return { durableUpTo, damage };

  function range(from: number, to: number, firstOffset: number, resumesAtOffset?: number): WalDamage {
    return {
      file: segment.name,
      startByte: from,
      endByteExclusive: to,
      firstOffset,
      ...(resumesAtOffset !== undefined && { resumesAtOffset }),
      reason: from === start ? reason : 'damaged frame',
    };
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

  /** Whether there is nothing but zeros from `at` to the end of the file. */
  async isZeroFrom(at: number): Promise<boolean> {
    for (let from = at; from < this.#fileSize; ) {
      if (!(await this.load(from, 1))) return false;
      const part = this.buffer.subarray(from - this.start, this.#length);
      if (!part.every((byte) => byte === 0)) return false;
      from = this.start + this.#length;
    }
    return true;
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
