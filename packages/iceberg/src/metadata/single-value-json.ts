import { IcebergError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json/json.ts';
import { isRawJson, stringifyJson } from '../json/json.ts';
import type { PrimitiveValue } from './primitive-value.ts';
import { fieldSetter, type MutableRow, type RowValue } from './row.ts';
import {
  isPrimitiveType,
  type ListType,
  type MapType,
  type NestedField,
  type PrimitiveType,
  type StructType,
  type Type,
} from './schema.ts';
import { checkValue } from './single-value.ts';
import { decimalParameters } from './type-parameters.ts';

/**
 * Reads a value from Iceberg's JSON single-value form: the form of a field's default values. A date is
 * `"2017-11-16"`, a timestamptz `"2017-11-16T22:31:08.000001+00:00"`, a decimal `"14.20"`, bytes are hex.
 *
 * @throws IcebergError `INVALID_METADATA` when the JSON is no value of the type
 * @see https://iceberg.apache.org/spec/#json-single-value-serialization
 */
export function singleValueFromJson(type: Type, json: JsonValue): RowValue {
  if (json === null) return null;
  if (isPrimitiveType(type)) return primitiveFromJson(type, json);
  switch (type.type) {
    case 'struct':
      return structFromJson(type, json);
    case 'list':
      return listFromJson(type, json);
    case 'map':
      return mapFromJson(type, json);
  }
}

/**
 * The value that rows written before the field was added have: its initial default.
 *
 * @param file read when the value was wanted; named in errors
 * @throws IcebergError `INVALID_METADATA` naming file and field when the default is no value of the field's type
 */
export function initialDefaultOf(file: string, field: NestedField): RowValue {
  const { id, name, type, initialDefault } = field;
  if (initialDefault === undefined) return null;
  try {
    return singleValueFromJson(type, initialDefault);
  } catch (cause) {
    if (!IcebergError.is(cause, 'INVALID_METADATA')) throw cause;
    throw new IcebergError(
      'INVALID_METADATA',
      `${file} lacks the field ${name} (id ${id}), and its initial default in the table's schema is no ${nameOf(type)}: ${stringifyJson(initialDefault).slice(0, 80)}`,
      { context: { ...cause.context, file, field: name, fieldId: id }, cause },
    );
  }
}

function primitiveFromJson(type: PrimitiveType, json: JsonValue): PrimitiveValue {
  const value = parsePrimitive(type, json);
  if (value === undefined) throw invalid(type, json);
  try {
    checkValue(type, value);
  } catch (cause) {
    throw invalid(type, json, cause);
  }
  return value;
}

function parsePrimitive(type: PrimitiveType, json: JsonValue): PrimitiveValue | undefined {
  switch (type) {
    case 'boolean':
      return typeof json === 'boolean' ? json : undefined;
    case 'int':
      return typeof json === 'number' ? json : undefined;
    case 'long':
      return typeof json === 'bigint' || Number.isInteger(json) ? BigInt(json as number | bigint) : undefined;
    case 'float': {
      // Rows of files hold singles; 0.1 must be the same one.
      const value = parseNumber(json);
      return value === undefined || !Number.isFinite(Math.fround(value)) ? undefined : Math.fround(value);
    }
    case 'double':
      return parseNumber(json);
    case 'string':
      return typeof json === 'string' ? json : undefined;
    case 'uuid':
      return typeof json === 'string' ? json.toLowerCase() : undefined;
    default:
      return typeof json === 'string' ? parseText(type, json) : undefined;
  }
}

function parseNumber(json: JsonValue): number | undefined {
  if (isRawJson(json)) return Number(json.rawJSON);
  return typeof json === 'number' || typeof json === 'bigint' ? Number(json) : undefined;
}

function parseText(type: PrimitiveType, text: string): PrimitiveValue | undefined {
  switch (type) {
    case 'date': {
      const milliseconds = Date.parse(`${text}T00:00:00Z`);
      return Number.isNaN(milliseconds) ? undefined : milliseconds / 86_400_000;
    }
    case 'time':
      return parseTime(`1970-01-01T${text}`, '', 6);
    case 'timestamp':
      return parseTime(text, '', 6);
    case 'timestamptz':
      return parseTime(text, '+00:00', 6);
    case 'timestamp_ns':
      return parseTime(text, '', 9);
    case 'timestamptz_ns':
      return parseTime(text, '+00:00', 9);
    case 'binary':
      return parseHex(text);
    default: {
      const decimal = decimalParameters(type);
      return decimal ? parseDecimal(text, decimal.scale) : parseHex(text);
    }
  }
}

/** `2017-11-16T22:31:08.000001` with `digits` decimals of a second at most, as a number of those. */
function parseTime(text: string, zone: string, digits: number): bigint | undefined {
  const match = /^(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(.*)$/.exec(text);
  if (!match || (match[3] !== zone && !(zone !== '' && match[3] === 'Z'))) return undefined;
  const [, whole, fraction = ''] = match;
  const milliseconds = Date.parse(`${whole}Z`);
  if (Number.isNaN(milliseconds) || fraction.length > digits) return undefined;
  return BigInt(milliseconds / 1000) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, '0'));
}

function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  if (fraction.length !== scale) return undefined;
  return BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
}

function parseHex(text: string): Uint8Array | undefined {
  return /^([0-9a-f]{2})*$/i.test(text) ? Uint8Array.from(Buffer.from(text, 'hex')) : undefined;
}

/** Structs are keyed by field id. */
function structFromJson(type: StructType, json: JsonValue): RowValue {
  const members = objectOf(type, json);
  const struct: MutableRow = {};
  for (const field of type.fields) {
    fieldSetter(field.name)(struct, singleValueFromJson(field.type, members[String(field.id)] ?? null));
  }
  return struct;
}

function listFromJson(type: ListType, json: JsonValue): RowValue {
  if (!Array.isArray(json)) throw invalid(type, json);
  return json.map((item: JsonValue) => singleValueFromJson(type.element, item));
}

function mapFromJson(type: MapType, json: JsonValue): RowValue {
  const { keys, values } = objectOf(type, json);
  if (!Array.isArray(keys) || !Array.isArray(values) || keys.length !== values.length)
    throw invalid(type, json);
  return new Map(
    keys.map((key: JsonValue, index) => [
      singleValueFromJson(type.key, key),
      singleValueFromJson(type.value, values[index] as JsonValue),
    ]),
  );
}

function objectOf(type: Type, json: JsonValue): JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json) || isRawJson(json)) {
    throw invalid(type, json);
  }
  return json as JsonObject;
}

function invalid(type: Type, json: JsonValue, cause?: unknown): IcebergError {
  const name = nameOf(type);
  return new IcebergError('INVALID_METADATA', `a default value is not a ${name}`, {
    context: { type: name, json },
    ...(cause === undefined ? {} : { cause }),
  });
}

function nameOf(type: Type): string {
  return isPrimitiveType(type) ? type : type.type;
}
