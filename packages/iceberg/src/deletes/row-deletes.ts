import type { FileIO } from '../io/file-io.ts';
import { readAhead } from '../io/read-ahead.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { Row } from '../metadata/row.ts';
import { type NestedField, type Schema, walkFields } from '../metadata/schema.ts';
import { decoding } from '../parquet/data-file-errors.ts';
import type { DeleteFile } from './delete-file.ts';
import type { DeleteFileCache } from './delete-file-cache.ts';
import { DeletedRows } from './deleted-rows.ts';
import { readDeletionVector } from './deletion-vector.ts';
import { readEqualityDeletes } from './equality-deletes.ts';
import { type EqualityField, withRequired } from './equality-field.ts';
import { type EqualityKey, keyReader, type ReadKey } from './equality-key.ts';
import { readAllPositions, readPositionsOf } from './position-deletes.ts';

/** A data file and its delete files, as far as applying them needs to know. */
export interface DeleteTask {
  readonly dataFile: DataFile;
  readonly deletes: readonly DeleteFile[];
  readonly schema: Schema;
}

/** Whether a row, at its position in the data file, is deleted. */
export type IsDeleted = (row: Row, position: number) => boolean;

/** How the delete files of one data file will be applied. */
export interface RowDeletes {
  /** Columns that must be read beside the projected ones, under names that no column of the schema has. */
  readonly columns: readonly NestedField[];
  /**
   * Reads the delete files. In memory are then a bit for each row of the data file at most, and the keys of its
   * equality deletes.
   *
   * @throws IcebergError `IO_ERROR`; `DATA_FILE_CORRUPT` naming the delete file when it is damaged or deletes a row that
   *   the data file does not have; `UNSUPPORTED_FEATURE` for delete files in Avro or ORC
   */
  load(io: FileIO, cache: DeleteFileCache): Promise<IsDeleted>;
}

/** Equality deletes that compare the same columns. */
interface EqualityGroup {
  readonly fields: readonly EqualityField[];
  readonly files: DataFile[];
  readonly keyOf: ReadKey;
}

/**
 * Plans what to read so that deleted rows can be told.
 *
 * @param projected names of the top-level columns of the schema that are read anyway
 */
export function planRowDeletes(task: DeleteTask, projected: readonly string[]): RowDeletes | undefined {
  if (task.deletes.length === 0) return undefined;
  const extra = new Map<number, NestedField>();
  const groups = new Map<string, EqualityGroup>();
  const positions: DataFile[] = [];
  for (const { dataFile, equalityFields } of task.deletes) {
    if (!equalityFields) {
      positions.push(dataFile);
      continue;
    }
    // Columns in the order of their ids, whatever the order in the file: a group is a set of columns.
    const fields = equalityFields.toSorted((a, b) => a.leaf.id - b.leaf.id);
    const name = fields.map(({ leaf }) => leaf.id).join();
    const group = groups.get(name) ?? {
      fields,
      files: [],
      keyOf: groupKey(task.schema, projected, fields, extra),
    };
    group.files.push(dataFile);
    groups.set(name, group);
  }
  return {
    columns: [...extra.values()],
    async load(io, cache) {
      const rows = await loadPositions(io, task.dataFile, positions, cache);
      const tests: IsDeleted[] = rows ? [(_row, position) => rows.has(position)] : [];
      for (const group of groups.values()) tests.push(await loadKeys(io, group, cache));
      const [only] = tests;
      return tests.length === 1 && only ? only : (row, position) => tests.some((test) => test(row, position));
    },
  };
}

/** Reads keys from rows of the data file; what the projection lacks is put into `extra`. */
function groupKey(
  schema: Schema,
  projected: readonly string[],
  fields: readonly EqualityField[],
  extra: Map<number, NestedField>,
): ReadKey {
  return keyReader(
    fields.map((field) => {
      const { leaf, column, path, dropped } = field;
      if (!dropped && projected.includes(path[0] as string)) return path;
      const name = unusedName(schema, `\0equality ${leaf.id}`);
      // A file written after the column was dropped lacks it, required or not: its rows have none of the values.
      extra.set(leaf.id, { ...(dropped ? withRequired(column, false) : column), name });
      return [name, ...path.slice(1)];
    }),
  );
}

function unusedName(schema: Schema, wanted: string): string {
  for (const { path } of walkFields(schema.fields)) {
    if (path.join('.') === wanted) return unusedName(schema, `${wanted}'`);
  }
  return wanted;
}

async function loadPositions(
  io: FileIO,
  dataFile: DataFile,
  files: readonly DataFile[],
  cache: DeleteFileCache,
): Promise<DeletedRows | undefined> {
  if (files.length === 0) return undefined;
  const [first] = files;
  // A deletion vector is alone: the position deletes of before are in it.
  if (first?.fileFormat === 'PUFFIN') return readDeletionVector(io, first, dataFile.recordCount);
  const rows = new DeletedRows(dataFile.recordCount);
  const addAll = (file: DataFile) => addPositions(io, file, dataFile.filePath, rows, cache);
  for await (const _added of readAhead(files, addAll));
  return rows;
}

/** Bytes that a position takes in the cache, its share of the path included. */
const positionBytes = 16;

/**
 * A file that may concern several data files is read whole and kept if it takes no more than a quarter of the cache;
 * else what it says of this data file is looked up in it.
 */
async function addPositions(
  io: FileIO,
  file: DataFile,
  path: string,
  rows: DeletedRows,
  cache: DeleteFileCache,
): Promise<void> {
  const add = (position: number) =>
    decoding(file.filePath, `deletes of ${path}`, () => {
      rows.add(position);
    });
  const sizeBytes = file.recordCount * positionBytes;
  if (file.referencedDataFile === undefined && sizeBytes <= cache.maxBytes / 4) {
    const read = async () => ({ value: await readAllPositions(io, file), sizeBytes });
    const all = await cache.load(file.filePath, read);
    for (const position of all.get(path) ?? []) add(position);
    return;
  }
  for await (const position of readPositionsOf(io, file, path)) add(position);
}

/** From so many files on, one set of all their keys is made for the data file: asking each for every row costs more. */
const filesToJoin = 8;

async function loadKeys(io: FileIO, group: EqualityGroup, cache: DeleteFileCache): Promise<IsDeleted> {
  const { fields, files, keyOf } = group;
  const columns = fields.map(({ leaf }) => `${leaf.id} ${leaf.type}`).join();
  const read = (file: DataFile) =>
    cache.load(`${file.filePath} by ${columns}`, async () => {
      const { keys, sizeBytes } = await readEqualityDeletes(io, file, fields);
      return { value: keys, sizeBytes };
    });
  const sets: ReadonlySet<EqualityKey>[] = [];
  const joined = new Set<EqualityKey>();
  for await (const { result: keys } of readAhead(files, read)) {
    if (files.length < filesToJoin) sets.push(keys);
    else for (const key of keys) joined.add(key);
  }
  if (files.length >= filesToJoin) sets.push(joined);
  const [only] = sets;
  if (sets.length === 1 && only) return (row) => only.has(keyOf(row));
  return (row) => {
    const key = keyOf(row);
    return sets.some((keys) => keys.has(key));
  };
}
