import { IcebergError } from '../errors.ts';
import { isPrimitiveType, type NestedField, type Schema, walkFields } from './schema.ts';
import { maxTypeDepth, parsePrimitiveType } from './schema-json.ts';

/** Ids from here on are reserved for metadata columns. */
const firstReservedFieldId = 2147483447;
const v3Types = /^(timestamp_ns|timestamptz_ns|unknown|variant|geometry.*|geography.*)$/;

/**
 * Checks that a schema may become a schema of a format v2 table: distinct ids and names, known types,
 * sound identifier fields. Throws `INVALID_ARGUMENT`. Spec: https://iceberg.apache.org/spec/#schemas
 */
export function checkSchema(schema: Pick<Schema, 'fields' | 'identifierFieldIds'>): void {
  const byId = new Map<number, { field: NestedField; parents: readonly number[]; repeated: boolean }>();
  const names = new Set<string>();
  for (const { field, path, parents, repeated } of walkFields(schema.fields)) {
    const name = path.join('.');
    if (field.name === '') refuse(`a field has no name`, field);
    if (!Number.isInteger(field.id) || field.id < 0 || field.id >= firstReservedFieldId) {
      refuse(`field "${name}" has the id ${field.id}, outside 0 to ${firstReservedFieldId - 1}`, field);
    }
    if (byId.has(field.id)) refuse(`two fields have the id ${field.id} (one is "${name}")`, field);
    if (names.has(name)) refuse(`two fields are named "${name}"`, field);
    if (isPrimitiveType(field.type)) checkType(field, name);
    // Nobody could load the table.
    else if (parents.length >= maxTypeDepth) refuse(`types are nested more than ${maxTypeDepth} deep`, field);
    if (field.initialDefault !== undefined || field.writeDefault !== undefined) {
      refuse(`field "${name}" has a default value, which needs format v3`, field);
    }
    byId.set(field.id, { field, parents, repeated });
    names.add(name);
  }
  for (const id of schema.identifierFieldIds ?? []) {
    const found = byId.get(id);
    if (found === undefined) throw new IcebergError('INVALID_ARGUMENT', `no identifier field with id ${id}`);
    const { field, parents, repeated } = found;
    const optionalParent = parents.some((parent) => !byId.get(parent)!.field.required);
    if (!isPrimitiveType(field.type) || field.type === 'float' || field.type === 'double') {
      refuse(`"${field.name}" of type ${typeName(field)} cannot identify rows`, field);
    }
    if (!field.required || repeated || optionalParent) {
      refuse(`"${field.name}" cannot identify rows: it and all above it must be required structs`, field);
    }
  }
}

function checkType(field: NestedField, name: string): void {
  const type = field.type as string;
  if (parsePrimitiveType(type) === undefined) refuse(`field "${name}" has the unknown type ${type}`, field);
  if (v3Types.test(type)) refuse(`field "${name}" has type ${type}, which needs format v3`, field);
}

function typeName(field: NestedField): string {
  return isPrimitiveType(field.type) ? field.type : field.type.type;
}

function refuse(message: string, field: NestedField): never {
  throw new IcebergError('INVALID_ARGUMENT', message, { context: { field: field.name, fieldId: field.id } });
}
