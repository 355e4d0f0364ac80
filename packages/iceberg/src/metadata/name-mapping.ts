import type { JsonObject } from '../json/json.ts';
import { childFields, isPrimitiveType, type NestedField, type Schema } from './schema.ts';

/** The table property that holds a table's name mapping as JSON. */
export const nameMappingProperty = 'schema.name-mapping.default';

/** The names by which one field is found in data files without field ids. */
export interface MappedField {
  /** Absent: columns of these names are known and belong to no field (any more). */
  readonly fieldId?: number;
  /** Each a whole name: a dot in it is a dot, not a step down. Empty: the field is in no such file. */
  readonly names: readonly string[];
  /** Of a struct its fields; of a list `element`; of a map `key` and `value`. */
  readonly fields?: readonly MappedField[];
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/**
 * Which field of the table a column without field id is: top-level fields, nested ones below them. Immutable.
 * Spec: https://iceberg.apache.org/spec/#name-mapping-serialization
 */
export type NameMapping = readonly MappedField[];

/** The mapping in which every field of a schema has its present name and no other. */
export function createNameMapping(schema: Pick<Schema, 'fields'>): NameMapping {
  return schema.fields.map(mapField);
}

/** One field as {@link createNameMapping} maps it, what is below it included. */
export function mapField(field: NestedField): MappedField {
  const mapped = { fieldId: field.id, names: [field.name] };
  if (isPrimitiveType(field.type)) return mapped;
  return { ...mapped, fields: childFields(field.type).map(mapField) };
}
