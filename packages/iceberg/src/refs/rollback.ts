import { mainBranch, type Snapshot } from '../metadata/snapshot.ts';
import { ancestorsOf, refByName, type TableMetadata } from '../metadata/table-metadata.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { checkState, isAncestorOf, type RefProblem, targetProblem } from './ref-checks.ts';
import { refPlan, setRef } from './ref-update.ts';

/**
 * Makes any snapshot of the table the current one, also one that is no ancestor of `main`. What `main` held is
 * unreferenced afterwards: it stays until it is expired.
 *
 * As in Iceberg Java a snapshot that others add to `main` meanwhile is left behind like the rest. Pin the base of the
 * transaction where that must not happen: then it is a `COMMIT_CONFLICT`.
 *
 * Errors: `SNAPSHOT_NOT_FOUND`, `COMMIT_CONFLICT` if others expired it meanwhile.
 */
export function setCurrentSnapshot(snapshotId: bigint): TableOperation {
  return {
    name: 'setCurrentSnapshot',
    plan(context) {
      checkState(context, (metadata) => targetProblem(metadata, snapshotId));
      return moveMain(context, snapshotId);
    },
  };
}

/**
 * Takes `main` back to one of its ancestors (or leaves it where it is). Others' appends meanwhile are taken back, too:
 * see {@link setCurrentSnapshot}.
 *
 * Errors: `SNAPSHOT_NOT_FOUND`, `INVALID_ARGUMENT` for a snapshot that is no ancestor; `COMMIT_CONFLICT` when others
 * made it so.
 */
export function rollbackToSnapshot(snapshotId: bigint): TableOperation {
  return {
    name: 'rollbackToSnapshot',
    plan(context) {
      checkState(context, (metadata) => targetProblem(metadata, snapshotId));
      checkState(context, (metadata) => rollbackProblem(metadata, snapshotId));
      return moveMain(context, snapshotId);
    },
  };
}

/**
 * Takes `main` back to the latest of its ancestors that is older than this moment, in Unix milliseconds (a snapshot of
 * that very millisecond is not). Otherwise as {@link rollbackToSnapshot}; `INVALID_ARGUMENT` if none is that old.
 */
export function rollbackToTimestamp(timestampMs: number): TableOperation {
  return {
    name: 'rollbackToTimestamp',
    plan(context) {
      checkState(context, (metadata) =>
        latestAncestorBefore(metadata, timestampMs) === undefined
          ? { message: `main has no snapshot older than ${timestampMs}`, context: { timestampMs } }
          : undefined,
      );
      return moveMain(context, latestAncestorBefore(context.metadata, timestampMs)!.snapshotId);
    },
  };
}

function rollbackProblem(metadata: TableMetadata, snapshotId: bigint): RefProblem | undefined {
  const head = refByName(metadata, mainBranch)?.snapshotId;
  if (head !== undefined && isAncestorOf(metadata, snapshotId, head)) return undefined;
  return {
    message: `cannot roll back to snapshot ${snapshotId}: it is no ancestor of main (setCurrentSnapshot moves main anywhere)`,
    context: { snapshotId, head },
  };
}

function latestAncestorBefore(metadata: TableMetadata, timestampMs: number): Snapshot | undefined {
  const head = refByName(metadata, mainBranch)?.snapshotId;
  if (head === undefined) return undefined;
  let latest: Snapshot | undefined;
  for (const snapshot of ancestorsOf(metadata, head)) {
    // Clocks of writers differ: an ancestor may be younger than its child. Of equal ones the newer state counts.
    if (snapshot.timestampMs < timestampMs && snapshot.timestampMs > (latest?.timestampMs ?? -Infinity)) {
      latest = snapshot;
    }
  }
  return latest;
}

function moveMain(context: OperationContext, snapshotId: bigint): OperationPlan {
  const ref = refByName(context.metadata, mainBranch);
  const updates =
    ref?.snapshotId === snapshotId ? [] : [setRef(mainBranch, { type: 'branch', ...ref, snapshotId })];
  return refPlan(context, updates, [mainBranch]);
}
