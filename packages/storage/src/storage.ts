import type { TableIdentifier } from '@danube/iceberg';
import type { StopCode } from './errors.ts';
import type { StorageEvents } from './events.ts';
import type { NewMessage, StoredMessage } from './message.ts';
import type { OffsetGap } from './offset-gap.ts';
import type { StorageStats } from './stats.ts';

/**
 * Durable topics. Every method may be called at any time; calls for different topics do not wait for each
 * other except in the log itself, which all topics share.
 */
export interface PersistentStorage {
  /** Identity of the log directory: the owner that table ledgers name. */
  readonly logId: string;
  /** How often the log directory was opened, this time included. */
  readonly epoch: number;
  /**
   * Opens a topic, creating it (and its table) if there is none, and claims it in the table's ledger. When the
   * promise resolves the topic takes appends. A topic that this log had claimed before opens also while the
   * catalog does not answer; its ledger is then checked before its next commit. A second call for an open
   * topic gives the same object.
   *
   * Errors: `INVALID_TOPIC`, every stop code, `CATALOG_UNAVAILABLE` (nothing was acknowledged), `CLOSED`,
   * `LOG_FAILED`.
   */
  openTopic(topic: string, options?: OpenTopicOptions): Promise<TopicLog>;
  /** The open (or stopped) topic, or undefined. */
  topic(name: string): TopicLog | undefined;
  /** Names of all topics this log knows, open or not, in name order. Deleted ones are not among them. */
  listTopics(): readonly string[];
  /**
   * Forgets a topic: its records in the log are dropped. Its table stays unless `dropTable` is set; what had
   * been acknowledged is committed to a table that stays, unless the topic is stopped. A topic of the same name
   * made later over the kept table goes on above the offsets that were used.
   */
  deleteTopic(topic: string, options?: DeleteTopicOptions): Promise<void>;
  /** Commits everything appended before the call, to one topic or to all open ones. See {@link TopicLog.flush}. */
  flush(topic?: string, options?: FlushOptions): Promise<void>;
  /** Counters and gauges at this moment; cheap. */
  stats(): StorageStats;
  /** Subscribes to an event; returns the function that ends the subscription. A listener that throws is ignored. */
  on<Name extends keyof StorageEvents>(
    name: Name,
    listener: (event: StorageEvents[Name]) => void,
  ): () => void;
  /**
   * Refuses new appends, waits for those under way, commits what is pending (up to `closeTimeoutMs`), and
   * closes the log. What could not be committed stays in the log for the next start.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface OpenTopicOptions {
  /** Highest offset that any persisted cursor of the topic refers to: no offset up to it is given out again. */
  readonly persistedCursor?: number;
  /**
   * How long to try to reach the catalog, in milliseconds, 0 to 3,600,000. Default: `openTimeoutMs` of the storage. A short
   * time suits a topic that was claimed before, when a catalog is known to be away: it opens all the same. Whether the
   * catalog was reached is what {@link TopicLog.table} tells.
   */
  readonly timeoutMs?: number;
}

export interface DeleteTopicOptions {
  /** Also removes the table from the catalog (its files stay). Refused for tables shared with other topics. Default false. */
  readonly dropTable?: boolean;
}

export interface FlushOptions {
  /** Gives up waiting; the messages are committed later all the same. */
  readonly signal?: AbortSignal;
}

/** Whether a topic takes appends, and if not, why. */
export type TopicStatus =
  | { readonly state: 'open' }
  | {
      readonly state: 'stopped';
      readonly code: StopCode | 'LOG_FAILED';
      readonly message: string;
      /** Offsets that were acknowledged here and are not known to be in the table. */
      readonly range?: { readonly first: number; readonly last: number };
    }
  | { readonly state: 'closed' };

/** What an append is answered with. */
export interface AppendAck {
  readonly offset: number;
  /** True: on the disk. False (modes `periodic` and `none`): written, a power failure may lose it. */
  readonly durable: boolean;
}

/** One topic: an ordered sequence of messages with offsets from 0. */
export interface TopicLog {
  readonly name: string;
  /** Offset of the next append. */
  readonly nextOffset: number;
  /** Highest offset that is on the disk, -1 if none. Cursors may be persisted up to it, never beyond. */
  readonly durableOffset: number;
  /** Highest offset that may be read: acknowledged. In mode `always` it equals `durableOffset`. */
  readonly readableOffset: number;
  /** Highest offset the table confirmed, -1 if none. */
  readonly committedThrough: number;
  readonly status: TopicStatus;
  /**
   * Appends a message. The offset is assigned during the call; promises settle in offset order. When it
   * resolves the message is as durable as the answer says and will be delivered to readers and committed to
   * the table exactly once.
   *
   * Errors: `MESSAGE_INVALID` and `BACKLOG_FULL` (certainly not appended), a stop code or `CLOSED` (not
   * appended), `LOG_FAILED` (unknown: it may or may not appear after a restart).
   */
  append(message: NewMessage): Promise<AppendAck>;
  /**
   * Reads from an offset: table, log and memory as one sequence, each message once, in order. Without
   * `follow` it ends at the last message readable when it gets there; with `follow` it waits for more until
   * `signal` aborts (then it ends without an error). However slow the consumer, it loses nothing.
   *
   * Errors: `GAP`, `UNREADABLE`, `CATALOG_UNAVAILABLE`, `CLOSED`.
   */
  read(options: ReadOptions): AsyncIterable<readonly StoredMessage[]>;
  /**
   * Resolves when everything appended before the call is committed to the table and confirmed. Errors: a stop
   * code, `CLOSED`, `LOG_FAILED`; while the catalog does not answer it waits (give a `signal`).
   */
  flush(options?: FlushOptions): Promise<void>;
  /** The table as last seen, or undefined while it has not been loaded in this run. */
  table(): TopicTableInfo | undefined;
}

/** A topic's table as a successful commit or load last gave it. */
export interface TopicTableInfo {
  readonly identifier: TableIdentifier;
  readonly metadataLocation: string;
  readonly tableUuid: string;
  readonly snapshotId?: bigint;
  /** First offset retention has left, as the ledger of this metadata says. */
  readonly start: number;
  /** Last committed offset, as the ledger of this metadata says. */
  readonly through: number;
}

export interface ReadOptions {
  /** First offset wanted. */
  readonly from: number;
  /** Wait for messages to come instead of ending. Default false. */
  readonly follow?: boolean;
  /** Ends the read. */
  readonly signal?: AbortSignal;
  /** Bytes of a batch, about. Default 1 MiB; a batch holds at least one message. */
  readonly maxBytes?: number;
  /** Offsets that are gone: `report` (event `gap`, default), `fail` with `GAP`, or a function that is told in order with the messages. */
  readonly onGap?: 'report' | 'fail' | ((gap: OffsetGap) => void);
}
