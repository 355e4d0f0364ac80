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
import { GrowableArray, OffsetsBuilder, ValidityBuilder } from './growable.ts';
import type { ColumnPlan } from './schema.ts';

/** Raw bytes counted for one string or binary value beside its own: its length or offset. */
export const VARLEN_OVERHEAD_BYTES = 4;

/** Appends strings as UTF-8 and binary as it is: offsets and bytes in Arrow's layout. */
export class VarlenAppender {
  readonly validity = new ValidityBuilder();
  readonly #offsets = new OffsetsBuilder();
  // Every byte is written: no need to zero them first. Slow means not from the shared pool.
  readonly #bytes = new GrowableArray((length) => Buffer.allocUnsafeSlow(length), 4096);
  #last = '';
  #lastStart = 0;
  #lastLength = 0;

  appendNull(): void {
    this.#finishValue();
    this.validity.appendNull(1);
  }

  appendBytes(value: Uint8Array): void {
    this.#bytes.reserve(value.length);
    this.#bytes.array.set(value, this.#bytes.length);
    this.#bytes.length += value.length;
    this.#finishValue();
    this.validity.appendValid(1);
  }

  appendString(value: string): void {
    const start = this.#bytes.length;
    if (value === this.#last && value !== '') {
      // Topic, broker and producer repeat row after row: copying bytes is cheaper than encoding again.
      this.#bytes.reserve(this.#lastLength);
      this.#bytes.array.copyWithin(start, this.#lastStart, this.#lastStart + this.#lastLength);
      this.#bytes.length += this.#lastLength;
    } else {
      this.#bytes.reserve(value.length * 3);
      this.#lastLength = this.#bytes.array.write(value, start, 'utf8');
      this.#last = value;
      this.#bytes.length += this.#lastLength;
    }
    this.#lastStart = start;
    this.#finishValue();
    this.validity.appendValid(1);
  }

  seal(): FlatColumn {
    const offsets = this.#offsets.seal();
    const bytes = this.#bytes.seal();
    this.#last = '';
    return { ...this.validity.seal(), data: { kind: 'varlen', offsets, bytes } };
  }

  #finishValue(): void {
    this.#offsets.push(this.#bytes.length);
  }
}

/** Builder of string and binary columns. */
export class VarlenBuilder implements ColumnBuilder {
  readonly #plan: ColumnPlan;
  readonly #appender = new VarlenAppender();

  constructor(plan: ColumnPlan) {
    this.#plan = plan;
  }

  check(input: ColumnValues | undefined, rowCount: number, rowBytes: Float64Array): CheckedColumn {
    const appender = this.#appender;
    if (input === undefined) {
      if (rowCount > 0) expectNullable(this.#plan, undefined);
      for (let row = 0; row < rowCount; row++)
        rowBytes[row] = (rowBytes[row] as number) + VARLEN_OVERHEAD_BYTES;
      return {
        append(from, to) {
          for (let row = from; row < to; row++) appender.appendNull();
        },
      };
    }
    const values = expectArray(this.#plan, input, rowCount);
    const isString = this.#plan.layout === 'utf8';
    let last: unknown = null;
    let lastBytes = 0;
    for (let row = 0; row < rowCount; row++) {
      const value = values[row];
      if (value !== last || row === 0) {
        lastBytes = isString ? this.#stringBytes(value, row) : this.#binaryBytes(value, row);
        last = value;
      }
      rowBytes[row] = (rowBytes[row] as number) + lastBytes + VARLEN_OVERHEAD_BYTES;
    }
    return {
      append(from, to) {
        for (let row = from; row < to; row++) {
          const value = values[row];
          if (value === null || value === undefined) appender.appendNull();
          else if (isString) appender.appendString(value as string);
          else appender.appendBytes(value as Uint8Array);
        }
      },
    };
  }

  seal(): FlatColumn {
    return this.#appender.seal();
  }

  #stringBytes(value: unknown, row: number): number {
    if (value === null || value === undefined) {
      expectNullable(this.#plan, row);
      return 0;
    }
    return checkedStringBytes(this.#plan, value, row);
  }

  #binaryBytes(value: unknown, row: number): number {
    if (value === null || value === undefined) {
      expectNullable(this.#plan, row);
      return 0;
    }
    if (!(value instanceof Uint8Array))
      throw wrongType(this.#plan, `takes Uint8Array, not ${describe(value)}`, row);
    return value.byteLength;
  }
}

/** The UTF-8 length of a string. A lone surrogate has no UTF-8 form and would be changed: refused. */
export function checkedStringBytes(plan: ColumnPlan, value: unknown, row: number): number {
  if (typeof value !== 'string') throw wrongType(plan, `takes string, not ${describe(value)}`, row);
  if (!isWellFormed(value)) throw wrongType(plan, 'takes well-formed text; there is a lone surrogate', row);
  return Buffer.byteLength(value, 'utf8');
}

function isWellFormed(text: string): boolean {
  // Since Node 20; the ES2023 library types do not know it yet.
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
