import type { WalAck, WalBatchAck } from './batch.ts';
import { isNoSpace, systemErrorCode, WalError } from './errors.ts';
import type { WalRecord } from './frame.ts';
import { type ReadOptions, readLog } from './log-reader.ts';
import { LogWriter, type RecoveredLog } from './log-writer.ts';
import {
  type ResolvedWalOptions,
  resolveWalOptions,
  type WalOptions,
  type WalRecordInput,
} from './options.ts';
import { type RecoveryReport, recover } from './recovery.ts';
import type { WalSegmentInfo } from './segment.ts';
import { formatLogId } from './segment-header.ts';
import type { WalDirectoryLock } from './wal-fs.ts';

/**
 * An open log. All methods may be called at any time, also concurrently; order is the order of the calls.
 *
 * Errors: every method of a log that failed throws WAL_FAILED, of a closed one WAL_CLOSED; `read` and `close` excepted.
 */
export interface Wal extends AsyncDisposable {
  /** UUID of this log directory, given when it was created. */
  readonly logId: string;
  /**
   * Number of this opening of the directory, from 1, never given twice: it was durable before `openWal` resolved.
   * A crash while opening, or damage to the state file, can skip a number.
   */
  readonly epoch: number;
  /** Offset of the oldest record left; equals `nextOffset` in an empty log. */
  readonly firstOffset: number;
  /**
   * Offset after the newest record taken, written or not. The next append gets it, unless it starts a segment
   * and `onRotate` puts records before it. Goes back only when WAL_NO_SPACE rejected the newest appends, or the log failed.
   */
  readonly nextOffset: number;
  /** Offset of the last durable record, -1 before the first. */
  readonly durableOffset: number;
  /** Bytes taken but not yet acknowledged. */
  readonly pendingBytes: number;
  readonly recovery: RecoveryReport;
  /** The first failure, after which nothing more is written; undefined in a healthy log. */
  readonly failure: WalError | undefined;
  /**
   * Appends a record. Its offset is assigned before this returns, in the order of the calls, and promises settle
   * in offset order, when the record is as safe as the sync mode says. A rejection with WAL_FAILED leaves open
   * whether the record survives; with any other code it does not.
   * Errors: WAL_RECORD_TOO_LARGE, WAL_INVALID_ARGUMENT, WAL_NO_SPACE, WAL_BUSY.
   */
  append(record: WalRecordInput): Promise<WalAck>;
  /**
   * Appends several records that survive a crash all together or not at all, at consecutive offsets.
   * Errors as for `append`.
   */
  appendBatch(records: readonly WalRecordInput[]): Promise<WalBatchAck>;
  /**
   * Makes everything appended before the call durable, in every mode; resolves with `durableOffset`.
   * Rejects with WAL_NO_SPACE if a record it would have covered was rejected so.
   */
  sync(): Promise<number>;
  /**
   * Reads records in offset order, in batches. In mode `always` only durable records are seen, otherwise also
   * written ones. Memory: a batch pins the chunk it was read into (about 256 KiB) for as long as a payload of
   * it is referenced. Records of reserved types are skipped.
   * Errors while iterating: WAL_TRUNCATED, WAL_GAP (without `onGap`), WAL_CORRUPT, WAL_IO_ERROR, WAL_FAILED (follow), the signal's reason.
   */
  read(options: ReadOptions): AsyncIterable<readonly WalRecord[]>;
  /**
   * Deletes whole segments, sealed by now, whose records are all below `offset`; resolves when that is durable. Interrupted
   * by a crash it happened wholly or not at all. Readers inside such a segment read it to its end.
   */
  truncateBefore(offset: number): Promise<void>;
  /** Seals the current segment if it has records and starts the next; resolves when that is on disk. */
  rotate(): Promise<void>;
  /** The segments on disk, oldest first; the last is the one being written. */
  segments(): readonly WalSegmentInfo[];
  /** Resolves while fewer than `maxPendingBytes` are pending: await it before the next append to bound memory. */
  whenWritable(): Promise<void>;
  /**
   * Writes and syncs everything appended, in every mode, ends followers, notes the clean end, releases the lock.
   * Idempotent. Rejects with WAL_FAILED if that was not possible and no other call was rejected so; the lock is
   * released all the same.
   */
  close(): Promise<void>;
}

