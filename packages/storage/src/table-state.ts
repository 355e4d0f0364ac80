import { type Catalog, type FileIO, type LoadedTable, saysMissing } from '@danube/iceberg';
import { pause } from '@danube/resilience';
import type { Ledger } from './ledger.ts';
import { checkLedger, type SettledVerdict } from './ledger-check.ts';
import { createRetryBackoff } from './pacing.ts';
import type { StorageContext } from './storage-context.ts';
import { formatIdentifier, type TableName } from './topic-name.ts';
import type { TopicState } from './topic-state.ts';

/**
 * What this process knows of one table, and the way from there to its topics: each loaded state is compared with what
 * the log knows of a topic, and then the topic takes over what the table confirms, or stops. Used under the lock of the
 * table's committer only.
 */
export class TableState {
  readonly catalog: Catalog;
  readonly io: FileIO;
  readonly name: TableName;
  /** For people. */
  readonly label: string;
  readonly #context: StorageContext;
  /** The state the next commit is built on; dropped whenever it may be stale. */
  latest: LoadedTable | undefined;

  constructor(context: StorageContext, catalog: Catalog, io: FileIO, name: TableName) {
    this.#context = context;
    this.catalog = catalog;
    this.io = io;
    this.name = name;
    this.label = formatIdentifier(name.identifier);
  }

  /**
   * The table's present state. That a table which was there is not any more is believed when the catalog says so twice,
   * a pause of `retry.minDelayMs` apart: a topic that stops stays so until somebody opens it again, and one reply may come
   * from a server that lags behind, or from between two renames. Asking again risks nothing: until it is answered
   * nothing is committed, and the log keeps everything.
   */
  async load(): Promise<LoadedTable> {
    try {
      return await this.catalog.loadTable(this.name.identifier);
    } catch (error) {
      if (!saysMissing(error)) throw error;
    }
    const { options, closing } = this.#context;
    await pause(createRetryBackoff(options).next(), closing);
    return this.catalog.loadTable(this.name.identifier);
  }

  /** Runs the case table. */
  async check(table: LoadedTable, topic: TopicState): Promise<SettledVerdict> {
    const { logId, epoch } = this.#context;
    return checkLedger(table, this.io, topic.name, topic.facts(logId, epoch));
  }

  /** Takes over what confirmed metadata says. The log may forget what it covers (④). */
  confirm(topic: TopicState, table: LoadedTable, ledger: Ledger): void {
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

  /** Stops a topic that the case table does not let go on. */
  refuse(topic: TopicState, verdict: SettledVerdict): void {
    topic.prepared = undefined;
    if (verdict.kind === 'stop') this.#context.stopTopic(topic, verdict);
    else if (verdict.kind === 'claim')
      // A topic that takes appends was claimed; a table that does not know it any more has lost its ledger.
      this.#context.stopTopic(topic, { code: 'LEDGER_LOST', message: 'the table does not know the claim' });
  }

  /** Stops topics whose table is not there. */
  gone(topics: readonly TopicState[]): void {
    this.latest = undefined;
    for (const topic of topics)
      if (topic.stop === undefined)
        this.#context.stopTopic(topic, {
          code: 'TABLE_REPLACED',
          message: `the catalog has no table ${this.label} any more: it was dropped or renamed, or this is another catalog`,
        });
  }

  /** Counts a failure that is followed by another attempt, and tells of it. */
  failed(error: unknown, attempt: number): void {
    this.#context.counters.commitFailures += 1;
    this.#context.hub.emit('commit-retry', { table: this.label, attempt, error });
  }
}
