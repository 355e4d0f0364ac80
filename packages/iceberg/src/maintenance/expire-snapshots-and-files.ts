import { applyCommit } from '../catalog/apply-commit.ts';
import type { LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { PartitionStatisticsFile, StatisticsFile } from '../metadata/statistics.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import {
  type CommitTransactionOptions,
  checkCommitOptions,
  commitTransaction,
  type TransactionTarget,
} from '../transaction/commit-transaction.ts';
import { prepareTransaction } from '../transaction/prepare-transaction.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { type ExpiredState, removeExpiredFiles } from './delete-expired-files.ts';
import { type ExpireSnapshotsOptions, expiryKeys, snapshotExpiry } from './expire-snapshots.ts';
import {
  checkRemovalOptions,
  type FileRemovalOptions,
  type FileRemovalReport,
  removalKeys,
} from './file-deletion.ts';

export interface ExpireSnapshotsAndFilesOptions extends ExpireSnapshotsOptions, FileRemovalOptions {
  /** How the expiry is committed. */
  readonly commit?: CommitTransactionOptions;
}

const optionKeys: OptionKeys<ExpireSnapshotsAndFilesOptions> = {
  ...expiryKeys,
  ...removalKeys,
  commit: true,
};

/** What an expiry did (or would do, with `dryRun`). */
export interface ExpirySummary {
  /** The table after the expiry, as the files were compared with. */
  readonly table: LoadedTable;
  readonly expiredSnapshotIds: readonly bigint[];
  /** Branches and tags that were too old. */
  readonly expiredRefs: readonly string[];
  readonly cleanup: ExpiryCleanup;
}

/**
 * What became of the files. `stopped`: the snapshots are expired and not one file was deleted, because something that
 * survives could not be read (`error` names it); `removeOrphanFiles` deletes them another day.
 */
export type ExpiryCleanup =
  | { readonly kind: 'done'; readonly files: FileRemovalReport }
  | { readonly kind: 'stopped'; readonly error: IcebergError };

/**
 * Expires snapshots and then deletes the files that only they needed: `expireSnapshots`, committed with retries, then
 * `deleteExpiredFiles` against the table as it is loaded after that.
 *
 * With `dryRun` nothing is committed or deleted; the result says what would be, as far as the present state tells.
 *
 * Errors: those of `expireSnapshots` and of `commitTransaction`; then no file was deleted. When it is
 * `COMMIT_STATE_UNKNOWN` the expiry may have happened all the same. Once it is committed, what goes wrong with the files
 * is in the result and not thrown.
 */
export async function expireSnapshotsAndFiles(
  target: TransactionTarget,
  options: ExpireSnapshotsAndFilesOptions = {},
): Promise<ExpirySummary> {
  // Now, not when the expiry is committed already.
  checkOptions('expireSnapshotsAndFiles', options, optionKeys);
  checkRemovalOptions(options);
  checkCommitOptions(options.commit ?? {});
  const seen = new ExpiryRecorder(snapshotExpiry(options));
  const committed = options.dryRun
    ? await previewCommit(target, seen, options)
    : // Throws while the outcome is unknown: nothing below may run then.
      (await commitTransaction(target, [seen], options.commit)).table;
  const { table: after, cleanup } = await cleanUp(target, seen, committed, options);
  const kept = new Set(after.metadata.snapshots.map((snapshot) => snapshot.snapshotId));
  return {
    table: after,
    expiredSnapshotIds: seen.plannedSnapshotIds.filter((id) => !kept.has(id)),
    expiredRefs: seen.plannedRefs,
    cleanup,
  };
}

async function previewCommit(
  target: TransactionTarget,
  operation: TableOperation,
  { commit = {} }: ExpireSnapshotsAndFilesOptions,
): Promise<LoadedTable> {
  const base = commit.base ?? (await target.catalog.loadTable(target.identifier));
  const { request } = await prepareTransaction(base, [operation], target);
  return { ...base, metadata: applyCommit(base.metadata, request) };
}

async function cleanUp(
  target: TransactionTarget,
  { before }: ExpiryRecorder,
  committed: LoadedTable,
  options: ExpireSnapshotsAndFilesOptions,
): Promise<{ readonly table: LoadedTable; readonly cleanup: ExpiryCleanup }> {
  const { io, manifestListCache } = target;
  let table = committed;
  try {
    // What others added since the commit is found reachable, too.
    if (!options.dryRun) table = await loadAgain(target, committed);
    const after = table.metadata;
    const files = await removeExpiredFiles({ ...options, io, before, after, manifestListCache });
    return { table, cleanup: { kind: 'done', files } };
  } catch (error) {
    if (IcebergError.is(error)) return { table, cleanup: { kind: 'stopped', error } };
    throw error;
  }
}

async function loadAgain(
  { catalog, identifier }: TransactionTarget,
  { metadata: { tableUuid } }: LoadedTable,
): Promise<LoadedTable> {
  const now = await catalog.loadTable(identifier);
  if (now.metadata.tableUuid === tableUuid) return now;
  throw new IcebergError('TABLE_NOT_FOUND', 'the table was dropped and made anew after the expiry', {
    context: { identifier, expectedUuid: tableUuid },
  });
}

/** Plans an expiry and remembers every state it was planned on: the commit may have landed on any of them. */
class ExpiryRecorder implements TableOperation {
  readonly #inner: TableOperation;
  readonly #snapshots = new Map<bigint, Snapshot>();
  readonly #statistics = new Map<string, StatisticsFile>();
  readonly #partitionStatistics = new Map<string, PartitionStatisticsFile>();
  #last: TableMetadata | undefined;
  plannedSnapshotIds: readonly bigint[] = [];
  plannedRefs: readonly string[] = [];

  constructor(inner: TableOperation) {
    this.#inner = inner;
  }

  get name(): string {
    return this.#inner.name;
  }

  async plan(context: OperationContext): Promise<OperationPlan> {
    const { metadata } = context;
    const plan = await this.#inner.plan(context);
    this.#last = metadata;
    for (const snapshot of metadata.snapshots) this.#snapshots.set(snapshot.snapshotId, snapshot);
    for (const file of metadata.statistics) this.#statistics.set(file.statisticsPath, file);
    for (const file of metadata.partitionStatistics) this.#partitionStatistics.set(file.statisticsPath, file);
    this.plannedSnapshotIds = plan.updates.flatMap((update) =>
      update.action === 'remove-snapshots' ? update.snapshotIds : [],
    );
    this.plannedRefs = plan.updates.flatMap((update) =>
      update.action === 'remove-snapshot-ref' ? [update.refName] : [],
    );
    return plan;
  }

  /** Everything that was in the table at any attempt. */
  get before(): ExpiredState {
    // The operation was planned: otherwise the commit would have thrown.
    const { tableUuid, lastSequenceNumber } = this.#last!;
    return {
      tableUuid,
      lastSequenceNumber,
      snapshots: [...this.#snapshots.values()],
      statistics: [...this.#statistics.values()],
      partitionStatistics: [...this.#partitionStatistics.values()],
    };
  }
}
