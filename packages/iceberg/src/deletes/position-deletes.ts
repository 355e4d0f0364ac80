import { eq } from '../expression/expression.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { Row } from '../metadata/row.ts';
import type { Schema } from '../metadata/schema.ts';
import { corruptDataFile } from '../parquet/data-file-errors.ts';
import { openDataFile } from '../read/data-file-reader.ts';

/** Field id of `file_path` in position delete files. */
export const filePathFieldId = 2147483546;
const posFieldId = 2147483545;

/** What every position delete file holds; a deleted row may stand beside it and is not read. */
const positionDeleteSchema: Pick<Schema, 'fields'> = {
  fields: [
    { id: filePathFieldId, name: 'file_path', required: true, type: 'string' },
    { id: posFieldId, name: 'pos', required: true, type: 'long' },
  ],
};

/**
 * The positions that a position delete file names of one data file, in the file's order. Of a sorted file (the rule)
 * only the row groups and pages whose bounds admit the path are read; one batch of them is in memory at a time.
 *
 * @throws IcebergError `IO_ERROR`; `DATA_FILE_CORRUPT` naming the delete file; `UNSUPPORTED_FEATURE` for formats other
 *   than Parquet, encrypted files, and files without field ids
 * @see https://iceberg.apache.org/spec/#position-delete-files
 */
export async function* readPositionsOf(
  io: FileIO,
  deletes: DataFile,
  dataFilePath: string,
): AsyncGenerator<number> {
  const reader = await openDataFile(io, deletes, positionDeleteSchema);
  const ranges = await reader.planRowRanges(eq('file_path', dataFilePath));
  for await (const { rows } of reader.readBatches({ ranges })) {
    for (const row of rows) {
      const { path, position } = checked(row, deletes);
      if (path === dataFilePath) yield position;
    }
  }
}

/** All positions that a position delete file names, by data file: 8 bytes for each. Errors as {@link readPositionsOf}. */
export async function readAllPositions(
  io: FileIO,
  deletes: DataFile,
): Promise<ReadonlyMap<string, Float64Array>> {
  const reader = await openDataFile(io, deletes, positionDeleteSchema);
  const lists = new Map<string, number[]>();
  for await (const { rows } of reader.readBatches()) {
    for (const row of rows) {
      const { path, position } = checked(row, deletes);
      const list = lists.get(path);
      if (list) list.push(position);
      else lists.set(path, [position]);
    }
  }
  return new Map([...lists].map(([path, list]) => [path, Float64Array.from(list)]));
}

function checked(row: Row, { filePath }: DataFile): { path: string; position: number } {
  const { file_path: path, pos } = row;
  if (path === null || pos === null)
    throw corruptDataFile(filePath, 'a position delete without path or position');
  // What a double cannot hold is beyond the end of every file, and is refused there.
  return { path: path as string, position: Number(pos as bigint) };
}
