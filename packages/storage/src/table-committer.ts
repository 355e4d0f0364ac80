import {
  type Catalog,
  type CommitRequest,
  createManifestListCache,
  type FileIO,
  generateSnapshotId,
  IcebergError,
  type LoadedTable,
  prepareAppend,
} from '@danube/iceberg';
import { type Backoff, pause } from '@danube/resilience';
import { filesFit, type PreparedFiles, writeDataFiles } from './data-files.ts';
import { type StopCode, StorageError } from './errors.ts';
import { formatLedger, LEDGER_TAG, type Ledger, ledgerKey } from './ledger.ts';
import { covers, skipGaps } from './ledger-case.ts';
import { checkLedger, highestOffset, type SettledVerdict } from './ledger-check.ts';
import { readFromLog } from './log-reader.ts';
import type { StoredMessage } from './message.ts';
import { Mutex } from './mutex.ts';
import { createRetryBackoff } from './pacing.ts';
import type { StorageContext } from './storage-context.ts';
import { checkTable, tableOptions } from './table-layout.ts';
import { formatIdentifier, type TableName } from './topic-name.ts';
import type { TopicState } from './topic-state.ts';

/** One commit: the exact request, what it was built on, and what it says of each topic. Never rebased. */
interface Attempt {
  readonly base: LoadedTable;
  readonly request: CommitRequest;
  readonly idempotencyKey: string;
  readonly parts: readonly AttemptPart[];
  readonly startedMs: number;
}

interface AttemptPart {
  readonly topic: TopicState;
  readonly start: number;
  readonly through: number;
  /** Absent for a claim. */
  readonly prepared?: PreparedFiles;
}

/** Bytes of messages handed to the encoder at once. */
const ENCODE_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * The only writer of one table in this process. It claims topics, commits what is ready in one commit for all
 * topics of the table, and finds out what became of a commit whose outcome is unknown. What it does at any time
 * is one thing, under a lock; the rules are those of the commit ledger (docs/architecture.md).
 */
