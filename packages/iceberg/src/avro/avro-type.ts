import type { JsonObject, JsonValue } from '../json/json.ts';

/**
 * The Avro types manifests are made of. Names of records and fixed types matter only in the text; Iceberg finds
 * its fields by `fieldId`. Spec: https://avro.apache.org/docs/1.11.1/specification/ and
 * https://iceberg.apache.org/spec/#avro
 */
export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroRecord | AvroArray | AvroMap | AvroUnion;

export type AvroPrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveKind;
  /** `logicalType` and its parameters, as they stand in the text. */
  readonly attributes?: JsonObject;
}

export interface AvroFixed {
  readonly kind: 'fixed';
  readonly name: string;
  readonly size: number;
  readonly attributes?: JsonObject;
  /** Reading only: values have a length before them, against the format; see `avro-prefixed-fixed.ts`. */
  readonly isPrefixed?: boolean;
}

export interface AvroEnum {
  readonly kind: 'enum';
  readonly name: string;
  readonly symbols: readonly string[];
}

export interface AvroRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly fields: readonly AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly fieldId?: number;
  readonly type: AvroType;
}

export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroType;
  readonly elementId?: number;
  /** `map` for an array of key-value records, Iceberg's form of maps whose keys are no strings. */
  readonly logicalType?: string;
}

export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroType;
}

export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

/** A type without parts. */
export function primitive(kind: AvroPrimitiveKind, attributes?: JsonObject): AvroPrimitive {
  return attributes === undefined ? { kind } : { kind, attributes };
}

/** `["null", T]`, Iceberg's form of an optional field. */
export function optional(type: AvroType): AvroUnion {
  return { kind: 'union', branches: [primitive('null'), type] };
}

export function record(name: string, fields: readonly AvroField[]): AvroRecord {
  return { kind: 'record', name, fields };
}

export function field(fieldId: number, name: string, type: AvroType): AvroField {
  return { fieldId, name, type };
}

export function array(elementId: number, items: AvroType): AvroArray {
  return { kind: 'array', items, elementId };
}

/** A map as an array of records; Java and PyIceberg name the record after the two ids. */
export function keyValueArray(keyId: number, key: AvroType, valueId: number, value: AvroType): AvroArray {
  const items = record(`k${keyId}_v${valueId}`, [field(keyId, 'key', key), field(valueId, 'value', value)]);
  return { kind: 'array', items, logicalType: 'map' };
}

type Names = Map<string, AvroType>;

/**
 * The schema as it stands in a file's header; a named type that occurs again is written as its name. Two types
 * of one name are a mistake of the caller (`TypeError`).
 */
export function avroTypeToJson(type: AvroType, named: Names = new Map()): JsonValue {
  switch (type.kind) {
    case 'record':
      if (isKnown(type, named)) return type.name;
      return { type: 'record', name: type.name, fields: type.fields.map((f) => fieldToJson(f, named)) };
    case 'fixed':
      if (isKnown(type, named)) return type.name;
      return { type: 'fixed', name: type.name, size: type.size, ...type.attributes };
    case 'enum':
      if (isKnown(type, named)) return type.name;
      return { type: 'enum', name: type.name, symbols: type.symbols };
    case 'array':
      return {
        type: 'array',
        items: avroTypeToJson(type.items, named),
        ...(type.elementId !== undefined && { 'element-id': type.elementId }),
        ...(type.logicalType !== undefined && { logicalType: type.logicalType }),
      };
    case 'map':
      return { type: 'map', values: avroTypeToJson(type.values, named) };
    case 'union':
      return type.branches.map((branch) => avroTypeToJson(branch, named));
    default:
      return type.attributes === undefined ? type.kind : { type: type.kind, ...type.attributes };
  }
}

function isKnown(type: AvroRecord | AvroFixed | AvroEnum, named: Names): boolean {
  const known = named.get(type.name);
  if (known === undefined) {
    named.set(type.name, type);
    return false;
  }
  if (known === type || JSON.stringify(known) === JSON.stringify(type)) return true;
  throw new TypeError(`two Avro types are named ${type.name}`);
}

function fieldToJson(f: AvroField, named: Names): JsonObject {
  return {
    name: f.name,
    type: avroTypeToJson(f.type, named),
    ...(isOptional(f.type) && { default: null }),
    ...(f.fieldId !== undefined && { 'field-id': f.fieldId }),
  };
}

function isOptional(type: AvroType): boolean {
  return type.kind === 'union' && type.branches[0]?.kind === 'null';
}
