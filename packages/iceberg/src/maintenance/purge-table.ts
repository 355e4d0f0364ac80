import type { LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import type { ManifestFile } from '../manifest/data-file.ts';
import { checkOptions } from '../options.ts';
import {
  type FileRemovalOptions,
  type FileRemovalReport,
  FileRemover,
  type RemovedFile,
  removalKeys,
} from './file-deletion.ts';
import { isGarbageCollected } from './garbage-collection.ts';
import { LocationSet } from './location-set.ts';
import { readManifestPaths } from './manifest-paths.ts';
import { collectManifests, manifestListsOf, statisticsOf, visitPaths } from './reachable-files.ts';

/** A state of a table, as catalogs give it. */
export type PurgedTable = Pick<LoadedTable, 'metadata' | 'metadataLocation'>;

/** A purge that knows what to delete. */
export interface PreparedPurge {
  /**
   * Deletes the files, once the table is dropped; called once. What cannot be deleted, or read again, is in the
   * report and keeps nothing else from going.
   */
  deleteFiles(): Promise<FileRemovalReport>;
}

/**
 * Deletes every file of a dropped table that its metadata can reach: data files, manifests, manifest lists,
 * statistics, metadata files. With `gc.enabled=false` data files and delete files stay (they may belong to
 * another table), as in Iceberg Java. Manifests are read first; one that cannot be read fails the call
 * before anything is deleted. Files that cannot be deleted are in the report. Memory: 20 to 40 bytes for each data file.
 *
 * Errors: `IO_ERROR` and `INVALID_MANIFEST` naming what could not be read.
 */
export async function purgeTable(
  io: FileIO,
  table: PurgedTable,
  options: FileRemovalOptions = {},
): Promise<FileRemovalReport> {
  return (await preparePurge(io, table, options)).deleteFiles();
}

/**
 * The first half of {@link purgeTable}, for catalogs: reads what must be deleted, and deletes nothing. Call it before the
 * table's name is removed, so that a damaged table fails while it can still be repaired; if the table is another one
 * by the time its name goes, prepare again.
 *
 * Errors: as `purgeTable`. Memory: 20 to 40 bytes for each data file, until the files are deleted.
 */
export async function preparePurge(
  io: FileIO,
  table: PurgedTable,
  options: FileRemovalOptions = {},
): Promise<PreparedPurge> {
  checkOptions('purgeTable', options, removalKeys);
  const { metadata } = table;
  const remover = new FileRemover(io, options);
  const manifests = await collectManifests(io, metadata.snapshots, remover.concurrency);
  const paths = new LocationSet();
  if (isGarbageCollected(metadata)) {
    // Also what was removed from the table: an expiry may have left it.
    await visitPaths(io, manifests.values(), remover.concurrency, ({ location }) => void paths.add(location));
  }
  return {
    async deleteFiles() {
      // Data first, metadata last: what a crash in the middle leaves can still be found.
      await remover.remove(contentFiles(io, manifests.values(), paths, remover));
      await remover.remove(filesOf('manifest', manifests.keys()));
      await remover.remove(filesOf('manifest-list', manifestListsOf(metadata.snapshots)));
      await remover.remove(filesOf('statistics', statisticsOf(metadata)));
      const earlier = metadata.metadataLog.map((entry) => entry.metadataFile);
      await remover.remove(filesOf('metadata', earlier));
      await remover.remove(filesOf('metadata', [table.metadataLocation]));
      return remover.report();
    },
  };
}

/** Each file once, whichever of the manifests names it; names are too many to keep, so they are read again. */
async function* contentFiles(
  io: FileIO,
  manifests: Iterable<ManifestFile>,
  paths: LocationSet,
  remover: FileRemover,
): AsyncGenerator<RemovedFile> {
  for (const manifest of manifests) {
    if (paths.size === 0) return;
    try {
      for (const { kind, location } of await readManifestPaths(io, manifest)) {
        if (paths.delete(location)) yield { kind, location };
      }
    } catch (error) {
      // It was readable a moment ago. The table is gone by now, so the rest must go, too.
      if (!IcebergError.is(error)) throw error;
      remover.fail({ kind: 'manifest', location: manifest.manifestPath }, error);
    }
  }
}

function filesOf(kind: RemovedFile['kind'], locations: Iterable<string>): RemovedFile[] {
  return [...locations].map((location) => ({ kind, location }));
}
