import type { Catalog, LoadedTable, TableIdentifier } from '../catalog/catalog.ts';
import { formatIdentifier } from '../catalog/catalog-names.ts';
import { checkRequirements } from '../catalog/check-requirements.ts';
import { IcebergError, saysMissing } from '../errors.ts';
import { deleteFiles } from '../io/delete-files.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import { snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { Backoff, type Wait } from './backoff.ts';
import { findLanding, hasLandedSnapshot, mayLand } from './commit-landing.ts';
import { isDefinite, isTransient } from './commit-outcome.ts';
import {
  type PreparedTransaction,
  type TransactionComponents,
  TransactionPlanner,
} from './prepare-transaction.ts';
import type { TableOperation } from './table-operation.ts';
import {
  type CommitRetrySettings,
  commitRetrySettings,
  overridden,
  retryKeys,
  statusCheckSettings,
} from './table-properties.ts';

/** Where a transaction is committed. */
export interface TransactionTarget extends TransactionComponents {
  readonly catalog: Catalog;
  readonly identifier: TableIdentifier;
}

export interface CommitTransactionOptions {
  /**
   * The state the caller decided on: what others committed since then is checked against the operations. Default:
   * the table is loaded when the transaction begins.
   */
  readonly base?: LoadedTable;
  /**
   * Commit on exactly the base or not at all: asserts `main` and these refs where the base has them, and the first
   * conflict ends the transaction. `[]` pins `main` alone. Default: after a conflict the operations are planned anew.
   */
  readonly pinnedRefs?: readonly string[];
  /** Default: the table's properties `commit.retry.*`. */
  readonly retry?: Partial<CommitRetrySettings>;
  /** Default: the table's properties `commit.status-check.*`. */
  readonly statusCheck?: Partial<CommitRetrySettings>;
  /** Ends the transaction before the next sending; what was sent is looked for once more, and never guessed. */
  readonly signal?: AbortSignal;
  /** Told of everything that made another attempt, or another look at the table, necessary. What it throws is passed over. */
  readonly onEvent?: (event: CommitEvent) => void;
  /** For tests: waits between attempts. */
  readonly wait?: Wait;
}

const optionKeys: OptionKeys<CommitTransactionOptions> = {
  base: true,
  pinnedRefs: true,
  retry: true,
  statusCheck: true,
  signal: true,
  onEvent: true,
  wait: true,
};

/** `INVALID_ARGUMENT` for a key that there is not: a misspelt `base` would be a check that is not made. */
export function checkCommitOptions(options: CommitTransactionOptions): void {
  checkOptions('commitTransaction', options, optionKeys);
  const { retry = {}, statusCheck = {} } = options;
  checkOptions('commitTransaction: retry', retry, retryKeys);
  checkOptions('commitTransaction: statusCheck', statusCheck, retryKeys);
}

/** Something that kept a commit from succeeding at once. */
export interface CommitEvent {
  readonly kind: 'conflict' | 'unknown' | 'unavailable';
  /** From 1. */
  readonly attempt: number;
  readonly error: unknown;
}

/** A transaction that happened. */
export interface CommittedTransaction {
  /** The state it made, or a later one that holds it. */
  readonly table: LoadedTable;
  /** The snapshots it added, in order. */
  readonly snapshots: readonly Snapshot[];
  /** How often the operations were planned. */
  readonly attempts: number;
}

