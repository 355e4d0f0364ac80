import type { SnapshotRef } from '../metadata/snapshot.ts';
import { refByName, type TableMetadata } from '../metadata/table-metadata.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { checkRefName } from './create-ref.ts';
import {
  checkState,
  isAncestorOf,
  type RefProblem,
  type RefTarget,
  refProblem,
  refsReadBy,
  targetProblem,
  targetSnapshotId,
} from './ref-checks.ts';
import { refPlan, setRef } from './ref-update.ts';

/**
 * Points an existing branch at any snapshot of the table, or at what another ref points at; its retention settings
 * stay. What the branch alone led to is unreferenced afterwards and can be expired. Lands only while both refs are
 * where this attempt found them.
 *
 * Errors: `INVALID_ARGUMENT` (no such branch, a tag), `SNAPSHOT_NOT_FOUND`, `COMMIT_CONFLICT` when others made it
 * impossible.
 */
export function replaceBranch(name: string, target: RefTarget): TableOperation {
  return replaceRef('replaceBranch', name, 'branch', target);
}

/** Points an existing tag at another snapshot; as {@link replaceBranch}. */
export function replaceTag(name: string, target: RefTarget): TableOperation {
  return replaceRef('replaceTag', name, 'tag', target);
}

/**
 * Moves a branch forward along its own line: to a snapshot (or ref) that has the branch's head among its ancestors,
 * so that nothing the branch holds is lost. A branch that does not exist is made, as by Iceberg Java: `main` of a
 * table without a current snapshot can be published so. To a snapshot where the branch is already it does nothing.
 *
 * Errors: `INVALID_ARGUMENT` when the head is no ancestor, `SNAPSHOT_NOT_FOUND`; `COMMIT_CONFLICT` when it was one
 * on the state the caller decided on, and others have moved the branch since.
 */
export function fastForward(branch: string, target: RefTarget): TableOperation {
  checkRefName(branch);
  return {
    name: 'fastForward',
    plan(context) {
      checkState(context, (metadata) => targetProblem(metadata, target));
      checkState(context, (metadata) => fastForwardProblem(context.start, metadata, branch, target));
      return moveRef(context, branch, 'branch', target);
    },
  };
}

function fastForwardProblem(
  start: TableMetadata,
  metadata: TableMetadata,
  branch: string,
  target: RefTarget,
): RefProblem | undefined {
  const ref = refByName(metadata, branch);
  // A branch that was there when the caller decided is not made anew: somebody removed it on purpose.
  if (ref === undefined) return refByName(start, branch) && refProblem(metadata, branch);
  if (ref.type === 'tag') return refProblem(metadata, branch, 'branch');
  if (targetProblem(metadata, target) !== undefined) return undefined;
  const snapshotId = targetSnapshotId(metadata, target);
  if (isAncestorOf(metadata, ref.snapshotId, snapshotId)) return undefined;
  return {
    message: `cannot fast-forward ${branch}: its snapshot ${ref.snapshotId} is no ancestor of ${snapshotId}`,
    context: { ref: branch, head: ref.snapshotId, snapshotId },
  };
}

function replaceRef(
  operation: string,
  name: string,
  type: SnapshotRef['type'],
  target: RefTarget,
): TableOperation {
  return {
    name: operation,
    plan(context) {
      checkState(context, (metadata) => refProblem(metadata, name, type) ?? targetProblem(metadata, target));
      return moveRef(context, name, type, target);
    },
  };
}

/** Points a ref at a target that was checked; nothing to do if it is there. */
function moveRef(
  context: OperationContext,
  name: string,
  type: SnapshotRef['type'],
  target: RefTarget,
): OperationPlan {
  const snapshotId = targetSnapshotId(context.metadata, target);
  const ref = refByName(context.metadata, name);
  const updates = ref?.snapshotId === snapshotId ? [] : [setRef(name, { type, ...ref, snapshotId })];
  return refPlan(context, updates, [name, ...refsReadBy(target)]);
}
