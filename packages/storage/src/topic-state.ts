import type { LoadedTable, TableIdentifier } from '@danube/iceberg';
import type { PreparedFiles } from './data-files.ts';
import { type StopCode, StorageError } from './errors.ts';
import type { LogFacts, OffsetRange } from './ledger-case.ts';
import { decodeMessage, topicKeyOf, uuidBytes } from './record-codec.ts';
import { TopicTail } from './tail-cache.ts';
import { TopicIndex } from './topic-index.ts';
import type { TopicRecord } from './topic-record.ts';
import { Waiters } from './waiters.ts';

/** Why a topic stopped. */
export interface TopicStop {
  readonly code: StopCode | 'LOG_FAILED';
  readonly message: string;
  readonly range?: OffsetRange;
}

/** Everything this process knows about one life of a topic. Only data; who may change what is said at each field. */
export class TopicState {
  readonly topicId: string;
  readonly idBytes: Uint8Array;
  readonly key: string;
  readonly name: string;
  readonly index = new TopicIndex();
  readonly tail: TopicTail;
  /** Ended lives of the topic, which a kept table may still name. */
  readonly earlier: readonly string[];

  /** Next offset; moved by appends and by opening. */
  next = 0;
  /** Highest offset acknowledged (readable), -1 if none. */
  acked = -1;
  /** Time of the newest message, so that append times never go back. */
  lastAppendTimeMs = 0;
  /** Highest `through` confirmed by the table; moved by the committer only. */
  confirmed = -1;
  claimed = false;
  /** The table of the claim; set by the committer only. */
  table: { readonly identifier: TableIdentifier; readonly uuid: string } | undefined;
  /** Ascending, disjoint. */
  gaps: OffsetRange[] = [];

  /** First offset this opening gives out. */
  openedAt = 0;
  /** Ledger snapshots this opening sent and that may be in the table. */
  readonly sent = new Set<bigint>();
  /** The metadata of the last confirmation; `start`, `through` and snapshot are read from this one. */
  loaded: { readonly table: LoadedTable; readonly start: number; readonly through: number } | undefined;
  /** Files of a commit that did not happen, or not yet; the committer's. Only used again if wholly above `confirmed`. */
  prepared: PreparedFiles | undefined;
  /** Set from opening to closing or deletion, also while stopped. */
  opened = false;
  /** The case table is being run to open the topic (again): nothing is taken and nothing committed. */
  opening = false;
  /** No offset below it is given out by whoever reads the log, even if it holds no message of the topic any more. */
  recordedNext = 0;
  /** Bytes appended and not yet acknowledged. */
  inFlightBytes = 0;
  /** Acknowledged and not known durable (modes `periodic` and `none`), oldest first. */
  undurable: { readonly offset: number; readonly walOffset: number }[] = [];
  /** Highest offset known durable, -1 if none. */
  durable = -1;
  stop: TopicStop | undefined;

  /** Flush is asked for up to this offset. */
  flushTarget = -1;
  /** Chosen to relieve the limit over all topics. */
  pressed = false;

  appendedMessages = 0;
  appendedBytes = 0;
  ackedMessages = 0;
  committedRows = 0;

  /** Woken when `acked` moves, or the topic stops or closes. */
  readonly readable = new Waiters();
  /** Woken when `confirmed` moves, or the topic stops or closes. */
  readonly committed = new Waiters();

  constructor(topicId: string, name: string, earlier: readonly string[] = []) {
    this.topicId = topicId;
    this.idBytes = uuidBytes(topicId);
    this.key = topicKeyOf(topicId);
    this.name = name;
    this.earlier = earlier;
    this.tail = new TopicTail((payload) => decodeMessage(name, payload));
  }

  /** First offset the log holds; if it holds none, the one after what is acknowledged: what is on its way will be held. */
  get first(): number {
    return this.index.first ?? this.acked + 1;
  }

  get unflushedBytes(): number {
    return this.index.bytesAbove(this.confirmed);
  }

  /** The dictionary line. */
  record(): TopicRecord {
    return {
      topicId: this.topicId,
      name: this.name,
      kind: 'reliable',
      table: this.table,
      // Not what is on its way to the log: should it be lost there, it was never given out.
      next: Math.max(this.acked + 1, this.confirmed + 1, this.openedAt),
      confirmed: this.confirmed,
      claimed: this.claimed,
      gaps: this.gaps.filter((gap) => gap.last > this.confirmed),
      earlier: this.earlier,
    };
  }

  /** What the case table needs to know. */
  facts(logId: string, epoch: number): LogFacts {
    return {
      logId,
      epoch,
      topicId: this.topicId,
      earlierTopicIds: this.earlier,
      claimed: this.claimed,
      tableUuid: this.table?.uuid,
      first: this.first,
      next: this.next,
      confirmed: this.confirmed,
      gaps: this.gaps,
      openedAt: this.openedAt,
      sent: this.sent,
    };
  }

  /** Offsets that will never hold a message. */
  addGap(gap: OffsetRange): void {
    this.gaps = mergeRanges([...this.gaps, gap]);
  }

  /** An offset that was thought a gap holds a message after all: it had been taken back and given out again. */
  fillGap(offset: number): void {
    this.gaps = this.gaps.flatMap(({ first, last }) => {
      if (offset < first || offset > last) return [{ first, last }];
      const parts = [
        { first, last: offset - 1 },
        { first: offset + 1, last },
      ];
      return parts.filter((part) => part.first <= part.last);
    });
  }

  /** The log refused a record and goes on: its offset is taken back, or becomes a gap if a later one is under way. */
  takeBack(offset: number): void {
    this.addGap({ first: offset, last: offset });
    for (
      let gap = this.gaps.at(-1);
      gap !== undefined && gap.last + 1 === this.next;
      gap = this.gaps.at(-1)
    ) {
      this.next = gap.first;
      this.gaps.pop();
    }
    this.tail.clear(this.next);
  }
}

/** The error for a topic that is stopped. */
export function stopError(topic: TopicState): StorageError {
  const stop = topic.stop;
  return new StorageError(stop?.code ?? 'CLOSED', `topic ${topic.name}: ${stop?.message ?? 'it is closed'}`, {
    context: { topic: topic.name, ...(stop?.range === undefined ? {} : { range: stop.range }) },
  });
}

/** Ascending and disjoint, adjoining ones joined. */
function mergeRanges(ranges: readonly OffsetRange[]): OffsetRange[] {
  const merged: OffsetRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.first <= previous.last + 1)
      merged[merged.length - 1] = { first: previous.first, last: Math.max(previous.last, range.last) };
    else merged.push(range);
  }
  return merged;
}
