import type { ColumnValues } from './column-batch.ts';
import { ParquetWriterError } from './errors.ts';
import type { FlatColumn } from './flat-column.ts';
import type { ColumnPlan } from './schema.ts';

/** A column of a batch that was checked and measured; what it holds is the builder's own business. */
export interface CheckedColumn {
  /** Copies rows [from, to) into the builder. Cannot fail: everything was checked before. */
  append(from: number, to: number): void;
}

/**
 * Collects one column of the row group being filled. Lives on the caller's thread; copies values, never
 * keeps a reference to the caller's arrays after `append`.
 */
export interface ColumnBuilder {
  /**
   * Checks every row of a column and adds each row's raw bytes to `rowBytes`. Changes nothing else, so
   * a refused batch leaves the file as it was.
   */
  check(values: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn;
  /** The rows so far as transferable buffers; the builder starts afresh. */
  seal(): FlatColumn;
}

/** The array form of a column, checked for its length. Typed forms are the numeric builder's business. */
export function expectArray(plan: ColumnPlan, values: ColumnValues, rowCount: number): readonly unknown[] {
  if (!Array.isArray(values)) {
    throw wrongType(plan, `takes an array, not ${describe(values)}`);
  }
  expectLength(plan, values.length, rowCount);
  return values;
}

/** @throws ParquetWriterError `RAGGED_BATCH` */
export function expectLength(plan: ColumnPlan, length: number, rowCount: number): void {
  if (length === rowCount) return;
  throw new ParquetWriterError(
    'RAGGED_BATCH',
    `column "${plan.name}" has ${length} values for ${rowCount} rows`,
    {
      context: { column: plan.name, length, rowCount },
    },
  );
}

/** @throws ParquetWriterError `REQUIRED_NULL` when the column is required */
export function expectNullable(plan: ColumnPlan, row: number | undefined): void {
  if (!plan.required) return;
  const what = row === undefined ? 'is missing from the batch' : `is null in row ${row}`;
  throw new ParquetWriterError('REQUIRED_NULL', `required column "${plan.name}" ${what}`, {
    context: { column: plan.name, row },
  });
}

export function wrongType(plan: ColumnPlan, problem: string, row?: number): ParquetWriterError {
  const where = row === undefined ? '' : ` in row ${row}`;
  const type = plan.type === 'fixed' ? `fixed[${plan.byteWidth}]` : plan.type;
  return new ParquetWriterError('WRONG_TYPE', `column "${plan.name}" (${type}) ${problem}${where}`, {
    context: { column: plan.name, row },
  });
}

export function outOfRange(plan: ColumnPlan, value: bigint | number, row: number): ParquetWriterError {
  return new ParquetWriterError(
    'VALUE_OUT_OF_RANGE',
    `column "${plan.name}" (${plan.type}) cannot hold ${value} of row ${row}`,
    { context: { column: plan.name, row, value: String(value) } },
  );
}

/** A value's kind for an error message; never the value itself, which may be a secret. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  return value.constructor?.name ?? 'an object';
}
