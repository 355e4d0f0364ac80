import type { ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { type NewManifestEntry, unassigned } from '../manifest/manifest-writer.ts';
import type { SnapshotContext } from './snapshot-operation.ts';
import {
  isManifestMergeEnabled,
  manifestMinCountToMerge,
  manifestTargetSizeBytes,
} from './table-properties.ts';

/**
 * Joins small manifests of one spec and content into larger ones, as far as the table's properties want it, and
 * leaves all others as they are. The rules are Iceberg Java's (`ManifestMergeManager`): manifests are packed from
 * the oldest into bins of the target size, and the bin of the newest one is joined only when it has grown to the
 * minimum count, so that an append rewrites little most of the time.
 *
 * @param manifests newest first
 * @returns what the next list holds, newest first within each spec
 */
export async function mergeManifests(
  context: SnapshotContext,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  const { metadata } = context;
  if (!isManifestMergeEnabled(metadata)) return manifests;
  const merged: ManifestFile[] = [];
  for (const group of groupManifests(manifests)) {
    const newest = manifests.find(({ content }) => content === group[0]!.content)!;
    for (const bin of packFromEnd(group, manifestTargetSizeBytes(metadata))) {
      const tooFew = bin.includes(newest) && bin.length < manifestMinCountToMerge(metadata);
      merged.push(...(bin.length === 1 || tooFew ? bin : [await mergeBin(context, bin)]));
    }
  }
  return merged;
}

/** By content and spec: data before deletes, newest spec first. */
export function groupManifests(manifests: readonly ManifestFile[]): readonly (readonly ManifestFile[])[] {
  const groups = new Map<string, ManifestFile[]>();
  for (const manifest of manifests) {
    const key = `${manifest.content} ${manifest.partitionSpecId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [manifest]);
    else group.push(manifest);
  }
  return [...groups.values()].sort(
    ([left], [right]) =>
      left!.content.localeCompare(right!.content) || right!.partitionSpecId - left!.partitionSpecId,
  );
}

/** Consecutive manifests into bins, filled from the last one; a manifest larger than a bin has one of its own. */
export function packFromEnd(
  manifests: readonly ManifestFile[],
  targetSizeBytes: number,
): readonly (readonly ManifestFile[])[] {
  const bins: ManifestFile[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const manifest of manifests.toReversed()) {
    if (size + manifest.manifestLength > targetSizeBytes) {
      bins.unshift([]);
      size = 0;
    }
    bins[0]!.unshift(manifest);
    size += manifest.manifestLength;
  }
  return bins;
}

/** A bin is joined once for all attempts of the transaction. */
async function mergeBin(context: SnapshotContext, bin: readonly ManifestFile[]): Promise<ManifestFile> {
  const merged = context.once('mergedBins', () => new Map<string, ManifestFile>());
  // A manifest of an earlier operation of the transaction gets its sequence number anew in each attempt.
  const key = bin.map(({ manifestPath, sequenceNumber }) => `${sequenceNumber} ${manifestPath}`).join('\n');
  const known = merged.get(key);
  if (known !== undefined) return known;
  const { content, partitionSpecId } = bin[0]!;
  const opened: Iterable<ManifestEntry>[] = [];
  for (const manifest of bin) opened.push(await readManifest(context.io, context.metadata, manifest));
  const entries = mergedEntries(opened, context.snapshotId);
  const [manifest] = await context.writeManifests(
    content,
    partitionSpecId,
    entries,
    Number.POSITIVE_INFINITY,
  );
  merged.set(key, manifest!);
  return manifest!;
}

function* mergedEntries(
  manifests: Iterable<Iterable<ManifestEntry>>,
  snapshotId: bigint,
): Generator<NewManifestEntry> {
  for (const entries of manifests) {
    for (const entry of entries) {
      const carried = carriedEntry(entry, snapshotId);
      if (carried !== undefined) yield carried;
    }
  }
}

/**
 * An entry as another manifest of the snapshot has it: what this snapshot did stays so, older files are existing,
 * and what an older snapshot deleted is gone.
 */
export function carriedEntry(entry: ManifestEntry, snapshotId: bigint): NewManifestEntry | undefined {
  const { status, dataFile, sequenceNumber, fileSequenceNumber } = entry;
  const isOwn = entry.snapshotId === snapshotId;
  if (status === 'deleted') return isOwn ? entry : undefined;
  if (!isOwn || status === 'existing') return { ...entry, status: 'existing' };
  return {
    status,
    dataFile,
    ...(sequenceNumber !== unassigned && { sequenceNumber }),
    ...(fileSequenceNumber !== unassigned && { fileSequenceNumber }),
  };
}
