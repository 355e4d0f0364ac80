import type { Catalog, FileIO } from '@danube/iceberg';
import type { ParquetEncoder } from '@danube/parquet-writer';
import type { SyncMode, Wal } from '@danube/wal';
import { StorageError } from './errors.ts';
import type { MessageLimits } from './message.ts';

/** Where the table of a topic lives. Topics of one warehouse must be given the same `catalog` object. */
export interface TopicTarget {
  /** Names of tables and their commits. The storage does not close it. */
  readonly catalog: Catalog;
  /** Reads and writes the files of the catalog's tables; `writeFile` must be durable when it resolves. */
  readonly io: FileIO;
  /** One namespace for all topics: `/default/orders` becomes `<namespace>.default_orders`. Default: a namespace a topic namespace, `default.orders`. */
  readonly namespace?: readonly string[];
}

/** The log of all topics. */
export interface WalSettings {
  /** Directory of the log, for this storage alone. */
  readonly dir: string;
  /** When an append is acknowledged. Default `{kind: 'always'}`: after it is on the disk. */
  readonly sync?: SyncMode;
  /** Bytes of a segment. Default 64 MiB. Smaller frees disk earlier, at more files. */
  readonly maxFileSizeBytes?: number;
}

/** When acknowledged messages become rows. */
export interface FlushSettings {
  /** A topic with this much to commit is committed now. Default 64 MiB, at least 64 KiB. Bigger makes fewer, larger files. */
  readonly maxBytes?: number;
  /** The oldest message of a topic waits at most this long, budget permitting. Default 10,000 ms. Shorter is fresher and makes more, smaller files. */
  readonly maxAgeMs?: number;
  /** All topics together: above this the one with the oldest message is committed first. Default 256 MiB. */
  readonly maxTotalBytes?: number;
}

/** What may wait in the log while the catalog does not answer. */
export interface BacklogSettings {
  /** Of one topic; beyond it appends are refused with `BACKLOG_FULL`. Default 1 GiB. */
  readonly maxTopicBytes?: number;
  /** Of all topics together. Default 8 GiB. */
  readonly maxTotalBytes?: number;
}

/** How many commits the broker asks of its catalogs. */
export interface CommitBudget {
  /** Commits a second over all tables; beyond it tables wait their turn. Default 20. */
  readonly perSecond?: number;
  /** Commits under way at once. Default 4. */
  readonly concurrency?: number;
}

/** Waits between attempts when the catalog or the store fails. */
export interface RetrySettings {
  /** First wait. Default 100 ms; doubles up to `maxDelayMs`, each with 50–100 % jitter. */
  readonly minDelayMs?: number;
  /** Default 10,000 ms; at least `minDelayMs`. */
  readonly maxDelayMs?: number;
}

