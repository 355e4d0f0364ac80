import type { DataFile, ManifestFile } from '../manifest/data-file.ts';
import { SnapshotCounts } from '../manifest/snapshot-summary.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { checkAddedFiles, groupBySpec } from './added-files.ts';
import { checkSpecs } from './data-file-members.ts';
import { type SnapshotContext, snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';

export interface AppendOptions extends SnapshotOptions {
  /** Data files that are complete and durable. None: a snapshot without rows, for properties and refs. */
  readonly dataFiles: readonly DataFile[];
}

export const appendKeys: OptionKeys<AppendOptions> = { ...snapshotKeys, dataFiles: true };

/**
 * Appends data files with as little work as can be: new manifests for them, all others carried over unread. Fits
 * any concurrent change. Many small appends make many manifests; `mergeAppend` or `rewriteManifests` join them.
 *
 * Errors: `INVALID_ARGUMENT` for data files that do not fit the table. Spec: https://iceberg.apache.org/spec/#snapshots
 */
export function fastAppend(options: AppendOptions): TableOperation {
  checkOptions('fastAppend', options, appendKeys);
  const { dataFiles } = options;
  checkAddedFiles(dataFiles);
  return snapshotOperation('fastAppend', options, async (context) => {
    const counts = new SnapshotCounts();
    for (const file of dataFiles) counts.addFile(file);
    return {
      operation: 'append',
      newManifests: await addedManifests(context, dataFiles),
      carried: context.inherited,
      counts,
    };
  });
}

/**
 * Manifests of the files to be added, written by the first attempt.
 *
 * @param sequenceNumber data sequence number of the files. Default: the commit's
 */
export function addedManifests(
  context: SnapshotContext,
  files: readonly DataFile[],
  sequenceNumber?: bigint,
): Promise<readonly ManifestFile[]> {
  checkSpecs(context, files);
  return context.once('addedManifests', async () => {
    const manifests: ManifestFile[] = [];
    for (const [specId, group] of groupBySpec(files)) {
      const entries = group.map((dataFile) => ({
        status: 'added' as const,
        dataFile,
        ...(sequenceNumber !== undefined && { sequenceNumber }),
      }));
      manifests.push(...(await context.writeManifests('data', specId, entries)));
    }
    return manifests;
  });
}
