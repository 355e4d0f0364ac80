import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkState, type RefProblem } from '../refs/ref-checks.ts';
import { assertRef } from '../transaction/requirements.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { removeUnusedMetadata } from './expired-metadata.ts';
import { checkGarbageCollected } from './garbage-collection.ts';
import { planRetention, type Retention, refsOf, retentionSettings } from './snapshot-retention.ts';

/** Which snapshots an expiry removes. */
export interface ExpireSnapshotsOptions {
  /**
   * An age in milliseconds (not a point in time): younger snapshots stay. Default: the table's
   * `history.expire.max-snapshot-age-ms` (5 days). Branches with a `maxSnapshotAgeMs` of their own keep to that.
   * Too short an age takes snapshots from readers that are still at work.
   */
  readonly olderThanMs?: number;
  /**
   * So many snapshots of each branch stay, whatever their age; at least 1. Default: the table's
   * `history.expire.min-snapshots-to-keep` (1). Branches with a `minSnapshotsToKeep` of their own keep to that.
   */
  readonly retainLast?: number;
  /**
   * Snapshots to remove whatever their age. Given alone, only they go, and no ref does; with `olderThanMs` or
   * `retainLast` beside it, both they and what the ages say. (Iceberg Java always does the latter.)
   */
  readonly snapshotIds?: readonly bigint[];
  /**
   * Remove schemas and partition specs that no snapshot needs any more, too. Reads the manifest list of every snapshot
   * that stays, at each attempt. Default false.
   */
  readonly cleanExpiredMetadata?: boolean;
}

export const expiryKeys: OptionKeys<ExpireSnapshotsOptions> = {
  olderThanMs: true,
  retainLast: true,
  snapshotIds: true,
  cleanExpiredMetadata: true,
};

/**
 * Removes snapshots that nothing keeps from the table, with refs that are older than they may be, as Iceberg Java's
 * `ExpireSnapshots` does: see `planRetention` for what stays. `main` and its head always do. It deletes no file:
 * that is `deleteExpiredFiles`, after the commit; `expireSnapshotsAndFiles` is both.
 *
 * Every ref of the table is asserted where this attempt's base has it: who moves a ref to a snapshot that is about to go
 * keeps it, and the expiry is planned anew. A ref that is *made* meanwhile cannot be asserted: with catalogs that
 * apply commits by `applyCommit` it is a conflict; other servers may drop such a ref with its snapshot.
 *
 * Errors: `INVALID_ARGUMENT` for `gc.enabled=false`, for an id that is the head of a ref, for settings out of range;
 * `SNAPSHOT_NOT_FOUND` for an id that the table never had (or lost before the caller looked); `COMMIT_CONFLICT` when
 * others have made a ref to an id meanwhile; `IO_ERROR` and `INVALID_MANIFEST` with `cleanExpiredMetadata`.
 * Spec: https://iceberg.apache.org/spec/#snapshot-retention-policy
 */
export function expireSnapshots(options: ExpireSnapshotsOptions = {}): TableOperation {
  checkOptions('expireSnapshots', options, expiryKeys);
  return snapshotExpiry(options);
}

/** As {@link expireSnapshots}, of options that may have others beside them. */
export function snapshotExpiry(options: ExpireSnapshotsOptions): TableOperation {
  checkSettings(options);
  return {
    name: 'expireSnapshots',
    async plan(context) {
      checkGarbageCollected(context.metadata, 'expireSnapshots');
      const retention = plannedRetention(context, options);
      return expiryPlan(context, retention, await unusedMetadata(context, retention, options));
    },
  };
}

function plannedRetention(context: OperationContext, options: ExpireSnapshotsOptions): Retention {
  const { metadata, nowMs } = context;
  const { snapshotIds = [] } = options;
  const byAge =
    options.snapshotIds === undefined ||
    options.olderThanMs !== undefined ||
    options.retainLast !== undefined;
  const { expiredRefs, retainedIds } = byAge
    ? planRetention(metadata, retentionSettings(metadata, options, nowMs), nowMs)
    : { expiredRefs: [], retainedIds: new Set(metadata.snapshots.map(({ snapshotId }) => snapshotId)) };
  const gone = new Set(expiredRefs);
  for (const id of snapshotIds) {
    checkState(context, (state) => headProblem(state, id, gone));
    if (!has(metadata, id) && !has(context.start, id)) {
      throw new IcebergError('SNAPSHOT_NOT_FOUND', `the table has no snapshot ${id}`, {
        context: { snapshotId: id },
      });
    }
  }
  const explicit = new Set(snapshotIds);
  return { expiredRefs, retainedIds: new Set([...retainedIds].filter((id) => !explicit.has(id))) };
}

/** A ref that stays keeps its snapshot. */
function headProblem(
  metadata: TableMetadata,
  snapshotId: bigint,
  expiredRefs: ReadonlySet<string>,
): RefProblem | undefined {
  const heads = refsOf(metadata).filter(
    ([name, ref]) => ref.snapshotId === snapshotId && !expiredRefs.has(name),
  );
  if (heads.length === 0) return undefined;
  const refs = heads.map(([name]) => name);
  return {
    message: `snapshot ${snapshotId} is still the head of ${refs.join(', ')}`,
    context: { snapshotId, refs },
  };
}

async function unusedMetadata(
  { io, metadata }: OperationContext,
  { retainedIds }: Retention,
  { cleanExpiredMetadata = false }: ExpireSnapshotsOptions,
): Promise<readonly TableUpdate[]> {
  return cleanExpiredMetadata ? removeUnusedMetadata(io, metadata, retainedIds) : [];
}

function expiryPlan(
  { metadata, base }: OperationContext,
  { expiredRefs, retainedIds }: Retention,
  unused: readonly TableUpdate[],
): OperationPlan {
  const snapshotIds = metadata.snapshots
    .map((snapshot) => snapshot.snapshotId)
    .filter((snapshotId) => !retainedIds.has(snapshotId));
  return {
    updates: [
      // Refs first: a snapshot that a ref points at cannot be removed.
      ...expiredRefs.map((refName): TableUpdate => ({ action: 'remove-snapshot-ref', refName })),
      ...(snapshotIds.length === 0 ? [] : [{ action: 'remove-snapshots', snapshotIds } as const]),
      ...unused,
    ],
    requirements: refsOf(base).map(([name]) => assertRef(base, name)),
  };
}

function has(metadata: TableMetadata, snapshotId: bigint): boolean {
  return metadata.snapshots.some((snapshot) => snapshot.snapshotId === snapshotId);
}

function checkSettings({ olderThanMs, retainLast }: ExpireSnapshotsOptions): void {
  if (olderThanMs !== undefined && !(olderThanMs >= 0)) {
    throw refuse('olderThanMs is an age in milliseconds, from 0', { olderThanMs });
  }
  if (retainLast !== undefined && !(Number.isInteger(retainLast) && retainLast > 0)) {
    throw refuse('retainLast is a whole number from 1', { retainLast });
  }
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
