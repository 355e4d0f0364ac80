import type { FileIO } from '../io/file-io.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import type { LoadedTable } from './catalog.ts';

/** Deletes files that nothing needs any more; what cannot be deleted stays, as an orphan. */
export async function deleteFiles(io: FileIO, locations: Iterable<string>): Promise<void> {
  // A failed deletion loses nothing but space, and the caller's work is done: not worth an error.
  for (const location of locations) await io.deleteFile(location).catch(() => undefined);
}

/**
 * Deletes every file of a dropped table that its metadata can reach: data files, manifests, manifest lists,
 * statistics, metadata files. With `gc.enabled=false` data files and delete files stay (they may belong to
 * another table), as in Iceberg Java. Manifests are read first; one that cannot be read fails the call
 * before anything is deleted.
 */
export async function purgeTable(io: FileIO, table: LoadedTable): Promise<void> {
  const { metadata } = table;
  const keepsData = metadata.properties['gc.enabled']?.toLowerCase() === 'false';
  const dataFiles = new Set<string>();
  const manifests = new Set<string>();
  const lists = new Set<string>();
  for (const snapshot of metadata.snapshots) {
    if (snapshot.manifestList !== '') lists.add(snapshot.manifestList);
    for (const manifest of await readSnapshotManifests(io, snapshot)) {
      if (manifests.has(manifest.manifestPath)) continue;
      manifests.add(manifest.manifestPath);
      if (keepsData) continue;
      for (const { dataFile } of await readManifest(io, metadata, manifest)) dataFiles.add(dataFile.filePath);
    }
  }
  const statistics = [...metadata.statistics, ...metadata.partitionStatistics].map(
    (file) => file.statisticsPath,
  );
  // Data first, metadata last: what a crash in the middle leaves can still be found.
  await deleteFiles(io, [
    ...dataFiles,
    ...manifests,
    ...lists,
    ...statistics,
    ...metadata.metadataLog.map((entry) => entry.metadataFile),
    table.metadataLocation,
  ]);
}
