import { IcebergError } from '../errors.ts';
import { bigintToMinimalBytes, bytesToBigint } from './bigint-bytes.ts';
import type { PrimitiveValue } from './primitive-value.ts';
import type { PrimitiveType } from './schema.ts';
import { decimalParameters, fixedLength } from './type-parameters.ts';
import { formatUuid, isUuid, parseUuid } from './uuid.ts';
import { compareBytes, compareCodePoints, compareNumbers } from './value-order.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Encodes one value in Iceberg's binary single-value form: the form of column bounds in manifests and of
 * partition bounds in manifest lists. `long` 34 becomes `22 00 00 00 00 00 00 00`, `int` 34 `22 00 00 00`.
 *
 * @param type how to encode; `unknown`, `variant`, `geometry` and `geography` have no such form here
 * @param value in the form of {@link PrimitiveValue}
 * @returns fresh bytes, except for `binary` and `fixed`, where it is `value` itself
 * @throws IcebergError `INVALID_ARGUMENT` when the value is not one of the type (wrong JavaScript type, out of
 *   range, wrong length)
 * @see https://iceberg.apache.org/spec/#binary-single-value-serialization
 */
export function encodeSingleValue(type: PrimitiveType, value: PrimitiveValue): Uint8Array {
  checkValue(type, value);
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value ? 1 : 0);
    case 'int':
    case 'date':
      return fill(4, (view) => view.setInt32(0, value as number, true));
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return fill(8, (view) => view.setBigInt64(0, value as bigint, true));
    case 'float':
      return fill(4, (view) => view.setFloat32(0, value as number, true));
    case 'double':
      return fill(8, (view) => view.setFloat64(0, value as number, true));
    case 'string':
      return new TextEncoder().encode(value as string);
    case 'uuid':
      return parseUuid(value as string);
    default:
      return typeof value === 'bigint' ? bigintToMinimalBytes(value) : (value as Uint8Array);
  }
}

/**
 * Decodes a value from Iceberg's binary single-value form. Bounds written before a type was widened keep
 * their old width and are read as what they were: `long` from 4 bytes (int), `double` from 4 bytes (float),
 * `timestamp` and `timestamp_ns` from 4 bytes (date); a decimal of any width is read by its bytes.
 *
 * @returns the value in the form of {@link PrimitiveValue}; for `binary` and `fixed` it is `bytes` itself
 * @throws IcebergError `INVALID_ARGUMENT` when the bytes cannot be a value of the type (wrong length,
 *   malformed UTF-8)
 */
export function decodeSingleValue(type: PrimitiveType, bytes: Uint8Array): PrimitiveValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'boolean':
      if (bytes.length === 1) return bytes[0] !== 0;
      break;
    case 'int':
    case 'date':
      if (bytes.length === 4) return view.getInt32(0, true);
      break;
    case 'long':
      if (bytes.length === 8) return view.getBigInt64(0, true);
      if (bytes.length === 4) return BigInt(view.getInt32(0, true));
      break;
    case 'timestamp':
    case 'timestamp_ns':
      if (bytes.length === 8) return view.getBigInt64(0, true);
      if (bytes.length === 4) return BigInt(view.getInt32(0, true)) * unitsPerDay(type);
      break;
    case 'time':
    case 'timestamptz':
    case 'timestamptz_ns':
      if (bytes.length === 8) return view.getBigInt64(0, true);
      break;
    case 'float':
      if (bytes.length === 4) return view.getFloat32(0, true);
      break;
    case 'double':
      if (bytes.length === 8) return view.getFloat64(0, true);
      if (bytes.length === 4) return view.getFloat32(0, true);
      break;
    case 'string':
      return decodeUtf8(bytes);
    case 'uuid':
      if (bytes.length === 16) return formatUuid(bytes);
      break;
    case 'binary':
      return bytes;
    default:
      if (fixedLength(type) === bytes.length) return bytes;
      if (decimalParameters(type) && bytes.length > 0) return bytesToBigint(bytes);
  }
  throw new IcebergError('INVALID_ARGUMENT', `${bytes.length} bytes are not a value of type ${type}`, {
    context: { type, byteLength: bytes.length },
  });
}

/**
 * Orders two non-null values of one type as Iceberg does: numbers by size (NaN last, -0 equal to +0), strings
 * by code point, bytes and uuids as unsigned bytes, false before true.
 *
 * @returns negative, zero or positive
 */
export function compareValues(_type: PrimitiveType, left: PrimitiveValue, right: PrimitiveValue): number {
  if (typeof left === 'string') return compareCodePoints(left, right as string);
  if (typeof left === 'number') return compareNumbers(left, right as number);
  if (left instanceof Uint8Array) return compareBytes(left, right as Uint8Array);
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * What stands for a value in a `Set` or `Map` of values of one type: the same for two values exactly when
 * {@link compareValues} takes them for equal.
 */
export function valueKey(value: PrimitiveValue): string | number | bigint | boolean {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

/**
 * Checks that a value is one of the type, in the form of {@link PrimitiveValue}.
 *
 * @throws IcebergError `INVALID_ARGUMENT` saying what was expected
 */
export function checkValue(type: PrimitiveType, value: PrimitiveValue): void {
  const problem = problemOf(type, value);
  if (problem === undefined) return;
  throw new IcebergError('INVALID_ARGUMENT', `expected ${problem} for type ${type}, got ${describe(value)}`, {
    context: { type },
  });
}

/** What was expected, if the value is not one of the type. */
function problemOf(type: PrimitiveType, value: PrimitiveValue): string | undefined {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'a boolean';
    case 'int':
    case 'date':
      return Number.isInteger(value) && (value as number) === ((value as number) | 0)
        ? undefined
        : 'a 32-bit whole number';
    case 'float':
    case 'double':
      return typeof value === 'number' ? undefined : 'a number';
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? undefined : 'a 64-bit bigint';
    case 'string':
      return typeof value === 'string' ? undefined : 'a string';
    case 'uuid':
      return typeof value === 'string' && isUuid(value) ? undefined : 'a uuid as text';
    case 'binary':
      return value instanceof Uint8Array ? undefined : 'a Uint8Array';
    default:
      return problemOfParameterised(type, value);
  }
}

function problemOfParameterised(type: string, value: PrimitiveValue): string | undefined {
  const length = fixedLength(type);
  if (length !== undefined) {
    return value instanceof Uint8Array && value.length === length
      ? undefined
      : `a Uint8Array of ${length} bytes`;
  }
  const decimal = decimalParameters(type);
  if (!decimal) return 'a type with a binary form';
  const limit = 10n ** BigInt(decimal.precision);
  return typeof value === 'bigint' && value < limit && value > -limit
    ? undefined
    : `a bigint of at most ${decimal.precision} digits (the unscaled value)`;
}

function describe(value: PrimitiveValue): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'string'
    ? `string ${JSON.stringify(value.slice(0, 40))}`
    : `${typeof value} ${value}`;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new IcebergError('INVALID_ARGUMENT', 'the bytes of a string are not UTF-8', { cause });
  }
}

/** What a column of type date may be widened to. */
export type DayTimestamp = 'timestamp' | 'timestamp_ns';

/** What a day of a column that was a date counts in the type it was widened to. */
export function unitsPerDay(type: DayTimestamp): bigint {
  return type === 'timestamp' ? 86_400_000_000n : 86_400_000_000_000n;
}

function fill(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  write(new DataView(bytes.buffer));
  return bytes;
}
