import type { WalDamage, WalGap } from './errors.ts';
import { lengthBeforeFiller } from './filler.ts';
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

/** A stretch of a file that holds nothing but good frames in sequence. */
export interface FrameRun {
  readonly startByte: number;
  readonly endByteExclusive: number;
  readonly firstOffset: number;
  /** Offset after its last frame. */
  readonly nextOffset: number;
  readonly firstEpoch: number;
  readonly lastEpoch: number;
}

/** What a scan of one segment found. The segment itself is grown to the end of its last good frame before any damage. */
export interface SegmentScan {
  readonly fileSize: number;
  /** Where the filler at the end of the file begins, if there is any. */
  readonly usedSize: number;
  /** Highest `durableUpTo` in any intact frame header of the file, also behind damage. */
  readonly durableUpTo: number;
  /** Highest offset after a frame whose header is intact, whatever became of its records. */
  readonly provenNext: number;
  /** Highest epoch in any intact frame header of the file, also behind damage; 0 when there is none. */
  readonly highestEpoch: number;
  /** Byte ranges that are not good frames in sequence; empty when the file is sound. A range of no bytes: some are missing. */
  readonly damage: readonly WalDamage[];
  /** All that can be read, also behind damage; one run at most when the file is sound. */
  readonly runs: readonly FrameRun[];
  /** What an earlier repair gave up. */
  readonly gaps: readonly WalGap[];
}

/** A good frame, as a scan meets it. */
export interface ScannedFrame {
  readonly segment: Segment;
  readonly header: FrameHeader;
  /** Its records, or only the last of them; none in a gap. */
  readonly records: readonly WalRecord[];
}

/**
 * Reads a segment from front to back with bounded memory: one window, or the largest frame. After the first bad
 * frame it goes on as a survey, searching for intact frames, since they decide between a torn tail and
 * corruption, and are what a repair keeps.
 */
export class FrameScanner {
  readonly #keep: 'all' | 'last';
  #buffer: Buffer = Buffer.alloc(0);
  /** Epoch of the last good frame, over all segments scanned. */
  #epoch = 0;

  /** `keep`: which records of a frame `onFrame` is shown. */
  constructor(keep: 'all' | 'last' = 'last') {
    this.#keep = keep;
  }

