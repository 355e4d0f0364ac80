import { type FlatColumn, isValid } from './flat-column.ts';
import type { ColumnPlan } from './schema.ts';
import type { BoundValue } from './single-value.ts';

/** What one row group holds of one Parquet leaf column. Bounds are exact; absent when there is no value. */
export interface LeafMetrics {
  readonly fieldId: number;
  /** Values of the Parquet column chunk: rows, and for map keys and values entries, with a slot for each null or empty map. */
  readonly valueCount: number;
  readonly nullCount: number;
  /** Float and double only. */
  readonly nanCount: number | undefined;
  readonly lower: BoundValue | undefined;
  readonly upper: BoundValue | undefined;
}

/**
 * The metrics of one column of one row group, one entry per Parquet leaf (two for a map).
 * Reads the buffers, keeps none of them.
 */
export function measureColumn(
  plan: ColumnPlan,
  column: FlatColumn,
  wantBounds: boolean,
): readonly LeafMetrics[] {
  const { data, length, nullCount } = column;
  if (data.kind === 'map') return measureMap(plan, column);
  const isFloat = plan.layout === 'float32' || plan.layout === 'float64';
  const bounds = wantBounds || isFloat ? findBounds(column) : NO_BOUNDS;
  return [
    {
      fieldId: plan.id,
      valueCount: length,
      nullCount,
      nanCount: isFloat ? bounds.nanCount : undefined,
      lower: wantBounds ? bounds.lower : undefined,
      upper: wantBounds ? bounds.upper : undefined,
    },
  ];
}

/** -1, 0 or 1: numbers by value, bytes as unsigned lexicographically (for UTF-8 that is by code point). */
export function compareBounds(a: BoundValue, b: BoundValue): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a === b) {
    // -0.0 is the smaller zero: a lower bound of zero is -0.0 and an upper one +0.0.
    if (a !== 0) return 0;
    return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  }
  return a < b ? -1 : 1;
}

interface Bounds {
  readonly lower: BoundValue | undefined;
  readonly upper: BoundValue | undefined;
  readonly nanCount: number;
}

const NO_BOUNDS: Bounds = { lower: undefined, upper: undefined, nanCount: 0 };

function findBounds(column: FlatColumn): Bounds {
  const { data } = column;
  if (column.nullCount === column.length) return NO_BOUNDS;
  switch (data.kind) {
    case 'values':
      if (data.values instanceof BigInt64Array) return int64Bounds(data.values, column.validity);
      return numberBounds(data.values, column.validity);
    case 'bits':
      return booleanBounds(column, data.bits);
    case 'fixed':
      return bytesBounds(column, data.bytes, (row) => row * (data.bytes.length / column.length));
    case 'varlen':
      return bytesBounds(column, data.bytes, (row) => data.offsets[row] as number);
    case 'map':
      return NO_BOUNDS;
  }
}

/** Compares the halves of each value: reading a BigInt per row would cost an allocation per row. */
function int64Bounds(values: BigInt64Array, validity: Uint8Array | undefined): Bounds {
  const high = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const low = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let min = -1;
  let max = -1;
  for (let row = 0; row < values.length; row++) {
    if (validity !== undefined && !isValid(validity, row)) continue;
    if (min === -1) {
      min = row;
      max = row;
      continue;
    }
    const h = high[2 * row + 1] as number;
    const l = low[2 * row] as number;
    const minH = high[2 * min + 1] as number;
    if (h < minH || (h === minH && l < (low[2 * min] as number))) min = row;
    const maxH = high[2 * max + 1] as number;
    if (h > maxH || (h === maxH && l > (low[2 * max] as number))) max = row;
  }
  return { lower: values[min], upper: values[max], nanCount: 0 };
}

function numberBounds(
  values: Int32Array | Float32Array | Float64Array,
  validity: Uint8Array | undefined,
): Bounds {
  let lower: number | undefined;
  let upper: number | undefined;
  let nanCount = 0;
  for (let row = 0; row < values.length; row++) {
    if (validity !== undefined && !isValid(validity, row)) continue;
    const value = values[row] as number;
    if (Number.isNaN(value)) nanCount += 1;
    else {
      if (lower === undefined || value < lower) lower = value;
      if (upper === undefined || value > upper) upper = value;
    }
  }
  if (!(values instanceof Int32Array)) {
    // The specification's zeros: -0.0 below, +0.0 above, whichever was written.
    if (lower === 0) lower = -0;
    if (upper === 0) upper = 0;
  }
  return { lower, upper, nanCount };
}

function booleanBounds(column: FlatColumn, bits: Uint8Array): Bounds {
  let seen = 0;
  for (let row = 0; row < column.length; row++) {
    if (isValid(column.validity, row)) seen |= isValid(bits, row) ? 2 : 1;
  }
  return { lower: seen & 1 ? 0 : 1, upper: seen & 2 ? 1 : 0, nanCount: 0 };
}

function bytesBounds(column: FlatColumn, bytes: Uint8Array, startOf: (row: number) => number): Bounds {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [minStart, minEnd, maxStart, maxEnd] = [-1, -1, -1, -1];
  for (let row = 0; row < column.length; row++) {
    if (!isValid(column.validity, row)) continue;
    const start = startOf(row);
    const end = startOf(row + 1);
    const toMin = minStart === -1 ? -1 : buffer.compare(buffer, minStart, minEnd, start, end);
    // A repeated minimum is the usual case in columns of few values, and cannot be a new maximum.
    if (toMin === 0) continue;
    if (toMin < 0) [minStart, minEnd] = [start, end];
    if (maxStart === -1 || buffer.compare(buffer, maxStart, maxEnd, start, end) > 0)
      [maxStart, maxEnd] = [start, end];
  }
  return { lower: bytes.slice(minStart, minEnd), upper: bytes.slice(maxStart, maxEnd), nanCount: 0 };
}

function measureMap(plan: ColumnPlan, column: FlatColumn): readonly LeafMetrics[] {
  const { data } = column;
  if (data.kind !== 'map' || plan.map === undefined) throw new Error('not a map column');
  let slots = 0;
  for (let row = 0; row < column.length; row++) {
    slots += Math.max(1, (data.offsets[row + 1] as number) - (data.offsets[row] as number));
  }
  const placeholders = slots - data.keys.length;
  const leaf = (fieldId: number, child: FlatColumn): LeafMetrics => ({
    fieldId,
    valueCount: slots,
    nullCount: placeholders + child.nullCount,
    nanCount: undefined,
    lower: undefined,
    upper: undefined,
  });
  return [leaf(plan.map.keyId, data.keys), leaf(plan.map.valueId, data.values)];
}
