import { join } from 'node:path';
import { isNoSpace, systemErrorCode, type WalDamage, WalError, type WalGap } from './errors.ts';
import { copyRange, keepAside } from './file-copy.ts';
import { FrameScanner, type SegmentScan } from './frame-scanner.ts';
import {
  checkSegments,
  epochLimitOf,
  isRestOfTruncation,
  isTemporary,
  type LogCheck,
  segmentNames,
} from './log-check.ts';
import type { RecoveredLog } from './log-writer.ts';
import type { ResolvedWalOptions } from './options.ts';
import { putFile } from './put-file.ts';
import { Segment } from './segment.ts';
import { encodeSegmentHeader, parseSegmentFileName } from './segment-header.ts';
import { type LogState, STATE_FILE, StateFile } from './state-file.ts';
import { viewOf } from './u64.ts';
import { readVersionFile, VERSION_FILE, writeVersionFile } from './version-file.ts';
import { type WalFile, type WalFs, writeFully } from './wal-fs.ts';

/** What opening the directory found and did. */
export interface RecoveryReport {
  /** The log did not exist before. */
  readonly created: boolean;
  /** The log was closed properly last time: its exact end was known. */
  readonly cleanShutdown: boolean;
  readonly segments: number;
  readonly records: number;
  readonly bytesScanned: number;
  /** What was cut off the end of the last segment: bytes of a write that never became durable. */
  readonly tornTail?: {
    /** Segment file name. */
    readonly file: string;
    /** Where the file was cut. */
    readonly position: number;
    readonly bytes: number;
    /** File in the log directory that holds the cut bytes. Nothing here ever deletes it. */
    readonly keptIn: string;
    /** Offset the first cut record had or would have had; it is given out again. */
    readonly firstOffset: number;
    readonly reason: string;
  };
  /** Offsets still in the log's range whose records a repair gave up; reading there needs `onGap`. */
  readonly gaps: readonly WalGap[];
  /** Bytes at the end that no proof of durability covered, written and synced again. */
  readonly rewrittenBytes: number;
  /** Left-overs of an interrupted rotation or truncation. */
  readonly removedFiles: readonly string[];
}

/**
 * Brings a locked directory to a state the writer can go on from, or refuses with the evidence.
 * Nothing durable is ever changed before everything has been checked.
 */
export async function recover(
  options: ResolvedWalOptions,
): Promise<{ log: RecoveredLog; report: RecoveryReport }> {
  const { dir } = options;
  const open: { close(): Promise<void> }[] = [];
  try {
    return await new Recovery(options, open).run();
  } catch (error) {
    for (const file of open) await file.close().catch(() => undefined); // the first error is the one to report
    if (WalError.is(error)) throw error;
    const code = isNoSpace(error) ? 'WAL_NO_SPACE' : 'WAL_IO_ERROR';
    throw new WalError(
      code,
      `opening ${dir} failed (${systemErrorCode(error) ?? 'no code'})`,
      { dir },
      error,
    );
  }
}

interface OpenedState {
  readonly file: StateFile;
  readonly state: LogState;
  /** Both slots were readable. */
  readonly complete: boolean;
  readonly created: boolean;
}

class Recovery {
  readonly #options: ResolvedWalOptions;
  readonly #fs: WalFs;
  readonly #dir: string;
  /** Files to close should opening fail. */
  readonly #open: { close(): Promise<void> }[];
  #records = 0;
  #bytesScanned = 0;
  #lastTimestampMs = 0;

  constructor(options: ResolvedWalOptions, open: { close(): Promise<void> }[]) {
    this.#options = options;
    this.#fs = options.fs;
    this.#dir = options.dir;
    this.#open = open;
  }

