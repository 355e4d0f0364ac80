import { isUnpartitioned } from '../deletes/delete-index.ts';
import { IcebergError } from '../errors.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkAddedFiles, checkDisjoint, checkNamedFiles } from './added-files.ts';
import { branchHead } from './branch-history.ts';
import { ConcurrentChanges } from './concurrent-changes.ts';
import { checkSpecs } from './data-file-members.ts';
import { changeFiles } from './file-change.ts';
import { type SnapshotContext, snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';

export interface RewriteFilesOptions extends SnapshotOptions {
  /** Data files whose rows the added ones have, as a scan gave them. Each must be live. */
  readonly removeDataFiles?: readonly DataFile[];
  /** Delete files that concern no row any more once those data files are gone. Each must be live. */
  readonly removeDeleteFiles?: readonly DataFile[];
  /** Data files that are complete and durable: the live rows of the removed ones, no others. */
  readonly addDataFiles?: readonly DataFile[];
  /**
   * Data sequence number of the added files; it says which deletes apply to them. Not below that of any removed
   * file, not above the base's. Default: that of the transaction's base, so that equality deletes that others commit
   * meanwhile apply to the added files as they did to the removed ones, and are no conflict unless the added files
   * are of another partition spec. `'commit'`: the number of the commit; equality deletes are a conflict then.
   */
  readonly dataSequenceNumber?: bigint | 'commit';
}

const optionKeys: OptionKeys<RewriteFilesOptions> = {
  ...snapshotKeys,
  removeDataFiles: true,
  removeDeleteFiles: true,
  addDataFiles: true,
  dataSequenceNumber: true,
};

/**
 * Replaces files by others with the same live rows: compaction, sorting, applying deletes. Readers see no change.
 *
 * Give `commitTransaction` the state whose files were read as `base`: what others deleted since then is checked
 * against it, and is not lost. Others may append, change other files and, unless the number is the commit's or files
 * move to another partition spec, add equality deletes.
 *
 * Errors: `INVALID_ARGUMENT` for files that do not fit the table, that are not live, or for more rows added than
 * removed; `COMMIT_CONFLICT` when others removed one of the files or deleted rows of it, or when the branch's history
 * does not lead back to the base. As Iceberg Java's `RewriteFiles`. Spec:
 * https://iceberg.apache.org/spec/#snapshots (operation `replace`)
 */
export function rewriteFiles(options: RewriteFilesOptions): TableOperation {
  checkOptions('rewriteFiles', options, optionKeys);
  const { removeDataFiles = [], removeDeleteFiles = [], addDataFiles = [] } = options;
  checkAddedFiles(addDataFiles);
  checkNamedFiles(removeDataFiles, ['data']);
  checkNamedFiles(removeDeleteFiles, ['position-deletes', 'equality-deletes']);
  checkDisjoint(removeDataFiles, addDataFiles);
  checkRowCounts(removeDataFiles, removeDeleteFiles, addDataFiles);
  return snapshotOperation('rewriteFiles', options, async (context) => {
    checkSpecs(context, addDataFiles);
    const dataSequenceNumber = newSequenceNumber(context, options.dataSequenceNumber);
    if (removeDataFiles.length > 0) {
      const ignore =
        dataSequenceNumber === undefined ? () => false : concerning(context.metadata, addDataFiles);
      await new ConcurrentChanges(context).checkNoDeletesFor(removeDataFiles, { ignore });
    }
    return changeFiles(context, {
      operation: 'replace',
      remove: { files: removeDataFiles },
      removeDeletes: { files: removeDeleteFiles },
      add: addDataFiles,
      ...(dataSequenceNumber !== undefined && { dataSequenceNumber }),
    });
  });
}

/**
 * Equality deletes that concern the added files as they did the removed ones: those of a partition concern files of
 * their own spec alone, so rows that move to another spec would come back.
 */
function concerning(metadata: TableMetadata, added: readonly DataFile[]): (deletes: DataFile) => boolean {
  return ({ content, specId }) =>
    content === 'equality-deletes' &&
    (added.every((file) => file.specId === specId) || isUnpartitioned(partitionSpecById(metadata, specId)));
}

function checkRowCounts(
  removed: readonly DataFile[],
  removedDeletes: readonly DataFile[],
  added: readonly DataFile[],
): void {
  if (removed.length + removedDeletes.length === 0) {
    throw new IcebergError('INVALID_ARGUMENT', 'rewriteFiles: no file to replace');
  }
  const rows = (files: readonly DataFile[]): bigint =>
    files.reduce((sum, { recordCount }) => sum + BigInt(recordCount), 0n);
  if (rows(added) <= rows(removed)) return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `rewriteFiles: ${rows(added)} rows are added for ${rows(removed)} removed; it must be the same rows`,
    { context: { addedRecords: rows(added), removedRecords: rows(removed) } },
  );
}

function newSequenceNumber(
  { start, branch }: SnapshotContext,
  wanted: RewriteFilesOptions['dataSequenceNumber'],
): bigint | undefined {
  if (wanted === 'commit') return undefined;
  const read = branchHead(start, branch)?.sequenceNumber ?? 0n;
  if (wanted === undefined || (wanted >= 0n && wanted <= read)) return wanted ?? read;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `rewriteFiles: data sequence number ${wanted} is not between 0 and that of the base, ${read}: deletes made since would not apply to the new files`,
    { context: { dataSequenceNumber: wanted, baseSequenceNumber: read } },
  );
}
