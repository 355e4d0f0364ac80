import { StorageError } from './errors.ts';
import { skipGaps } from './ledger-case.ts';
import { checkMessage, type NewMessage, type StoredMessage } from './message.ts';
import { encodeMessage } from './record-codec.ts';
import { MESSAGE_RECORD } from './record-types.ts';
import type {
  AppendAck,
  FlushOptions,
  ReadOptions,
  TopicLog,
  TopicStatus,
  TopicTableInfo,
} from './storage.ts';
import type { StorageContext } from './storage-context.ts';
import type { TableCommitter } from './table-committer.ts';
import { readTopic } from './topic-reader.ts';
import { stopError, type TopicState } from './topic-state.ts';

/** Appended and not yet acknowledged, over all topics: beyond it the disk is too slow for what comes in. */
const MAX_LOG_QUEUE_BYTES = 64 * 1024 * 1024;

/** A topic as its users see it. */
export class OpenTopicLog implements TopicLog {
  readonly #context: StorageContext;
  readonly #topic: TopicState;
  readonly #committer: TableCommitter;
  #refusing = false;

  constructor(context: StorageContext, topic: TopicState, committer: TableCommitter) {
    this.#context = context;
    this.#topic = topic;
    this.#committer = committer;
  }

  /** Takes no more appends, or does again; what is under way settles, reading and flushing go on. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  get name(): string {
    return this.#topic.name;
  }

  get nextOffset(): number {
    return this.#topic.next;
  }

  get readableOffset(): number {
    return this.#topic.acked;
  }

  get durableOffset(): number {
    const topic = this.#topic;
    const { durableOffset } = this.#context.wal;
    let at = 0;
    for (; at < topic.undurable.length; at += 1) {
      const record = topic.undurable[at];
      if (record === undefined || record.walOffset > durableOffset) break;
      topic.durable = record.offset;
    }
    if (at > 0) topic.undurable.splice(0, at);
    return topic.durable;
  }

  get committedThrough(): number {
    return this.#topic.confirmed;
  }

  get status(): TopicStatus {
    const { stop, opened } = this.#topic;
    if (stop !== undefined) return { state: 'stopped', ...stop };
    return { state: opened ? 'open' : 'closed' };
  }

  // Not an async function: offsets are given out and acknowledgements settle in the order of the calls.
  append(message: NewMessage): Promise<AppendAck> {
    const topic = this.#topic;
    const { options, tail, wal, counters } = this.#context;
    let record: readonly [Uint8Array, Uint8Array];
    let stored: StoredMessage;
    // Ages are measured by the clock as it is; append times, which never go back, may be ahead of it.
    let arrivedMs: number;
    try {
      if (topic.stop !== undefined || !topic.opened) throw stopError(topic);
      if (this.#refusing || topic.opening)
        throw new StorageError('CLOSED', `topic ${topic.name} takes no appends now`);
      checkMessage(message, options.limits);
      this.#checkBacklog();
      arrivedMs = options.now();
      const appendTimeMs = Math.max(arrivedMs, topic.lastAppendTimeMs);
      stored = {
        ...message,
        brokerAddr: message.brokerAddr ?? options.brokerAddr,
        topic: topic.name,
        offset: topic.next,
        appendTimeMs,
      };
      if (!Number.isSafeInteger(stored.offset + 1))
        throw new StorageError('MESSAGE_INVALID', `topic ${topic.name} has no offsets left below 2^53`);
      record = encodeMessage(topic.idBytes, stored.offset, appendTimeMs, stored.brokerAddr, message);
    } catch (error) {
      return Promise.reject(error);
    }
    const { offset, appendTimeMs } = stored;
    const bytes = record[0].byteLength + record[1].byteLength;
    topic.next = offset + 1;
    topic.lastAppendTimeMs = appendTimeMs;
    topic.inFlightBytes += bytes;
    topic.appendedMessages += 1;
    topic.appendedBytes += bytes;
    counters.unflushedBytes += bytes;
    tail.push(topic.tail, offset, stored, bytes);
    // ① When the log acknowledges, the message is as durable as `durable` says.
    return wal.append({ type: MESSAGE_RECORD, payload: record }).then(
      (ack) => this.#acknowledged(offset, ack.offset, ack.durable, bytes, arrivedMs),
      (error: unknown) => this.#refused(offset, bytes, error),
    );
  }

  #acknowledged(
    offset: number,
    walOffset: number,
    durable: boolean,
    bytes: number,
    arrivedMs: number,
  ): AppendAck {
    const topic = this.#topic;
    topic.inFlightBytes -= bytes;
    topic.index.add(offset, walOffset, this.#context.segmentOf(walOffset), bytes, arrivedMs);
    topic.acked = offset;
    topic.ackedMessages += 1;
    if (durable && topic.undurable.length === 0) topic.durable = offset;
    else if (topic.undurable.push({ offset, walOffset }) % 1024 === 0) void this.durableOffset;
    this.#context.acknowledged(walOffset);
    topic.readable.wake();
    this.#committer.poke(topic);
    return { offset, durable };
  }

  #refused(offset: number, bytes: number, error: unknown): never {
    const topic = this.#topic;
    const { wal, counters, logFailed } = this.#context;
    topic.inFlightBytes -= bytes;
    counters.unflushedBytes -= bytes;
    if (wal.failure !== undefined) {
      logFailed(wal.failure);
    } else {
      topic.takeBack(offset);
      topic.committed.wake();
      // A full disk: certainly not appended, and room may come when commits let the log forget.
      throw new StorageError('BACKLOG_FULL', `the log had no room for a message of ${topic.name}`, {
        context: { topic: topic.name },
        cause: error,
      });
    }
    throw new StorageError('LOG_FAILED', `the log did not take offset ${offset} of ${topic.name}`, {
      context: { topic: topic.name, offset },
      cause: error,
    });
  }

  #checkBacklog(): void {
    const topic = this.#topic;
    const { counters, options, wal } = this.#context;
    if (wal.pendingBytes >= MAX_LOG_QUEUE_BYTES)
      throw new StorageError('BACKLOG_FULL', `${wal.pendingBytes} bytes wait for the disk`);
    const { maxTopicBytes, maxTotalBytes } = options.backlog;
    if (counters.unflushedBytes > options.flush.maxTotalBytes) this.#context.relieve();
    const waiting = topic.unflushedBytes + topic.inFlightBytes;
    if (waiting >= maxTopicBytes)
      throw new StorageError('BACKLOG_FULL', `${waiting} bytes of ${topic.name} wait for their commit`, {
        context: { topic: topic.name, waiting, limit: maxTopicBytes },
      });
    if (counters.unflushedBytes >= maxTotalBytes)
      throw new StorageError(
        'BACKLOG_FULL',
        `${counters.unflushedBytes} bytes of all topics wait for commits`,
        {
          context: { waiting: counters.unflushedBytes, limit: maxTotalBytes },
        },
      );
  }

  read(options: ReadOptions): AsyncIterable<readonly StoredMessage[]> {
    const access = { io: this.#committer.io, reload: () => this.#committer.refresh(this.#topic) };
    return readTopic(this.#context, this.#topic, access, options);
  }

  async flush(options: FlushOptions = {}): Promise<void> {
    const topic = this.#topic;
    const appended = topic.next - 1;
    while (!options.signal?.aborted) {
      const target = Math.min(appended, topic.next - 1);
      const first = skipGaps(topic.confirmed + 1, topic.gaps);
      if (first > target) return;
      if (topic.stop !== undefined || !topic.opened) throw stopError(topic);
      topic.flushTarget = Math.max(topic.flushTarget, target);
      const moved = topic.committed.wait(options.signal);
      this.#committer.wake();
      await moved;
    }
    throw options.signal.reason;
  }

  table(): TopicTableInfo | undefined {
    const { loaded } = this.#topic;
    if (loaded === undefined) return undefined;
    const { identifier, metadataLocation, metadata } = loaded.table;
    return {
      identifier,
      metadataLocation,
      tableUuid: metadata.tableUuid,
      ...(metadata.currentSnapshotId === undefined ? {} : { snapshotId: metadata.currentSnapshotId }),
      start: loaded.start,
      through: loaded.through,
    };
  }
}
