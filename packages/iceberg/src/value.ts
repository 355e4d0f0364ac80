import type { PrimitiveType } from './schema.ts';

/**
 * One primitive Iceberg value as this package hands it out and takes it. By type:
 *
 * | Iceberg type | JavaScript |
 * |---|---|
 * | boolean | boolean |
 * | int, float, double | number |
 * | long | bigint |
 * | date | number: days since 1970-01-01, negative before |
 * | time | bigint: microseconds since midnight |
 * | timestamp, timestamptz | bigint: microseconds since 1970-01-01T00:00 (UTC for timestamptz) |
 * | timestamp_ns, timestamptz_ns | bigint: nanoseconds since 1970-01-01T00:00 |
 * | decimal(P,S) | bigint: the unscaled value, so 14.20 as decimal(9,2) is 1420n |
 * | string | string |
 * | uuid | string: canonical, lower case |
 * | fixed[L], binary | Uint8Array |
 *
 * 64-bit values never pass through a double. Null is not a `Value`; where it is possible, types say so.
 */
export type Value = boolean | number | bigint | string | Uint8Array;

/**
 * Orders two non-null values of one type as Iceberg orders them: numbers by size, strings by code point
 * (which is their UTF-8 byte order, not JavaScript's UTF-16 order), bytes as unsigned, uuids as unsigned
 * bytes. NaN sorts after every other number; -0 equals +0.
 *
 * @returns negative, zero or positive
 */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === 'string') return compareCodePoints(left, right as string);
  if (typeof left === 'number') return compareNumbers(left, right as number);
  if (left instanceof Uint8Array) return compareBytes(left, right as Uint8Array);
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareNumbers(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) return 0;
  return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
}

/** Unsigned lexicographic order of two byte strings; a prefix sorts before what it begins. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * Order of two strings by Unicode code point. UTF-16 units would put U+10000 and above (surrogate pairs,
 * 0xD800…) before U+E000…U+FFFF; shifting the two ranges past each other repairs that without decoding.
 */
export function compareCodePoints(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i += 1) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Whether NaN is a value of this type. */
export function isFloatingPoint(type: PrimitiveType): boolean {
  return type === 'float' || type === 'double';
}

/** Precision and scale of a `decimal(P,S)` type name, or undefined for every other type. */
export function decimalParameters(type: string): { precision: number; scale: number } | undefined {
  const match = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** Length of a `fixed[L]` type name, or undefined for every other type. */
export function fixedLength(type: string): number | undefined {
  const match = /^fixed\[\s*(\d+)\s*\]$/.exec(type);
  return match ? Number(match[1]) : undefined;
}
