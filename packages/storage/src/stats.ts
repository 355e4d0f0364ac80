/** Counters (since open) and gauges of one topic. */
export interface TopicStats {
  readonly topic: string;
  readonly state: 'open' | 'stopped' | 'closed';
  /** The stop code, if stopped. */
  readonly code?: string;
  readonly nextOffset: number;
  readonly durableOffset: number;
  readonly committedThrough: number;
  /** Bytes that are acknowledged or on their way and not yet confirmed by the table (an estimate, never low by more than an index step). */
  readonly unflushedBytes: number;
  /** Age of the oldest message not yet confirmed by the table; 0 if there is none. */
  readonly visibilityLagMs: number;
  readonly appendedMessages: number;
  readonly appendedBytes: number;
  readonly ackedMessages: number;
  readonly committedRows: number;
}

/** Counters (since open) and gauges of a storage. */
export interface StorageStats {
  readonly topics: readonly TopicStats[];
  readonly unflushedBytes: number;
  /** Bytes of recent messages held in memory. */
  readonly tailBytes: number;
  readonly commits: number;
  readonly commitFailures: number;
  readonly commitsInFlight: number;
  /** Time of the last commit, encoding included; 0 before the first. */
  readonly lastCommitMs: number;
  readonly totalCommitMs: number;
  /** Topics stopped since open, by code. */
  readonly stops: Readonly<Record<string, number>>;
  readonly walBytes: number;
}
