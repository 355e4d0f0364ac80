import {
  type CommitRequest,
  createManifestListCache,
  generateSnapshotId,
  type LoadedTable,
  prepareAppend,
} from '@danube/iceberg';
import { filesFit, type PreparedFiles, writeDataFiles } from './data-files.ts';
import { StorageError } from './errors.ts';
import { formatLedger, LEDGER_TAG, ledgerKey } from './ledger.ts';
import { skipGaps } from './ledger-case.ts';
import { readFromLog } from './log-reader.ts';
import type { StoredMessage } from './message.ts';
import type { StorageContext } from './storage-context.ts';
import type { TableState } from './table-state.ts';
import type { TopicState } from './topic-state.ts';

/** One commit: the exact request, what it was built on, and what it says of each topic. Never rebased. */
export interface Attempt {
  readonly base: LoadedTable;
  readonly request: CommitRequest;
  readonly idempotencyKey: string;
  readonly parts: readonly AttemptPart[];
  readonly startedMs: number;
}

export interface AttemptPart {
  readonly topic: TopicState;
  readonly start: number;
  readonly through: number;
  /** Absent for a claim. */
  readonly prepared?: PreparedFiles;
}

/** Bytes of messages handed to the encoder at once. */
const ENCODE_BATCH_BYTES = 4 * 1024 * 1024;

/** Builds commits of one table: writes the data files, and pins the request to what it was built on. Sends nothing. */
export class CommitBuilder {
  readonly #context: StorageContext;
  readonly #table: TableState;
  /** Of our own last commits, so that a commit's cost does not grow with the table. */
  readonly #manifestLists = createManifestListCache({ maxLists: 2 });

  constructor(context: StorageContext, table: TableState) {
    this.#context = context;
    this.#table = table;
  }

  /** The next commit for these topics, on the base: runs the case table, writes the files. Undefined if nothing is left to commit. */
  async build(
    base: LoadedTable,
    ready: readonly TopicState[],
    startedMs: number,
  ): Promise<Attempt | undefined> {
    const table = this.#table;
    const wanted: { topic: TopicState; first: number; last: number }[] = [];
    for (const topic of ready) {
      if (topic.stop !== undefined) continue;
      const verdict = await table.check(base, topic);
      if (verdict.kind !== 'ok') {
        table.refuse(topic, verdict);
        continue;
      }
      table.confirm(topic, base, verdict.ledger);
      const first = skipGaps(topic.confirmed + 1, topic.gaps);
      if (first > topic.acked) continue;
      wanted.push({ topic, first, last: topic.acked });
      topic.index.cut();
    }
    if (wanted.length === 0) return undefined;

    // Nothing that outlives the log's tail may refer to an offset the log has not synced.
    await this.#context.wal.sync();
    const parts: AttemptPart[] = [];
    for (const { topic, first, last } of wanted) {
      const prepared = await this.#prepare(topic, base, first, last);
      const start = topic.loaded?.start ?? first;
      parts.push({ topic, start, through: prepared.last, prepared });
    }
    return this.#pin(base, parts, startedMs);
  }

  /** A commit without rows that makes the topic this log's, from `start` on. */
  claim(base: LoadedTable, topic: TopicState, start: number): Promise<Attempt> {
    return this.#pin(base, [{ topic, start, through: start - 1 }], this.#context.options.now());
  }

  /** The files for the topic's next rows: those of an attempt that did not happen, or new ones. */
  async #prepare(topic: TopicState, base: LoadedTable, first: number, last: number): Promise<PreparedFiles> {
    const kept = topic.prepared;
    // Only files wholly above `through`: one that begins lower is done or straddles, and is never added again.
    if (kept !== undefined && kept.first === first && filesFit(kept, base)) return kept;
    const { encoder, epoch, options } = this.#context;
    const messages = this.#messages(topic, first, last, options.flush.maxBytes);
    const prepared = await writeDataFiles(encoder, this.#table.io, base, epoch, messages);
    topic.prepared = prepared;
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
      io: this.#table.io,
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
}
