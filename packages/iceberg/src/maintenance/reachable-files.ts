import type { FileIO } from '../io/file-io.ts';
import type { ManifestFile } from '../manifest/data-file.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { readManifestList, readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { concurrently } from './concurrently.ts';
import { type ManifestPath, readManifestPaths } from './manifest-paths.ts';

/** The state of a table as far as its files are concerned. */
export type TableFiles = Pick<TableMetadata, 'snapshots' | 'statistics' | 'partitionStatistics'>;

/**
 * Reads the manifest lists of snapshots, each once and one dropped before the next ones, and collects the manifests
 * they name by path: snapshots share most of them. `onFailure` decides what a list means that cannot be read; without
 * it the error is thrown. Memory: one entry of about half a kilobyte for each distinct manifest.
 *
 * Lists in `cache` are not read, and what those share with one another is looked at once: to collect the manifests of
 * a hundred snapshots that this writer made takes about the time of one.
 */
export async function collectManifests(
  io: FileIO,
  snapshots: Iterable<Snapshot>,
  concurrency: number,
  onFailure?: (snapshot: Snapshot, error: unknown) => void,
  cache?: ManifestListCache,
): Promise<Map<string, ManifestFile>> {
  const found = new Map<string, ManifestFile>();
  const visited = new Set<readonly ManifestFile[]>();
  await concurrently(snapshots, concurrency, async (snapshot) => {
    try {
      // What the cache keeps in memory anyway need not be copied to save memory.
      const isKnown = cache?.get(snapshot.manifestList) !== undefined;
      for (const run of await manifestRuns(io, snapshot, cache)) {
        if (visited.has(run)) continue;
        visited.add(run);
        for (const manifest of run) {
          if (found.has(manifest.manifestPath)) continue;
          found.set(manifest.manifestPath, isKnown ? manifest : withoutBounds(manifest));
        }
      }
    } catch (error) {
      if (onFailure === undefined) throw error;
      onFailure(snapshot, error);
    }
  });
  return found;
}

async function manifestRuns(
  io: FileIO,
  snapshot: Snapshot,
  cache: ManifestListCache | undefined,
): Promise<readonly (readonly ManifestFile[])[]> {
  if (snapshot.manifests !== undefined) return [await readSnapshotManifests(io, snapshot)];
  // A hundred old lists would push out of the cache what its owner needs next: it is only asked.
  const known = cache?.get(snapshot.manifestList);
  return (known ?? (await readManifestList(io, snapshot.manifestList))).runs;
}

/**
 * Takes the paths that manifests name, a few manifests at a time. `onFailure` decides what a manifest means that
 * cannot be read whole; without it the error is thrown. Memory: `concurrency` manifests.
 */
export async function visitPaths(
  io: FileIO,
  manifests: Iterable<ManifestFile>,
  concurrency: number,
  visit: (path: ManifestPath, manifest: ManifestFile) => void,
  onFailure?: (manifest: ManifestFile, error: unknown) => void,
): Promise<void> {
  await concurrently(manifests, concurrency, async (manifest) => {
    try {
      for (const path of await readManifestPaths(io, manifest)) visit(path, manifest);
    } catch (error) {
      if (onFailure === undefined) throw error;
      onFailure(manifest, error);
    }
  });
}

/** The locations of the manifest lists of snapshots; v1 snapshots may have none. */
export function manifestListsOf(snapshots: Iterable<Snapshot>): Set<string> {
  const lists = new Set<string>();
  for (const { manifestList } of snapshots) if (manifestList !== '') lists.add(manifestList);
  return lists;
}

/** The locations of all statistics files. */
export function statisticsOf({ statistics, partitionStatistics }: TableFiles): Set<string> {
  return new Set([...statistics, ...partitionStatistics].map((file) => file.statisticsPath));
}

function withoutBounds({ partitions: _, ...manifest }: ManifestFile): ManifestFile {
  return manifest;
}
