/**
 * What went wrong, as far as a caller would act differently. Codes are API, messages are for people.
 *
 * Stops. They concern one topic, which neither takes appends nor commits until somebody decides; its records
 * stay in the log. `context.range` names the offsets at stake where there are any.
 * - `OWNED_ELSEWHERE`: the table's ledger names another log, and this log holds nothing of the topic. Use the
 *   other broker, or adopt the topic.
 * - `FENCED`: the table's ledger names another owner (or another life of the topic), and this log holds
 *   records of it. The range it lists was acknowledged here and is not known to be in the table: recover it.
 * - `LOG_COPIED`: another process commits with this log's identity: the log directory was copied. Stop one.
 * - `LEDGER_LOST`: the table lost the ledger property that this log had written.
 * - `LEDGER_UNSUPPORTED`: the ledger property cannot be read: a newer version wrote it, or it is damaged.
 * - `LEDGER_BEHIND_LOG`: the table says less than it had confirmed to this log, so offsets would be missing.
 * - `ROLLED_BACK`: the table was set back to a state that lacks rows this log had committed.
 * - `TABLE_REPLACED`: the table was dropped or renamed (the catalog said so twice), or made again.
 * - `TOPIC_COLLISION`: the table the topic would use belongs to another topic. Rename one of them.
 * - `TABLE_INCOMPATIBLE`: the table lacks a column that messages need, or has one of another type.
 *
 * Refusals and failures.
 * - `INVALID_TOPIC`: the name is not `/namespace/topic`.
 * - `TOPIC_NOT_FOUND`: no such topic is open here.
 * - `MESSAGE_INVALID`: the message breaks a limit or lacks a field; nothing was written. Fix the message.
 * - `BACKLOG_FULL`: more waits for its commit than the limit allows; nothing was written. Try again later.
 * - `CATALOG_UNAVAILABLE`: the catalog or the object store did not answer in time. Try again later.
 * - `LOG_FAILED`: the write-ahead log failed and takes nothing more. Find the cause, restart.
 * - `LOG_INVALID`: the log's content is not what this version writes, or a repair gave up some of it. `context` says
 *   which records.
 * - `GAP`: offsets that should be readable are not there (in a read with `onGap: 'fail'`, or above what was committed).
 * - `UNREADABLE`: a data file cannot be read; `cause` says why.
 * - `INVALID_ARGUMENT`: the call cannot work; fix the caller.
 * - `CLOSED`: the storage or the topic was closed (or deleted) meanwhile.
 */
export type StorageErrorCode = StopCode | RefusalCode;

/** Why a topic stopped; see {@link StorageErrorCode}. */
export type StopCode =
  | 'OWNED_ELSEWHERE'
  | 'FENCED'
  | 'LOG_COPIED'
  | 'LEDGER_LOST'
  | 'LEDGER_UNSUPPORTED'
  | 'LEDGER_BEHIND_LOG'
  | 'ROLLED_BACK'
  | 'TABLE_REPLACED'
  | 'TOPIC_COLLISION'
  | 'TABLE_INCOMPATIBLE';

/** Why a call failed although the topic may be well; see {@link StorageErrorCode}. */
export type RefusalCode =
  | 'INVALID_TOPIC'
  | 'TOPIC_NOT_FOUND'
  | 'MESSAGE_INVALID'
  | 'BACKLOG_FULL'
  | 'CATALOG_UNAVAILABLE'
  | 'LOG_FAILED'
  | 'LOG_INVALID'
  | 'GAP'
  | 'UNREADABLE'
  | 'INVALID_ARGUMENT'
  | 'CLOSED';

/** What a {@link StorageError} carries beside its code and message. */
export interface StorageErrorOptions {
  /** The facts: topic, table, offsets, limits. Never payloads, never secrets. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Whether the same call may succeed later. Default: true for `BACKLOG_FULL` and `CATALOG_UNAVAILABLE`. */
  readonly retryable?: boolean;
}

const brand = Symbol.for('@danube/storage/StorageError');

/** The one error class of this package. Recognise it with {@link StorageError.is}, not with `instanceof`. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  constructor(code: StorageErrorCode, message: string, options: StorageErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StorageError';
    this.code = code;
    this.context = options.context ?? {};
    this.retryable = options.retryable ?? (code === 'BACKLOG_FULL' || code === 'CATALOG_UNAVAILABLE');
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether `value` is a StorageError, also one of another copy of this package. */
  static is(value: unknown): value is StorageError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