export class TableCommitter {
  readonly catalog: Catalog;
  readonly io: FileIO;
  readonly name: TableName;
  readonly topics = new Set<TopicState>();
  readonly #context: StorageContext;
  readonly #label: string;
  readonly #lock = new Mutex();
  readonly #backoff: Backoff;
  /** Of our own last commits, so that a commit's cost does not grow with the table. */
  readonly #manifestLists = createManifestListCache({ maxLists: 2 });
  /** The state the next commit is built on; dropped whenever it may be stale. */
  #base: LoadedTable | undefined;
  /** Files written for a topic whose commit did not happen; only used again if wholly above `through`. */
  readonly #prepared = new Map<TopicState, PreparedFiles>();
  #pumping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: StorageContext, catalog: Catalog, io: FileIO, name: TableName) {
    this.#context = context;
    this.catalog = catalog;
    this.io = io;
    this.name = name;
    this.#label = formatIdentifier(name.identifier);
    this.#backoff = createRetryBackoff(context.options);
  }

  /**
   * Creates or loads the table and runs the case table; claims the topic if nobody owns it. When it says
   * `reached` the topic may give out offsets; else the catalog did not answer, and nothing is known.
   *
   * @throws StorageError a stop code (the topic is stopped then), `CLOSED`
   */
  async open(
    topic: TopicState,
    cursor: number,
    signal: AbortSignal,
  ): Promise<{ readonly reached: boolean; readonly lastError?: unknown }> {
    let lastError: unknown;
    const backoff = createRetryBackoff(this.#context.options);
    const attempt = this.#lock.run(async () => {
      while (!signal.aborted) {
        try {
          if (await this.#tryOpen(topic, cursor, signal)) return true;
        } catch (error) {
          if (StorageError.is(error) && error.code !== 'CATALOG_UNAVAILABLE') throw error;
          lastError = error;
          this.#base = undefined;
          this.#failed(error, backoff.count);
        }
        await pause(backoff.next(), signal);
      }
      return false;
    });
    // A catalog that never answers must not hold the caller beyond its time.
    attempt.catch(() => undefined);
    const reached = await Promise.race([attempt, aborted(signal).then(() => false)]);
    return { reached, lastError };
  }

  /**
   * Loads the table for a reader and takes over what it confirms.
   *
   * @throws StorageError a stop code (the topic is stopped then), `CATALOG_UNAVAILABLE`
   */
  async refresh(topic: TopicState): Promise<void> {
    await this.#lock.run(async () => {
      try {
        const loaded = await this.catalog.loadTable(this.name.identifier);
        const verdict = await this.#check(loaded, topic);
        this.#base = loaded;
        if (verdict.kind === 'ok') return this.#confirm(topic, loaded, verdict.ledger);
        this.#refuse(topic, verdict);
      } catch (error) {
        if (!isTableGone(error))
          throw new StorageError('CATALOG_UNAVAILABLE', `table ${this.#label} could not be loaded`, {
            context: { topic: topic.name, table: this.#label },
            cause: error,
          });
        this.#tableGone([topic]);
      }
      throw stopError(topic);
    });
  }

  /** Attaches an opened topic: from now on it is committed. */
  attach(topic: TopicState): void {
    this.topics.add(topic);
    this.wake();
  }

  /** Detaches a topic when no commit is under way. */
  async detach(topic: TopicState): Promise<void> {
    await this.#lock.run(async () => {
      this.topics.delete(topic);
      this.#prepared.delete(topic);
    });
  }

  /** Drops the table under the lock, if it is still the topic's. */
  async dropTable(topic: TopicState): Promise<void> {
    await this.#lock.run(async () => {
      const loaded = await this.catalog.loadTable(this.name.identifier).catch((error: unknown) => {
        if (isTableGone(error)) return undefined;
        throw error;
      });
      if (loaded !== undefined && loaded.metadata.tableUuid === topic.table?.uuid)
        await this.catalog.dropTable(this.name.identifier);
      this.#base = undefined;
    });
  }

  /** Looks whether something is to be committed, now or later. Cheap; call it after every acknowledgement. */
  poke(topic: TopicState): void {
    if (this.#isReady(topic)) this.wake();
    else if (this.#timer === undefined && this.#pumping === undefined) this.#arm();
  }

  /** Starts committing what is ready, unless that is under way. */
  wake(): void {
    if (this.#pumping !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      // Something may have become ready after the last look.
      if ([...this.topics].some((topic) => this.#isReady(topic)) && !this.#context.closing.aborted)
        this.wake();
      else this.#arm();
    });
  }

  /** Resolves when nothing is under way; for closing, after `closing` was aborted. */
  async idle(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#pumping;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#context.closing.aborted) return;
    let due = Number.POSITIVE_INFINITY;
    for (const topic of this.topics) {
      const oldest = topic.stop === undefined ? topic.index.timeAbove(topic.confirmed) : undefined;
      if (oldest !== undefined) due = Math.min(due, oldest + this.#context.options.flush.maxAgeMs);
    }
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.wake();
      },
      Math.max(1, due - this.#context.options.now()),
    );
  }

  #isReady(topic: TopicState): boolean {
    if (topic.stop !== undefined || topic.opening || !this.topics.has(topic)) return false;
    const first = skipGaps(topic.confirmed + 1, topic.gaps);
    if (first > topic.acked) return false;
    if (topic.pressed || topic.flushTarget >= first) return true;
    const { maxBytes, maxAgeMs } = this.#context.options.flush;
    if (topic.index.bytesAbove(topic.confirmed) >= maxBytes) return true;
    const oldest = topic.index.timeAbove(topic.confirmed);
    if (oldest === undefined) return false;
    const age = this.#context.options.now() - oldest;
    // A message from the future: the clock was set back, and how old it is nobody knows.
    return age >= maxAgeMs || age < 0;
  }

  async #pump(): Promise<void> {
    const { closing, wal } = this.#context;
    while (!closing.aborted) {
      const ready = [...this.topics].filter((topic) => this.#isReady(topic));
      if (ready.length === 0) return;
      try {
        await this.#lock.run(() => this.#commitReady(ready));
        this.#backoff.reset();
      } catch (error) {
        if (wal.failure !== undefined) {
          this.#context.logFailed(wal.failure);
          return;
        }
        this.#base = undefined;
        if (closing.aborted) return;
        this.#failed(error, this.#backoff.count);
        await pause(this.#backoff.next(), closing);
      }
    }
  }

  async #commitReady(ready: readonly TopicState[]): Promise<void> {
    const { pacer, counters, closing } = this.#context;
    counters.commitsInFlight += 1;
    try {
      // Only building takes a place in the budget: a catalog that hangs must not hold up other tables.
      const attempt = await pacer.run(() => this.#build(ready), closing);
      if (attempt !== undefined) await this.#submit(attempt, closing);
    } finally {
      counters.commitsInFlight -= 1;
    }
  }

  /** Runs the case table on the base, writes the files, and pins a commit to the base. */
  async #build(ready: readonly TopicState[]): Promise<Attempt | undefined> {
    const { wal, options } = this.#context;
    const startedMs = options.now();
    const base = await this.#loadBase();
    if (base === undefined) return undefined;
    const wanted: { topic: TopicState; first: number; last: number }[] = [];
    for (const topic of ready) {
      if (topic.stop !== undefined) continue;
      const verdict = await this.#check(base, topic);
      if (verdict.kind !== 'ok') {
        this.#refuse(topic, verdict);
        continue;
      }
      this.#confirm(topic, base, verdict.ledger);
      const first = skipGaps(topic.confirmed + 1, topic.gaps);
      if (first > topic.acked) continue;
      wanted.push({ topic, first, last: topic.acked });
      topic.index.cut();
    }
    if (wanted.length === 0) return undefined;

    // Nothing that outlives the log's tail may refer to an offset the log has not synced.
    await wal.sync();
    const parts: AttemptPart[] = [];
    for (const { topic, first, last } of wanted) {
      const prepared = await this.#prepare(topic, base, first, last);
      const start = topic.loaded?.start ?? first;
      parts.push({ topic, start, through: prepared.last, prepared });
    }
    return this.#pin(base, parts, startedMs);
  }

  /** The files for the topic's next rows: those of an attempt that did not happen, or new ones. */
  async #prepare(topic: TopicState, base: LoadedTable, first: number, last: number): Promise<PreparedFiles> {
    const kept = this.#prepared.get(topic);
    // Only files wholly above `through`: one that begins lower is done or straddles, and is never added again.
    if (kept !== undefined && kept.first === first && filesFit(kept, base)) return kept;
    const { encoder, epoch, options } = this.#context;
    const messages = this.#messages(topic, first, last, options.flush.maxBytes);
    const prepared = await writeDataFiles(encoder, this.io, base, epoch, messages);
    this.#prepared.set(topic, prepared);
    return prepared;
  }

  async *#messages(
    topic: TopicState,
    first: number,
    last: number,
    maxBytes: number,
  ): AsyncGenerator<readonly StoredMessage[]> {
    const { wal, pins } = this.#context;
    let offset = first;
    while (offset <= last) {
      const batch = await readFromLog(wal, pins, topic, offset, last, Math.min(ENCODE_BATCH_BYTES, maxBytes));
      const newest = batch?.at(-1);
      if (batch === undefined || newest === undefined)
        throw new StorageError('GAP', `the log no longer holds offset ${offset} of ${topic.name}`);
      yield batch;
      offset = skipGaps(newest.offset + 1, topic.gaps);
      if (topic.index.bytesAbove(first - 1) - topic.index.bytesAbove(newest.offset) >= maxBytes) return;
    }
  }

  /** The exact request for these parts on this base: one snapshot, the ledgers, and both refs asserted and moved. */
  async #pin(base: LoadedTable, parts: readonly AttemptPart[], startedMs: number): Promise<Attempt> {
    const { logId, epoch, options } = this.#context;
    const snapshotId = generateSnapshotId(base.metadata);
    const seq = base.metadata.lastSequenceNumber + 1n;
    const setProperties: Record<string, string> = {};
    const ranges: Record<string, readonly [number, number]> = {};
    for (const { topic, start, through, prepared } of parts) {
      const ledger = { topicId: topic.topicId, logId, epoch, start, through, snapshotId, seq };
      setProperties[ledgerKey(topic.name)] = formatLedger(ledger);
      if (prepared !== undefined) ranges[topic.name] = [prepared.first, prepared.last];
      topic.sent.add(snapshotId);
    }
    const prepared = await prepareAppend({
      base,
      io: this.io,
      dataFiles: parts.flatMap((part) => part.prepared?.files ?? []),
      snapshotId,
      now: options.now,
      timestampMs: options.now(),
      // For people; the property is the authority.
      summary: { 'danube.ranges': JSON.stringify(ranges), 'danube.epoch': String(epoch) },
      setProperties,
      tags: [LEDGER_TAG],
      manifestListCache: this.#manifestLists,
    });
    if (prepared.snapshotId !== snapshotId || prepared.sequenceNumber !== seq)
      throw new StorageError('INVALID_ARGUMENT', 'the prepared commit is not the one that was asked for');
    return { base, request: prepared.request, idempotencyKey: prepared.idempotencyKey, parts, startedMs };
  }

  /**
   * Sends the attempt until its outcome is certain: done, impossible (the base moved), or the signal ends the
   * wait. Whatever the reply, the case table decides: a refusal can mean that it landed before, and an
   * unknown outcome is looked up, then the same request is sent again on the same base.
   */
  async #submit(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const backoff = createRetryBackoff(this.#context.options);
    for (;;) {
      let loaded: LoadedTable | undefined;
      if (signal.aborted) throw this.#interrupted();
      try {
        // ③ The commit point: the catalog's swap makes rows and ledger visible at once, or neither.
        loaded = await this.catalog.commitTable(this.name.identifier, attempt.request, {
          idempotencyKey: attempt.idempotencyKey,
        });
      } catch (error) {
        this.#failed(error, backoff.count);
      }
      for (;;) {
        if (signal.aborted) throw this.#interrupted();
        try {
          loaded ??= await this.catalog.loadTable(this.name.identifier);
          if (signal.aborted) throw this.#interrupted();
          const outcome = await this.#settle(attempt, loaded);
          if (outcome === 'settled' || outcome === 'rebuild') return;
          break;
        } catch (error) {
          if (StorageError.is(error)) throw error;
          if (isTableGone(error)) return this.#tableGone(attempt.parts.map((part) => part.topic));
          loaded = undefined;
          this.#failed(error, backoff.count);
          await pause(backoff.next(), signal);
        }
      }
      await pause(backoff.next(), signal);
    }
  }

  /** Runs the case table for every topic of the attempt on what the table is now. */
  async #settle(attempt: Attempt, loaded: LoadedTable): Promise<'settled' | 'resend' | 'rebuild'> {
    this.#base = loaded;
    let stopped = false;
    let open = false;
    for (const part of attempt.parts) {
      const { topic } = part;
      if (topic.stop !== undefined) continue;
      const verdict = await this.#check(loaded, topic);
      if (verdict.kind === 'stop') {
        this.#refuse(topic, verdict);
        stopped = true;
      } else if (verdict.kind === 'ok' && this.#covers(loaded, verdict.ledger, part, attempt.base)) {
        this.#prepared.delete(topic);
        this.#confirm(topic, loaded, verdict.ledger);
        this.#report(attempt, part, loaded);
      } else {
        open = true;
      }
    }
    if (!open) return 'settled';
    return !stopped && sameBase(attempt.base, loaded) ? 'resend' : 'rebuild';
  }

  #covers(loaded: LoadedTable, ledger: Ledger, part: AttemptPart, base: LoadedTable): boolean {
    return covers(
      { tableUuid: loaded.metadata.tableUuid, ledger },
      {
        tableUuid: base.metadata.tableUuid,
        topicId: part.topic.topicId,
        logId: this.#context.logId,
        through: part.through,
      },
    );
  }

  async #tryOpen(topic: TopicState, cursor: number, signal: AbortSignal): Promise<boolean> {
    const table = await this.#loadOrCreate(topic);
    if (signal.aborted) return false;
    try {
      checkTable(table.metadata, this.name, topic.name);
    } catch (error) {
      if (StorageError.is(error) && topic.claimed)
        this.#context.stopTopic(topic, { code: error.code as StopCode, message: error.message });
      throw error;
    }
    const verdict = await this.#check(table, topic);
    if (signal.aborted) return false;
    this.#base = table;
    if (verdict.kind === 'stop') {
      this.#refuse(topic, verdict);
      throw stopError(topic);
    }
    if (verdict.kind === 'ok') {
      if (!topic.claimed) {
        // The claim had landed, its reply was lost, and this log never gave out an offset.
        topic.next = Math.max(topic.next, verdict.ledger.through + 1);
        topic.openedAt = topic.next;
      }
      this.#confirm(topic, table, verdict.ledger);
      return true;
    }
    const rows = verdict.previous?.through ?? (await highestOffset(table.metadata, this.io, topic.name));
    const start = Math.max(rows, cursor, topic.next - 1) + 1;
    const attempt = await this.#pin(
      table,
      [{ topic, start, through: start - 1 }],
      this.#context.options.now(),
    );
    await this.#submit(attempt, signal);
    if (topic.stop !== undefined) throw stopError(topic);
    if (!topic.claimed) return false;
    topic.next = Math.max(topic.next, topic.confirmed + 1);
    topic.openedAt = topic.next;
    this.#context.hub.emit('claimed', { topic: topic.name, table: this.#label, firstOffset: topic.next });
    return true;
  }

  async #loadOrCreate(topic: TopicState): Promise<LoadedTable> {
    const { identifier } = this.name;
    try {
      return await this.catalog.loadTable(identifier);
    } catch (error) {
      if (!isTableGone(error)) throw error;
    }
    if (topic.claimed) {
      this.#tableGone([topic]);
      throw stopError(topic);
    }
    for (let depth = 1; depth <= identifier.namespace.length; depth += 1) {
      const namespace = identifier.namespace.slice(0, depth);
      if (await this.catalog.namespaceExists(namespace)) continue;
      try {
        await this.catalog.createNamespace(namespace);
      } catch (error) {
        if (!mayBeMade(error) || !(await this.catalog.namespaceExists(namespace))) throw error;
      }
    }
    try {
      return await this.catalog.createTable(identifier, tableOptions(this.name));
    } catch (error) {
      if (!mayBeMade(error)) throw error;
      // Whoever made it: what it must be is checked before it is claimed.
      return await this.catalog.loadTable(identifier).catch((cause: unknown) => {
        throw isTableGone(cause) ? error : cause;
      });
    }
  }

  async #loadBase(): Promise<LoadedTable | undefined> {
    if (this.#base !== undefined) return this.#base;
    try {
      this.#base = await this.catalog.loadTable(this.name.identifier);
    } catch (error) {
      if (!isTableGone(error)) throw error;
      this.#tableGone([...this.topics]);
    }
    return this.#base;
  }

  async #check(table: LoadedTable, topic: TopicState): Promise<SettledVerdict> {
    const { logId, epoch } = this.#context;
    return checkLedger(table, this.io, topic.name, topic.facts(logId, epoch));
  }

  /** Takes over what confirmed metadata says. The log may forget what it covers (④). */
  #confirm(topic: TopicState, table: LoadedTable, ledger: Ledger): void {
    const { counters, epoch } = this.#context;
    const before = topic.unflushedBytes;
    if (ledger.through >= topic.next) {
      // The log had lost its tail (nothing was given out since it was opened: the case table saw to that).
      this.#context.recordJump(topic, topic.next, ledger.through, 'ledger');
      topic.next = ledger.through + 1;
      topic.openedAt = topic.next;
      topic.acked = ledger.through;
      topic.durable = ledger.through;
      topic.tail.clear(topic.next);
      topic.index.skipTo(ledger.through);
    }
    if (ledger.epoch === epoch) {
      topic.sent.clear();
      topic.sent.add(ledger.snapshotId);
    }
    const news = !topic.claimed || ledger.through > topic.confirmed;
    topic.claimed = true;
    topic.table = { identifier: this.name.identifier, uuid: table.metadata.tableUuid };
    topic.confirmed = Math.max(topic.confirmed, ledger.through);
    if (topic.confirmed >= topic.index.last) topic.index.cut();
    topic.loaded = { table, start: ledger.start, through: ledger.through };
    // Readers of the log need those below what is committed too.
    topic.gaps = topic.gaps.filter((gap) => gap.last >= Math.min(topic.first, topic.confirmed + 1));
    counters.unflushedBytes -= before - topic.unflushedBytes;
    if (!news) return;
    topic.pressed = false;
    this.#context.confirmed(topic);
    topic.committed.wake();
  }

  #report(attempt: Attempt, part: AttemptPart, loaded: LoadedTable): void {
    const { prepared, topic } = part;
    if (prepared === undefined) return;
    const { hub, counters, options } = this.#context;
    const now = options.now();
    topic.committedRows += prepared.rows;
    if (part === attempt.parts[0]) {
      counters.commits += 1;
      counters.lastCommitMs = now - attempt.startedMs;
      counters.totalCommitMs += counters.lastCommitMs;
    }
    hub.emit('committed', {
      topic: topic.name,
      table: this.#label,
      first: prepared.first,
      through: prepared.last,
      rows: prepared.rows,
      bytes: prepared.bytes,
      snapshotId: loaded.metadata.currentSnapshotId ?? 0n,
      metadataLocation: loaded.metadataLocation,
      durationMs: now - attempt.startedMs,
      lagMs: Math.max(0, now - prepared.oldestAppendTimeMs),
    });
  }

  #refuse(topic: TopicState, verdict: SettledVerdict): void {
    this.#prepared.delete(topic);
    if (verdict.kind === 'stop') this.#context.stopTopic(topic, verdict);
    else if (verdict.kind === 'claim')
      // A topic that takes appends was claimed; a table that does not know it any more has lost its ledger.
      this.#context.stopTopic(topic, { code: 'LEDGER_LOST', message: 'the table does not know the claim' });
  }

  #tableGone(topics: readonly TopicState[]): void {
    this.#base = undefined;
    for (const topic of topics)
      if (topic.stop === undefined)
        this.#context.stopTopic(topic, {
          code: 'TABLE_REPLACED',
          message: `table ${this.#label} is not there any more`,
        });
  }

  #failed(error: unknown, attempt: number): void {
    this.#context.counters.commitFailures += 1;
    this.#context.hub.emit('commit-retry', { table: this.#label, attempt, error });
  }

  #interrupted(): StorageError {
    this.#base = undefined;
    return new StorageError('CATALOG_UNAVAILABLE', `gave up waiting for the catalog of ${this.#label}`);
  }
}

