import { createDeleteFileCache } from '../deletes/delete-file-cache.ts';
import { type IsDeleted, planRowDeletes } from '../deletes/row-deletes.ts';
import { IcebergError } from '../errors.ts';
import { alwaysTrue } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import { type BoundExpression, type ColumnReference, referencesOf } from '../expression/expression-bound.ts';
import { rowPredicate } from '../expression/expression-row.ts';
import type { FileIO } from '../io/file-io.ts';
import { fieldSetter, type MutableRow, type Row, type RowValue } from '../metadata/row.ts';
import type { Schema } from '../metadata/schema.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { openDataFile, type RowBatch } from '../read/data-file-reader.ts';
import {
  checkAppendOptions,
  checkReadOptions,
  checkScanOptions,
  type PlanOptions,
  type ReadTaskOptions,
  type ScanAppendsOptions,
  type ScanOptions,
} from './scan-options.ts';
import { type FileScanTask, planAppends, planFiles, scanSchema } from './scan-plan.ts';

/** Some rows of a scan, all of one file. Never empty. */
export interface ScanBatch {
  readonly task: FileScanTask;
  readonly rows: readonly Row[];
}

/**
 * The rows of a table that fulfil the filter and are not deleted, file by file in the order of the plan, in each
 * file's own order. At most one batch of rows (and one window of each column) is in memory, however large the table,
 * beside the delete files of the file being read and those kept in the cache.
 *
 * @throws IcebergError at once `INVALID_ARGUMENT`, `SNAPSHOT_NOT_FOUND`, `INVALID_METADATA`; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`, `DATA_FILE_CORRUPT` naming the data or delete file, and `UNSUPPORTED_FEATURE` for files in
 *   Avro or ORC: rows that were deleted are never given out as if they were there
 */
export function scanRows(metadata: TableMetadata, io: FileIO, options: ScanOptions = {}): AsyncIterable<Row> {
  return rowsOf(scanBatches(metadata, io, options));
}

/** The rows of {@link scanRows} in batches: cheaper for many rows, and each with the file it comes from. */
export function scanBatches(
  metadata: TableMetadata,
  io: FileIO,
  options: ScanOptions = {},
): AsyncIterable<ScanBatch> {
  checkScanOptions('a scan', options);
  return readTasks(io, planFiles(metadata, io, options), scanSchema(metadata, options), options);
}

/**
 * The rows that a range of snapshots appended and that fulfil the filter, oldest snapshot first; see `planAppends` for
 * what counts.
 *
 * @throws as {@link scanRows}, and `SNAPSHOT_NOT_FOUND` with `positionLost: true` in its context when the start of the
 *   range is not before its end
 */
export function scanAppends(
  metadata: TableMetadata,
  io: FileIO,
  options: ScanAppendsOptions = {},
): AsyncIterable<Row> {
  return rowsOf(scanAppendBatches(metadata, io, options));
}

/** The rows of {@link scanAppends} in batches, each with its file; `task.snapshotId` is the snapshot that appended it. */
export function scanAppendBatches(
  metadata: TableMetadata,
  io: FileIO,
  options: ScanAppendsOptions = {},
): AsyncIterable<ScanBatch> {
  checkAppendOptions('a scan of appends', options);
  return readTasks(io, planAppends(metadata, io, options), currentSchema(metadata), options);
}

/**
 * The live rows of one planned file that fulfil its residual filter: the second half of a scan, for those who plan
 * and read apart. A rewrite reads what is to be kept of a file with a task planned without filter.
 *
 * @throws as {@link scanRows}
 */
export function readTask(
  io: FileIO,
  task: FileScanTask,
  options: ReadTaskOptions = {},
): AsyncIterable<readonly Row[]> {
  checkReadOptions('readTask', options);
  const columns = options.columns ?? task.schema.fields.map((field) => field.name);
  checkColumns(task.schema, columns);
  return fileReader(io, bindExpression(task.schema, task.residual), columns, options)(task);
}

function rowsOf(batches: AsyncIterable<ScanBatch>): AsyncIterable<Row> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const { rows } of batches) yield* rows;
    },
  };
}

function readTasks(
  io: FileIO,
  tasks: AsyncIterable<FileScanTask>,
  schema: Schema,
  options: ReadTaskOptions & PlanOptions,
): AsyncIterable<ScanBatch> {
  const columns = options.columns ?? schema.fields.map((field) => field.name);
  checkColumns(schema, columns);
  const filter = bindExpression(schema, options.filter ?? alwaysTrue);
  return {
    async *[Symbol.asyncIterator]() {
      const read = fileReader(io, filter, columns, options);
      for await (const task of tasks) {
        for await (const rows of read(task)) if (rows.length > 0) yield { task, rows };
      }
    },
  };
}

function fileReader(
  io: FileIO,
  filter: BoundExpression<ColumnReference>,
  columns: readonly string[],
  { batchBytes, deleteCache = createDeleteFileCache() }: ReadTaskOptions,
): (task: FileScanTask) => AsyncGenerator<readonly Row[]> {
  const keep = filter.type === 'true' ? undefined : rowPredicate(filter);
  const filtered = new Set([...referencesOf(filter)].map(({ path }) => path[0] as string));
  const needed = [...new Set([...columns, ...filtered])];
  const projected = projector(columns);
  return async function* read(task) {
    const { dataFile, schema, partitionSpec, nameMapping, residual } = task;
    const deletes = planRowDeletes(task, needed);
    const extra = deletes?.columns ?? [];
    const reader = await openDataFile(
      io,
      dataFile,
      { fields: [...schema.fields, ...extra] },
      { partitionSpec, ...(nameMapping ? { nameMapping } : {}) },
    );
    const ranges = keep ? await reader.planRowRanges(residual) : undefined;
    if (ranges?.length === 0) return;
    const isDeleted = await deletes?.load(io, deleteCache);
    const batches = reader.readBatches({
      columns: [...needed, ...extra.map(({ name }) => name)],
      ...(ranges ? { ranges } : {}),
      ...(batchBytes === undefined ? {} : { batchBytes }),
    });
    const project = needed.length + extra.length > columns.length ? projected : undefined;
    for await (const batch of batches) yield finish(batch, isDeleted, keep, project);
  };
}

/** The rows of a batch to give out. Positions count in the file, whatever was pruned before. */
function finish(
  { rowStart, rows }: RowBatch,
  isDeleted: IsDeleted | undefined,
  keep: ((row: Row) => boolean) | undefined,
  project: ((row: Row) => Row) | undefined,
): readonly Row[] {
  const live = isDeleted ? rows.filter((row, index) => !isDeleted(row, rowStart + index)) : rows;
  const kept = keep ? live.filter(keep) : live;
  return project ? kept.map(project) : kept;
}

function projector(columns: readonly string[]): (row: Row) => Row {
  const setters = columns.map((name) => ({ name, set: fieldSetter(name) }));
  return (row) => {
    const projected: MutableRow = {};
    for (const { name, set } of setters) set(projected, row[name] as RowValue);
    return projected;
  };
}

function checkColumns(schema: Schema, columns: readonly string[]): void {
  for (const name of columns) {
    if (schema.fields.some((field) => field.name === name)) continue;
    const known = schema.fields.map((field) => field.name).join(', ');
    throw new IcebergError('INVALID_ARGUMENT', `no column ${name}; there are ${known}`, {
      context: { column: name },
    });
  }
}
