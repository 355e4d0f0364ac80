import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { openDataFile } from '../read/data-file-reader.ts';
import { type EqualityField, withRequired } from './equality-field.ts';
import { type EqualityKey, keyReader } from './equality-key.ts';

/** The keys of an equality delete file. */
export interface EqualityDeletes {
  readonly keys: ReadonlySet<EqualityKey>;
  /** About how much memory they take. */
  readonly sizeBytes: number;
}

/** What a key costs beside its text: its place in a Set and its header. */
const keyOverheadBytes = 56;

/**
 * Reads the keys of an equality delete file, in the types of the fields, so that what was deleted before a column was
 * widened is still found. Only these columns are read, though the file may hold more.
 *
 * @param fields the file's equality columns; keys have their values in this order
 * @throws IcebergError `IO_ERROR`; `DATA_FILE_CORRUPT` naming the delete file, also when it lacks one of the columns;
 *   `UNSUPPORTED_FEATURE` for formats other than Parquet, encrypted files, and files without field ids
 * @see https://iceberg.apache.org/spec/#equality-delete-files
 */
export async function readEqualityDeletes(
  io: FileIO,
  deletes: DataFile,
  fields: readonly EqualityField[],
): Promise<EqualityDeletes> {
  // A column that the file lacks, taken for null, would delete rows that nobody named: each must be there. A name of
  // its own for each: two may be fields of the same struct.
  const columns = fields.map(({ column }, index) => ({
    ...withRequired(column, true),
    name: `key ${index}`,
  }));
  const reader = await openDataFile(io, deletes, { fields: columns });
  const keyOf = keyReader(fields.map(({ path }, index) => [`key ${index}`, ...path.slice(1)]));
  const keys = new Set<EqualityKey>();
  let sizeBytes = 0;
  for await (const { rows } of reader.readBatches()) {
    for (const row of rows) {
      const key = keyOf(row);
      if (keys.has(key)) continue;
      keys.add(key);
      sizeBytes += keyOverheadBytes + (typeof key === 'string' ? 2 * key.length : 0);
    }
  }
  return { keys, sizeBytes };
}
