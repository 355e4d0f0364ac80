import { systemErrorCode, WalError, type WalGap } from './errors.ts';
import {
  decodeFrameBody,
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type WalRecord,
} from './frame.ts';
import { USER_RECORD_TYPE_MAX } from './options.ts';
import type { Segment } from './segment.ts';
import { viewOf } from './u64.ts';
import { readFully, type WalFile, type WalFs } from './wal-fs.ts';

/** Which records to read. */
export interface ReadOptions {
  /** First offset. Below the log's `firstOffset` the read fails with WAL_TRUNCATED. */
  readonly from: number;
  /** Offset to stop before. Default: where the readable log ends when the read starts, or never with `follow`. */
  readonly to?: number;
  /** Wait for more at the end of the log. Ends when the log is closed, throws WAL_FAILED when it fails. */
  readonly follow?: boolean;
  /**
   * Called when the read comes to records that were lost and given up by a repair, after everything before them was
   * yielded; reading goes on behind them. What it throws ends the iteration. Gaps that adjoin may be reported one by
   * one. Without it a gap ends the iteration with WAL_GAP: it is never passed over in silence.
   */
  readonly onGap?: (gap: WalGap) => void;
  /** Ends the iteration by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a reader needs to know about the log; everything in it may change between two awaits. */
export interface ReadableLog {
  readonly segments: readonly Segment[];
  /** Records below this may be read. */
  readonly visibleNext: number;
  visibleSize(segment: Segment): number;
  whenChanged(): Promise<void>;
  readonly failure: WalError | undefined;
  readonly closed: boolean;
}

/** Read at most about this much at once; a larger frame is read whole. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads records in batches. Each reader has its own file handle: a segment that is truncated meanwhile can be read
 * to its end, and no lock is held at any time.
 */
export async function* readLog(
  fs: WalFs,
  log: ReadableLog,
  options: ReadOptions,
): AsyncGenerator<readonly WalRecord[], void, undefined> {
  const { from, follow = false, signal } = options;
  const stop = Math.min(
    options.to ?? Number.POSITIVE_INFINITY,
    follow ? Number.POSITIVE_INFINITY : log.visibleNext,
  );
  let next = from;
  let cursor: SegmentCursor | undefined;
  try {
    while (next < stop) {
      signal?.throwIfAborted();
      if (next >= log.visibleNext) {
        if (log.failure) throw log.failure;
        if (log.closed) return;
        await changed(log, signal);
        continue;
      }
      if (!cursor?.covers(next)) {
        await cursor?.close();
        cursor = undefined;
        cursor = await SegmentCursor.open(fs, log, next);
      }
      const { records, gap } = await cursor.read(next, stop);
      next = cursor.nextOffset;
      if (records.length > 0) yield records;
      if (!gap) continue;
      if (!options.onGap) throw gapMet(gap);
      options.onGap(gap);
    }
  } finally {
    await cursor?.close();
  }
}

function gapMet(gap: WalGap): WalError {
  return new WalError(
    'WAL_GAP',
    `the records from ${gap.firstOffset} to ${gap.nextOffset - 1} were lost and given up by a repair; ` +
      'read with onGap, or from behind them',
    { gap },
  );
}

function changed(log: ReadableLog, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return log.whenChanged();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void log.whenChanged().then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}

class SegmentCursor {
  readonly #log: ReadableLog;
  readonly #segment: Segment;
  readonly #file: WalFile;
  #position: number;
  /** Offset after the last frame read. */
  nextOffset: number;

  private constructor(log: ReadableLog, segment: Segment, file: WalFile, from: number) {
    this.#log = log;
    this.#segment = segment;
    this.#file = file;
    this.#position = segment.seek(from);
    this.nextOffset = from;
  }