/**
 * Opens the log in `options.dir`, creating it if the directory holds none: takes the kernel lock, checks every
 * byte, cuts a torn tail (see {@link RecoveryReport}), and counts the opening.
 *
 * Errors: WAL_LOCKED, WAL_CORRUPT, WAL_VERSION_UNSUPPORTED, WAL_IO_ERROR, WAL_NO_SPACE, WAL_INVALID_ARGUMENT.
 * Format: docs/formats/wal.md.
 */
export async function openWal(options: WalOptions): Promise<Wal> {
  const resolved = resolveWalOptions(options);
  const lock = await takeLock(resolved);
  try {
    const { log, report } = await recover(resolved);
    resolved.logger.info({ dir: resolved.dir, epoch: log.epoch, ...report }, 'wal: open');
    return new DirectoryWal(resolved, lock, log, report);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function takeLock({ fs, dir }: ResolvedWalOptions): Promise<WalDirectoryLock> {
  try {
    await fs.makeDirectory(dir);
    return await fs.lock(dir);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ELOCKED') {
      throw new WalError('WAL_LOCKED', `${dir} is open elsewhere`, { dir }, error);
    }
    if (isNoSpace(error)) throw new WalError('WAL_NO_SPACE', 'the disk is full', { dir }, error);
    throw new WalError('WAL_IO_ERROR', `${dir} cannot be used (${code ?? 'no code'})`, { dir }, error);
  }
}

class DirectoryWal implements Wal {
  readonly logId: string;
  readonly epoch: number;
  readonly recovery: RecoveryReport;
  readonly #options: ResolvedWalOptions;
  readonly #log: LogWriter;
  #closing = false;

  constructor(
    options: ResolvedWalOptions,
    lock: WalDirectoryLock,
    log: RecoveredLog,
    recovery: RecoveryReport,
  ) {
    this.logId = formatLogId(log.logId);
    this.epoch = log.epoch;
    this.recovery = recovery;
    this.#options = options;
    this.#log = new LogWriter(options, lock, log);
  }

  get firstOffset(): number {
    return this.#log.segments[0]!.firstOffset;
  }

  get nextOffset(): number {
    return this.#log.nextOffset;
  }

  get durableOffset(): number {
    return this.#log.durableNext - 1;
  }

  get pendingBytes(): number {
    return this.#log.pendingBytes;
  }

  get failure(): WalError | undefined {
    return this.#log.failure;
  }

  append(record: WalRecordInput): Promise<WalAck> {
    return this.#log.append(record);
  }

  appendBatch(records: readonly WalRecordInput[]): Promise<WalBatchAck> {
    return this.#log.appendBatch(records);
  }

  sync(): Promise<number> {
    return this.#log.sync();
  }

  read(options: ReadOptions): AsyncIterable<readonly WalRecord[]> {
    if (typeof options !== 'object' || options === null) {
      throw new WalError('WAL_INVALID_ARGUMENT', 'read needs options: { from }');
    }
    const { from, to } = options;
    for (const [name, value] of [
      ['from', from],
      ['to', to ?? 0],
    ] as const) {
      if (!Number.isInteger(value) || value < 0) {
        throw new WalError('WAL_INVALID_ARGUMENT', `${name} must be an offset, got ${String(value)}`, {
          [name]: value,
        });
      }
    }
    if (this.#closing) throw new WalError('WAL_CLOSED', 'the log is closed', { dir: this.#options.dir });
    return readLog(this.#options.fs, this.#log, options);
  }

  truncateBefore(offset: number): Promise<void> {
    return this.#log.truncateBefore(offset);
  }

  rotate(): Promise<void> {
    return this.#log.rotate();
  }

  segments(): readonly WalSegmentInfo[] {
    return this.#log.segments.map((segment) => segment.info());
  }

  whenWritable(): Promise<void> {
    return this.#log.whenWritable();
  }

  close(): Promise<void> {
    this.#closing = true;
    return this.#log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