/**
 * Makes all operations happen as one commit, or none of them. There are three outcomes:
 *
 * - It resolves: the change is durable and visible to every later load.
 * - `COMMIT_CONFLICT`: it did not happen. Others changed the table in a way that the operations do not allow, or so
 *   often that the retries were used up. Files written for it are deleted; data files never are.
 * - `COMMIT_STATE_UNKNOWN`: a reply was lost, and the table does not tell whether it happened: the catalog does not
 *   answer, the table is gone, the trace was expired, or it may still happen. Nothing is deleted. `context.snapshotIds` say
 *   what to look for. Also when the catalog replies that the table is gone, and it is: the commit may have happened before
 *   it was renamed or dropped, and who replies so may have looked only after that.
 *
 * Other errors (`TABLE_NOT_FOUND`, `INVALID_ARGUMENT`, `ACCESS_DENIED`, `IO_ERROR` …) mean that it did not happen, and
 * will not: while a request whose reply was lost may yet land it is `COMMIT_STATE_UNKNOWN`, with the error as its cause.
 * `TABLE_NOT_FOUND` comes of a table that was not there when the transaction began, or is another one of that name now.
 *
 * After a conflict the table is loaded again and every operation planned on what is there now. A lost reply is
 * looked up in the table; the same request is sent again only while the table is still the base it asserts. All
 * attempts share their snapshot ids, so that no two of them can land.
 *
 * Protocol: iceberg spec, "Optimistic Concurrency"; outcomes as Iceberg Java's `SnapshotProducer`.
 */
export async function commitTransaction(
  target: TransactionTarget,
  operations: readonly TableOperation[],
  options: CommitTransactionOptions = {},
): Promise<CommittedTransaction> {
  checkCommitOptions(options);
  const base = options.base ?? (await target.catalog.loadTable(target.identifier));
  return new Commit(target, operations, base, options).run();
}

/** What became of one sending of a request. */
type Outcome =
  | { readonly kind: 'committed'; readonly table: LoadedTable }
  /** So says the catalog, or the table; `table` is the present state if it was seen. */
  | { readonly kind: 'refused'; readonly error: unknown; readonly table?: LoadedTable };

class Commit {
  readonly #target: TransactionTarget;
  readonly #options: CommitTransactionOptions;
  readonly #planner: TransactionPlanner;
  readonly #start: LoadedTable;
  readonly #retry: Backoff;
  #attempts = 0;
  /** Requests whose reply was lost: they may still be on their way, and nothing is deleted once there is one. */
  readonly #unanswered = new Set<PreparedTransaction>();
  /** The newest state that was loaded. */
  #seen: TableMetadata;
  /** Set when files that were written are in use, or may be. */
  #keepFiles = false;

