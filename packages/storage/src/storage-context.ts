import type { ParquetEncoder } from '@danube/parquet-writer';
import type { Wal } from '@danube/wal';
import type { EventHub } from './events.ts';
import type { LogPins } from './log-reader.ts';
import type { ResolvedOptions } from './options.ts';
import type { CommitPacer } from './pacing.ts';
import type { TailCache } from './tail-cache.ts';
import type { TopicState, TopicStop } from './topic-state.ts';

/** What the parts of one storage share. */
export interface StorageContext {
  readonly options: ResolvedOptions;
  readonly wal: Wal;
  readonly logId: string;
  readonly epoch: number;
  readonly hub: EventHub;
  readonly pacer: CommitPacer;
  readonly encoder: ParquetEncoder;
  readonly pins: LogPins;
  readonly tail: TailCache;
  readonly counters: StorageCounters;
  /** Aborted when waiting for catalogs must end. */
  readonly closing: AbortSignal;
  /** Writes the topic's dictionary line; resolves as the log acknowledges it. */
  readonly writeTopicRecord: (topic: TopicState) => Promise<void>;
  /** Writes a jump of the topic's next offset into the log and tells about it. */
  readonly recordJump: (topic: TopicState, first: number, last: number, reason: 'ledger' | 'cursor') => void;
  /** The first log offset of the segment that holds this log offset. */
  readonly segmentOf: (walOffset: number) => number;
  /** Something was confirmed: the log may be able to forget. */
  readonly confirmed: (topic: TopicState) => void;
  /** A record was acknowledged; acknowledgements come in log order. */
  readonly acknowledged: (walOffset: number) => void;
  /** Too much waits for commits over all topics: have the topic with the oldest message committed. */
  readonly relieve: () => void;
  /** Stops one topic. */
  readonly stopTopic: (topic: TopicState, stop: TopicStop) => void;
  /** The log failed: every topic stops. */
  readonly logFailed: (error: unknown) => void;
}

/** Counters over all topics; each part adds to its own. */
export class StorageCounters {
  unflushedBytes = 0;
  commits = 0;
  commitFailures = 0;
  commitsInFlight = 0;
  lastCommitMs = 0;
  totalCommitMs = 0;
  readonly stops: Record<string, number> = {};
}
