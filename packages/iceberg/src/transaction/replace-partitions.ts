import { IcebergError } from '../errors.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { type FilePartition, partitionKey } from '../manifest/partition-key.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkAddedFiles } from './added-files.ts';
import { ConcurrentChanges } from './concurrent-changes.ts';
import { checkSpecs } from './data-file-members.ts';
import { changeFiles } from './file-change.ts';
import { snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';

export interface ReplacePartitionsOptions extends SnapshotOptions {
  /** Data files that are complete and durable: their partitions are replaced. At least one. */
  readonly addDataFiles: readonly DataFile[];
  /** Refuse when others added data files to these partitions since the transaction's base. Default false. */
  readonly validateNoConflictingData?: boolean;
  /** Refuse when others deleted rows or files in these partitions since the transaction's base. Default false. */
  readonly validateNoConflictingDeletes?: boolean;
}

const optionKeys: OptionKeys<ReplacePartitionsOptions> = {
  ...snapshotKeys,
  addDataFiles: true,
  validateNoConflictingData: true,
  validateNoConflictingDeletes: true,
};

/**
 * Replaces whole partitions by new files: every file that is there when the commit happens, in a partition that a new
 * file is of. In an unpartitioned spec that is every file of the spec. Partitions of other specs stay: where the
 * table's spec has changed, `overwriteFiles` with a filter says better what is meant.
 *
 * Errors: `INVALID_ARGUMENT` for files that do not fit the table, `COMMIT_CONFLICT` by the validations. As Iceberg
 * Java's `ReplacePartitions`.
 */
export function replacePartitions(options: ReplacePartitionsOptions): TableOperation {
  checkOptions('replacePartitions', options, optionKeys);
  const { addDataFiles, validateNoConflictingData, validateNoConflictingDeletes } = options;
  checkAddedFiles(addDataFiles);
  if (addDataFiles.length === 0) {
    throw new IcebergError('INVALID_ARGUMENT', 'replacePartitions: no file says which partitions to replace');
  }
  const partitions = partitionsOf(addDataFiles);
  const summary = { ...options.summary, 'replace-partitions': 'true' };
  return snapshotOperation('replacePartitions', { ...options, summary }, async (context) => {
    checkSpecs(context, addDataFiles);
    const changes =
      validateNoConflictingData || validateNoConflictingDeletes ? new ConcurrentChanges(context) : undefined;
    if (validateNoConflictingData) await changes!.checkNoDataAdded({ partitions });
    if (validateNoConflictingDeletes) {
      await changes!.checkNoDeletesAdded({ partitions });
      await changes!.checkNoDataRemoved({ partitions });
    }
    return changeFiles(context, { operation: 'overwrite', remove: { partitions }, add: addDataFiles });
  });
}

function partitionsOf(files: readonly DataFile[]): readonly FilePartition[] {
  return [...new Map(files.map((file) => [partitionKey(file), file])).values()].map(
    ({ specId, partition }) => ({ specId, partition }),
  );
}
