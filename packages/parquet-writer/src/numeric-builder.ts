import type { ColumnValues, NullableValues, TypedValues } from './column-batch.ts';
import {
  type CheckedColumn,
  type ColumnBuilder,
  describe,
  expectLength,
  expectNullable,
  outOfRange,
  wrongType,
} from './column-builder.ts';
import type { FlatColumn } from './flat-column.ts';
import { GrowableArray, ValidityBuilder } from './growable.ts';
import type { ColumnPlan } from './schema.ts';

const CREATE = {
  int64: (length: number) => new BigInt64Array(length),
  int32: (length: number) => new Int32Array(length),
  float32: (length: number) => new Float32Array(length),
  float64: (length: number) => new Float64Array(length),
} as const;

/**
 * Inclusive ranges narrower than the layout's. Timestamps: the years 1 to 9999, in µs; what lies beyond
 * breaks the `datetime` of Python and the timestamp of most engines. Dates: the same years, in days.
 */
const INT64_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  timestamp: [-62_135_596_800_000_000n, 253_402_300_799_999_999n],
  timestamptz: [-62_135_596_800_000_000n, 253_402_300_799_999_999n],
  time: [0n, 86_399_999_999n],
};
const INT32_RANGES: Readonly<Record<string, readonly [number, number]>> = { date: [-719_162, 2_932_896] };

type NumericLayout = keyof typeof CREATE;
type Nulls = ArrayLike<number | boolean>;

/** Builder of int, long, date, time, timestamps, float and double columns. */
export class NumericBuilder implements ColumnBuilder {
  readonly #plan: ColumnPlan;
  readonly #layout: NumericLayout;
  readonly #values: GrowableArray<TypedValues>;
  readonly #validity = new ValidityBuilder();

  constructor(plan: ColumnPlan, layout: NumericLayout) {
    this.#plan = plan;
    this.#layout = layout;
    this.#values = new GrowableArray<TypedValues>(CREATE[layout], 1024);
  }

  check(input: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn {
    const width = this.#values.array.BYTES_PER_ELEMENT;
    for (let row = 0; row < rowCount; row++) rowBytes[row] = (rowBytes[row] as number) + width;
    if (input === undefined) {
      if (rowCount > 0) expectNullable(this.#plan, undefined);
      return { append: (from, to) => this.#appendNulls(to - from) };
    }
    const { values, nulls } = isArray(input) ? this.#fromArray(input) : this.#fromTyped(input);
    expectLength(this.#plan, values.length, rowCount);
    if (nulls !== undefined) {
      expectLength(this.#plan, nulls.length, rowCount);
      for (let row = 0; row < rowCount; row++) if (nulls[row]) expectNullable(this.#plan, row);
    }
    this.#checkRange(values, nulls);
    return { append: (from, to) => this.#append(values, nulls, from, to) };
  }

  seal(): FlatColumn {
    return { ...this.#validity.seal(), data: { kind: 'values', values: this.#values.seal() } };
  }

  #append(values: TypedValues, nulls: Nulls | undefined, from: number, to: number): void {
    this.#values.reserve(to - from);
    this.#values.array.set(values.subarray(from, to) as never, this.#values.length);
    this.#values.length += to - from;
    if (nulls === undefined) {
      this.#validity.appendValid(to - from);
      return;
    }
    for (let row = from; row < to; row++) {
      if (nulls[row]) this.#validity.appendNull(1);
      else this.#validity.appendValid(1);
    }
  }

  #appendNulls(count: number): void {
    this.#values.reserve(count);
    // New arrays are zeroed and a sealed one is never used again: the slots are zero already.
    this.#values.length += count;
    this.#validity.appendNull(count);
  }

  #fromTyped(input: TypedValues | NullableValues<TypedValues>): {
    values: TypedValues;
    nulls: Nulls | undefined;
  } {
    const wanted = CREATE[this.#layout](0).constructor as new () => TypedValues;
    const isBare = ArrayBuffer.isView(input);
    const values: unknown = isBare ? input : (input as Partial<NullableValues<unknown>> | null)?.values;
    if (!(values instanceof wanted)) {
      throw wrongType(
        this.#plan,
        `takes ${wanted.name}, {values, nulls} or an array, not ${describe(values ?? input)}`,
      );
    }
    return { values, nulls: isBare ? undefined : (input as NullableValues<TypedValues>).nulls };
  }

  #fromArray(input: readonly unknown[]): { values: TypedValues; nulls: Uint8Array | undefined } {
    const expected = this.#layout === 'int64' ? 'bigint' : 'number';
    const values = CREATE[this.#layout](input.length) as { [row: number]: unknown };
    let nulls: Uint8Array | undefined;
    for (let row = 0; row < input.length; row++) {
      const value = input[row];
      if (value === null || value === undefined) {
        nulls ??= new Uint8Array(input.length);
        nulls[row] = 1;
      } else if (typeof value !== expected) {
        throw wrongType(this.#plan, `takes ${expected}, not ${describe(value)}`, row);
      } else {
        values[row] = value;
        // Integers that wrapped around differ from what was given; floats may round, NaN is a value.
        if (this.#layout !== 'float32' && values[row] !== value && !Number.isNaN(value)) {
          throw outOfRange(this.#plan, value as bigint | number, row);
        }
        if (this.#layout === 'int32' && Number.isNaN(value)) throw outOfRange(this.#plan, Number.NaN, row);
      }
    }
    return { values: values as TypedValues, nulls };
  }

  #checkRange(values: TypedValues, nulls: Nulls | undefined): void {
    const { type } = this.#plan;
    const range32 = INT32_RANGES[type];
    if (range32 !== undefined) {
      for (let row = 0; row < values.length; row++) {
        const value = values[row] as number;
        if ((value < range32[0] || value > range32[1]) && !nulls?.[row])
          throw outOfRange(this.#plan, value, row);
      }
    }
    const range64 = INT64_RANGES[type];
    if (range64 !== undefined) {
      // The upper words decide nearly always and need no BigInt: this loop sees every row.
      const [low, high] = [Number(range64[0] >> 32n), Number(range64[1] >> 32n)];
      const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
      for (let row = 0; row < values.length; row++) {
        const upper = words[2 * row + 1] as number;
        if ((upper > low && upper < high) || nulls?.[row]) continue;
        const value = values[row] as bigint;
        if (value < range64[0] || value > range64[1]) throw outOfRange(this.#plan, value, row);
      }
    }
  }
}

/** `Array.isArray` as a guard that knows readonly arrays. */
function isArray(input: ColumnValues): input is Extract<ColumnValues, readonly unknown[]> {
  return Array.isArray(input);
}