/** The error for a topic that is stopped. */
export function stopError(topic: TopicState): StorageError {
  const stop = topic.stop;
  return new StorageError(stop?.code ?? 'CLOSED', `topic ${topic.name}: ${stop?.message ?? 'it is closed'}`, {
    context: { topic: topic.name, ...(stop?.range === undefined ? {} : { range: stop.range }) },
  });
}

/**
 * While nothing changed, the request can still land, and sending it again is safe. After a change that moved no ref
 * it could too, but it may also be refused for ever (a snapshot older than the table): it is built anew, and as both
 * assert the same refs only one of them lands.
 */
function sameBase(base: LoadedTable, loaded: LoadedTable): boolean {
  return (
    base.metadata.tableUuid === loaded.metadata.tableUuid && base.metadataLocation === loaded.metadataLocation
  );
}

function isTableGone(error: unknown): boolean {
  return IcebergError.is(error) && (error.code === 'TABLE_NOT_FOUND' || error.code === 'NAMESPACE_NOT_FOUND');
}

/** Somebody else made it meanwhile, or we did and the reply was lost: that is what was wanted. */
function mayBeMade(error: unknown): boolean {
  return IcebergError.is(error, 'ALREADY_EXISTS') || IcebergError.is(error, 'COMMIT_STATE_UNKNOWN');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
