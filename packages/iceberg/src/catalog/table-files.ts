import type { FileIO } from '../io/file-io.ts';
import {
  type FileRemovalOptions,
  type FileRemovalReport,
  FileRemover,
  type RemovedFile,
} from '../maintenance/file-deletion.ts';
import { isGarbageCollected } from '../maintenance/garbage-collection.ts';
import { LocationSet } from '../maintenance/location-set.ts';
import { readManifestPaths } from '../maintenance/manifest-paths.ts';
import {
  collectManifests,
  manifestListsOf,
  statisticsOf,
  visitPaths,
} from '../maintenance/reachable-files.ts';
import type { ManifestFile } from '../manifest/data-file.ts';
import type { LoadedTable } from './catalog.ts';

/**
 * Deletes every file of a dropped table that its metadata can reach: data files, manifests, manifest lists,
 * statistics, metadata files. With `gc.enabled=false` data files and delete files stay (they may belong to
 * another table), as in Iceberg Java. Manifests are read first; one that cannot be read fails the call
 * before anything is deleted. Files that cannot be deleted are in the report. Memory: 20 to 40 bytes for each data file.
 */
export async function purgeTable(
  io: FileIO,
  table: Pick<LoadedTable, 'metadata' | 'metadataLocation'>,
  options: FileRemovalOptions = {},
): Promise<FileRemovalReport> {
  const { metadata } = table;
  const remover = new FileRemover(io, options);
  const manifests = await collectManifests(io, metadata.snapshots, remover.concurrency);
  const paths = new LocationSet();
  if (isGarbageCollected(metadata)) {
    // Also what was removed from the table: an expiry may have left it.
    await visitPaths(io, manifests.values(), remover.concurrency, ({ location }) => void paths.add(location));
  }
  // Data first, metadata last: what a crash in the middle leaves can still be found.
  await remover.remove(contentFiles(io, manifests.values(), paths));
  const metadataFiles = metadata.metadataLog.map((entry) => entry.metadataFile);
  await remover.remove(filesOf('manifest', manifests.keys()));
  await remover.remove(filesOf('manifest-list', manifestListsOf(metadata.snapshots)));
  await remover.remove(filesOf('statistics', statisticsOf(metadata)));
  await remover.remove(filesOf('metadata', metadataFiles));
  await remover.remove(filesOf('metadata', [table.metadataLocation]));
  return remover.report();
}

/** Each file once, whichever of the manifests names it. */
async function* contentFiles(
  io: FileIO,
  manifests: Iterable<ManifestFile>,
  paths: LocationSet,
): AsyncGenerator<RemovedFile> {
  for (const manifest of manifests) {
    if (paths.size === 0) return;
    for (const { kind, location } of await readManifestPaths(io, manifest)) {
      if (paths.delete(location)) yield { kind, location };
    }
  }
}

function filesOf(kind: RemovedFile['kind'], locations: Iterable<string>): RemovedFile[] {
  return [...locations].map((location) => ({ kind, location }));
}
