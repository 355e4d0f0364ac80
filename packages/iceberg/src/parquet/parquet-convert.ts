import { bytesToBigint } from '../metadata/bigint-bytes.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { decimalParameters, fixedLength } from '../metadata/type-parameters.ts';
import { formatUuid } from '../metadata/uuid.ts';
import type { Annotation, ParquetNode, TimeUnit } from './parquet-schema.ts';
import type { PhysicalValues } from './parquet-values.ts';

/** Values of a column in the form of `PrimitiveValue`. */
export type ColumnValues = ArrayLike<PrimitiveValue>;

/** Turns stored values into values of an Iceberg type. */
export type ValueConverter = (values: PhysicalValues) => ColumnValues;

/** A column whose stored form cannot be read as the table's type. */
export class ColumnMismatchError extends Error {}

/**
 * Finds how to read a stored column as an Iceberg type, the promotions of schema evolution included: int as
 * long, float as double, date as timestamp, decimals of less precision.
 *
 * @throws ColumnMismatchError when the stored form is none of that type
 * @see https://iceberg.apache.org/spec/#parquet
 */
export function valueConverter(type: PrimitiveType, node: ParquetNode): ValueConverter {
  const converter = converterOf(type, node);
  if (converter) return converter;
  const { annotation } = node;
  const stored = `${node.leaf?.physicalType ?? 'a group'}${annotation ? ` (${annotation.kind})` : ''}`;
  throw new ColumnMismatchError(`column ${node.name} is stored as ${stored} and cannot be read as ${type}`);
}

function converterOf(type: PrimitiveType, node: ParquetNode): ValueConverter | undefined {
  const stored = node.leaf?.physicalType;
  const { annotation } = node;
  switch (type) {
    case 'boolean':
      return stored === 'BOOLEAN' ? booleans : undefined;
    case 'int':
      if (stored !== 'INT32' || !isPlainInteger(annotation)) return undefined;
      return isUnsigned(annotation) ? unsignedToInt : sameNumbers;
    case 'long':
      if (!isPlainInteger(annotation)) return undefined;
      if (stored === 'INT64' && !isUnsigned(annotation)) return sameBigints;
      return stored === 'INT32' ? (isUnsigned(annotation) ? unsignedToBigint : intToBigint(1n)) : undefined;
    case 'float':
      return stored === 'FLOAT' ? sameNumbers : undefined;
    case 'double':
      return stored === 'DOUBLE' || stored === 'FLOAT' ? sameNumbers : undefined;
    case 'date':
      return stored === 'INT32' && (!annotation || annotation.kind === 'date') ? sameNumbers : undefined;
    case 'time':
      return timeConverter(stored, annotation, 'time', 'MICROS');
    case 'timestamp':
    case 'timestamptz':
      if (stored === 'INT32' && annotation?.kind === 'date') return intToBigint(86_400_000_000n);
      return timeConverter(stored, annotation, 'timestamp', 'MICROS');
    case 'timestamp_ns':
    case 'timestamptz_ns':
      if (stored === 'INT32' && annotation?.kind === 'date') return intToBigint(86_400_000_000_000n);
      return timeConverter(stored, annotation, 'timestamp', 'NANOS');
    case 'string':
      return stored === 'BYTE_ARRAY' && annotation?.kind !== 'decimal' ? texts : undefined;
    case 'binary':
      return isByteString(stored) && annotation?.kind !== 'decimal' ? byteStrings : undefined;
    case 'uuid':
      return node.leaf?.typeLength === 16 ? uuids : undefined;
    default:
      return parameterisedConverter(type, node);
  }
}

function parameterisedConverter(type: PrimitiveType, node: ParquetNode): ValueConverter | undefined {
  const length = fixedLength(type);
  if (length !== undefined) return node.leaf?.typeLength === length ? byteStrings : undefined;
  const decimal = decimalParameters(type);
  if (!decimal || node.annotation?.kind !== 'decimal' || node.annotation.scale !== decimal.scale) {
    return undefined;
  }
  switch (node.leaf?.physicalType) {
    case 'INT32':
      return intToBigint(1n);
    case 'INT64':
      return sameBigints;
    default:
      return isByteString(node.leaf?.physicalType) ? unscaledBytes : undefined;
  }
}