  /** `onFrame` sees each good frame, in order. */
  async scan(
    file: WalFile,
    segment: Segment,
    fileSize: number,
    state: Pick<LogState, 'epoch' | 'epochStart'>,
    onFrame: (frame: ScannedFrame) => void,
  ): Promise<SegmentScan> {
    const window = new Window(file, fileSize, this.#buffer);
    const tally = new ScanTally(segment, onFrame);
    let damage: readonly WalDamage[] = [];
    let usedSize = fileSize;
    for (let at = SEGMENT_HEADER_BYTES; at < fileSize; ) {
      const frame = await readFrame(window, segment, at, this.#keep);
      tally.headerSeen(frame.header);
      const reason = frame.reason ?? this.#misplaced(frame.header!, segment, state);
      if (reason !== undefined) {
        // Where the frames end there may be filler, which was never used and is no damage.
        ({ damage, usedSize } = await this.#survey(window, segment, at, reason, state, tally));
        break;
      }
      this.#epoch = frame.header!.epoch;
      segment.grow(frame.header!.firstOffset, frame.header!.count, frame.byteLength);
      tally.good(frame.header!, at, frame.byteLength, frame.records);
      at += frame.byteLength;
    }
    this.#buffer = window.buffer;
    const { durableUpTo, provenNext, highestEpoch, runs, gaps } = tally;
    return { fileSize, usedSize, durableUpTo, provenNext, highestEpoch, damage, runs, gaps };
  }

  /** Lists what is bad from `start` on, where a bad frame is, and what intact frames are behind it. */
  async #survey(
    window: Window,
    segment: Segment,
    start: number,
    reason: string,
    state: Pick<LogState, 'epoch' | 'epochStart'>,
    tally: ScanTally,
  ): Promise<Pick<SegmentScan, 'damage' | 'usedSize'>> {
    const damage: WalDamage[] = [];
    let expected = segment.nextOffset;
    let badFrom = start;
    // From `start` itself: the frame there may be sound, and the ones before it missing.
    let found = await window.indexOfMagic(start);
    while (found !== -1) {
      const {
        header,
        byteLength,
        reason: bad,
        records,
      } = await readFrame(window, segment, found, this.#keep);
      tally.headerSeen(header);
      const good = header && bad === undefined && header.firstOffset >= expected;
      if (good && this.#ofThisLife(header, state)) {
        if (found > badFrom || header.firstOffset > expected)
          damage.push(range(badFrom, found, expected, header.firstOffset));
        this.#epoch = header.epoch;
        tally.good(header, found, byteLength, records);
        expected = header.firstOffset + header.count;
        badFrom = found + byteLength;
        found = await window.indexOfMagic(badFrom);
      } else found = await window.indexOfMagic(found + 1);
    }
    const usedSize = await window.endBeforeFiller(badFrom);
    if (badFrom < usedSize) damage.push(range(badFrom, usedSize, expected));
    return { damage, usedSize };

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

  #misplaced(
    header: FrameHeader,
    segment: Segment,
    state: Pick<LogState, 'epoch' | 'epochStart'>,
  ): string | undefined {
    if (header.firstOffset !== segment.nextOffset) return 'frame out of sequence';
    return this.#ofThisLife(header, state) ? undefined : 'frame of an earlier life';
  }

  /**
   * Whether an intact frame belongs where it is. When a file grows after its torn tail was cut, and power fails, some
   * file systems show what the disk held there before: whole frames of an earlier life, long given up.
   */
  #ofThisLife(header: FrameHeader, state: Pick<LogState, 'epoch' | 'epochStart'>): boolean {
    const oldest =
      header.firstOffset >= state.epochStart ? Math.max(this.#epoch, state.epoch % 2 ** 32) : this.#epoch;
    return header.epoch >= oldest;
  }
}

/** What a scan has seen so far. */
class ScanTally {
  durableUpTo: number;
  provenNext = 0;
  highestEpoch = 0;
  readonly runs: FrameRun[] = [];
  readonly gaps: WalGap[] = [];
  readonly #segment: Segment;
  readonly #onFrame: (frame: ScannedFrame) => void;

  constructor(segment: Segment, onFrame: (frame: ScannedFrame) => void) {
    this.#segment = segment;
    this.durableUpTo = segment.header.durableUpTo;
    this.#onFrame = onFrame;
  }

  headerSeen(header: FrameHeader | undefined): void {
    if (!header) return;
    this.durableUpTo = Math.max(this.durableUpTo, header.durableUpTo);
    this.provenNext = Math.max(this.provenNext, header.firstOffset + header.count);
    this.highestEpoch = Math.max(this.highestEpoch, header.epoch);
  }

  good(header: FrameHeader, startByte: number, bytes: number, records: readonly WalRecord[]): void {
    const { firstOffset, epoch } = header;
    const nextOffset = firstOffset + header.count;
    const endByteExclusive = startByte + bytes;
    if (header.gap) this.gaps.push({ firstOffset, nextOffset });
    const run = this.runs.at(-1);
    if (run?.endByteExclusive === startByte && run.nextOffset === firstOffset)
      this.runs[this.runs.length - 1] = { ...run, endByteExclusive, nextOffset, lastEpoch: epoch };
    else {
      this.runs.push({
        startByte,
        endByteExclusive,
        firstOffset,
        nextOffset,
        firstEpoch: epoch,
        lastEpoch: epoch,
      });
    }
    this.#onFrame({ segment: this.#segment, header, records });
  }
}

interface ReadFrame {
  /** Present when the header is intact, whatever the body is. */
  readonly header?: FrameHeader;
  readonly byteLength: number;
  /** Why the frame is not good, if it is not. */
  readonly reason?: string;
  /** Of a good frame: all, or the last. */
  readonly records: readonly WalRecord[];
}

async function readFrame(
  window: Window,
  segment: Segment,
  at: number,
  keep: 'all' | 'last',
): Promise<ReadFrame> {
  const { salt } = segment.header;
  if (!(await window.load(at, FRAME_HEADER_BYTES)))
    return { byteLength: 0, reason: 'incomplete frame header', records: [] };
  const header = decodeFrameHeader(window.buffer, window.view, at - window.start, salt, segment.seed);
  if (!header) return { byteLength: 0, reason: 'frame header damaged', records: [] };
  const byteLength = FRAME_HEADER_BYTES + header.byteLength;
  if (!(await window.load(at, byteLength)))
    return { header, byteLength, reason: 'frame ends beyond the file', records: [] };
  const records: WalRecord[] = [];
  const body = at - window.start + FRAME_HEADER_BYTES;
  const reason = decodeFrameBody(window.buffer, window.view, body, header, segment.seed, (record) => {
    if (keep === 'all') records.push(record);
    else records[0] = record;
  });
  return reason === undefined ? { header, byteLength, records } : { header, byteLength, reason, records: [] };
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

  /** Where the bytes from `at` on end that are not the filler at the end of the file. */
  async endBeforeFiller(at: number): Promise<number> {
    let end = at;
    for (let from = at; from < this.#fileSize; from = this.start + this.#length) {
      if (!(await this.load(from, 1))) break;
      const used = lengthBeforeFiller(this.buffer.subarray(from - this.start, this.#length), from);
      if (used > 0) end = from + used;
    }
    // Whole units only: the last bytes of a torn frame may look like the middle of one.
    return Math.min(this.#fileSize, Math.ceil(end / 8) * 8);
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
