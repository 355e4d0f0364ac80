import type { JsonObject, JsonValue } from '../json/json.ts';

/**
 * A type without parts. `timestamp_ns`, `timestamptz_ns`, `unknown`, `variant`, `geometry(…)` and
 * `geography(…)` belong to format v3: metadata that holds them is read and kept, rows of them are not read.
 * Spec: https://iceberg.apache.org/spec/#primitive-types
 */
export type PrimitiveType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'timestamp_ns'
  | 'timestamptz_ns'
  | 'string'
  | 'uuid'
  | 'binary'
  | 'unknown'
  | 'variant'
  | `decimal(${number},${number})`
  | `fixed[${number}]`
  | `geometry${string}`
  | `geography${string}`;

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly NestedField[];
  readonly extra?: JsonObject;
}

export interface ListType {
  readonly type: 'list';
  readonly elementId: number;
  readonly elementRequired: boolean;
  readonly element: Type;
  readonly extra?: JsonObject;
}

export interface MapType {
  readonly type: 'map';
  readonly keyId: number;
  readonly key: Type;
  readonly valueId: number;
  readonly valueRequired: boolean;
  readonly value: Type;
  readonly extra?: JsonObject;
}

export type Type = PrimitiveType | StructType | ListType | MapType;

/** A column, or a field of a struct. The id is its identity; the name may change. */
export interface NestedField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: Type;
  readonly doc?: string;
  /** v3: value of rows written before the field existed, in the spec's JSON single-value form. */
  readonly initialDefault?: JsonValue;
  /** v3: value a writer puts where the caller gives none, in the spec's JSON single-value form. */
  readonly writeDefault?: JsonValue;
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** A table schema. Spec: https://iceberg.apache.org/spec/#schemas */
export interface Schema {
  /** Id within the table. */
  readonly schemaId: number;
  readonly fields: readonly NestedField[];
  /** Ids of the fields that identify a row; sorted, never empty when present. */
  readonly identifierFieldIds?: readonly number[];
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** True for a type without parts. */
export function isPrimitiveType(type: Type): type is PrimitiveType {
  return typeof type === 'string';
}

/** A field and the way to it: `path` holds the names from the top, `element`, `key` and `value` included. */
export interface FieldPath {
  readonly field: NestedField;
  readonly path: readonly string[];
  /** Ids of the enclosing fields, outermost first. */
  readonly parents: readonly number[];
  /** True when a list or map lies on the way. */
  readonly repeated: boolean;
}

/** Every field of a schema, nested ones and list elements, map keys and values included, parents first. */
export function* walkFields(fields: readonly NestedField[]): Generator<FieldPath> {
  yield* walk(fields, [], [], false);
}

function* walk(
  fields: readonly NestedField[],
  path: readonly string[],
  parents: readonly number[],
  repeated: boolean,
): Generator<FieldPath> {
  for (const field of fields) {
    const here = [...path, field.name];
    yield { field, path: here, parents, repeated };
    const { type } = field;
    if (isPrimitiveType(type)) continue;
    const below = [...parents, field.id];
    yield* walk(childFields(type), here, below, repeated || type.type !== 'struct');
  }
}

/** The children of a nested type as fields: struct fields, list `element`, map `key` and `value`. */
export function childFields(type: StructType | ListType | MapType): readonly NestedField[] {
  switch (type.type) {
    case 'struct':
      return type.fields;
    case 'list':
      return [{ id: type.elementId, name: 'element', required: type.elementRequired, type: type.element }];
    case 'map':
      return [
        { id: type.keyId, name: 'key', required: true, type: type.key },
        { id: type.valueId, name: 'value', required: type.valueRequired, type: type.value },
      ];
  }
}

/** The field with this id anywhere in the schema. */
export function findField(schema: Pick<Schema, 'fields'>, id: number): NestedField | undefined {
  for (const { field } of walkFields(schema.fields)) if (field.id === id) return field;
  return undefined;
}

/** The field with this dotted name (`a.b`, `list.element`); case-sensitive. */
export function findFieldByName(schema: Pick<Schema, 'fields'>, name: string): NestedField | undefined {
  for (const { field, path } of walkFields(schema.fields)) if (path.join('.') === name) return field;
  return undefined;
}

/** The highest id in use, list elements and map keys and values included; 0 for no fields. */
export function highestFieldId(schema: Pick<Schema, 'fields'>): number {
  let highest = 0;
  for (const { field } of walkFields(schema.fields)) highest = Math.max(highest, field.id);
  return highest;
}
