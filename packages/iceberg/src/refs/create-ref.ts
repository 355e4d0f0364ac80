import { IcebergError } from '../errors.ts';
import { mainBranch, type SnapshotRef } from '../metadata/snapshot.ts';
import { refByName } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { checkState, type RefTarget, refsReadBy, targetProblem, targetSnapshotId } from './ref-checks.ts';
import { checkRetention, type RefRetention, retentionKeys, retentionOf } from './ref-retention.ts';
import { refPlan, setRef } from './ref-update.ts';

/** What a new branch or tag shall be. */
export interface CreateRefOptions extends RefRetention {
  /** The snapshot, or the ref whose snapshot it is. Default: `main`. */
  readonly at?: RefTarget;
}

/**
 * Makes a branch: a line of snapshots of its own, beginning at a snapshot of the table. Lands only while there is no
 * ref of that name, and the ref it begins at (if it was named) has not moved.
 *
 * Errors: `INVALID_ARGUMENT` for a name that is taken and settings that do not fit, `SNAPSHOT_NOT_FOUND`;
 * `COMMIT_CONFLICT` if others took the name or expired the snapshot meanwhile. Spec:
 * https://iceberg.apache.org/spec/#snapshot-references
 */
export function createBranch(name: string, options: CreateRefOptions = {}): TableOperation {
  return createRef('createBranch', name, 'branch', options);
}

/**
 * Makes a tag: a name for one snapshot, which keeps it (and its files) from being expired until the tag is removed,
 * or is older than its `maxRefAgeMs`. Otherwise as {@link createBranch}.
 */
export function createTag(
  name: string,
  options: Pick<CreateRefOptions, 'at' | 'maxRefAgeMs'> = {},
): TableOperation {
  return createRef('createTag', name, 'tag', options);
}

function createRef(
  operation: string,
  name: string,
  type: SnapshotRef['type'],
  options: CreateRefOptions,
): TableOperation {
  checkOptions(operation, options, { ...retentionKeys, at: true });
  const { at = mainBranch, ...retention } = options;
  checkRefName(name);
  if (name === mainBranch && type === 'tag') {
    throw new IcebergError('INVALID_ARGUMENT', 'main is a branch', { context: { ref: name } });
  }
  checkRetention(name, type, retention);
  return {
    name: operation,
    plan(context) {
      checkState(context, (metadata) => targetProblem(metadata, at));
      checkState(context, (metadata) =>
        refByName(metadata, name) === undefined
          ? undefined
          : { message: `the table has a ref ${name} already`, context: { ref: name } },
      );
      const snapshotId = targetSnapshotId(context.metadata, at);
      const ref: SnapshotRef = { snapshotId, type, ...retentionOf(retention) };
      return refPlan(context, [setRef(name, ref)], [name, ...refsReadBy(at)]);
    },
  };
}

/** `INVALID_ARGUMENT` for what cannot be the name of a ref. */
export function checkRefName(name: string): void {
  if (name !== '') return;
  throw new IcebergError('INVALID_ARGUMENT', 'a ref needs a name', { context: { ref: name } });
}
