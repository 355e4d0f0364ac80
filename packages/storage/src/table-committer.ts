import { type Catalog, type FileIO, type LoadedTable, saysMissing } from '@danube/iceberg';
import { type Backoff, pause } from '@danube/resilience';
import { type Attempt, CommitBuilder } from './commit-builder.ts';
import { CommitSubmitter } from './commit-submitter.ts';
import { StorageError } from './errors.ts';
import { skipGaps } from './ledger-case.ts';
import { Mutex } from './mutex.ts';
import { createRetryBackoff } from './pacing.ts';
import type { StorageContext } from './storage-context.ts';
import { TableState } from './table-state.ts';
import type { TableName } from './topic-name.ts';
import { TopicOpening } from './topic-opening.ts';
import { stopError, type TopicState } from './topic-state.ts';

/**
 * The only writer of one table in this process: decides when its topics are committed, what is ready in one commit for
 * all of them, and does one thing at a time, under a lock: an opening, a commit until its outcome is known, a look for
 * a reader. The rules are those of the commit ledger (docs/architecture.md).
 */
export class TableCommitter {
  readonly topics = new Set<TopicState>();
  readonly #context: StorageContext;
  readonly #table: TableState;
  readonly #builder: CommitBuilder;
  readonly #submitter: CommitSubmitter;
  readonly #lock = new Mutex();
  readonly #backoff: Backoff;
  #pumping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: StorageContext, catalog: Catalog, io: FileIO, name: TableName) {
    this.#context = context;
    this.#table = new TableState(context, catalog, io, name);
    this.#builder = new CommitBuilder(context, this.#table);
    this.#submitter = new CommitSubmitter(context, this.#table);
    this.#backoff = createRetryBackoff(context.options);
  }

  get name(): TableName {
    return this.#table.name;
  }

  get io(): FileIO {
    return this.#table.io;
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
    const tools = {
      context: this.#context,
      table: this.#table,
      builder: this.#builder,
      submitter: this.#submitter,
    };
    const opening = new TopicOpening(tools, topic, cursor);
    const attempt = this.#lock.run(() => opening.run(signal));
    // A catalog that never answers must not hold the caller beyond its time.
    attempt.catch(() => undefined);
    const reached = await Promise.race([attempt, aborted(signal).then(() => false)]);
    return { reached, lastError: opening.lastError };
  }

  /**
   * Loads the table for a reader and takes over what it confirms.
   *
   * @throws StorageError a stop code (the topic is stopped then), `CATALOG_UNAVAILABLE`
   */
  async refresh(topic: TopicState): Promise<void> {
    const table = this.#table;
    await this.#lock.run(async () => {
      try {
        const loaded = await table.load();
        const verdict = await table.check(loaded, topic);
        table.latest = loaded;
        if (verdict.kind === 'ok') return table.confirm(topic, loaded, verdict.ledger);
        table.refuse(topic, verdict);
      } catch (error) {
        if (!saysMissing(error))
          throw new StorageError('CATALOG_UNAVAILABLE', `table ${table.label} could not be loaded`, {
            context: { topic: topic.name, table: table.label },
            cause: error,
          });
        table.gone([topic]);
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
      topic.prepared = undefined;
    });
  }

  /** Drops the table under the lock, if it is still the topic's. */
  async dropTable(topic: TopicState): Promise<void> {
    const table = this.#table;
    await this.#lock.run(async () => {
      const loaded = await table.load().catch((error: unknown) => {
        if (saysMissing(error)) return undefined;
        throw error;
      });
      if (loaded !== undefined && loaded.metadata.tableUuid === topic.table?.uuid)
        await table.catalog.dropTable(table.name.identifier);
      table.latest = undefined;
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
        this.#table.latest = undefined;
        if (closing.aborted) return;
        this.#table.failed(error, this.#backoff.count);
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
      if (attempt !== undefined) await this.#submitter.submit(attempt, closing);
    } finally {
      counters.commitsInFlight -= 1;
    }
  }

  async #build(ready: readonly TopicState[]): Promise<Attempt | undefined> {
    const startedMs = this.#context.options.now();
    const base = await this.#loadBase();
    return base === undefined ? undefined : this.#builder.build(base, ready, startedMs);
  }

  async #loadBase(): Promise<LoadedTable | undefined> {
    const table = this.#table;
    try {
      table.latest ??= await table.load();
    } catch (error) {
      if (!saysMissing(error)) throw error;
      table.gone([...this.topics]);
    }
    return table.latest;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
