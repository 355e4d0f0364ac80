import { IcebergError } from '../errors.ts';
import { type JsonObject, type JsonValue, parseJson, stringifyJson } from '../json/json.ts';
import { JsonFields } from '../json/json-fields.ts';
import { type MappedField, type NameMapping, nameMappingProperty } from './name-mapping.ts';

/**
 * Reads a name mapping from the JSON of the property `schema.name-mapping.default`.
 *
 * @throws IcebergError `INVALID_METADATA` naming the property and the place: no JSON, no mapping, a name that two
 *   fields of one struct share, a field id that occurs twice
 */
export function parseNameMapping(text: string): NameMapping {
  const root = new JsonFields({ mapping: jsonOf(text) }, nameMappingProperty);
  const ids = new Set<number>();
  return readFields(root, 'mapping', ids);
}

/** Writes a name mapping as the JSON that {@link parseNameMapping} reads, unknown members included. */
export function formatNameMapping(mapping: NameMapping): string {
  return stringifyJson(mapping.map(fieldToJson));
}

function jsonOf(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new IcebergError('INVALID_METADATA', `${nameMappingProperty}: is not JSON`, {
      cause,
      context: { field: nameMappingProperty },
    });
  }
}

function readFields(parent: JsonFields, key: string, ids: Set<number>): MappedField[] {
  const owners = new Set<string>();
  return parent.objects(key, (fields) => readField(fields, owners, ids));
}

function readField(fields: JsonFields, owners: Set<string>, ids: Set<number>): MappedField {
  const fieldId = fields.optionalInt('field-id');
  const names = fields.stringArray('names');
  if (fieldId !== undefined && ids.has(fieldId)) throw fields.error(`${fieldId} is mapped twice`, 'field-id');
  if (fieldId !== undefined) ids.add(fieldId);
  for (const name of new Set(names)) {
    if (owners.has(name)) throw fields.error(`two fields have the name ${JSON.stringify(name)}`, 'names');
    owners.add(name);
  }
  const nested = fields.has('fields') ? readFields(fields, 'fields', ids) : undefined;
  return {
    ...(fieldId === undefined ? {} : { fieldId }),
    names,
    ...(nested ? { fields: nested } : {}),
    ...fields.extra(),
  };
}

function fieldToJson({ fieldId, names, fields, extra }: MappedField): JsonObject {
  return {
    ...(fieldId === undefined ? {} : { 'field-id': fieldId }),
    names,
    ...(fields ? { fields: fields.map(fieldToJson) } : {}),
    ...extra,
  };
}