  async run(): Promise<{ log: RecoveredLog; report: RecoveryReport }> {
    const names = await this.#fs.list(this.#dir);
    const removedFiles = await this.#removeTemporaries(names);
    const { file: stateFile, state, complete, created } = await this.#openState(names);
    const onDisk = segmentNames(names);
    const below = onDisk.filter((name) => parseSegmentFileName(name)! < state.firstOffset);
    const truncated = await this.#restOfTruncation(below, state);
    const { segments, last, gaps } = await this.#checkSegments(onDisk.slice(below.length), state, complete);

    // Everything is sound, or torn where tearing is innocent. Only now is anything changed.
    const tornTail = last && (await this.#keepTornTail(last, state));
    const rewrittenBytes = last ? await this.#settle(last, state) : 0;
    await this.#fs.syncDirectory(this.#dir);
    if (!last) segments.push(await this.#createFirstSegment(state));

    const active = segments.at(-1)!;
    const next: LogState = {
      logId: state.logId,
      // An opening that an unreadable slot may have recorded is skipped.
      epoch: state.epoch + (complete ? 1 : 2),
      firstSegment: segments[0]!.header.sequence,
      firstOffset: segments[0]!.firstOffset,
      segmentsEnd: active.header.sequence + 1,
      durableUpTo: active.nextOffset,
      epochStart: active.nextOffset,
      closed: false,
    };
    await stateFile.write(next);
    // The rest of an interrupted truncation. Only now: the state that ordered it may have been read from a page that
    // a failed sync left in the cache and not on the disk.
    for (const name of truncated) {
      await this.#fs.remove(join(this.#dir, name));
      removedFiles.push(name);
    }
    if (truncated.length > 0) await this.#fs.syncDirectory(this.#dir);
    return {
      log: {
        logId: state.logId,
        epoch: next.epoch,
        stateFile,
        state: next,
        segments,
        lastTimestampMs: this.#lastTimestampMs,
      },
      report: {
        created,
        cleanShutdown: !created && complete && state.closed,
        segments: segments.length,
        records: this.#records,
        bytesScanned: this.#bytesScanned,
        ...(tornTail && { tornTail }),
        gaps,
        rewrittenBytes,
        removedFiles,
      },
    };
  }

  async #removeTemporaries(names: readonly string[]): Promise<string[]> {
    // Never durable under their final name, so nothing was ever promised about them.
    const temporaries = names.filter(isTemporary);
    for (const name of temporaries) await this.#fs.remove(join(this.#dir, name));
    return temporaries;
  }

  /** A name alone is no reason to delete a file: it may be a segment that somebody renamed. */
  async #restOfTruncation(below: readonly string[], state: LogState): Promise<string[]> {
    const truncated: string[] = [];
    for (const name of below) {
      if (await isRestOfTruncation(this.#fs, this.#dir, name, state)) truncated.push(name);
      else
        this.#options.logger.warn(
          { dir: this.#dir, file: name },
          'wal: a file below the log that nothing proves to be truncated, left alone',
        );
    }
    return truncated;
  }

  async #openState(names: readonly string[]): Promise<OpenedState> {
    const hasState = names.includes(STATE_FILE);
    const hasSegments = names.some((name) => parseSegmentFileName(name) !== undefined);
    if (names.includes(VERSION_FILE)) await readVersionFile(this.#fs, this.#dir);
    else if (hasState || hasSegments) throw this.#missing(VERSION_FILE);
    else await writeVersionFile(this.#fs, this.#dir);
    if (hasState) {
      const opened = await StateFile.open(this.#fs, this.#dir);
      if (!opened) {
        throw new WalError('WAL_CORRUPT', 'both copies of the state file are damaged', {
          dir: this.#dir,
          damage: [{ file: STATE_FILE, startByte: 0, endByteExclusive: 8192, reason: 'checksum' }],
        });
      }
      this.#open.push(opened.file);
      // Interrupted between the state file and the first segment: still a new log.
      const { state } = opened;
      return { ...opened, created: state.segmentsEnd === 0 && !hasSegments };
    }
    if (hasSegments) throw this.#missing(STATE_FILE);
    const state: LogState = {
      logId: uuidBytes(this.#options.randomBytes(16)),
      epoch: 0,
      firstSegment: 0,
      firstOffset: 0,
      segmentsEnd: 0,
      durableUpTo: 0,
      epochStart: 0,
      closed: false,
    };
    const file = await StateFile.create(this.#fs, this.#dir, state);
    this.#open.push(file);
    return { file, state, complete: true, created: true };
  }

  /** Checks all of it, and refuses what is damaged. */
  async #checkSegments(
    names: readonly string[],
    state: LogState,
    complete: boolean,
  ): Promise<{ segments: Segment[]; last: LogCheck['last']; gaps: readonly WalGap[] }> {
    const { files, damage, last, gaps } = await checkSegments(names, state, {
      fs: this.#fs,
      dir: this.#dir,
      mode: 'write',
      scanner: new FrameScanner(),
      epochLimit: epochLimitOf(state, complete),
      open: this.#open,
      onFrame: ({ header, records }) => {
        if (!header.gap) this.#records += header.count;
        this.#lastTimestampMs = Math.max(this.#lastTimestampMs, records[0]?.timestampMs ?? 0);
      },
    });
    this.#refuse(damage);
    const segments = files.map(({ segment, size }) => {
      this.#bytesScanned += size;
      return segment!;
    });
    for (const segment of segments) {
      if (segment === last?.segment) continue;
      segment.sealed = true;
      segment.durableSize = segment.size;
    }
    return { segments, last, gaps };
  }

  #refuse(damage: readonly WalDamage[]): void {
    if (damage.length === 0) return;
    const [first] = damage;
    throw new WalError(
      'WAL_CORRUPT',
      `${damage.length} damaged range(s) of durable data, the first in ${first!.file} at byte ` +
        `${first!.startByte}: ${first!.reason}. Nothing was changed.`,
      { dir: this.#dir, damage },
    );
  }

  /** Copies what never became durable off the last segment to a file of its own; then it may be cut. */
  async #keepTornTail(
    last: { segment: Segment; scan: SegmentScan; file: WalFile },
    state: LogState,
  ): Promise<RecoveryReport['tornTail']> {
    const { segment, scan, file } = last;
    const [damage] = scan.damage;
    if (!damage) return undefined;
    const position = segment.size;
    const bytes = scan.usedSize - position;
    const keptIn = `${segment.name}.torn-${state.epoch + 1}-${position}`;
    await keepAside(this.#fs, this.#dir, file, position, scan.usedSize, keptIn);
    this.#options.logger.warn(
      { dir: this.#dir, file: segment.name, position, bytes, keptIn, reason: damage.reason },
      'wal: torn tail, bytes kept aside',
    );
    return {
      file: segment.name,
      position,
      bytes,
      keptIn,
      firstOffset: segment.nextOffset,
      reason: damage.reason,
    };
  }

  /**
   * Makes the last segment end, durably, where its good frames do: what was torn, or only filled ahead, is cut.
   *
   * After a failed sync the kernel may hold pages that read well, count as clean and are not on disk, so that
   * another sync "succeeds". What nothing proves durable is therefore written again before it is synced.
   */
  async #settle(
    last: { segment: Segment; scan: SegmentScan; file: WalFile },
    state: LogState,
  ): Promise<number> {
    const { segment, scan, file } = last;
    const proven = Math.max(scan.durableUpTo, state.durableUpTo, segment.header.durableUpTo);
    let rewritten = 0;
    if (proven < segment.nextOffset) {
      const start = segment.seek(proven);
      rewritten = segment.size - start;
      await copyRange(file, start, segment.size, file, start);
    }
    if (scan.fileSize > segment.size) await file.truncate(segment.size);
    await file.sync();
    segment.file = file;
    segment.durableSize = segment.size;
    return rewritten;
  }

  async #createFirstSegment(state: LogState): Promise<Segment> {
    const segment = new Segment(this.#dir, {
      logId: state.logId,
      firstOffset: 0,
      sequence: 0,
      salt: viewOf(this.#options.randomBytes(4)).getUint32(0, true),
      previousSalt: 0,
      durableUpTo: 0,
      createdMs: this.#options.clock.now(),
    });
    const header = encodeSegmentHeader(segment.header);
    segment.file = await putFile(this.#fs, this.#dir, segment.name, (file) => writeFully(file, [header], 0));
    this.#open.push(segment.file);
    return segment;
  }

  #missing(file: string): WalError {
    return new WalError('WAL_CORRUPT', `${file} is missing from a directory that holds a log`, {
      dir: this.#dir,
      damage: [{ file, startByte: 0, endByteExclusive: 0, reason: 'missing' }],
    });
  }
}

/** Random bytes shaped as a version 4 UUID. */
function uuidBytes(random: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(random);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}