  constructor(
    target: TransactionTarget,
    operations: readonly TableOperation[],
    start: LoadedTable,
    options: CommitTransactionOptions,
  ) {
    const { pinnedRefs } = options;
    this.#target = target;
    this.#options = options;
    this.#start = start;
    this.#seen = start.metadata;
    this.#planner = new TransactionPlanner(start.metadata, operations, {
      ...target,
      ...(pinnedRefs !== undefined && { pinnedRefs }),
    });
    this.#retry = new Backoff(overridden(commitRetrySettings(start.metadata), options.retry), options);
  }

  async run(): Promise<CommittedTransaction> {
    try {
      return await this.#run();
    } catch (error) {
      if (IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')) throw error;
      if (!this.#keepFiles) await deleteFiles(this.#target.io, this.#planner.writtenFiles);
      const late = [...this.#unanswered].find((prepared) => mayLand(prepared, this.#seen));
      throw late === undefined ? error : this.#unknown(late, error);
    }
  }

  async #run(): Promise<CommittedTransaction> {
    let base = this.#start;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      this.#attempts += 1;
      const prepared = await this.#planner.prepare(base);
      if (prepared.request.updates.length === 0) {
        const now = await this.#presentState(prepared);
        if (now === base || this.#options.pinnedRefs !== undefined) return this.#done(prepared, now);
        base = now;
        continue;
      }
      const outcome = await this.#submit(prepared);
      if (outcome.kind === 'committed') return this.#done(prepared, outcome.table);
      const ending = await this.#waitToRetry(outcome.error);
      base = await this.#stateAfter(prepared, outcome, ending);
      // A catalog may say conflict although the commit had landed: when it was sent twice on the way, for one.
      if (hasLandedSnapshot(prepared, base.metadata)) return this.#done(prepared, base);
      if (ending !== undefined) throw ending.error;
    }
  }

  /** Nothing to do on a state that the caller gave says nothing of what others did since; a pinned one must still hold. */
  async #presentState({ base, request }: PreparedTransaction): Promise<LoadedTable> {
    if (base !== this.#options.base) return base;
    const now = await this.#load();
    if (now.metadataLocation === base.metadataLocation) return base;
    if (this.#options.pinnedRefs !== undefined) checkRequirements(now.metadata, request.requirements);
    return now;
  }

  /** Waits for the next attempt after a refusal; what the transaction ends with if there is none. */
  async #waitToRetry(error: unknown): Promise<{ readonly error: unknown } | undefined> {
    const isFinal = !IcebergError.is(error, 'COMMIT_CONFLICT') || this.#options.pinnedRefs !== undefined;
    try {
      return !isFinal && (await this.#retry.next()) ? undefined : { error };
    } catch (aborted) {
      return { error: aborted };
    }
  }

  /**
   * The table after a refusal, for the next attempt or to be certain before the last word. Where it cannot be seen the
   * refusal of a snapshot may be none, and nothing is deleted.
   */
  async #stateAfter(
    prepared: PreparedTransaction,
    { error, table }: Extract<Outcome, { kind: 'refused' }>,
    ending: { readonly error: unknown } | undefined,
  ): Promise<LoadedTable> {
    if (table !== undefined) return table;
    const hasSnapshot = prepared.snapshots.length > 0;
    if (ending !== undefined && !hasSnapshot) throw ending.error;
    try {
      return await this.#loadPatiently(ending === undefined ? this.#retry : this.#newCheck(prepared));
    } catch (cause) {
      if (saysMissing(cause) || !hasSnapshot) throw ending?.error ?? cause;
      this.#keepFiles = true;
      throw IcebergError.is(error, 'COMMIT_CONFLICT') ? this.#unknown(prepared, cause) : ending?.error;
    }
  }

  #newCheck({ base }: PreparedTransaction): Backoff {
    return new Backoff(
      overridden(statusCheckSettings(base.metadata), this.#options.statusCheck),
      this.#options,
    );
  }

  /** Sends a request until its outcome is certain. */
  async #submit(prepared: PreparedTransaction): Promise<Outcome> {
    const { catalog, identifier } = this.#target;
    const check = this.#newCheck(prepared);
    for (;;) {
      let failure: unknown;
      try {
        // The commit point: the catalog's swap makes everything visible at once, or nothing.
        const { request, idempotencyKey } = prepared;
        const table = await catalog.commitTable(identifier, request, { idempotencyKey });
        this.#keepFiles = true;
        return { kind: 'committed', table };
      } catch (error) {
        failure = error;
      }
      const [isRefused, isUnsent] = [isDefinite(failure), isTransient(failure)];
      if (!isRefused && !isUnsent) this.#noReplyTo(prepared);
      const isOpen = !isRefused || saysMissing(failure);
      this.#event(isUnsent ? 'unavailable' : isOpen ? 'unknown' : 'conflict', failure);
      if (this.#unanswered.size === 0 && !saysMissing(failure)) {
        if (isRefused) return { kind: 'refused', error: failure };
        this.#options.signal?.throwIfAborted();
        if (!(await this.#retry.next())) throw failure;
        continue;
      }
      // Even a refusal is none once a reply was lost: the sending before it may have landed, and caused it. That the
      // table is missing may be true only since this one landed.
      const outcome = await this.#lookUp(prepared, check, failure);
      if (outcome !== 'resend') return outcome;
      if (isRefused) return { kind: 'refused', error: failure };
      if (this.#options.signal?.aborted) throw this.#unknown(prepared, failure);
    }
  }

  #noReplyTo(prepared: PreparedTransaction): void {
    this.#unanswered.add(prepared);
    this.#keepFiles = true;
  }

  /** Reads the table until it shows whether the request landed. */
  async #lookUp(
    prepared: PreparedTransaction,
    check: Backoff,
    failure: unknown,
  ): Promise<Outcome | 'resend'> {
    let isLast = false;
    for (;;) {
      // An abort must not pass for an outcome: one look without a wait.
      const next = await check.next().catch(() => 'aborted' as const);
      if (isLast || next === false) throw this.#unknown(prepared, failure);
      isLast = next === 'aborted';
      let table: LoadedTable;
      try {
        table = await this.#load();
      } catch (error) {
        // Renamed, perhaps: then the request may have happened to it before.
        if (saysMissing(error)) throw this.#unknown(prepared, error);
        this.#event('unavailable', error);
        continue;
      }
      switch (await findLanding(prepared, table, this.#target.io)) {
        case 'landed':
          return { kind: 'committed', table };
        case 'base-unchanged':
          return 'resend';
        case 'not-landed':
          return { kind: 'refused', error: this.#overtaken(failure), table };
        case 'uncertain':
          throw this.#unknown(prepared, failure);
      }
    }
  }

  async #loadPatiently(patience: Backoff): Promise<LoadedTable> {
    for (;;) {
      try {
        return await this.#load();
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#event('unavailable', error);
        if (this.#options.signal?.aborted || !(await patience.next())) throw error;
      }
    }
  }

  async #load(): Promise<LoadedTable> {
    const { catalog, identifier } = this.#target;
    const table = await catalog.loadTable(identifier);
    const { tableUuid } = this.#start.metadata;
    if (table.metadata.tableUuid === tableUuid) {
      if (table.metadata.lastSequenceNumber >= this.#seen.lastSequenceNumber) this.#seen = table.metadata;
      return table;
    }
    throw new IcebergError(
      'TABLE_NOT_FOUND',
      `${formatIdentifier(identifier)} is another table now: it was dropped and made anew`,
      { context: { identifier, expectedUuid: tableUuid, foundUuid: table.metadata.tableUuid } },
    );
  }

  /** The snapshots as they landed, and nothing left behind of attempts that did not. */
  async #done(prepared: PreparedTransaction, table: LoadedTable): Promise<CommittedTransaction> {
    this.#keepFiles = true;
    const snapshots = prepared.snapshots.map(
      ({ snapshotId }, index) => snapshotById(table.metadata, snapshotId) ?? prepared.snapshots[index]!,
    );
    if (this.#planner.unusedFiles.length > 0 && this.#unanswered.size === 0) await this.#cleanUp(snapshots);
    return { table, snapshots, attempts: this.#attempts };
  }

  async #cleanUp(snapshots: readonly Snapshot[]): Promise<void> {
    const { io, manifestListCache } = this.#target;
    // What was prepared last, whatever form the catalog gives it back in, and what the table shows.
    const used = new Set(this.#planner.usedFiles);
    try {
      for (const snapshot of snapshots) {
        used.add(snapshot.manifestList);
        const manifests = await readSnapshotManifests(io, snapshot, manifestListCache);
        for (const { manifestPath } of manifests) used.add(manifestPath);
      }
    } catch {
      // The commit happened, and what it uses cannot be told: better orphans than a hole.
      return;
    }
    await deleteFiles(
      io,
      [...this.#planner.writtenFiles].filter((location) => !used.has(location)),
    );
  }

  #overtaken(cause: unknown): IcebergError {
    const { identifier } = this.#target;
    return new IcebergError(
      'COMMIT_CONFLICT',
      `the commit to ${formatIdentifier(identifier)} did not happen: its reply did not say so, and others changed the table first`,
      { cause, context: { identifier, attempts: this.#attempts } },
    );
  }

  #unknown({ snapshots, writtenFiles }: PreparedTransaction, cause: unknown): IcebergError {
    const { identifier } = this.#target;
    return new IcebergError(
      'COMMIT_STATE_UNKNOWN',
      `whether the commit to ${formatIdentifier(identifier)} happened is unknown: look for its snapshots in the table when it can be loaded again, be it by another name, and delete nothing until then`,
      {
        cause,
        context: {
          identifier,
          snapshotIds: snapshots.map((snapshot) => snapshot.snapshotId),
          writtenFiles,
          attempts: this.#attempts,
        },
      },
    );
  }

  #event(kind: CommitEvent['kind'], error: unknown): void {
    try {
      this.#options.onEvent?.({ kind, attempt: this.#attempts, error });
    } catch {
      // What a listener throws must not pass for the outcome of a commit.
    }
  }
}