  static async open(fs: WalFs, log: ReadableLog, from: number): Promise<SegmentCursor> {
    const { segments } = log;
    const segment = segments.findLast((candidate) => candidate.firstOffset <= from);
    const truncated = () =>
      new WalError('WAL_TRUNCATED', `offset ${from} is no longer in the log`, {
        from,
        firstOffset: log.segments[0]?.firstOffset,
      });
    if (!segment) throw truncated();
    try {
      return new SegmentCursor(log, segment, await fs.open(segment.path, 'read'), from);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' && !log.segments.includes(segment)) throw truncated();
      throw new WalError('WAL_IO_ERROR', `opening ${segment.name} failed`, { file: segment.name }, error);
    }
  }

  /** Whether `offset` is, or will be, in this segment and nowhere else. */
  covers(offset: number): boolean {
    const { sealed, nextOffset } = this.#segment;
    return !sealed || offset < nextOffset;
  }

  /** Records in [from, to) of the next frames, as many as a chunk holds; or the gap that comes next. */
  async read(from: number, to: number): Promise<{ records: readonly WalRecord[]; gap?: WalGap }> {
    const limit = this.#log.visibleSize(this.#segment);
    const records: WalRecord[] = [];
    let length = CHUNK_BYTES;
    for (;;) {
      const start = this.#position;
      const bytes = await this.#load(Math.min(length, limit - start));
      const view = viewOf(bytes);
      let at = 0;
      while (at + FRAME_HEADER_BYTES <= bytes.length) {
        const header = decodeFrameHeader(bytes, view, at, this.#segment.header.salt, this.#segment.seed);
        if (!header) throw this.#damaged(start + at, 'frame header damaged');
        const frameBytes = FRAME_HEADER_BYTES + header.byteLength;
        if (at + frameBytes > bytes.length) {
          length = frameBytes;
          break;
        }
        const wanted = header.firstOffset + header.count > from;
        if (wanted && header.gap && records.length > 0) return { records }; // what is before the gap comes first
        if (wanted && !header.gap) this.#decode(bytes, view, at, header, from, to, records);
        at += frameBytes;
        this.#position = start + at;
        this.nextOffset = Math.max(from, header.firstOffset + header.count);
        if (wanted && header.gap) {
          const firstOffset = Math.max(from, header.firstOffset);
          return { records, gap: { firstOffset, nextOffset: Math.min(to, this.nextOffset) } };
        }
        if (this.nextOffset >= to) return { records };
      }
      if (this.nextOffset > from) return { records };
      // Nothing whole in all that was written: it cannot get better by reading more.
      if (at === 0 && bytes.length === limit - start)
        throw this.#damaged(start, 'frame ends beyond the segment');
      if (at > 0) length = CHUNK_BYTES;
    }
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined); // opened for reading: nothing depends on it
  }

  async #load(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let count: number;
    try {
      count = await readFully(this.#file, bytes, this.#position);
    } catch (error) {
      const { name } = this.#segment;
      throw new WalError(
        'WAL_IO_ERROR',
        `reading ${name} failed`,
        { file: name, position: this.#position },
        error,
      );
    }
    if (count < length) throw this.#damaged(this.#position + count, 'file is shorter than what was written');
    return bytes;
  }

  #decode(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    header: FrameHeader,
    from: number,
    to: number,
    records: WalRecord[],
  ): void {
    const frame: WalRecord[] = [];
    const reason = decodeFrameBody(
      bytes,
      view,
      at + FRAME_HEADER_BYTES,
      header,
      this.#segment.seed,
      (record) => {
        frame.push(record);
      },
    );
    if (reason !== undefined) throw this.#damaged(this.#position, reason);
    for (const record of frame) {
      if (record.offset >= from && record.offset < to && record.type <= USER_RECORD_TYPE_MAX)
        records.push(record);
    }
  }

  #damaged(position: number, reason: string): WalError {
    const file = this.#segment.name;
    return new WalError('WAL_CORRUPT', `${file} is damaged at byte ${position}: ${reason}`, {
      damage: [
        {
          file,
          startByte: position,
          endByteExclusive: this.#segment.size,
          firstOffset: this.nextOffset,
          reason,
        },
      ],
    });
  }
}
