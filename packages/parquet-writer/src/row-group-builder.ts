import { VarlenBuilder } from './bytes-builder.ts';
import type { ColumnBatch } from './column-batch.ts';
import type { CheckedColumn, ColumnBuilder } from './column-builder.ts';
import { ParquetWriterError } from './errors.ts';
import { BooleanBuilder, FixedBuilder } from './fixed-builder.ts';
import type { FlatColumn } from './flat-column.ts';
import { MAX_ROW_BYTES, MAX_ROW_GROUP_ROWS } from './limits.ts';
import { MapBuilder } from './map-builder.ts';
import { NumericBuilder } from './numeric-builder.ts';
import type { ColumnPlan } from './schema.ts';

/** A batch whose every value was checked; rows are taken from it one row group at a time. */
export interface CheckedBatch {
  readonly rowCount: number;
  readonly rowBytes: Float64Array;
  readonly columns: readonly CheckedColumn[];
}

/** One row group's columns, ready to be transferred. */
export interface SealedRowGroup {
  readonly rowCount: number;
  readonly rawBytes: number;
  readonly columns: readonly FlatColumn[];
}

/**
 * Fills row groups up to `rowGroupBytes` of raw bytes: 8 for a long, 4 + length for a string or binary
 * value, 1 for a boolean, 4 plus the entries for a map. A larger single row gets a row group of its own.
 */
export class RowGroupBuilder {
  readonly #plans: readonly ColumnPlan[];
  readonly #builders: readonly ColumnBuilder[];
  readonly #names: ReadonlySet<string>;
  readonly #limitBytes: number;
  #rowCount = 0;
  #rawBytes = 0;

  constructor(plans: readonly ColumnPlan[], limitBytes: number) {
    this.#plans = plans;
    this.#builders = plans.map(createBuilder);
    this.#names = new Set(plans.map((plan) => plan.name));
    this.#limitBytes = limitBytes;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** @throws ParquetWriterError for anything wrong with the batch; nothing was taken from it then */
  check(batch: ColumnBatch): CheckedBatch {
    const { rowCount, columns } = batch;
    if (!Number.isSafeInteger(rowCount) || rowCount < 0 || typeof columns !== 'object' || columns === null) {
      throw new ParquetWriterError(
        'RAGGED_BATCH',
        `a batch is {rowCount, columns}; rowCount is ${String(rowCount)}`,
      );
    }
    for (const name of Object.keys(columns)) {
      if (!this.#names.has(name)) {
        throw new ParquetWriterError('RAGGED_BATCH', `the schema has no column "${name}"`, {
          context: { column: name },
        });
      }
    }
    const rowBytes = new Float64Array(rowCount);
    const checked = this.#builders.map((builder, index) => {
      const { name } = this.#plans[index] as ColumnPlan;
      return builder.check(Object.hasOwn(columns, name) ? columns[name] : undefined, rowCount, rowBytes);
    });
    const row = rowBytes.findIndex((bytes) => bytes > MAX_ROW_BYTES);
    if (row !== -1) {
      const sizeBytes = rowBytes[row] as number;
      throw new ParquetWriterError(
        'VALUE_TOO_LARGE',
        `row ${row} has ${sizeBytes} bytes, limit ${MAX_ROW_BYTES}`,
        {
          context: { row, sizeBytes, limitBytes: MAX_ROW_BYTES },
        },
      );
    }
    return { rowCount, rowBytes, columns: checked };
  }

  /**
   * Takes rows from `from` on until the row group is full; returns the first row not taken. When that is
   * not the end of the batch, seal and go on.
   */
  append(batch: CheckedBatch, from: number): number {
    let to = from;
    while (to < batch.rowCount && this.#rowCount < MAX_ROW_GROUP_ROWS) {
      const bytes = batch.rowBytes[to] as number;
      if (this.#rowCount > 0 && this.#rawBytes + bytes > this.#limitBytes) break;
      this.#rawBytes += bytes;
      this.#rowCount += 1;
      to += 1;
    }
    for (const column of batch.columns) column.append(from, to);
    return to;
  }

  seal(): SealedRowGroup {
    const sealed = {
      rowCount: this.#rowCount,
      rawBytes: this.#rawBytes,
      columns: this.#builders.map((builder) => builder.seal()),
    };
    this.#rowCount = 0;
    this.#rawBytes = 0;
    return sealed;
  }
}

function createBuilder(plan: ColumnPlan): ColumnBuilder {
  switch (plan.layout) {
    case 'utf8':
    case 'bytes':
      return new VarlenBuilder(plan);
    case 'bits':
      return new BooleanBuilder(plan);
    case 'fixed':
      return new FixedBuilder(plan);
    case 'map':
      return new MapBuilder(plan);
    default:
      return new NumericBuilder(plan, plan.layout);
  }
}
