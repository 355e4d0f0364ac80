import { AvroFields } from '../avro/avro-fields.ts';
import { decodeAvroFile } from '../avro/avro-file-reader.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { readWholeFile } from '../io/file-io-errors.ts';
import type { ManifestFile } from '../manifest/data-file.ts';

/** A file that a manifest names. */
export interface ManifestPath {
  readonly kind: 'data' | 'deletes';
  readonly location: string;
  /** False for an entry that says that the file was removed. */
  readonly isLive: boolean;
}

/**
 * The files that a manifest names, without anything else about them: neither schemas nor partition specs are needed,
 * so that manifests of specs the table no longer has can be read, too. The manifest is in memory as long as the paths
 * are taken.
 *
 * Errors: `IO_ERROR`, `INVALID_MANIFEST`, also while paths are taken. A manifest with fewer entries than its list
 * says is damaged: taken for whole it would make files look unreachable that are not.
 */
export async function readManifestPaths(io: FileIO, manifest: ManifestFile): Promise<Iterable<ManifestPath>> {
  const { manifestPath } = manifest;
  const file = decodeAvroFile(await readWholeFile(io, manifestPath), manifestPath);
  const entries = new AvroFields(file.type, manifestPath);
  const files = entries.record(2) ?? missing(manifestPath);
  return {
    *[Symbol.iterator]() {
      let count = 0;
      for (const value of file.records()) {
        count += 1;
        const entry = entries.row(value);
        const row = files.row(entry.raw(2) ?? missing(manifestPath));
        const kind = (row.optionalInt(134) ?? 0) === 0 ? 'data' : 'deletes';
        yield { kind, location: row.string(100), isLive: entry.int(0) !== deletedStatus };
      }
      const { addedFilesCount = 0, existingFilesCount = 0, deletedFilesCount = 0 } = manifest;
      const expected = addedFilesCount + existingFilesCount + deletedFilesCount;
      if (count < expected) throw invalid(manifestPath, `has ${count} entries of ${expected}`);
    },
  };
}

/** In a manifest entry. */
const deletedStatus = 2;

function missing(file: string): never {
  throw invalid(file, 'the required field 2 is missing');
}

function invalid(file: string, message: string): IcebergError {
  return new IcebergError('INVALID_MANIFEST', `${file}: ${message}`, { context: { file } });
}
