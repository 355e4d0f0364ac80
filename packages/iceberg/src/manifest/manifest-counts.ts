import type { FileIO } from '../io/file-io.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { ManifestFile } from './data-file.ts';
import { readManifest } from './manifest-reader.ts';

/**
 * A manifest as a v2 list must describe it. Lists of v1 tables may lack the counts; such a manifest is read
 * once and counted. All others come back as they are.
 */
export async function withCounts(
  io: FileIO,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<ManifestFile> {
  if (hasCounts(manifest)) return manifest;
  const files = { added: 0, existing: 0, deleted: 0 };
  const rows = { added: 0, existing: 0, deleted: 0 };
  for (const { status, dataFile } of await readManifest(io, metadata, manifest)) {
    files[status] += 1;
    rows[status] += dataFile.recordCount;
  }
  return {
    ...manifest,
    addedFilesCount: files.added,
    existingFilesCount: files.existing,
    deletedFilesCount: files.deleted,
    addedRowsCount: rows.added,
    existingRowsCount: rows.existing,
    deletedRowsCount: rows.deleted,
  };
}

/** A manifest with nothing but deleted entries has done its work. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0;
}

/** True if the manifest list says how many files and rows there are of each status. */
export function hasCounts(manifest: ManifestFile): boolean {
  return (
    manifest.addedFilesCount !== undefined &&
    manifest.existingFilesCount !== undefined &&
    manifest.deletedFilesCount !== undefined &&
    manifest.addedRowsCount !== undefined &&
    manifest.existingRowsCount !== undefined &&
    manifest.deletedRowsCount !== undefined
  );
}
