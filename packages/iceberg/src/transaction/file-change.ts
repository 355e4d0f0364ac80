import { IcebergError } from '../errors.ts';
import type { DataFile, ManifestFile } from '../manifest/data-file.ts';
import { unassigned } from '../manifest/manifest-writer.ts';
import { SnapshotCounts } from '../manifest/snapshot-summary.ts';
import type { SnapshotOperation } from '../metadata/snapshot.ts';
import { isBranchUnmoved } from './branch-history.ts';
import { addedManifests } from './fast-append.ts';
import { dataFileRemoval, deleteFileRemoval, type FileRemoval, namedFiles } from './file-removal.ts';
import { type FilteredManifests, removeFromManifests } from './manifest-filter.ts';
import { mergeManifests } from './manifest-merge.ts';
import type { SnapshotChange, SnapshotContext } from './snapshot-operation.ts';

/** Files that go and files that come, as one snapshot. */
export interface FileChange {
  readonly operation: SnapshotOperation;
  /** Data files. */
  readonly remove?: FileRemoval;
  /** Delete files, beside those that concern no live data file any more. */
  readonly removeDeletes?: FileRemoval;
  /** Accept that named files are not there. Default: every one must be live. */
  readonly allowMissing?: boolean;
  /** Data files. */
  readonly add?: readonly DataFile[];
  /** Data sequence number of the files that are added. Default: the commit's. */
  readonly dataSequenceNumber?: bigint;
}

/**
 * What the snapshot holds after the change: new manifests for what comes, manifests rewritten that lose files, all
 * others carried over, small ones joined as `mergeAppend` does. Undefined when there is nothing to change.
 *
 * `COMMIT_CONFLICT` for a named file that is not live any more, `INVALID_ARGUMENT` if nobody else can have removed
 * it, or if `dataSequenceNumber` is lower than a removed file's: older deletes would apply to its rows again.
 */
export async function changeFiles(
  context: SnapshotContext,
  change: FileChange,
): Promise<SnapshotChange | undefined> {
  const { inherited } = context;
  const { add = [], dataSequenceNumber } = change;
  const data = await removeData(context, change);
  const added = await addedManifests(context, add, dataSequenceNumber);
  const least = leastSequenceNumber(context, [...added, ...data.manifests]);
  const deletes = await removeDeletes(context, change, least);
  if (add.length + data.removed.length + deletes.removed.length === 0) return undefined;
  const next = [...added, ...data.manifests, ...deletes.manifests];
  const carried = await mergeManifests(context, next);
  const before = new Set(inherited.manifests);
  const kept = carried.filter((manifest) => before.has(manifest)).length;
  const counts = new SnapshotCounts();
  for (const file of add) counts.addFile(file);
  for (const { dataFile } of [...data.removed, ...deletes.removed]) counts.removeFile(dataFile);
  counts.set('deleted-duplicate-files', data.duplicateCount + deletes.duplicateCount);
  counts.set('manifests-created', carried.length - kept);
  counts.set('manifests-kept', kept);
  counts.set('manifests-replaced', before.size - kept);
  return { operation: change.operation, newManifests: [], carried, counts };
}

async function removeData(context: SnapshotContext, change: FileChange): Promise<FilteredManifests> {
  const { remove = {}, allowMissing = false, dataSequenceNumber } = change;
  const { metadata } = context;
  const manifests = context.inherited.manifests.filter(({ content }) => content === 'data');
  const test = dataFileRemoval(remove, metadata);
  // A filter means what the schema of the attempt makes of it.
  const filtered = await removeFromManifests(context, manifests, test, `data ${metadata.currentSchemaId}`);
  if (!allowMissing) checkNoneMissing(context, remove, filtered);
  const younger = filtered.removed.find(
    ({ sequenceNumber }) => sequenceNumber > (dataSequenceNumber ?? sequenceNumber),
  );
  if (younger !== undefined) {
    const { filePath } = younger.dataFile;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${filePath} has data sequence number ${younger.sequenceNumber}, above ${dataSequenceNumber}: deletes that are older than its rows would remove them`,
      { context: { filePath, sequenceNumber: younger.sequenceNumber, dataSequenceNumber } },
    );
  }
  return filtered;
}

async function removeDeletes(
  context: SnapshotContext,
  { removeDeletes: remove = {}, remove: { partitions, filter } = {}, allowMissing = false }: FileChange,
  least: bigint,
): Promise<FilteredManifests> {
  const { metadata } = context;
  const manifests = context.inherited.manifests.filter(({ content }) => content === 'deletes');
  // What removes all rows of a partition, or of a filter, removes the deletes of those rows.
  const removal: FileRemoval = {
    ...remove,
    ...(partitions !== undefined && { partitions }),
    ...(filter !== undefined && { filter }),
  };
  const test = deleteFileRemoval(removal, metadata, least);
  const state = `deletes ${metadata.currentSchemaId} ${least}`;
  const filtered = await removeFromManifests(context, manifests, test, state);
  if (!allowMissing) checkNoneMissing(context, remove, filtered);
  return filtered;
}

/** Of all data files that will be live: delete files below it concern none of them. */
function leastSequenceNumber({ metadata }: SnapshotContext, manifests: readonly ManifestFile[]): bigint {
  let least = metadata.lastSequenceNumber + 1n;
  for (const { minSequenceNumber } of manifests) {
    if (minSequenceNumber !== unassigned && minSequenceNumber < least) least = minSequenceNumber;
  }
  return least;
}

function checkNoneMissing(
  context: SnapshotContext,
  removal: FileRemoval,
  { removed }: FilteredManifests,
): void {
  const found = new Set(removed.map(({ dataFile }) => dataFile.filePath));
  const missing = namedFiles(removal).filter((path) => !found.has(path));
  if (missing.length === 0) return;
  const [first] = missing;
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} others`;
  const options = { context: { branch: context.branch, missing: missing.slice(0, 100) } };
  throw isBranchUnmoved(context, context.branch)
    ? new IcebergError(
        'INVALID_ARGUMENT',
        `${first}${others} to be removed: not a live file of ${context.branch}`,
        options,
      )
    : new IcebergError(
        'COMMIT_CONFLICT',
        `${first}${others} to be removed: not a live file of ${context.branch} any more; decide anew on the present state`,
        options,
      );
}
