import { isPrimitiveType, type NestedField, type Schema, walkFields } from '../metadata/schema.ts';

/** A column that equality deletes compare. */
export interface EqualityField {
  readonly leaf: NestedField;
  /** Names from the top-level column down. */
  readonly path: readonly string[];
  /** The top-level column, holding nothing but the way to the leaf. */
  readonly column: NestedField;
  /** Whether the table once had the column and has it no more. */
  readonly dropped: boolean;
}

/**
 * Finds a column by id: in the first schema, else (it was dropped, but what was deleted by it stays deleted) in the
 * first of the others that has it. Undefined for what equality deletes cannot compare: lists, maps, what is in them.
 */
export function findEqualityField(schemas: readonly Schema[], id: number): EqualityField | undefined {
  for (const [index, schema] of schemas.entries()) {
    for (const { field, path, parents, repeated } of walkFields(schema.fields)) {
      if (field.id !== id) continue;
      if (repeated || !isPrimitiveType(field.type)) return undefined;
      const byId = new Map([...walkFields(schema.fields)].map((each) => [each.field.id, each.field]));
      const column = parents.reduceRight<NestedField>(
        (child, parent) => ({
          ...(byId.get(parent) as NestedField),
          type: { type: 'struct', fields: [child] },
        }),
        field,
      );
      return { leaf: field, path, column, dropped: index > 0 };
    }
  }
  return undefined;
}

/** The column with it and all on the way to the leaf required or not; a required one has no default. */
export function withRequired(column: NestedField, required: boolean): NestedField {
  const { initialDefault, type, ...rest } = column;
  return {
    ...rest,
    required,
    type:
      isPrimitiveType(type) || type.type !== 'struct'
        ? type
        : { ...type, fields: type.fields.map((field) => withRequired(field, required)) },
    ...(required || initialDefault === undefined ? {} : { initialDefault }),
  };
}
