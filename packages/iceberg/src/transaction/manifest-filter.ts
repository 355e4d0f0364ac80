import { IcebergError } from '../errors.ts';
import type { ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import type { NewManifestEntry } from '../manifest/manifest-writer.ts';
import type { RemovalTest } from './file-removal.ts';
import { carriedEntry } from './manifest-merge.ts';
import type { SnapshotContext } from './snapshot-operation.ts';

/** Manifests after a removal. */
export interface FilteredManifests {
  /** In the order they had. One that lost files was rewritten; it may hold nothing but what was removed. */
  readonly manifests: readonly ManifestFile[];
  /** As they were when they were live. A file that several entries name is here once. */
  readonly removed: readonly ManifestEntry[];
  /** Further entries of files that are in `removed`. */
  readonly duplicateCount: number;
}

/** What became of one manifest; the same manifest when it lost nothing. */
interface FilteredManifest {
  readonly manifest: ManifestFile;
  readonly removed: readonly ManifestEntry[];
}

/**
 * Takes files out of manifests, as Iceberg Java's `ManifestFilterManager` does: in a manifest that has such files
 * they become deleted entries of this snapshot, the others existing ones with the numbers they had. A manifest that
 * cannot have any, or has none, stays as it is. What was found and written serves all attempts of the transaction.
 *
 * A file of which only a part is to be removed is `INVALID_ARGUMENT`, or `COMMIT_CONFLICT` when others added it
 * after the caller decided.
 *
 * @param state what the outcome for a manifest depends on beside the manifest
 */
export async function removeFromManifests(
  context: SnapshotContext,
  manifests: readonly ManifestFile[],
  test: RemovalTest,
  state: string,
): Promise<FilteredManifests> {
  const known = context.once('filteredManifests', () => new Map<string, FilteredManifest>());
  const filtered: ManifestFile[] = [];
  const removed = new Map<string, ManifestEntry>();
  let removedCount = 0;
  for (const manifest of manifests) {
    // A manifest of an earlier operation of the transaction gets its sequence number anew in each attempt.
    const key = `${state} ${manifest.sequenceNumber} ${manifest.manifestPath}`;
    const result = known.get(key) ?? (await filterManifest(context, manifest, test));
    known.set(key, result);
    filtered.push(result.manifest);
    for (const entry of result.removed) removed.set(entry.dataFile.filePath, entry);
    removedCount += result.removed.length;
  }
  return {
    manifests: filtered,
    removed: [...removed.values()],
    duplicateCount: removedCount - removed.size,
  };
}

async function filterManifest(
  context: SnapshotContext,
  manifest: ManifestFile,
  test: RemovalTest,
): Promise<FilteredManifest> {
  if (!test.mayHold(manifest)) return { manifest, removed: [] };
  const entries = await readManifest(context.io, context.metadata, manifest);
  const removed: ManifestEntry[] = [];
  for (const entry of entries) {
    if (entry.status === 'deleted') continue;
    const match = test.match(entry);
    if (match === 'some') throw partlyRemoved(context, entry);
    if (match === 'all') removed.push(entry);
  }
  if (removed.length === 0) return { manifest, removed };
  const [rewritten] = await context.writeManifests(
    manifest.content,
    manifest.partitionSpecId,
    filteredEntries(entries, new Set(removed.map(({ dataFile }) => dataFile.filePath)), context.snapshotId),
    Number.POSITIVE_INFINITY,
  );
  return { manifest: rewritten!, removed };
}

function* filteredEntries(
  entries: Iterable<ManifestEntry>,
  removedPaths: ReadonlySet<string>,
  snapshotId: bigint,
): Generator<NewManifestEntry> {
  for (const entry of entries) {
    if (entry.status !== 'deleted' && removedPaths.has(entry.dataFile.filePath)) {
      yield { ...entry, status: 'deleted', snapshotId };
      continue;
    }
    const carried = carriedEntry(entry, snapshotId);
    if (carried !== undefined) yield carried;
  }
}

function partlyRemoved(
  { start, base }: SnapshotContext,
  { dataFile, fileSequenceNumber }: ManifestEntry,
): IcebergError {
  const { filePath } = dataFile;
  const isNew =
    fileSequenceNumber > start.lastSequenceNumber && fileSequenceNumber <= base.lastSequenceNumber;
  return isNew
    ? new IcebergError(
        'COMMIT_CONFLICT',
        `${filePath} was added meanwhile, and some but perhaps not all of its rows match the filter: decide anew`,
        { context: { filePath } },
      )
    : new IcebergError(
        'INVALID_ARGUMENT',
        `some but perhaps not all rows of ${filePath} match the filter: only whole files are removed; write its other rows to a new file and replace it (overwriteFiles)`,
        { context: { filePath } },
      );
}
