import type { ManifestFile } from './data-file.ts';
import type { FileIO } from './file-io.ts';
import { readManifest } from './manifest-reader.ts';
import type { TableMetadata } from './table-metadata.ts';

/**
 * A manifest as a v2 list must describe it. Lists of v1 tables may lack the counts; such a manifest is read
 * once and counted. All others come back as they are.
 */
export async function withCounts(
  io: FileIO,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<ManifestFile> {
  const { addedFilesCount, existingFilesCount, deletedFilesCount } = manifest;
  const { addedRowsCount, existingRowsCount, deletedRowsCount } = manifest;
  const known = [
    addedFilesCount,
    existingFilesCount,
    deletedFilesCount,
    addedRowsCount,
    existingRowsCount,
    deletedRowsCount,
  ];
  if (known.every((count) => count !== undefined)) return manifest;
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
