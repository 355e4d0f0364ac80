import { isRawJson, type JsonObject, type JsonValue } from '../json/json.ts';
import type { AvroField, AvroPrimitiveKind, AvroType } from './avro-type.ts';

/** A schema text that is no Avro schema, or one no manifest has (a type inside itself). */
export class AvroSchemaError extends Error {}

const primitiveKinds: ReadonlySet<string> = new Set<AvroPrimitiveKind>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
/** Nesting beyond this is damage (or an attack on the stack), not a manifest. */
const maxDepth = 64;
const maxFixedBytes = 2 ** 20;
/** Types written out in full, each as often as it is named. A manifest of a thousand partition fields has some 3,000. */
const maxTypes = 100_000;

/** Reads an Avro schema with Iceberg's attributes; throws {@link AvroSchemaError}. */
export function parseAvroSchema(json: JsonValue): AvroType {
  const type = parseType(json, new Map(), 0);
  if (typeCount(type, new Map()) > maxTypes) throw new AvroSchemaError('too many types within types');
  return type;
}

/** A few records that name each other twice would be billions of types, and each value of them as much memory. */
function typeCount(type: AvroType, known: Map<AvroType, number>): number {
  const counted = known.get(type);
  if (counted !== undefined) return counted;
  const count = innerTypes(type).reduce((sum, inner) => sum + typeCount(inner, known), 1);
  known.set(type, count);
  return count;
}

function innerTypes(type: AvroType): readonly AvroType[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'union':
      return type.branches;
    case 'array':
      return [type.items];
    case 'map':
      return [type.values];
    default:
      return [];
  }
}

type Names = Map<string, AvroType>;

function parseType(json: JsonValue, names: Names, depth: number): AvroType {
  if (depth > maxDepth) throw new AvroSchemaError('nested too deeply');
  if (typeof json === 'string') return parseNamed(json, names);
  if (Array.isArray(json)) {
    if (json.length === 0) throw new AvroSchemaError('a union has no branches');
    return { kind: 'union', branches: json.map((branch: JsonValue) => parseType(branch, names, depth + 1)) };
  }
  if (!isObject(json)) throw new AvroSchemaError(`expected a type, found ${String(json)}`);
  const { type } = json;
  if (typeof type !== 'string') return parseType(type ?? null, names, depth + 1);
  if (primitiveKinds.has(type)) {
    const { type: _, ...attributes } = json;
    const kind = type as AvroPrimitiveKind;
    return Object.keys(attributes).length === 0 ? { kind } : { kind, attributes };
  }
  switch (type) {
    case 'record':
    case 'error':
      return parseRecord(json, names, depth);
    case 'array':
      return {
        kind: 'array',
        items: parseType(json.items ?? null, names, depth + 1),
        ...optionalNumber('elementId', json['element-id']),
        ...(typeof json.logicalType === 'string' && { logicalType: json.logicalType }),
      };
    case 'map':
      return { kind: 'map', values: parseType(json.values ?? null, names, depth + 1) };
    case 'fixed':
      return parseFixed(json, names);
    case 'enum':
      return define(names, { kind: 'enum', name: nameOf(json), symbols: symbolsOf(json) });
    default:
      return parseNamed(type, names);
  }
}

function parseNamed(name: string, names: Names): AvroType {
  if (primitiveKinds.has(name)) return { kind: name as AvroPrimitiveKind };
  const known = names.get(name) ?? names.get(name.slice(name.lastIndexOf('.') + 1));
  if (known === undefined) throw new AvroSchemaError(`unknown type "${name.slice(0, 60)}"`);
  return known;
}

function parseRecord(json: JsonObject, names: Names, depth: number): AvroType {
  const fields = json.fields;
  if (!Array.isArray(fields)) throw new AvroSchemaError(`record ${nameOf(json)} has no fields`);
  // Defined only once complete: a record inside itself is refused as an unknown type.
  return define(names, {
    kind: 'record',
    name: nameOf(json),
    fields: fields.map((f: JsonValue): AvroField => {
      if (!isObject(f) || typeof f.name !== 'string') throw new AvroSchemaError('a field has no name');
      return {
        name: f.name,
        type: parseType(f.type ?? null, names, depth + 1),
        ...optionalNumber('fieldId', f['field-id']),
      };
    }),
  });
}

function parseFixed(json: JsonObject, names: Names): AvroType {
  const { type: _, name: __, size, ...attributes } = json;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > maxFixedBytes) {
    throw new AvroSchemaError(`fixed type ${nameOf(json)} has no sound size`);
  }
  const sized = { kind: 'fixed', name: nameOf(json), size } as const;
  return define(names, Object.keys(attributes).length === 0 ? sized : { ...sized, attributes });
}

function define<T extends AvroType & { readonly name: string }>(names: Names, type: T): T {
  names.set(type.name, type);
  names.set(type.name.slice(type.name.lastIndexOf('.') + 1), type);
  return type;
}

function nameOf(json: JsonObject): string {
  if (typeof json.name === 'string') return json.name;
  throw new AvroSchemaError('a named type has no name');
}

function symbolsOf(json: JsonObject): readonly string[] {
  const symbols = json.symbols;
  if (Array.isArray(symbols) && symbols.every((symbol) => typeof symbol === 'string')) return symbols;
  throw new AvroSchemaError(`enum ${nameOf(json)} has no symbols`);
}

function optionalNumber<K extends string>(
  key: K,
  value: JsonValue | undefined,
): { readonly [k in K]?: number } {
  return typeof value === 'number' ? ({ [key]: value } as { readonly [k in K]: number }) : {};
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value);
}
