import { resolve } from 'node:path';
import { WalError } from './errors.ts';
import { nodeFs } from './node-fs.ts';
import type { WalFs } from './wal-fs.ts';

/**
 * When an append is acknowledged.
 * - `always`: after the record is on stable storage (one fdatasync for all that wait). Survives power loss.
 * - `periodic`: after it is written to the operating system; synced every `intervalMs`. Survives a killed
 *   process; a power loss takes at most about `intervalMs` of records.
 * - `none`: after it is written; synced when a segment is sealed, by `sync()` and by `close()` only.
 */
export type SyncMode =
  | { readonly kind: 'always' }
  | { readonly kind: 'periodic'; readonly intervalMs: number }
  | { readonly kind: 'none' };

/** A record to append. */
export interface WalRecordInput {
  /** {@link USER_RECORD_TYPE_MIN} to {@link USER_RECORD_TYPE_MAX}; the meaning is the caller's. */
  readonly type: number;
  /**
   * The bytes, or parts of them in order (stored as one payload). Must not change until the append settles:
   * large payloads are written from the caller's memory.
   */
  readonly payload: Uint8Array | readonly Uint8Array[];
}

/** Lowest record type for the layer above. Type 0 is never valid. */
export const USER_RECORD_TYPE_MIN = 1;
/** Highest record type for the layer above; 0x8000 and up are reserved for the log itself. */
export const USER_RECORD_TYPE_MAX = 0x7fff;

