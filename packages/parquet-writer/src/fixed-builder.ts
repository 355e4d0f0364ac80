import type { ColumnValues } from './column-batch.ts';
import {
  type CheckedColumn,
  type ColumnBuilder,
  describe,
  expectArray,
  expectNullable,
  wrongType,
} from './column-builder.ts';
import type { FlatColumn } from './flat-column.ts';
import { GrowableArray, ValidityBuilder } from './growable.ts';
import type { ColumnPlan } from './schema.ts';

/** Builder of boolean columns, kept as a bitmap. */
export class BooleanBuilder implements ColumnBuilder {
  readonly #plan: ColumnPlan;
  readonly #bits = new GrowableArray((length) => new Uint8Array(length), 128);
  readonly #validity = new ValidityBuilder();

  constructor(plan: ColumnPlan) {
    this.#plan = plan;
  }

  check(input: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn {
    for (let row = 0; row < rowCount; row++) rowBytes[row] = (rowBytes[row] as number) + 1;
    if (input === undefined && rowCount > 0) expectNullable(this.#plan, undefined);
    const values = input === undefined ? [] : expectArray(this.#plan, input, rowCount);
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value === null || value === undefined) expectNullable(this.#plan, row);
      else if (typeof value !== 'boolean')
        throw wrongType(this.#plan, `takes boolean, not ${describe(value)}`, row);
    }
    return {
      append: (from, to) => {
        for (let row = from; row < to; row++) this.#appendOne(values[row] as boolean | null | undefined);
      },
    };
  }

  seal(): FlatColumn {
    return { ...this.#validity.seal(), data: { kind: 'bits', bits: this.#bits.seal() } };
  }

  #appendOne(value: boolean | null | undefined): void {
    const index = this.#validity.length;
    if (index >> 3 === this.#bits.length) {
      this.#bits.reserve(1);
      this.#bits.length += 1;
    }
    if (value === true) {
      const bits = this.#bits.array;
      bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
    }
    if (value === null || value === undefined) this.#validity.appendNull(1);
    else this.#validity.appendValid(1);
  }
}

/** Builder of `fixed[N]` columns. */
export class FixedBuilder implements ColumnBuilder {
  readonly #plan: ColumnPlan;
  readonly #bytes = new GrowableArray((length) => new Uint8Array(length), 4096);
  readonly #validity = new ValidityBuilder();

  constructor(plan: ColumnPlan) {
    this.#plan = plan;
  }

  check(input: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn {
    const width = this.#plan.byteWidth;
    for (let row = 0; row < rowCount; row++) rowBytes[row] = (rowBytes[row] as number) + width;
    if (input === undefined && rowCount > 0) expectNullable(this.#plan, undefined);
    const values = input === undefined ? [] : expectArray(this.#plan, input, rowCount);
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value === null || value === undefined) expectNullable(this.#plan, row);
      else if (!(value instanceof Uint8Array)) {
        throw wrongType(this.#plan, `takes Uint8Array, not ${describe(value)}`, row);
      } else if (value.byteLength !== width) {
        throw wrongType(this.#plan, `takes ${width} bytes, not ${value.byteLength}`, row);
      }
    }
    return {
      append: (from, to) => {
        for (let row = from; row < to; row++) this.#appendOne(values[row] as Uint8Array | null | undefined);
      },
    };
  }

  seal(): FlatColumn {
    return { ...this.#validity.seal(), data: { kind: 'fixed', bytes: this.#bytes.seal() } };
  }

  #appendOne(value: Uint8Array | null | undefined): void {
    this.#bytes.reserve(this.#plan.byteWidth);
    if (value === null || value === undefined) this.#validity.appendNull(1);
    else {
      this.#bytes.array.set(value, this.#bytes.length);
      this.#validity.appendValid(1);
    }
    this.#bytes.length += this.#plan.byteWidth;
  }
}
