import type { ColumnPlan } from './schema.ts';

/** A bound as it is compared: numbers and bigints for numeric columns, 0/1 for booleans, bytes for the rest. */
export type BoundValue = bigint | number | Uint8Array;

/**
 * A bound in Iceberg's single-value binary form
 * (https://iceberg.apache.org/spec/#binary-single-value-serialization): little-endian numbers, raw bytes,
 * UTF-8 without a length. The result has an ArrayBuffer of its own.
 */
export function encodeSingleValue(plan: ColumnPlan, value: BoundValue): Uint8Array {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigInt64(0, value, true);
  else if (plan.layout === 'int32') view.setInt32(0, value, true);
  else if (plan.layout === 'float32') view.setFloat32(0, value, true);
  else if (plan.layout === 'float64') view.setFloat64(0, value, true);
  else view.setUint8(0, value);
  const width = plan.layout === 'bits' ? 1 : plan.layout === 'int32' || plan.layout === 'float32' ? 4 : 8;
  return new Uint8Array(view.buffer.slice(0, width));
}

/** Cuts a UTF-8 lower bound to `length` code points; a prefix is never greater than the whole. */
export function truncateStringLower(utf8: Uint8Array, length: number): Uint8Array {
  return utf8.slice(0, codePointPrefix(utf8, length));
}

/**
 * Cuts a UTF-8 upper bound to `length` code points and increments the last one that can be, so that it is
 * still not less than any value; undefined when none can (all U+10FFFF). Surrogates are skipped.
 */
export function truncateStringUpper(utf8: Uint8Array, length: number): Uint8Array | undefined {
  const end = codePointPrefix(utf8, length);
  if (end === utf8.length) return utf8.slice();
  const points = Array.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(utf8.subarray(0, end)));
  for (let last = points.length - 1; last >= 0; last--) {
    const point = (points[last] as string).codePointAt(0) as number;
    if (point === 0x10ffff) continue;
    const next = point + 1 === 0xd800 ? 0xe000 : point + 1;
    return new TextEncoder().encode(points.slice(0, last).join('') + String.fromCodePoint(next));
  }
  return undefined;
}

/** Cuts a binary lower bound to `length` bytes. */
export function truncateBinaryLower(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.slice(0, length);
}

/** Cuts a binary upper bound and increments the last byte that can be; undefined when all are 0xFF. */
export function truncateBinaryUpper(bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (bytes.length <= length) return bytes.slice();
  for (let last = length - 1; last >= 0; last--) {
    if (bytes[last] === 0xff) continue;
    const cut = bytes.slice(0, last + 1);
    cut[last] = (cut[last] as number) + 1;
    return cut;
  }
  return undefined;
}

function codePointPrefix(utf8: Uint8Array, length: number): number {
  let points = 0;
  for (let i = 0; i < utf8.length; i++) {
    // Continuation bytes are 10xxxxxx; every other byte starts a code point.
    if (((utf8[i] as number) & 0xc0) === 0x80) continue;
    if (points === length) return i;
    points += 1;
  }
  return utf8.length;
}