function isPlainInteger(annotation: Annotation | undefined): boolean {
  return annotation === undefined || annotation.kind === 'integer';
}

function isUnsigned(annotation: Annotation | undefined): boolean {
  return annotation?.kind === 'integer' && !annotation.signed;
}

function isByteString(stored: string | undefined): boolean {
  return stored === 'BYTE_ARRAY' || stored === 'FIXED_LEN_BYTE_ARRAY';
}

/** Coarser units are multiplied up, which is exact; finer ones would lose digits and are refused. */
function timeConverter(
  stored: string | undefined,
  annotation: Annotation | undefined,
  kind: 'time' | 'timestamp',
  wanted: TimeUnit,
): ValueConverter | undefined {
  if (stored === 'INT64' && (annotation === undefined || isPlainInteger(annotation))) return sameBigints;
  if (annotation?.kind !== kind) return undefined;
  const factor = unitFactors[`${annotation.unit}-${wanted}`];
  if (factor === undefined) return undefined;
  if (stored === 'INT32') return intToBigint(factor);
  if (stored !== 'INT64') return undefined;
  return factor === 1n ? sameBigints : multiplied(factor);
}

const unitFactors: Readonly<Record<string, bigint>> = {
  'MICROS-MICROS': 1n,
  'MILLIS-MICROS': 1000n,
  'NANOS-NANOS': 1n,
  'MICROS-NANOS': 1000n,
  'MILLIS-NANOS': 1_000_000n,
};

const booleans: ValueConverter = (stored) => {
  const flags = stored.values as Uint8Array;
  const values: boolean[] = new Array(flags.length);
  for (let i = 0; i < flags.length; i += 1) values[i] = flags[i] === 1;
  return values;
};

const sameNumbers: ValueConverter = (stored) => stored.values as Int32Array | Float32Array | Float64Array;

const sameBigints: ValueConverter = (stored) => stored.values as BigInt64Array;

const intToBigint =
  (factor: bigint): ValueConverter =>
  (stored) =>
    Array.from(stored.values as Int32Array, (value) => BigInt(value) * factor);

/** A file of small unsigned numbers can be read as int; one that does not fit is no value of the column. */
const unsignedToInt: ValueConverter = (stored) => {
  const values = stored.values as Int32Array;
  for (const value of values) {
    if (value < 0) throw new ColumnMismatchError(`${value >>> 0} does not fit an int`);
  }
  return values;
};

const unsignedToBigint: ValueConverter = (stored) =>
  Array.from(stored.values as Int32Array, (value) => BigInt(value >>> 0));

const multiplied =
  (factor: bigint): ValueConverter =>
  (stored) =>
    Array.from(stored.values as BigInt64Array, (value) => value * factor);

const texts: ValueConverter = (stored) => mapBytes(stored, (slices, index) => slices.text(index));

const byteStrings: ValueConverter = (stored) => mapBytes(stored, (slices, index) => slices.at(index));

const uuids: ValueConverter = (stored) => mapBytes(stored, (slices, index) => formatUuid(slices.at(index)));

const unscaledBytes: ValueConverter = (stored) =>
  mapBytes(stored, (slices, index) => bytesToBigint(slices.at(index)));

type Slices = Extract<PhysicalValues, { kind: 'bytes' }>['values'];

function mapBytes<T extends PrimitiveValue>(
  stored: PhysicalValues,
  read: (slices: Slices, index: number) => T,
): T[] {
  const slices = stored.values as Slices;
  const values: T[] = new Array(slices.length);
  for (let i = 0; i < slices.length; i += 1) values[i] = read(slices, i);
  return values;
}
