import { checkedStringBytes, VARLEN_OVERHEAD_BYTES, VarlenAppender } from './bytes-builder.ts';
import type { ColumnValues, MapEntries } from './column-batch.ts';
import {
  type CheckedColumn,
  type ColumnBuilder,
  describe,
  expectArray,
  expectNullable,
  wrongType,
} from './column-builder.ts';
import { ParquetWriterError } from './errors.ts';
import type { FlatColumn } from './flat-column.ts';
import { OffsetsBuilder, ValidityBuilder } from './growable.ts';
import type { ColumnPlan } from './schema.ts';

/** Builder of `map<string, string>` columns. An empty map and a null map are different values. */
export class MapBuilder implements ColumnBuilder {
  readonly #plan: ColumnPlan;
  readonly #validity = new ValidityBuilder();
  readonly #offsets = new OffsetsBuilder();
  readonly #keys = new VarlenAppender();
  readonly #values = new VarlenAppender();

  constructor(plan: ColumnPlan) {
    this.#plan = plan;
  }

  check(input: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn {
    if (input === undefined && rowCount > 0) expectNullable(this.#plan, undefined);
    const values = input === undefined ? [] : expectArray(this.#plan, input, rowCount);
    for (let row = 0; row < rowCount; row++) {
      const bytes = VARLEN_OVERHEAD_BYTES + this.#entryBytes(values[row], row, input === undefined);
      rowBytes[row] = (rowBytes[row] as number) + bytes;
    }
    return {
      append: (from, to) => {
        for (let row = from; row < to; row++) this.#appendOne(values[row] as MapEntries | null | undefined);
      },
    };
  }

  seal(): FlatColumn {
    const offsets = this.#offsets.seal();
    const data = { kind: 'map', offsets, keys: this.#keys.seal(), values: this.#values.seal() } as const;
    return { ...this.#validity.seal(), data };
  }

  #appendOne(map: MapEntries | null | undefined): void {
    if (map === null || map === undefined) this.#validity.appendNull(1);
    else {
      this.#validity.appendValid(1);
      for (const [key, value] of entriesOf(map)) {
        this.#keys.appendString(key as string);
        if (value === null || value === undefined) this.#values.appendNull();
        else this.#values.appendString(value as string);
      }
    }
    this.#offsets.push(this.#keys.validity.length);
  }

  #entryBytes(map: unknown, row: number, absent: boolean): number {
    if (map === null || map === undefined) {
      if (!absent) expectNullable(this.#plan, row);
      return 0;
    }
    if (typeof map !== 'object' || Array.isArray(map) || ArrayBuffer.isView(map)) {
      throw wrongType(this.#plan, `takes a Map or an object, not ${describe(map)}`, row);
    }
    let bytes = 0;
    for (const [key, value] of entriesOf(map as MapEntries)) {
      bytes += checkedStringBytes(this.#plan, key, row) + 2 * VARLEN_OVERHEAD_BYTES;
      if (value !== null && value !== undefined) bytes += checkedStringBytes(this.#plan, value, row);
      else if (this.#plan.map?.valueRequired === true) {
        throw new ParquetWriterError(
          'REQUIRED_NULL',
          `a value of map "${this.#plan.name}" is null in row ${row}`,
          {
            context: { column: this.#plan.name, row },
          },
        );
      }
    }
    return bytes;
  }
}

function entriesOf(map: MapEntries): Iterable<readonly [unknown, unknown]> {
  return map instanceof Map ? map : Object.entries(map);
}
