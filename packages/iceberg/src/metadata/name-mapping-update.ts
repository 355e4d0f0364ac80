import { type MappedField, mapField, type NameMapping } from './name-mapping.ts';
import type { NestedField } from './schema.ts';

/** What a change of the schema means for a name mapping. Dropped fields keep their names: no new one may take over their columns. */
export interface NameMappingChanges {
  /** Fields that have another name now, by id, with that name. */
  readonly renamed?: readonly Pick<NestedField, 'id' | 'name'>[];
  readonly added?: readonly AddedMappedField[];
}

/** A new field and where it is. */
export interface AddedMappedField {
  /** Id of the struct that holds it: a field, or a list's element or map's value. Absent: a top-level column. */
  readonly parentId?: number;
  readonly field: NestedField;
}

/**
 * The mapping after a change of the schema, so that old files without field ids are still read rightly: a renamed
 * field is found by its old names and the new one, an added one by its name. A name that a field takes is taken
 * from any other of the same struct. As Java's `MappingUtil.update`.
 */
export function updateNameMapping(mapping: NameMapping, changes: NameMappingChanges): NameMapping {
  const renamed = new Map((changes.renamed ?? []).map(({ id, name }) => [id, name]));
  const added = changes.added ?? [];
  const update = (fields: NameMapping, parentId: number | undefined): NameMapping => {
    const below = fields.map((field) => withNewName(field, renamed, update));
    const taken = new Map<string, number>();
    for (const { fieldId } of fields) {
      const name = fieldId === undefined ? undefined : renamed.get(fieldId);
      if (name !== undefined) taken.set(name, fieldId as number);
    }
    const news = added.filter((one) => one.parentId === parentId).map(({ field }) => mapField(field));
    for (const { names, fieldId } of news) for (const name of names) taken.set(name, fieldId as number);
    return joinFields(
      below.map((field) => withoutTaken(field, taken)),
      news,
    );
  };
  return update(mapping, undefined);
}

type Update = (fields: NameMapping, parentId: number | undefined) => NameMapping;

function withNewName(field: MappedField, renamed: ReadonlyMap<number, string>, update: Update): MappedField {
  const { fieldId, names, fields } = field;
  // Columns that belong to no field are not the top level, though neither has an id.
  if (fieldId === undefined) return field;
  const name = renamed.get(fieldId);
  const nested = update(fields ?? [], fieldId);
  return {
    ...field,
    names: name === undefined || names.includes(name) ? names : [...names, name],
    ...(fields || nested.length > 0 ? { fields: nested } : {}),
  };
}

function withoutTaken(field: MappedField, taken: ReadonlyMap<string, number>): MappedField {
  const names = field.names.filter((name) => !taken.has(name) || taken.get(name) === field.fieldId);
  return names.length === field.names.length ? field : { ...field, names };
}

/** Both, a field of both with the names of both. */
function joinFields(fields: NameMapping, others: NameMapping): NameMapping {
  const byId = new Map(others.map((other) => [other.fieldId, other]));
  const joined = fields.map((field) => {
    const other = field.fieldId === undefined ? undefined : byId.get(field.fieldId);
    if (!other) return field;
    byId.delete(field.fieldId);
    const nested = joinFields(field.fields ?? [], other.fields ?? []);
    return {
      ...field,
      names: [...new Set([...field.names, ...other.names])],
      ...(nested.length > 0 ? { fields: nested } : {}),
    };
  });
  return [...joined, ...byId.values()];
}