/** Where the log reports what nobody awaits: recovery, torn tails, failures. pino fits it by structure. */
export interface WalLogger {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

/** Time as the log sees it, so that tests can run it by hand. */
export interface WalClock {
  /** Milliseconds since 1970; may go back, the log's timestamps do not. */
  now(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** Settings and components of {@link openWal}. */
export interface WalOptions {
  /** The log's own directory; created with its parents if missing. Nothing else should live in it. */
  readonly dir: string;
  /** Default `{kind: 'always'}`. */
  readonly sync?: SyncMode;
  /**
   * A segment is sealed when the next record would take it past this. Default 64 MiB; 256 B to 1 GiB. Smaller
   * frees space sooner, at four more trips to the disk per segment. One record or atomic batch larger than this gets a
   * segment of its own.
   */
  readonly maxFileSizeBytes?: number;
  /**
   * A group commit holds about this much at most, so that one burst cannot hold up everyone's acknowledgement.
   * Default 1 MiB; 4 KiB to 64 MiB. A larger single record or atomic batch is a commit of its own.
   */
  readonly maxBatchBytes?: number;
  /**
   * How far ahead of its end a segment holds filler, in mode `always` and while commits are small. Writing over
   * them saves the file system a journal commit, so that small durable appends are faster; the price is writing those
   * bytes twice. Default 1 MiB; 0 (off) to 16 MiB.
   */
  readonly preallocateBytes?: number;
  /** Bytes appended but not yet acknowledged, beyond which `whenFull` applies. Default 64 MiB. */
  readonly maxPendingBytes?: number;
  /**
   * `'signal'` (default): appends are still taken; `pendingBytes` and `whenWritable()` tell the caller to wait.
   * `'reject'`: an append beyond `maxPendingBytes` rejects with WAL_BUSY and takes no offset.
   */
  readonly whenFull?: 'signal' | 'reject';
  /** Largest payload of one record. Default 16 MiB; at most `maxPendingBytes`. */
  readonly maxRecordBytes?: number;
  /**
   * Supplies the first records of every new segment: state that must survive `truncateBefore`. Called
   * synchronously inside the append, `rotate` or `truncateBefore` that puts the first record into a segment,
   * never inside `openWal`; also after reopening, when the last segment is still empty. `firstOffset` is the
   * offset its first record will have. It must not call the log. If it throws, that call fails with its error.
   * When the disk is full the new segment is given up, and it is called again for the next try.
   */
  readonly onRotate?: (context: { readonly firstOffset: number }) => readonly WalRecordInput[];
  /** File system; the default is the real one. */
  readonly fs?: WalFs;
  /** Default: silent. */
  readonly logger?: WalLogger;
  /** Default: the system's. */
  readonly clock?: WalClock;
  /** 32-bit random numbers and ids; default from `node:crypto`. For reproducible simulations. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

/** Options with defaults filled in and ranges checked; the rest of the package sees only this. */
export interface ResolvedWalOptions {
  readonly dir: string;
  readonly sync: SyncMode;
  readonly maxFileSizeBytes: number;
  readonly maxBatchBytes: number;
  readonly preallocateBytes: number;
  readonly maxPendingBytes: number;
  readonly whenFull: 'signal' | 'reject';
  readonly maxRecordBytes: number;
  readonly onRotate: ((context: { readonly firstOffset: number }) => readonly WalRecordInput[]) | undefined;
  readonly fs: WalFs;
  readonly logger: WalLogger;
  readonly clock: WalClock;
  readonly randomBytes: (length: number) => Uint8Array;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const known: ReadonlySet<string> = new Set<keyof WalOptions>([
  'dir',
  'sync',
  'maxFileSizeBytes',
  'maxBatchBytes',
  'preallocateBytes',
  'maxPendingBytes',
  'whenFull',
  'maxRecordBytes',
  'onRotate',
  'fs',
  'logger',
  'clock',
  'randomBytes',
]);
const systemClock: WalClock = {
  now: Date.now,
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
const silent: WalLogger = { info() {}, warn() {}, error() {} };

/** Fills defaults and checks every range. @throws WalError WAL_INVALID_ARGUMENT naming the option. */
export function resolveWalOptions(options: WalOptions): ResolvedWalOptions {
  if (typeof options !== 'object' || options === null) {
    throw new WalError('WAL_INVALID_ARGUMENT', 'openWal needs options: { dir }');
  }
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw invalid(key, 'is not an option');
  }
  if (typeof options.dir !== 'string' || options.dir === '') throw invalid('dir', 'must be a path');
  const { onRotate, logger = silent } = options;
  if (onRotate !== undefined && typeof onRotate !== 'function')
    throw invalid('onRotate', 'must be a function');
  for (const level of ['info', 'warn', 'error'] as const) {
    if (typeof logger[level] !== 'function') throw invalid('logger', `must have the method ${level}`);
  }
  const sync = options.sync === undefined ? ({ kind: 'always' } as const) : options.sync;
  if (typeof sync !== 'object' || sync === null) throw invalid('sync', "must be like {kind: 'always'}");
  if (sync.kind === 'periodic') integer('sync.intervalMs', sync.intervalMs, 1, 3_600_000);
  else if (sync.kind !== 'always' && sync.kind !== 'none') {
    throw invalid('sync.kind', "must be 'always', 'periodic' or 'none'");
  }
  const maxPendingBytes = integer(
    'maxPendingBytes',
    options.maxPendingBytes ?? 64 * MiB,
    4 * KiB,
    1024 * MiB,
  );
  const maxRecordBytes = integer(
    'maxRecordBytes',
    options.maxRecordBytes ?? Math.min(16 * MiB, maxPendingBytes),
    1,
    maxPendingBytes,
  );
  const whenFull = options.whenFull ?? 'signal';
  if (whenFull !== 'signal' && whenFull !== 'reject')
    throw invalid('whenFull', "must be 'signal' or 'reject'");
  return {
    // Now, so that a later change of the working directory does not split the log.
    dir: resolve(options.dir),
    sync,
    maxFileSizeBytes: integer('maxFileSizeBytes', options.maxFileSizeBytes ?? 64 * MiB, 256, 1024 * MiB),
    maxBatchBytes: integer('maxBatchBytes', options.maxBatchBytes ?? MiB, 4 * KiB, 64 * MiB),
    preallocateBytes: integer('preallocateBytes', options.preallocateBytes ?? MiB, 0, 16 * MiB),
    maxPendingBytes,
    whenFull,
    maxRecordBytes,
    onRotate,
    fs: options.fs ?? nodeFs,
    logger: guarded(logger),
    clock: options.clock ?? systemClock,
    randomBytes: options.randomBytes ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
  };
}

/** A logger that throws must not keep the log from rejecting what waits, or from releasing its lock. */
function guarded(logger: WalLogger): WalLogger {
  const call = (level: keyof WalLogger) => (context: object, message: string) => {
    try {
      logger[level](context, message);
    } catch {
      // Nobody is left to tell.
    }
  };
  return { info: call('info'), warn: call('warn'), error: call('error') };
}

function integer(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(name, `must be an integer from ${min} to ${max}, got ${String(value)}`);
  }
  return value;
}

function invalid(option: string, what: string): WalError {
  return new WalError('WAL_INVALID_ARGUMENT', `option ${option} ${what}`, { option });
}
