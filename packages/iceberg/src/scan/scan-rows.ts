import { IcebergError } from '../errors.ts';
import { alwaysTrue } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import { type BoundExpression, type ColumnReference, referencesOf } from '../expression/expression-bound.ts';
import { rowPredicate } from '../expression/expression-row.ts';
import type { FileIO } from '../io/file-io.ts';
import type { Schema } from '../metadata/schema.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { openDataFile, type RowBatch } from '../read/data-file-reader.ts';
import { fieldSetter, type MutableRow, type Row, type RowValue } from '../read/row.ts';
import { type FileScanTask, type PlanFilesOptions, planFiles, scanSchema } from './scan-plan.ts';

/** What to scan. */
export interface ScanOptions extends PlanFilesOptions {
  /** Names of top-level columns, in the order wanted. Default all of the schema. */
  readonly columns?: readonly string[];
  /** About how many bytes of values a batch holds. Default 8 MiB; see `ReadBatchesOptions`. */
  readonly batchBytes?: number;
}

/** Some rows of a scan, all of one file. Never empty. */
export interface ScanBatch {
  readonly task: FileScanTask;
  readonly rows: readonly Row[];
}

/**
 * The rows of a table that fulfil the filter, file by file in the order of the plan, in each file's own order.
 * At most one batch of rows (and one window of each column) is in memory, however large the table.
 *
 * @throws IcebergError at once `INVALID_ARGUMENT`, `SNAPSHOT_NOT_FOUND`; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`, `DATA_FILE_CORRUPT`, and `UNSUPPORTED_FEATURE` when a file has delete files: rows that
 *   were deleted are never given out as if they were there
 */
export function scanRows(metadata: TableMetadata, io: FileIO, options: ScanOptions = {}): AsyncIterable<Row> {
  const batches = scanBatches(metadata, io, options);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const { rows } of batches) yield* rows;
    },
  };
}

/** The rows of {@link scanRows} in batches: cheaper for many rows, and each with the file it comes from. */
export function scanBatches(
  metadata: TableMetadata,
  io: FileIO,
  options: ScanOptions = {},
): AsyncIterable<ScanBatch> {
  const schema = scanSchema(metadata, options.snapshotId);
  const bound = bindExpression(schema, options.filter ?? alwaysTrue);
  const columns = options.columns ?? schema.fields.map((field) => field.name);
  checkColumns(schema, columns);
  const tasks = planFiles(metadata, io, options);
  const read = fileReader(io, bound, columns, options.batchBytes);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const task of tasks) {
        for await (const rows of read(task)) if (rows.length > 0) yield { task, rows };
      }
    },
  };
}

/**
 * The rows of one planned file that fulfil its residual filter: the second half of a scan, for those who plan
 * and read apart.
 *
 * @throws as {@link scanRows}
 */
export function readTask(
  io: FileIO,
  task: FileScanTask,
  options: Pick<ScanOptions, 'columns' | 'batchBytes'> = {},
): AsyncIterable<readonly Row[]> {
  const columns = options.columns ?? task.schema.fields.map((field) => field.name);
  checkColumns(task.schema, columns);
  return fileReader(io, bindExpression(task.schema, task.residual), columns, options.batchBytes)(task);
}

function fileReader(
  io: FileIO,
  filter: BoundExpression<ColumnReference>,
  columns: readonly string[],
  batchBytes: number | undefined,
): (task: FileScanTask) => AsyncGenerator<readonly Row[]> {
  const keep = filter.type === 'true' ? undefined : rowPredicate(filter);
  const filtered = new Set([...referencesOf(filter)].map(({ path }) => path[0] as string));
  const hidden = [...filtered].filter((name) => !columns.includes(name));
  const project = hidden.length === 0 ? undefined : projector(columns);
  return async function* read(task) {
    refuseDeletes(task);
    const { dataFile, schema, partitionSpec, residual } = task;
    const reader = await openDataFile(io, dataFile, schema, { partitionSpec });
    const batches = reader.readBatches({
      columns: [...columns, ...hidden],
      ...(keep ? { ranges: await reader.planRowRanges(residual) } : {}),
      ...(batchBytes === undefined ? {} : { batchBytes }),
    });
    for await (const batch of batches) yield finish(batch, keep, project);
  };
}

function finish(
  { rows }: RowBatch,
  keep: ((row: Row) => boolean) | undefined,
  project: ((row: Row) => Row) | undefined,
): readonly Row[] {
  const kept = keep ? rows.filter(keep) : rows;
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

function refuseDeletes({ dataFile, deletes }: FileScanTask): void {
  if (deletes.length === 0) return;
  throw new IcebergError(
    'UNSUPPORTED_FEATURE',
    `${dataFile.filePath} has delete files, which this release does not apply: rewrite the table without them first`,
    { context: { location: dataFile.filePath, deletes: deletes.map((file) => file.dataFile.filePath) } },
  );
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
