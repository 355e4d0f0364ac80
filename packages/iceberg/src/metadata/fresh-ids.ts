import { isPrimitiveType, type NestedField, type Schema, type Type } from './schema.ts';
import { parsePrimitiveType } from './schema-json.ts';

/** A schema with ids from 1, and which new id each old one became. */
export interface FreshSchema {
  readonly fields: readonly NestedField[];
  readonly identifierFieldIds?: readonly number[];
  readonly lastColumnId: number;
  readonly newIds: ReadonlyMap<number, number>;
}

/**
 * Assigns ids anew, as every catalog does for a new table: the fields of a struct first, then what lies
 * inside each of them (the top-level columns are 1 to n). Spec: https://iceberg.apache.org/spec/#schemas
 */
export function assignFreshIds(schema: Pick<Schema, 'fields' | 'identifierFieldIds'>): FreshSchema {
  const newIds = new Map<number, number>();
  let last = 0;
  const fresh = (oldId: number): number => {
    last += 1;
    newIds.set(oldId, last);
    return last;
  };
  const structFields = (fields: readonly NestedField[]): NestedField[] => {
    const ids = fields.map((field) => fresh(field.id));
    return fields.map((field, index) => ({ ...field, id: ids[index]!, type: typeOf(field.type) }));
  };
  const typeOf = (type: Type): Type => {
    if (isPrimitiveType(type)) return parsePrimitiveType(type) ?? type;
    switch (type.type) {
      case 'struct':
        return { ...type, fields: structFields(type.fields) };
      case 'list': {
        const elementId = fresh(type.elementId);
        return { ...type, elementId, element: typeOf(type.element) };
      }
      case 'map': {
        const keyId = fresh(type.keyId);
        const valueId = fresh(type.valueId);
        return { ...type, keyId, valueId, key: typeOf(type.key), value: typeOf(type.value) };
      }
    }
  };
  const fields = structFields(schema.fields);
  const identifiers = schema.identifierFieldIds?.map((id) => newIds.get(id) ?? 0).sort((a, b) => a - b);
  return {
    fields,
    ...(identifiers !== undefined && identifiers.length > 0 && { identifierFieldIds: identifiers }),
    lastColumnId: last,
    newIds,
  };
}
