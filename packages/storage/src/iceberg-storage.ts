import { randomUUID } from 'node:crypto';
import type { Catalog } from '@danube/iceberg';
import { createParquetEncoder } from '@danube/parquet-writer';
import { openWal, type Wal, type WalRecordInput } from '@danube/wal';
import { StorageError } from './errors.ts';
import { EventHub, type StorageEvents } from './events.ts';
import { LogPins } from './log-reader.ts';
import {
  type IcebergStorageOptions,
  type ResolvedOptions,
  resolveOptions,
  type TopicTarget,
} from './options.ts';
import { CommitPacer } from './pacing.ts';
import { OFFSET_JUMP_RECORD, TOPIC_DELETED_RECORD, TOPIC_RECORD } from './record-types.ts';
import { SegmentMap } from './segment-map.ts';
import type { StorageStats, TopicStats } from './stats.ts';
import type {
  DeleteTopicOptions,
  FlushOptions,
  OpenTopicOptions,
  PersistentStorage,
  TopicLog,
} from './storage.ts';
import { type StorageContext, StorageCounters } from './storage-context.ts';
import { TableCommitter } from './table-committer.ts';
import { TailCache } from './tail-cache.ts';
import { OpenTopicLog } from './topic-log.ts';
import { formatIdentifier, type TableName, tableNameOf } from './topic-name.ts';
import { encodeControl } from './topic-record.ts';
import { TopicState, type TopicStop } from './topic-state.ts';
import { replayWal } from './wal-replay.ts';
import { WalTruncation } from './wal-truncation.ts';

/** Bytes the log must take beyond a message's own limits. */
const RECORD_MARGIN_BYTES = 64 * 1024;

/**
 * Opens durable topics on one write-ahead log with Iceberg tables behind it. Takes the log's directory for
 * itself, counts its epoch, and replays it; topics are then opened one by one. What the log holds of a topic
 * nobody opens stays in the log and holds its segments.
 *
 * Errors: `INVALID_ARGUMENT`, `LOG_INVALID`, and those of the log itself (`WalError`: locked, corrupt, …).
 */
export async function openIcebergStorage(options: IcebergStorageOptions): Promise<PersistentStorage> {
  const resolved = resolveOptions(options);
  const segments = new SegmentMap();
  // The log may begin a segment before its content is known; the dictionary is written again after replay.
  let prelude = (): readonly WalRecordInput[] => [];
  const wal = await (resolved.openWal ?? openWal)({
    dir: resolved.wal.dir,
    sync: resolved.wal.sync,
    maxFileSizeBytes: resolved.wal.maxFileSizeBytes,
    maxRecordBytes:
      resolved.limits.maxPayloadBytes + 2 * resolved.limits.maxHeaderBytes + RECORD_MARGIN_BYTES,
    onRotate: ({ firstOffset }) => {
      segments.add(firstOffset);
      return prelude();
    },
  });
  try {
    refuseGaps(wal);
    const storage = new IcebergStorage(resolved, wal, segments);
    prelude = () => storage.dictionary();
    await storage.replay();
    return storage;
  } catch (error) {
    await wal.close();
    throw error;
  }
}

/** What a repair gave up may have been of any topic, and more than messages: see docs/adr/0005. */
function refuseGaps(wal: Wal): void {
  const [gap] = wal.recovery.gaps;
  if (gap === undefined) return;
  throw new StorageError(
    'LOG_INVALID',
    `a repair of the log gave up its records ${gap.firstOffset} to ${gap.nextOffset - 1}, and storage cannot tell whose they ` +
      'were. What is committed is in the tables; the rest can be read with `read` of @danube/wal and published again to a new log',
    { context: { gaps: wal.recovery.gaps } },
  );
}

/** How long one topic alone is hurried to relieve the limit over all topics. */
const PRESS_MS = 1000;

