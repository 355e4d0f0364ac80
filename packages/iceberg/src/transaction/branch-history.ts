import { IcebergError } from '../errors.ts';
import { mainBranch, type Snapshot } from '../metadata/snapshot.ts';
import {
  ancestorsOf,
  currentSnapshot,
  refByName,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import type { OperationContext } from './table-operation.ts';

/** The snapshot a branch is at; a branch that is yet to be made begins at `main`'s. */
export function branchHead(metadata: TableMetadata, branch: string): Snapshot | undefined {
  const ref = refByName(metadata, branch);
  return ref === undefined ? currentSnapshot(metadata) : snapshotById(metadata, ref.snapshotId);
}

/** Whether nobody else moved the branch since the caller decided. */
export function isBranchUnmoved({ start, base }: OperationContext, branch: string): boolean {
  return branchHead(start, branch)?.snapshotId === branchHead(base, branch)?.snapshotId;
}

/**
 * The snapshots that others added to a branch between the state the caller decided on and this attempt's base,
 * newest first. `COMMIT_CONFLICT` when that cannot be told, because the branch was rolled back or snapshots in
 * between were expired.
 */
export function snapshotsSince(
  { start, base }: OperationContext,
  branch: string = mainBranch,
): readonly Snapshot[] {
  const from = branchHead(start, branch)?.snapshotId;
  const to = branchHead(base, branch)?.snapshotId;
  const since: Snapshot[] = [];
  if (from === to) return since;
  let reached = to;
  for (const snapshot of to === undefined ? [] : ancestorsOf(base, to)) {
    if (snapshot.snapshotId === from) return since;
    since.push(snapshot);
    reached = snapshot.parentSnapshotId;
  }
  // The oldest one's parent is what was decided on, though it may have been expired.
  if (to !== undefined && reached === from) return since;
  throw new IcebergError(
    'COMMIT_CONFLICT',
    `what others changed on ${branch} since snapshot ${from ?? 'none'} cannot be told: its history from ${to ?? 'none'} does not lead there (rolled back, or snapshots were expired); decide anew on the present state`,
    { context: { branch, startSnapshotId: from, snapshotId: to } },
  );
}
