import { IcebergError } from '../errors.ts';
import { bigintToMinimalBytes } from './bigint-bytes.ts';
import { civilMonth, civilYear, floorDivide } from './calendar.ts';
import { murmur3 } from './murmur3.ts';
import type { Transform } from './partition-spec.ts';
import type { PrimitiveValue } from './primitive-value.ts';
import type { PrimitiveType } from './schema.ts';
import { decimalParameters, fixedLength } from './type-parameters.ts';
import { parseUuid } from './uuid.ts';

/** A transform's text taken apart. `unknown` is one this release cannot apply. */
export type ParsedTransform =
  | { readonly kind: 'identity' | 'void' | 'year' | 'month' | 'day' | 'hour' }
  | { readonly kind: 'bucket'; readonly buckets: number }
  | { readonly kind: 'truncate'; readonly width: number }
  | { readonly kind: 'unknown'; readonly text: string };

const plainTransforms = ['identity', 'void', 'year', 'month', 'day', 'hour'] as const;

/**
 * Takes a transform's text apart: `bucket[16]` is `{kind: 'bucket', buckets: 16}`. A text this release does
 * not know, or with a parameter that is not a positive 32-bit number, gives `{kind: 'unknown'}`; never throws.
 *
 * @see https://iceberg.apache.org/spec/#partition-transforms
 */
export function parseTransform(transform: Transform): ParsedTransform {
  const plain = plainTransforms.find((kind) => kind === transform);
  if (plain !== undefined) return { kind: plain };
  const match = /^(bucket|truncate)\[\s*(\d{1,10})\s*\]$/.exec(transform);
  const parameter = Number(match?.[2]);
  if (match === null || !(parameter >= 1 && parameter <= 0x7fffffff))
    return { kind: 'unknown', text: transform };
  return match[1] === 'bucket'
    ? { kind: 'bucket', buckets: parameter }
    : { kind: 'truncate', width: parameter };
}

/**
 * The type of a transform's results for a source column of `sourceType`: `day` gives `date`, `year`, `month`,
 * `hour` and `bucket` give `int`, the others give the source's own type. Undefined when the transform is not
 * known or cannot take that source.
 */
export function transformResultType(
  transform: Transform,
  sourceType: PrimitiveType,
): PrimitiveType | undefined {
  const parsed = parseTransform(transform);
  switch (parsed.kind) {
    case 'identity':
      return isOpaque(sourceType) ? undefined : sourceType;
    case 'void':
      return sourceType;
    case 'year':
    case 'month':
      return isDateLike(sourceType) ? 'int' : undefined;
    case 'day':
      return isDateLike(sourceType) ? 'date' : undefined;
    case 'hour':
      return isTimestamp(sourceType) ? 'int' : undefined;
    case 'bucket':
      return isBucketSource(sourceType) ? 'int' : undefined;
    case 'truncate':
      return isTruncateSource(sourceType) ? sourceType : undefined;
    case 'unknown':
      return undefined;
  }
}

/**
 * Makes the function that turns values of a source column into partition values. Null gives null. Times
 * before 1970 are rounded down (1969-12-31T23:59 is day -1, hour -1, year -1), not towards zero.
 *
 * @throws IcebergError `INVALID_ARGUMENT` when the transform is unknown or cannot take the source type
 */
export function bindTransform(
  transform: Transform,
  sourceType: PrimitiveType,
): (value: PrimitiveValue | null) => PrimitiveValue | null {
  if (transformResultType(transform, sourceType) === undefined) {
    throw new IcebergError('INVALID_ARGUMENT', `cannot apply transform ${transform} to type ${sourceType}`, {
      context: { transform, sourceType },
    });
  }
  const apply = applierOf(parseTransform(transform), sourceType);
  return (value) => (value === null ? null : apply(value));
}

/**
 * Applies a transform to one value; see {@link bindTransform}, which is the cheaper form for many values.
 * `applyTransform('day', 'timestamptz', -1n)` is `-1`.
 *
 * @throws IcebergError `INVALID_ARGUMENT` when the transform is unknown or cannot take the source type
 */
export function applyTransform(
  transform: Transform,
  sourceType: PrimitiveType,
  value: PrimitiveValue | null,
): PrimitiveValue | null {
  return bindTransform(transform, sourceType)(value);
}

type Apply = (value: PrimitiveValue) => PrimitiveValue | null;

function applierOf(transform: ParsedTransform, sourceType: PrimitiveType): Apply {
  switch (transform.kind) {
    case 'identity':
      return (value) => value;
    case 'year':
      return (value) => civilYear(epochDay(sourceType, value)) - 1970;
    case 'month':
      return (value) => civilMonth(epochDay(sourceType, value));
    case 'day':
      return (value) => epochDay(sourceType, value);
    case 'hour':
      return (value) => Number(floorDivide(value as bigint, unitsPerSecond(sourceType) * 3600n));
    case 'bucket':
      return (value) => (murmur3(hashInput(sourceType, value)) & 0x7fffffff) % transform.buckets;
    case 'truncate':
      return (value) => truncate(value, transform.width, sourceType);
    default:
      return () => null;
  }
}

function epochDay(sourceType: PrimitiveType, value: PrimitiveValue): number {
  if (sourceType === 'date') return value as number;
  return Number(floorDivide(value as bigint, unitsPerSecond(sourceType) * 86_400n));
}

function unitsPerSecond(type: PrimitiveType): bigint {
  return type.endsWith('_ns') ? 1_000_000_000n : 1_000_000n;
}

/** The bytes the bucket hash is taken of. Dates and ints are hashed as 8-byte longs, so widening keeps buckets. */
function hashInput(sourceType: PrimitiveType, value: PrimitiveValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    return sourceType === 'uuid' ? parseUuid(value) : new TextEncoder().encode(value);
  }
  if (decimalParameters(sourceType)) return bigintToMinimalBytes(value as bigint);
  // Nanoseconds hash as the microseconds they lie in, so that timestamp and timestamp_ns share buckets.
  const long = sourceType.endsWith('_ns') ? floorDivide(value as bigint, 1000n) : BigInt(value);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, long, true);
  return bytes;
}

function truncate(value: PrimitiveValue, width: number, sourceType: PrimitiveType): PrimitiveValue {
  if (typeof value === 'number') return (value - positiveRemainder(value, width)) | 0;
  if (typeof value === 'bigint') {
    const wide = BigInt(width);
    const truncated = value - (((value % wide) + wide) % wide);
    // As in Java, a long that would fall below the smallest one wraps around; decimals do not.
    return sourceType === 'long' ? BigInt.asIntN(64, truncated) : truncated;
  }
  if (value instanceof Uint8Array) return value.length <= width ? value : value.slice(0, width);
  return firstCodePoints(value as string, width);
}

function positiveRemainder(value: number, width: number): number {
  return ((value % width) + width) % width;
}

function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken += 1) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function isTimestamp(type: PrimitiveType): boolean {
  return type.startsWith('timestamp');
}

function isDateLike(type: PrimitiveType): boolean {
  return type === 'date' || isTimestamp(type);
}

function isBucketSource(type: PrimitiveType): boolean {
  if (isDateLike(type) || fixedLength(type) !== undefined || decimalParameters(type)) return true;
  return ['int', 'long', 'time', 'string', 'uuid', 'binary'].includes(type);
}

function isTruncateSource(type: PrimitiveType): boolean {
  return ['int', 'long', 'string', 'binary'].includes(type) || decimalParameters(type) !== undefined;
}

function isOpaque(type: PrimitiveType): boolean {
  return type === 'unknown' || type === 'variant' || /^geo(metry|graphy)/.test(type);
}