/** What `openIcebergStorage` needs. Settings are plain data; components can be supplied by tests. */
export interface IcebergStorageOptions {
  readonly wal: WalSettings;
  /** Asked once for each topic that is opened; throwing refuses the topic. */
  readonly resolve: (topic: string) => TopicTarget | Promise<TopicTarget>;
  /** Where producers reach this broker; stored with each message that does not say otherwise. */
  readonly brokerAddr: string;
  readonly flush?: FlushSettings;
  readonly backlog?: BacklogSettings;
  readonly commits?: CommitBudget;
  readonly retry?: RetrySettings;
  /** Limits of a message. Defaults: payload 10 MiB, 1,024 attributes, 1 MiB of texts. */
  readonly limits?: Partial<MessageLimits>;
  /** Bytes of recent messages kept in memory for subscribers and commits, all topics together. Default 64 MiB. Less means more reading from the log. */
  readonly tailBytes?: number;
  /** Bytes a reader of one topic may hold when it reads from tables. Default 16 MiB (a row group is always held whole). */
  readonly readWindowBytes?: number;
  /** How long `openTopic` tries to reach the catalog before `CATALOG_UNAVAILABLE`. Default 10,000 ms. */
  readonly openTimeoutMs?: number;
  /** How long `close` tries to commit what is pending; what is not stays safe in the log. Default 30,000 ms. */
  readonly closeTimeoutMs?: number;
  /** Component: makes Parquet files. Default: one of its own, closed with the storage. */
  readonly encoder?: ParquetEncoder;
  /** Component: the log itself, for tests that need a faulty one. It must run `onRotate`. */
  readonly openWal?: typeof import('@danube/wal').openWal;
  /** Component: Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Component: numbers from 0 to 1 for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** The options with every default filled in and every range checked. */
export interface ResolvedOptions {
  readonly wal: { readonly dir: string; readonly sync: SyncMode; readonly maxFileSizeBytes: number };
  readonly resolve: IcebergStorageOptions['resolve'];
  readonly brokerAddr: string;
  readonly flush: Required<FlushSettings>;
  readonly backlog: Required<BacklogSettings>;
  readonly commits: Required<CommitBudget>;
  readonly retry: Required<RetrySettings>;
  readonly limits: MessageLimits;
  readonly tailBytes: number;
  readonly readWindowBytes: number;
  readonly openTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly encoder: ParquetEncoder | undefined;
  readonly openWal: IcebergStorageOptions['openWal'];
  readonly now: () => number;
  readonly random: () => number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

const KNOWN = new Set([
  'wal',
  'resolve',
  'brokerAddr',
  'flush',
  'backlog',
  'commits',
  'retry',
  'limits',
  'tailBytes',
  'readWindowBytes',
  'openTimeoutMs',
  'closeTimeoutMs',
  'encoder',
  'openWal',
  'now',
  'random',
]);

/** Fills defaults and checks ranges; `INVALID_ARGUMENT` names the option, unknown ones too. */
export function resolveOptions(options: IcebergStorageOptions): ResolvedOptions {
  for (const key of Object.keys(options))
    if (!KNOWN.has(key)) throw new StorageError('INVALID_ARGUMENT', `unknown option ${key}`);
  const { wal, flush = {}, backlog = {}, commits = {}, retry = {}, limits = {} } = options;
  if (typeof wal?.dir !== 'string' || wal.dir === '')
    throw new StorageError('INVALID_ARGUMENT', 'wal.dir must name a directory');
  if (typeof options.resolve !== 'function')
    throw new StorageError('INVALID_ARGUMENT', 'resolve must be a function');
  if (typeof options.brokerAddr !== 'string')
    throw new StorageError('INVALID_ARGUMENT', 'brokerAddr must be text');
  const { maxDelayMs = Math.max(10_000, retry.minDelayMs ?? 0) } = retry;
  const minDelayMs = within('retry.minDelayMs', retry.minDelayMs ?? Math.min(100, maxDelayMs), 1, 60_000);
  return {
    wal: {
      dir: wal.dir,
      sync: wal.sync ?? { kind: 'always' },
      maxFileSizeBytes: within('wal.maxFileSizeBytes', wal.maxFileSizeBytes ?? 64 * MiB, 64 * KiB, 16 * GiB),
    },
    resolve: options.resolve,
    brokerAddr: options.brokerAddr,
    flush: {
      maxBytes: within('flush.maxBytes', flush.maxBytes ?? 64 * MiB, 64 * KiB, GiB),
      maxAgeMs: within('flush.maxAgeMs', flush.maxAgeMs ?? 10_000, 10, 86_400_000),
      maxTotalBytes: within('flush.maxTotalBytes', flush.maxTotalBytes ?? 256 * MiB, 64 * KiB, 64 * GiB),
    },
    backlog: {
      maxTopicBytes: within('backlog.maxTopicBytes', backlog.maxTopicBytes ?? GiB, 64 * KiB, 1024 * GiB),
      maxTotalBytes: within('backlog.maxTotalBytes', backlog.maxTotalBytes ?? 8 * GiB, 64 * KiB, 1024 * GiB),
    },
    commits: {
      perSecond: within('commits.perSecond', commits.perSecond ?? 20, 0.01, 10_000),
      concurrency: within('commits.concurrency', commits.concurrency ?? 4, 1, 64),
    },
    retry: { minDelayMs, maxDelayMs: within('retry.maxDelayMs', maxDelayMs, minDelayMs, 600_000) },
    limits: {
      maxPayloadBytes: within('limits.maxPayloadBytes', limits.maxPayloadBytes ?? 10 * MiB, 0, 32 * MiB),
      maxAttributes: within('limits.maxAttributes', limits.maxAttributes ?? 1024, 0, 65_536),
      maxHeaderBytes: within('limits.maxHeaderBytes', limits.maxHeaderBytes ?? MiB, 256, 8 * MiB),
    },
    tailBytes: within('tailBytes', options.tailBytes ?? 64 * MiB, 0, 64 * GiB),
    readWindowBytes: within('readWindowBytes', options.readWindowBytes ?? 16 * MiB, 64 * KiB, GiB),
    openTimeoutMs: within('openTimeoutMs', options.openTimeoutMs ?? 10_000, 0, 3_600_000),
    closeTimeoutMs: within('closeTimeoutMs', options.closeTimeoutMs ?? 30_000, 0, 3_600_000),
    encoder: options.encoder,
    openWal: options.openWal,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  };
}

function within(name: string, value: number, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new StorageError('INVALID_ARGUMENT', `${name} is ${value}, must be from ${min} to ${max}`, {
      context: { option: name },
    });
  return value;
}

/** The part of the log this package uses. */
export type StorageWal = Wal;
