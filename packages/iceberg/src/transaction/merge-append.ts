import { SnapshotCounts } from '../manifest/snapshot-summary.ts';
import { checkOptions } from '../options.ts';
import { checkAddedFiles } from './added-files.ts';
import { type AppendOptions, addedManifests, appendKeys } from './fast-append.ts';
import { mergeManifests } from './manifest-merge.ts';
import { snapshotOperation } from './snapshot-operation.ts';
import type { TableOperation } from './table-operation.ts';

/**
 * Appends data files and joins small manifests when enough have gathered: planning a scan stays cheap however many
 * appends there were, at the price of an append that rewrites manifests now and then (`commit.manifest.*`). Fits
 * any concurrent change.
 *
 * Errors: as `fastAppend`.
 */
export function mergeAppend(options: AppendOptions): TableOperation {
  checkOptions('mergeAppend', options, appendKeys);
  const { dataFiles } = options;
  checkAddedFiles(dataFiles);
  return snapshotOperation('mergeAppend', options, async (context) => {
    const added = await addedManifests(context, dataFiles);
    const carried = await mergeManifests(context, [...added, ...context.inherited.manifests]);
    const kept = new Set(carried);
    const counts = new SnapshotCounts();
    for (const file of dataFiles) counts.addFile(file);
    counts.set(
      'manifests-replaced',
      context.inherited.manifests.filter((manifest) => !kept.has(manifest)).length,
    );
    return { operation: 'append', newManifests: [], carried, counts };
  });
}
