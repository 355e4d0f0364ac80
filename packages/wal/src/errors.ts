/**
 * What went wrong, as a closed set. Codes are API; messages are for people and may change.
 *
 * - `WAL_LOCKED`: another process, thread or instance has the directory open. Close it, or wait; the lock
 *   dies with its holder.
 * - `WAL_CORRUPT`: bytes that were durable are damaged or missing. Nothing was changed on disk;
 *   `context.damage` lists file, byte range and record offsets. Restore, or run `danube-wal repair`.
 * - `WAL_FAILED`: a write, sync, rename or directory sync failed, so the log stopped for good (`cause` has the
 *   first error). Outcomes of pending appends are unknown: close, look at the disk, open again.
 * - `WAL_NO_SPACE`: the disk is full. The rejected records were not written and their offsets are free again;
 *   the log is usable once there is room.
 * - `WAL_BUSY`: more than `maxPendingBytes` are waiting and `whenFull` is `'reject'`. Nothing was written.
 * - `WAL_CLOSED`: the log was closed.
 * - `WAL_RECORD_TOO_LARGE`: a record over `maxRecordBytes`, or an atomic batch over `maxPendingBytes`.
 * - `WAL_VERSION_UNSUPPORTED`: written by a newer version, or with a feature this version does not know.
 * - `WAL_TRUNCATED`: the offset asked for was removed by `truncateBefore`; `context.firstOffset` is what is left.
 * - `WAL_GAP`: a read met records that a repair had to give up; `context.gap` is the range. Read with `onGap` to be
 *   told and go on behind it, or from `context.gap.nextOffset`.
 * - `WAL_IO_ERROR`: reading, opening or deleting a file failed; the log itself is unharmed.
 * - `WAL_INVALID_ARGUMENT`: an option or argument outside its range.
 */
export type WalErrorCode =
  | 'WAL_LOCKED'
  | 'WAL_CORRUPT'
  | 'WAL_FAILED'
  | 'WAL_NO_SPACE'
  | 'WAL_BUSY'
  | 'WAL_CLOSED'
  | 'WAL_RECORD_TOO_LARGE'
  | 'WAL_VERSION_UNSUPPORTED'
  | 'WAL_TRUNCATED'
  | 'WAL_GAP'
  | 'WAL_IO_ERROR'
  | 'WAL_INVALID_ARGUMENT';

const brand = Symbol.for('@danube/wal/error');
const retryableCodes: ReadonlySet<WalErrorCode> = new Set(['WAL_LOCKED', 'WAL_NO_SPACE', 'WAL_BUSY']);

/** The only error class of this package. Recognise it with {@link WalError.is}, act on {@link WalError.code}. */
export class WalError extends Error {
  override readonly name = 'WalError';
  readonly code: WalErrorCode;
  /** The facts: directory, file, byte ranges, offsets, limits. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Whether the same call can succeed later without anyone repairing anything. */
  readonly retryable: boolean;
  readonly [brand] = true;

  constructor(
    code: WalErrorCode,
    message: string,
    context: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
    this.retryable = retryableCodes.has(code);
  }

  /** Whether `error` is a WalError of this or another copy of the package. */
  static is(error: unknown): error is WalError {
    return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
  }
}

/** A damaged byte range of one file, as listed in `context.damage` of a `WAL_CORRUPT` error. */
export interface WalDamage {
  /** File name inside the log directory. */
  readonly file: string;
  readonly startByte: number;
  readonly endByteExclusive: number;
  /** First record offset that is missing. */
  readonly firstOffset?: number;
  /** First record offset readable again after the damage; absent if none is. */
  readonly resumesAtOffset?: number;
  readonly reason: string;
}

/** Offsets whose records were lost and given up by a repair; they are never given out again. */
export interface WalGap {
  readonly firstOffset: number;
  /** First offset behind the gap. */
  readonly nextOffset: number;
}

/** The `code` of a system error (`ENOSPC`, `ENOENT`, …), if it has one. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether the error says that the disk or the quota is full. */
export function isNoSpace(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}