class IcebergStorage implements PersistentStorage {
  readonly logId: string;
  readonly epoch: number;
  readonly #options: ResolvedOptions;
  readonly #wal: Wal;
  readonly #segments: SegmentMap;
  readonly #hub = new EventHub();
  readonly #closing = new AbortController();
  readonly #context: StorageContext;
  readonly #truncation: WalTruncation;
  readonly #ownEncoder: boolean;
  readonly #committers = new Map<Catalog, Map<string, TableCommitter>>();
  readonly #opening = new Map<string, Promise<TopicLog>>();
  readonly #deleting = new Map<string, Promise<void>>();
  readonly #logs = new Map<string, OpenTopicLog>();
  readonly #committerOf = new Map<TopicState, TableCommitter>();
  #topics = new Map<string, TopicState>();
  #ended = new Map<string, readonly string[]>();
  #pressed: TopicState | undefined;
  #pressedMs = 0;
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions, wal: Wal, segments: SegmentMap) {
    this.logId = wal.logId;
    this.epoch = wal.epoch;
    this.#options = options;
    this.#wal = wal;
    this.#segments = segments;
    this.#ownEncoder = options.encoder === undefined;
    const pins = new LogPins();
    this.#truncation = new WalTruncation(wal, segments, pins, this.#hub, () => this.#topics.values());
    this.#context = {
      options,
      wal,
      logId: wal.logId,
      epoch: wal.epoch,
      hub: this.#hub,
      pacer: new CommitPacer(options.commits, options.now),
      encoder: options.encoder ?? createParquetEncoder(),
      pins,
      tail: new TailCache(options.tailBytes),
      counters: new StorageCounters(),
      closing: this.#closing.signal,
      writeTopicRecord: (topic) => this.#writeTopicRecord(topic),
      recordJump: (topic, first, last, reason) => this.#recordJump(topic, first, last, reason),
      segmentOf: (walOffset) => segments.of(walOffset),
      acknowledged: (walOffset) => this.#truncation.acknowledged(walOffset),
      confirmed: (topic) => this.#confirmed(topic),
      relieve: () => this.#relieve(),
      stopTopic: (topic, stop) => this.#stopTopic(topic, stop),
      logFailed: (error) => this.#logFailed(error),
    };
  }

  /** Rebuilds the topics from the log and writes the dictionary into its current segment. */
  async replay(): Promise<void> {
    for (const segment of this.#wal.segments()) this.#segments.add(segment.firstOffset);
    const replayed = await replayWal(this.#wal, this.#context.tail, (walOffset) =>
      this.#segments.of(walOffset),
    );
    this.#topics = replayed.topics;
    this.#ended = replayed.ended;
    for (const topic of this.#topics.values()) this.#context.counters.unflushedBytes += topic.unflushedBytes;
    this.#truncation.acknowledged(this.#wal.nextOffset - 1);
    const lines = this.dictionary();
    if (lines.length > 0) await this.#wal.appendBatch(lines);
    await this.#wal.sync();
    for (const topic of this.#topics.values()) topic.recordedNext = topic.next;
  }

  /** What every segment begins with: all that must survive the truncation of what was before. */
  dictionary(): readonly WalRecordInput[] {
    const lines: WalRecordInput[] = [];
    for (const [name, earlier] of this.#ended)
      if (!this.#topics.has(name))
        lines.push({
          type: TOPIC_DELETED_RECORD,
          payload: encodeControl({ name, topicId: earlier.at(-1) as string, earlier }),
        });
    for (const topic of this.#topics.values())
      lines.push({ type: TOPIC_RECORD, payload: encodeControl(topic.record()) });
    return lines;
  }

  openTopic(name: string, options: OpenTopicOptions = {}): Promise<TopicLog> {
    const cursor = options.persistedCursor ?? -1;
    if (!Number.isSafeInteger(cursor) || cursor < -1)
      return Promise.reject(new StorageError('INVALID_ARGUMENT', `persistedCursor is ${cursor}`));
    const { timeoutMs = this.#options.openTimeoutMs } = options;
    if (!(timeoutMs >= 0 && timeoutMs <= 3_600_000))
      return Promise.reject(new StorageError('INVALID_ARGUMENT', `timeoutMs is ${timeoutMs}`));
    const deleting = this.#deleting.get(name);
    if (deleting !== undefined) {
      // Its next life begins when this one has ended, or this one goes on if it could not be deleted.
      const again = () => this.openTopic(name, options);
      return deleting.then(again, again);
    }
    const log = this.#logs.get(name);
    if (log !== undefined && log.status.state === 'open') return Promise.resolve(log);
    const opening = this.#opening.get(name);
    if (opening !== undefined) return opening;
    const opened = this.#open(name, cursor, timeoutMs).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opened);
    return opened;
  }

  async #open(name: string, cursor: number, timeoutMs: number): Promise<TopicLog> {
    this.#checkRunning();
    tableNameOf(name);
    const target = await this.#options.resolve(name);
    const tableName = tableNameOf(name, target.namespace);
    const topic = this.#topics.get(name) ?? (await this.#declare(name));
    const committer = this.#committerFor(target, tableName);
    const stop = topic.stop;
    topic.stop = undefined;
    topic.opening = true;
    try {
      return await this.#check(topic, committer, { cursor, timeoutMs, stopped: stop !== undefined });
    } catch (error) {
      // What stopped it has not been shown to be over.
      topic.stop ??= stop;
      throw error;
    } finally {
      topic.opening = false;
    }
  }

  /** Runs the case table, claims the topic if nobody owns it, and lets it take appends. */
  async #check(
    topic: TopicState,
    committer: TableCommitter,
    {
      cursor,
      timeoutMs,
      stopped,
    }: { readonly cursor: number; readonly timeoutMs: number; readonly stopped: boolean },
  ): Promise<TopicLog> {
    const { name } = topic;
    const timeout = AbortSignal.timeout(timeoutMs);
    let opened: Awaited<ReturnType<TableCommitter['open']>>;
    try {
      opened = await committer.open(topic, cursor, AbortSignal.any([timeout, this.#closing.signal]));
    } catch (error) {
      // A refused topic that this log never owned leaves nothing behind.
      if (!topic.claimed && topic.sent.size === 0) this.#topics.delete(name);
      throw error;
    }
    this.#checkRunning();
    // A topic that had stopped may still have appends under way.
    if (topic.inFlightBytes > 0) await this.#wal.sync();
    if (!opened.reached && (!topic.claimed || stopped)) {
      const { lastError } = opened;
      // Behind a network the message is all there is, and it may be the store of the table, too.
      const reason = lastError instanceof Error ? lastError.message : 'its catalog did not answer';
      throw new StorageError(
        'CATALOG_UNAVAILABLE',
        `topic ${name} could not be ${topic.claimed ? 'checked' : 'claimed'}: ${reason}`,
        {
          context: { topic: name, table: formatIdentifier(committer.name.identifier) },
          cause: lastError,
        },
      );
    }
    if (cursor >= topic.next) {
      // A claim is above the cursor already; here the log was behind what a cursor remembers.
      topic.addGap({ first: topic.next, last: cursor });
      this.#recordJump(topic, topic.next, cursor, 'cursor');
      topic.next = cursor + 1;
      topic.openedAt = topic.next;
      topic.tail.clear(topic.next);
    }
    topic.acked = topic.next - 1;
    topic.durable = topic.acked;
    // The claim must be on the disk before the first message is acknowledged.
    await this.#writeTopicRecord(topic);
    await this.#wal.sync();
    this.#checkRunning();
    topic.opened = true;
    const log = new OpenTopicLog(this.#context, topic, committer);
    this.#logs.set(name, log);
    this.#committerOf.set(topic, committer);
    committer.attach(topic);
    return log;
  }

  /** Gives a topic an id and records it before anything is sent: a claim that lands late must be recognised. */
  async #declare(name: string): Promise<TopicState> {
    const topic = new TopicState(randomUUID(), name, this.#ended.get(name) ?? []);
    topic.tail.clear(0);
    this.#topics.set(name, topic);
    await this.#writeTopicRecord(topic);
    await this.#wal.sync();
    return topic;
  }

  #committerFor(target: TopicTarget, name: TableName): TableCommitter {
    const tables = this.#committers.get(target.catalog) ?? new Map<string, TableCommitter>();
    this.#committers.set(target.catalog, tables);
    // The owner is part of the key: a topic that collides with another must fail its own check.
    const key = JSON.stringify([name.identifier.namespace, name.identifier.name, name.owner]);
    const committer = tables.get(key) ?? new TableCommitter(this.#context, target.catalog, target.io, name);
    tables.set(key, committer);
    return committer;
  }

  topic(name: string): TopicLog | undefined {
    return this.#logs.get(name);
  }

  listTopics(): readonly string[] {
    return [...this.#topics.values()]
      .filter((topic) => topic.claimed)
      .map((topic) => topic.name)
      .sort();
  }

  deleteTopic(name: string, options: DeleteTopicOptions = {}): Promise<void> {
    const work = () => this.#delete(name, options);
    const deleted = (this.#deleting.get(name) ?? Promise.resolve()).then(work, work).finally(() => {
      if (this.#deleting.get(name) === deleted) this.#deleting.delete(name);
    });
    this.#deleting.set(name, deleted);
    return deleted;
  }

  async #delete(name: string, options: DeleteTopicOptions): Promise<void> {
    this.#checkRunning();
    await this.#opening.get(name)?.catch(() => undefined);
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new StorageError('TOPIC_NOT_FOUND', `there is no topic ${name}`);
    const dropTable = options.dropTable ?? false;
    const target = await this.#options.resolve(name);
    const tableName = tableNameOf(name, target.namespace);
    if (dropTable && tableName.shared)
      throw new StorageError('INVALID_ARGUMENT', `${name} shares its table with other partitions`);
    const log = this.#logs.get(name) ?? (dropTable ? undefined : await this.#openPending(topic));
    const committer = this.#committerOf.get(topic) ?? this.#committerFor(target, tableName);
    // What is acknowledged from here on would be in no table.
    log?.refuse(true);
    try {
      if (!dropTable && log?.status.state === 'open') await log.flush();
      await this.#wal.sync();
      await committer.detach(topic);
      if (dropTable) await committer.dropTable(topic);
    } catch (error) {
      log?.refuse(false);
      if (log !== undefined) committer.attach(topic);
      throw error;
    }
    topic.opened = false;
    // Also if no claim was confirmed: one may be on its way.
    const earlier = dropTable ? [] : [...topic.earlier, topic.topicId];
    await this.#wal.append({
      type: TOPIC_DELETED_RECORD,
      payload: encodeControl({ name, topicId: topic.topicId, earlier }),
    });
    await this.#wal.sync();
    this.#topics.delete(name);
    this.#logs.delete(name);
    this.#committerOf.delete(topic);
    if (earlier.length > 0) this.#ended.set(name, earlier);
    else this.#ended.delete(name);
    this.#context.counters.unflushedBytes -= topic.unflushedBytes;
    topic.readable.wake();
    topic.committed.wake();
    this.#truncation.soon();
  }

  /** Opens a topic that nobody opened yet if its records must still be committed; undefined if it stops. */
  async #openPending(topic: TopicState): Promise<OpenTopicLog | undefined> {
    if (!topic.claimed || topic.unflushedBytes === 0) return undefined;
    try {
      await this.#open(topic.name, -1, this.#options.openTimeoutMs);
    } catch (error) {
      if (topic.stop === undefined) throw error;
    }
    return this.#logs.get(topic.name);
  }

  async flush(name?: string, options: FlushOptions = {}): Promise<void> {
    if (name !== undefined) {
      const log = this.#logs.get(name);
      if (log === undefined) throw new StorageError('TOPIC_NOT_FOUND', `topic ${name} is not open`);
      return log.flush(options);
    }
    const open = [...this.#logs.values()].filter((log) => log.status.state === 'open');
    const results = await Promise.allSettled(open.map((log) => log.flush(options)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  on<Name extends keyof StorageEvents>(
    name: Name,
    listener: (event: StorageEvents[Name]) => void,
  ): () => void {
    return this.#hub.on(name, listener);
  }

  stats(): StorageStats {
    const { counters, tail } = this.#context;
    const now = this.#options.now();
    return {
      topics: [...this.#topics.values()].map((topic) => topicStats(topic, this.#logs.get(topic.name), now)),
      unflushedBytes: counters.unflushedBytes,
      tailBytes: tail.bytes,
      commits: counters.commits,
      commitFailures: counters.commitFailures,
      commitsInFlight: counters.commitsInFlight,
      lastCommitMs: counters.lastCommitMs,
      totalCommitMs: counters.totalCommitMs,
      stops: { ...counters.stops },
      walBytes: this.#wal.segments().reduce((sum, segment) => sum + segment.sizeBytes, 0),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const timeout = AbortSignal.timeout(this.#options.closeTimeoutMs);
    // Appends are refused from here on (`#closed` is set); what is under way still settles.
    const open = [...this.#logs.values()].filter((log) => log.status.state === 'open');
    for (const log of open) log.refuse(true);
    if (this.#wal.failure === undefined)
      await this.#wal.sync().catch((error: unknown) => this.#logFailed(error));
    await Promise.allSettled(open.map((log) => log.flush({ signal: timeout })));
    this.#closing.abort(new StorageError('CLOSED', 'the storage is closing'));
    const committers = [...this.#committers.values()].flatMap((tables) => [...tables.values()]);
    await Promise.race([Promise.all(committers.map((committer) => committer.idle())), grace()]);
    for (const topic of this.#topics.values()) {
      topic.opened = false;
      topic.readable.wake();
      topic.committed.wake();
    }
    await this.#truncation.idle();
    try {
      await this.#wal.close();
    } finally {
      if (this.#ownEncoder) await this.#context.encoder.close();
    }
  }

  #checkRunning(): void {
    if (this.#wal.failure !== undefined)
      throw new StorageError('LOG_FAILED', 'the log failed and takes nothing more', {
        cause: this.#wal.failure,
      });
    if (this.#closed !== undefined) throw new StorageError('CLOSED', 'the storage is closed');
  }

  async #writeTopicRecord(topic: TopicState): Promise<void> {
    const record = topic.record();
    await this.#wal.append({ type: TOPIC_RECORD, payload: encodeControl(record) });
    topic.recordedNext = Math.max(topic.recordedNext, record.next);
  }

  #recordJump(topic: TopicState, first: number, last: number, reason: 'ledger' | 'cursor'): void {
    const jump = { topicId: topic.topicId, name: topic.name, first, last, reason };
    // Only for people; if the log fails here, the next thing that matters finds out.
    this.#wal.append({ type: OFFSET_JUMP_RECORD, payload: encodeControl(jump) }).catch(() => undefined);
    this.#hub.emit('jump', { topic: topic.name, first, last, reason });
  }

  #confirmed(topic: TopicState): void {
    // Before the log forgets what this covers it is synced, this line included; see WalTruncation.
    const looked = () => this.#truncation.soon();
    this.#writeTopicRecord(topic).then(looked, looked);
  }

  #relieve(): void {
    const now = this.#options.now();
    // One at a time; but a topic whose catalog hangs must not be the only one for ever.
    if (this.#pressed?.pressed === true && now - this.#pressedMs < PRESS_MS) return;
    let oldest: TopicState | undefined;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const topic of this.#topics.values()) {
      const time =
        topic.opened && topic.stop === undefined ? topic.index.timeAbove(topic.confirmed) : undefined;
      if (time !== undefined && time < oldestMs) {
        oldest = topic;
        oldestMs = time;
      }
    }
    if (oldest === undefined) return;
    oldest.pressed = true;
    this.#pressed = oldest;
    this.#pressedMs = now;
    this.#committerOf.get(oldest)?.wake();
  }

  #stopTopic(topic: TopicState, stop: TopicStop): void {
    if (topic.stop !== undefined) return;
    topic.stop = { code: stop.code, message: stop.message, ...(stop.range ? { range: stop.range } : {}) };
    const { stops } = this.#context.counters;
    stops[stop.code] = (stops[stop.code] ?? 0) + 1;
    this.#hub.emit('stopped', { topic: topic.name, ...topic.stop });
    topic.committed.wake();
    topic.readable.wake();
  }

  #logFailed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    for (const topic of this.#topics.values())
      if (topic.opened) this.#stopTopic(topic, { code: 'LOG_FAILED', message });
  }
}

function topicStats(topic: TopicState, log: OpenTopicLog | undefined, now: number): TopicStats {
  const oldest = topic.index.timeAbove(topic.confirmed);
  return {
    topic: topic.name,
    state: topic.stop !== undefined ? 'stopped' : topic.opened ? 'open' : 'closed',
    ...(topic.stop === undefined ? {} : { code: topic.stop.code }),
    nextOffset: topic.next,
    durableOffset: log?.durableOffset ?? topic.durable,
    committedThrough: topic.confirmed,
    unflushedBytes: topic.unflushedBytes + topic.inFlightBytes,
    visibilityLagMs: oldest === undefined ? 0 : Math.max(0, now - oldest),
    appendedMessages: topic.appendedMessages,
    appendedBytes: topic.appendedBytes,
    ackedMessages: topic.ackedMessages,
    committedRows: topic.committedRows,
  };
}

/** A catalog call that never returns must not keep the process. */
function grace(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5000).unref());
}
