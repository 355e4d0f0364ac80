import { IcebergError } from '../errors.ts';
import type { Expression } from '../expression/expression.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { FilePartition } from '../manifest/partition-key.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkNamedFiles } from './added-files.ts';
import { checkPartitions } from './data-file-members.ts';
import { changeFiles } from './file-change.ts';
import { isRemoving } from './file-removal.ts';
import { snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';

/** Which files to remove: those that at least one of these names. */
export interface DeleteDataFilesOptions extends SnapshotOptions {
  /** Locations, as the manifests have them. Every manifest may have to be read. */
  readonly paths?: readonly string[];
  /** Files as a scan gave them. Cheaper than paths: manifests of other partitions are not read. */
  readonly files?: readonly DataFile[];
  /** Partitions that lose all their files, each by the values and the id of its spec. */
  readonly partitions?: readonly FilePartition[];
  /** Rows to remove: files of which every row matches, by partition and metrics. No file may match in part. */
  readonly filter?: Expression;
  /** Accept that files of `paths` and `files` are not in the table. Default false: each must be live. */
  readonly allowMissing?: boolean;
}

const optionKeys: OptionKeys<DeleteDataFilesOptions> = {
  ...snapshotKeys,
  paths: true,
  files: true,
  partitions: true,
  filter: true,
  allowMissing: true,
};

/**
 * Removes whole data files from the table: a change of metadata, without a look at any row. The files themselves
 * stay until the snapshots that have them are expired. Delete files that concern nothing any more go with them. When
 * no file matches there is no snapshot, and tags stay where they are.
 *
 * Others may change anything meanwhile but the named files. Filters and partitions are applied to what is there when
 * the commit happens: files that others added are removed too if they match.
 *
 * Errors: `INVALID_ARGUMENT` for a file that is not live, a file of which only some rows match, a filter that does
 * not fit the schema; `COMMIT_CONFLICT` for a named file that others removed (by a compaction, for one), and for a
 * file that others added and that matches in part. As Iceberg Java's `DeleteFiles` with `validateFilesExist`.
 */
export function deleteDataFiles(options: DeleteDataFilesOptions): TableOperation {
  checkOptions('deleteDataFiles', options, optionKeys);
  const { allowMissing = false, files = [], partitions = [] } = options;
  checkNamedFiles(files, ['data']);
  checkPartitions(partitions);
  if (!isRemoving(options)) {
    throw new IcebergError('INVALID_ARGUMENT', 'deleteDataFiles: name paths, files, partitions or a filter');
  }
  return snapshotOperation('deleteDataFiles', options, (context) =>
    changeFiles(context, { operation: 'delete', remove: options, allowMissing }),
  );
}
