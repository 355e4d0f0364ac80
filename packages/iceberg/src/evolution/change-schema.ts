import { IcebergError } from '../errors.ts';
import { findField, isPrimitiveType, type NestedField, type Schema, walkFields } from '../metadata/schema.ts';
import { checkSchema } from '../metadata/schema-check.ts';
import { ColumnNames, pathText } from './column-names.ts';
import type { SchemaChange, SchemaChangeOptions } from './schema-change.ts';
import { SchemaChangeBuilder } from './schema-change-builder.ts';
import { applyEdits, type SchemaEdits } from './schema-edits.ts';

/** A schema after a change, with the id of the one before; and what was done to it. */
export interface ChangedSchema {
  readonly schema: Schema;
  readonly lastColumnId: number;
  readonly edits: SchemaEdits;
}

/** Applies a change to a schema; `INVALID_ARGUMENT` if the result is no sound schema of format v2. */
export function changeSchema(
  schema: Schema,
  lastColumnId: number,
  change: (change: SchemaChange) => void,
  options: SchemaChangeOptions = {},
): ChangedSchema {
  const builder = new SchemaChangeBuilder(schema, lastColumnId, options);
  change(builder);
  const { identifierFieldIds: _, ...rest } = schema;
  const fields = applyEdits(schema.fields, builder.edits);
  const identifiers = identifierIds(schema, fields, builder, options.caseSensitive ?? true);
  const changed: Schema = {
    ...rest,
    fields,
    ...(identifiers.length > 0 && { identifierFieldIds: identifiers }),
  };
  checkNotEmptied(schema, changed);
  if (options.caseSensitive === false) checkLowerCaseNames(fields);
  checkSchema(changed);
  return { schema: changed, lastColumnId: builder.lastColumnId, edits: builder.edits };
}

function identifierIds(
  before: Schema,
  fields: readonly NestedField[],
  { identifierPaths }: SchemaChangeBuilder,
  caseSensitive: boolean,
): readonly number[] {
  if (identifierPaths === undefined) {
    for (const id of before.identifierFieldIds ?? []) {
      if (findField({ fields }, id) !== undefined) continue;
      const name = findField(before, id)?.name;
      throw refuse(`"${name}" identifies rows: drop it together with setIdentifierFields`, { column: name });
    }
    return before.identifierFieldIds ?? [];
  }
  const names = new ColumnNames(fields, caseSensitive);
  const ids = identifierPaths.map((path) => {
    const found = names.find(path);
    if (found !== undefined) return found.field.id;
    const column = pathText(path);
    throw refuse(`there is no column "${column}" after the update to identify rows`, { column });
  });
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** No file format has structs without fields. */
function checkNotEmptied(before: Schema, after: Schema): void {
  if (after.fields.length === 0 && before.fields.length > 0) throw refuse('a table needs a column', {});
  for (const { field, path } of walkFields(after.fields)) {
    if (!isPrimitiveType(field.type) && field.type.type === 'struct' && field.type.fields.length === 0) {
      const column = path.join('.');
      throw refuse(`"${column}" would have no field left: drop it as a whole`, { column });
    }
  }
}

function checkLowerCaseNames(fields: readonly NestedField[]): void {
  const names = new Set<string>();
  for (const { path } of walkFields(fields)) {
    const name = path.join('.').toLowerCase();
    if (names.has(name))
      throw refuse(`two columns are named "${name}", but for their case`, { column: name });
    names.add(name);
  }
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
