import { IcebergError } from '../errors.ts';
import type { DataFile, ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { SnapshotCounts } from '../manifest/snapshot-summary.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { isBranchUnmoved } from './branch-history.ts';
import { groupManifests } from './manifest-merge.ts';
import { type SnapshotContext, snapshotOperation } from './snapshot-operation.ts';
import { type SnapshotOptions, snapshotKeys } from './snapshot-options.ts';
import type { TableOperation } from './table-operation.ts';
import { manifestTargetSizeBytes } from './table-properties.ts';

export interface RewriteManifestsOptions extends SnapshotOptions {
  /**
   * Which manifests to rewrite. Default: all of the branch. A function is asked about what is there when it is
   * planned. Manifests that are named must all be there; if one is gone, that is a conflict.
   */
  readonly manifests?: readonly ManifestFile[] | ((manifest: ManifestFile) => boolean);
  /** Files with the same key go to the same manifests, in the order of keys. Default: one key, order kept. */
  readonly clusterBy?: (file: DataFile) => string;
  /** About how large a manifest becomes. Default: `commit.manifest.target-size-bytes`. */
  readonly targetSizeBytes?: number;
}

/** The outcome of reading and writing, for as long as all those manifests are there. */
interface Rewritten {
  readonly replaced: readonly ManifestFile[];
  readonly created: readonly ManifestFile[];
  readonly entryCount: number;
}

const optionKeys: OptionKeys<RewriteManifestsOptions> = {
  ...snapshotKeys,
  manifests: true,
  clusterBy: true,
  targetSizeBytes: true,
};

/**
 * Lays the same live files out in other manifests, so that planning a scan reads fewer, or those of the partitions
 * it wants. Each file keeps its snapshot and sequence numbers; manifests of different specs and contents are not
 * mixed. Fits any concurrent change: manifests that others add stay as they are, and if one of the rewritten ones is
 * gone the work is done anew. The entries of all chosen manifests are in memory at the same time.
 *
 * Errors: `INVALID_ARGUMENT` for a named manifest that the branch does not have, `COMMIT_CONFLICT` for one that it
 * no longer has. As Iceberg Java's `RewriteManifests`.
 */
export function rewriteManifests(options: RewriteManifestsOptions = {}): TableOperation {
  checkOptions('rewriteManifests', options, optionKeys);
  return snapshotOperation('rewriteManifests', options, async (context) => {
    const results = context.once('rewritten', () => new Map<'last', Rewritten>());
    const last = results.get('last');
    const result =
      last !== undefined && allThere(context, last.replaced) ? last : await rewrite(context, options);
    if (result === undefined) return undefined;
    results.set('last', result);
    return snapshotOf(context, result);
  });
}

function snapshotOf({ inherited }: SnapshotContext, { replaced, created, entryCount }: Rewritten) {
  const gone = new Set(replaced.map(identity));
  const kept = inherited.manifests.filter((manifest) => !gone.has(identity(manifest)));
  const counts = new SnapshotCounts();
  counts.set('manifests-created', created.length);
  counts.set('manifests-kept', kept.length);
  counts.set('manifests-replaced', replaced.length);
  counts.set('entries-processed', entryCount);
  return { operation: 'replace' as const, newManifests: [], carried: [...created, ...kept], counts };
}

async function rewrite(
  context: SnapshotContext,
  options: RewriteManifestsOptions,
): Promise<Rewritten | undefined> {
  const replaced = chosen(context, options.manifests);
  if (replaced.length === 0) return undefined;
  const { targetSizeBytes = manifestTargetSizeBytes(context.metadata) } = options;
  const created: ManifestFile[] = [];
  let entryCount = 0;
  for (const group of groupManifests(replaced)) {
    const { content, partitionSpecId } = group[0]!;
    for (const entries of await clusters(context, group, options.clusterBy)) {
      entryCount += entries.length;
      const existing = entries.map((entry) => ({ ...entry, status: 'existing' as const }));
      created.push(...(await context.writeManifests(content, partitionSpecId, existing, targetSizeBytes)));
    }
  }
  return { replaced, created, entryCount };
}

function chosen(
  context: SnapshotContext,
  manifests: RewriteManifestsOptions['manifests'] = () => true,
): readonly ManifestFile[] {
  const present = context.inherited.manifests;
  if (typeof manifests === 'function') return present.filter((manifest) => manifests(manifest));
  const byPath = new Map(present.map((manifest) => [manifest.manifestPath, manifest]));
  return manifests.map(({ manifestPath }) => {
    const found = byPath.get(manifestPath);
    if (found !== undefined) return found;
    throw missing(context, manifestPath);
  });
}

function missing(context: SnapshotContext, manifestPath: string): IcebergError {
  const { branch } = context;
  const facts = { context: { branch, manifestPath } };
  return isBranchUnmoved(context, branch)
    ? new IcebergError('INVALID_ARGUMENT', `${manifestPath} is no manifest of ${branch}`, facts)
    : new IcebergError('COMMIT_CONFLICT', `${manifestPath} is no manifest of ${branch} any more`, facts);
}

function allThere({ inherited }: SnapshotContext, manifests: readonly ManifestFile[]): boolean {
  const present = new Set(inherited.manifests.map(identity));
  return manifests.every((manifest) => present.has(identity(manifest)));
}

/** A manifest of an earlier operation of the transaction gets its sequence number anew in each attempt. */
function identity({ manifestPath, sequenceNumber }: ManifestFile): string {
  return `${sequenceNumber} ${manifestPath}`;
}

/** Live entries by key, in the order of keys; within a key as the manifests have them. */
async function clusters(
  context: SnapshotContext,
  manifests: readonly ManifestFile[],
  clusterBy: (file: DataFile) => string = () => '',
): Promise<readonly (readonly ManifestEntry[])[]> {
  const found = new Map<string, ManifestEntry[]>();
  for (const manifest of manifests) {
    for (const entry of await readManifest(context.io, context.metadata, manifest)) {
      if (entry.status === 'deleted') continue;
      const key = clusterBy(entry.dataFile);
      const cluster = found.get(key);
      if (cluster === undefined) found.set(key, [entry]);
      else cluster.push(entry);
    }
  }
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, entries]) => entries);
}
