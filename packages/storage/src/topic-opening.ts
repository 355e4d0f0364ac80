import { IcebergError, type LoadedTable, saysMissing } from '@danube/iceberg';
import { pause } from '@danube/resilience';
import type { CommitBuilder } from './commit-builder.ts';
import type { CommitSubmitter } from './commit-submitter.ts';
import { type StopCode, StorageError } from './errors.ts';
import { highestOffset } from './ledger-check.ts';
import { createRetryBackoff } from './pacing.ts';
import type { StorageContext } from './storage-context.ts';
import { checkTable, tableOptions } from './table-layout.ts';
import type { TableState } from './table-state.ts';
import { stopError, type TopicState } from './topic-state.ts';

/** What an opening works with. */
export interface OpeningTools {
  readonly context: StorageContext;
  readonly table: TableState;
  readonly builder: CommitBuilder;
  readonly submitter: CommitSubmitter;
}

/** One opening of a topic: makes its table if it has none, and claims the topic in it if nobody owns it. */
export class TopicOpening {
  readonly #tools: OpeningTools;
  readonly #topic: TopicState;
  readonly #cursor: number;
  /** Why it was not reached yet. */
  lastError: unknown;

  constructor(tools: OpeningTools, topic: TopicState, cursor: number) {
    this.#tools = tools;
    this.#topic = topic;
    this.#cursor = cursor;
  }

  /**
   * Tries until the table was reached (true: the topic may give out offsets) or the signal fires (false).
   *
   * @throws StorageError a stop code (the topic is stopped then), or what is wrong with the table
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const { context, table } = this.#tools;
    const backoff = createRetryBackoff(context.options);
    while (!signal.aborted) {
      try {
        if (await this.#try(signal)) return true;
      } catch (error) {
        if (StorageError.is(error) && error.code !== 'CATALOG_UNAVAILABLE') throw error;
        this.lastError = error;
        table.latest = undefined;
        table.failed(error, backoff.count);
      }
      await pause(backoff.next(), signal);
    }
    return false;
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { context, table, builder, submitter } = this.#tools;
    const topic = this.#topic;
    const loaded = await this.#loadOrCreate();
    if (signal.aborted) return false;
    try {
      checkTable(loaded.metadata, table.name, topic.name);
    } catch (error) {
      if (StorageError.is(error) && topic.claimed)
        context.stopTopic(topic, { code: error.code as StopCode, message: error.message });
      throw error;
    }
    const verdict = await table.check(loaded, topic);
    if (signal.aborted) return false;
    table.latest = loaded;
    if (verdict.kind === 'stop') {
      table.refuse(topic, verdict);
      throw stopError(topic);
    }
    if (verdict.kind === 'ok') {
      if (!topic.claimed) {
        // The claim had landed, its reply was lost, and this log never gave out an offset.
        topic.next = Math.max(topic.next, verdict.ledger.through + 1);
        topic.openedAt = topic.next;
      }
      table.confirm(topic, loaded, verdict.ledger);
      return true;
    }
    const rows = verdict.previous?.through ?? (await highestOffset(loaded.metadata, table.io, topic.name));
    const start = Math.max(rows, this.#cursor, topic.next - 1) + 1;
    await submitter.submit(await builder.claim(loaded, topic, start), signal);
    if (topic.stop !== undefined) throw stopError(topic);
    if (!topic.claimed) return false;
    topic.next = Math.max(topic.next, topic.confirmed + 1);
    topic.openedAt = topic.next;
    context.hub.emit('claimed', { topic: topic.name, table: table.label, firstOffset: topic.next });
    return true;
  }

  async #loadOrCreate(): Promise<LoadedTable> {
    const { table } = this.#tools;
    const { catalog, name } = table;
    const { identifier } = name;
    try {
      // A new topic has no table yet, as a rule: no reason to ask twice.
      return await (this.#topic.claimed ? table.load() : catalog.loadTable(identifier));
    } catch (error) {
      if (!saysMissing(error)) throw error;
    }
    if (this.#topic.claimed) {
      table.gone([this.#topic]);
      throw stopError(this.#topic);
    }
    for (let depth = 1; depth <= identifier.namespace.length; depth += 1) {
      const namespace = identifier.namespace.slice(0, depth);
      if (await catalog.namespaceExists(namespace)) continue;
      try {
        await catalog.createNamespace(namespace);
      } catch (error) {
        if (!mayBeMade(error) || !(await catalog.namespaceExists(namespace))) throw error;
      }
    }
    try {
      return await catalog.createTable(identifier, tableOptions(name));
    } catch (error) {
      if (!mayBeMade(error)) throw error;
      // Whoever made it: what it must be is checked before it is claimed.
      return await catalog.loadTable(identifier).catch((cause: unknown) => {
        throw saysMissing(cause) ? error : cause;
      });
    }
  }
}

/** Somebody else made it meanwhile, or we did and the reply was lost: that is what was wanted. */
function mayBeMade(error: unknown): boolean {
  return IcebergError.is(error, 'ALREADY_EXISTS') || IcebergError.is(error, 'COMMIT_STATE_UNKNOWN');
}
