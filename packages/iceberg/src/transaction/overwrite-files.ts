import { IcebergError } from '../errors.ts';
import { alwaysTrue, type Expression } from '../expression/expression.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { SnapshotOperation } from '../metadata/snapshot.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkAddedFiles, checkDisjoint, checkNamedFiles } from './added-files.ts';
import { ConcurrentChanges } from './concurrent-changes.ts';
import { checkSpecs } from './data-file-members.ts';
import { changeFiles } from './file-change.ts';
import { filterTest } from './file-removal.ts';
import { type SnapshotContext, snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';

export interface OverwriteFilesOptions extends SnapshotOptions {
  /** Rows to replace: files of which every row matches, by partition and metrics. No file may match in part. */
  readonly filter?: Expression;
  /** Files to replace, as a scan gave them. Each must be live. */
  readonly removeDataFiles?: readonly DataFile[];
  /** Data files that are complete and durable. */
  readonly addDataFiles?: readonly DataFile[];
  /** Which rows others may not have touched. Default: those of `filter`, or with `removeDataFiles` all rows. */
  readonly conflictDetectionFilter?: Expression;
  /**
   * Refuse when others added data files that may hold rows of the conflict filter: with both validations the
   * overwrite is serializable. Default false.
   */
  readonly validateNoConflictingData?: boolean;
  /**
   * Refuse when others deleted rows of the replaced files, or removed files, that the new files would bring back.
   * Set it whenever the new files hold rows copied from the replaced ones. Default false.
   */
  readonly validateNoConflictingDeletes?: boolean;
  /** Refuse added files that may hold rows outside `filter`. Default false. */
  readonly validateAddedFilesMatchFilter?: boolean;
}

const optionKeys: OptionKeys<OverwriteFilesOptions> = {
  ...snapshotKeys,
  filter: true,
  removeDataFiles: true,
  addDataFiles: true,
  conflictDetectionFilter: true,
  validateNoConflictingData: true,
  validateNoConflictingDeletes: true,
  validateAddedFilesMatchFilter: true,
};

/**
 * Replaces data files by others in one snapshot: rows of a filter by new ones (an idempotent load of a day), or
 * files by copies with some rows changed (copy on write). What others may do meanwhile is up to the validations; they
 * look at everything since the state the transaction began with (`base` of `commitTransaction`), so give the state
 * whose rows were read. Files of `filter` are those that are there when the commit happens.
 *
 * The operation in the summary is `overwrite`, or `append` or `delete` when it only adds or only removes.
 *
 * Errors: `INVALID_ARGUMENT` for files that do not fit the table, a file of `removeDataFiles` that is not live, a file
 * of which only some rows match `filter`; `COMMIT_CONFLICT` for files that others removed, and by the validations, also
 * when the branch's history no longer leads back to the base. As Iceberg Java's `OverwriteFiles`, but that files of
 * `removeDataFiles` must be live without any validation, too.
 */
export function overwriteFiles(options: OverwriteFilesOptions): TableOperation {
  checkOptions('overwriteFiles', options, optionKeys);
  const { filter, removeDataFiles = [], addDataFiles = [] } = options;
  checkAddedFiles(addDataFiles);
  checkNamedFiles(removeDataFiles, ['data']);
  checkDisjoint(removeDataFiles, addDataFiles);
  const isRemoval = filter !== undefined || removeDataFiles.length > 0;
  if (!isRemoval && addDataFiles.length === 0) {
    throw new IcebergError('INVALID_ARGUMENT', 'overwriteFiles: nothing to remove and nothing to add');
  }
  if (options.validateAddedFilesMatchFilter && filter === undefined) {
    throw new IcebergError('INVALID_ARGUMENT', 'overwriteFiles: no filter for the added files to match');
  }
  const operation: SnapshotOperation = !isRemoval
    ? 'append'
    : addDataFiles.length === 0
      ? 'delete'
      : 'overwrite';
  return snapshotOperation('overwriteFiles', options, async (context) => {
    checkSpecs(context, addDataFiles);
    if (options.validateAddedFilesMatchFilter) checkMatch(context, filter!, addDataFiles);
    await validate(context, options);
    const remove = { files: removeDataFiles, ...(filter !== undefined && { filter }) };
    return changeFiles(context, { operation, remove, add: addDataFiles });
  });
}

async function validate(context: SnapshotContext, options: OverwriteFilesOptions): Promise<void> {
  const { filter, removeDataFiles = [], conflictDetectionFilter } = options;
  const { validateNoConflictingData, validateNoConflictingDeletes } = options;
  if (!validateNoConflictingData && !validateNoConflictingDeletes) return;
  const changes = new ConcurrentChanges(context);
  if (validateNoConflictingData) {
    const replaced = removeDataFiles.length === 0 ? filter : undefined;
    await changes.checkNoDataAdded({ filter: conflictDetectionFilter ?? replaced ?? alwaysTrue });
  }
  if (!validateNoConflictingDeletes) return;
  if (filter !== undefined) {
    const scope = { filter: conflictDetectionFilter ?? filter };
    await changes.checkNoDeletesAdded(scope);
    await changes.checkNoDataRemoved(scope);
  }
  if (removeDataFiles.length > 0) {
    const scope = conflictDetectionFilter === undefined ? {} : { filter: conflictDetectionFilter };
    await changes.checkNoDeletesFor(removeDataFiles, scope);
  }
}

function checkMatch({ metadata }: SnapshotContext, filter: Expression, added: readonly DataFile[]): void {
  const test = filterTest(filter, metadata);
  const stray = added.find((file) => file.recordCount > 0 && test.match(file) !== 'all');
  if (stray === undefined) return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${stray.filePath} may hold rows that do not match the filter: they would not replace anything`,
    { context: { filePath: stray.filePath } },
  );
}
