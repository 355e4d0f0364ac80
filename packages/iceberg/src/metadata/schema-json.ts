import { JsonFields } from '../json/json-fields.ts';
import { type NestedField, type PrimitiveType, type Schema, type Type, walkFields } from './schema.ts';

/** Far beyond any schema; a deeper one would exhaust the stack of whoever walks it. */
export const maxTypeDepth = 100;

/** Spec, appendix C: https://iceberg.apache.org/spec/#schemas_1 */
export function readSchema(json: JsonFields, defaultSchemaId?: number): Schema {
  const type = json.optionalString('type');
  if (type !== undefined && type !== 'struct') throw json.error(`expected "struct", found "${type}"`, 'type');
  const schemaId = json.optionalInt('schema-id') ?? defaultSchemaId ?? json.int('schema-id');
  const identifiers = json.has('identifier-field-ids') ? json.intArray('identifier-field-ids') : [];
  const fields = json.objects('fields', (field) => readField(field, 0));
  checkFields(fields, identifiers, json);
  return {
    schemaId,
    fields,
    ...(identifiers.length > 0 && { identifierFieldIds: identifiers }),
    ...json.extra(),
  };
}

/** The JSON form of a schema, as in table metadata, REST messages and manifest headers. */
export function schemaToJson(schema: Schema): object {
  return {
    type: 'struct',
    'schema-id': schema.schemaId,
    ...(schema.identifierFieldIds?.length && { 'identifier-field-ids': schema.identifierFieldIds }),
    fields: schema.fields.map(fieldToJson),
    ...schema.extra,
  };
}

function readField(json: JsonFields, depth: number): NestedField {
  const doc = json.optionalString('doc');
  const initialDefault = json.raw('initial-default');
  const writeDefault = json.raw('write-default');
  return {
    id: json.int('id'),
    name: json.string('name'),
    required: json.boolean('required'),
    type: readType(json, 'type', depth),
    ...(doc !== undefined && { doc }),
    ...(initialDefault !== undefined && { initialDefault }),
    ...(writeDefault !== undefined && { writeDefault }),
    ...json.extra(),
  };
}

function fieldToJson(field: NestedField): object {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: typeToJson(field.type),
    ...(field.doc !== undefined && { doc: field.doc }),
    ...(field.initialDefault !== undefined && { 'initial-default': field.initialDefault }),
    ...(field.writeDefault !== undefined && { 'write-default': field.writeDefault }),
    ...field.extra,
  };
}

function readType(parent: JsonFields, key: string, depth: number): Type {
  const value = parent.raw(key);
  if (typeof value !== 'string') {
    if (depth === maxTypeDepth) throw parent.error(`types are nested more than ${maxTypeDepth} deep`, key);
    return parent.object(key, (nested) => readNestedType(nested, depth + 1));
  }
  const type = parsePrimitiveType(value);
  if (type === undefined) throw parent.error(`unknown type "${value.slice(0, 60)}"`, key);
  return type;
}

function readNestedType(json: JsonFields, depth: number): Type {
  const type = json.string('type');
  switch (type) {
    case 'struct':
      return { type, fields: json.objects('fields', (field) => readField(field, depth)), ...json.extra() };
    case 'list':
      return {
        type,
        elementId: json.int('element-id'),
        elementRequired: json.boolean('element-required'),
        element: readType(json, 'element', depth),
        ...json.extra(),
      };
    case 'map':
      return {
        type,
        keyId: json.int('key-id'),
        key: readType(json, 'key', depth),
        valueId: json.int('value-id'),
        valueRequired: json.boolean('value-required'),
        value: readType(json, 'value', depth),
        ...json.extra(),
      };
    default:
      throw json.error(`unknown type "${type.slice(0, 60)}"`, 'type');
  }
}

/** The JSON form of a type: a string for primitives, an object for the others. */
export function typeToJson(type: Type): string | object {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(fieldToJson), ...type.extra };
    case 'list':
      return {
        type: 'list',
        'element-id': type.elementId,
        element: typeToJson(type.element),
        'element-required': type.elementRequired,
        ...type.extra,
      };
    case 'map':
      return {
        type: 'map',
        'key-id': type.keyId,
        key: typeToJson(type.key),
        'value-id': type.valueId,
        value: typeToJson(type.value),
        'value-required': type.valueRequired,
        ...type.extra,
      };
  }
}

const plainTypes: ReadonlySet<string> = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'binary',
  'unknown',
  'variant',
]);

/** The type named by a text, spaces inside parentheses removed (`decimal(9, 2)`); undefined if there is none. */
export function parsePrimitiveType(text: string): PrimitiveType | undefined {
  if (plainTypes.has(text)) return text as PrimitiveType;
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(text);
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    return precision >= 1 && precision <= 38 && scale <= precision
      ? `decimal(${precision},${scale})`
      : undefined;
  }
  const fixed = /^fixed\[\s*(\d{1,9})\s*\]$/.exec(text);
  if (fixed) return `fixed[${Number(fixed[1])}]`;
  if (/^(geometry|geography)(\([^()]*\))?$/.test(text)) return text as PrimitiveType;
  return undefined;
}

function checkFields(fields: readonly NestedField[], identifiers: readonly number[], json: JsonFields): void {
  const ids = new Set<number>();
  const names = new Set<string>();
  for (const { field, path } of walkFields(fields)) {
    const name = path.join('.');
    if (ids.has(field.id))
      throw json.error(`two fields have the id ${field.id} (one is "${name}")`, 'fields');
    if (names.has(name)) throw json.error(`two fields are named "${name}"`, 'fields');
    ids.add(field.id);
    names.add(name);
  }
  for (const id of identifiers) {
    if (!ids.has(id)) throw json.error(`there is no field with id ${id}`, 'identifier-field-ids');
  }
}

/** Parses the text of a schema, as in a manifest's header. */
export function schemaFromJson(value: Parameters<typeof asFields>[0], file: string): Schema {
  return readSchema(asFields(value, file), 0);
}

function asFields(value: ConstructorParameters<typeof JsonFields>[0], file: string): JsonFields {
  return new JsonFields(value, file, 'schema');
}
