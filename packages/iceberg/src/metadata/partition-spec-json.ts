import type { JsonFields } from '../json/json-fields.ts';
import {
  firstPartitionFieldId,
  type PartitionField,
  type PartitionSpec,
  type UnboundPartitionSpec,
} from './partition-spec.ts';

/** Spec, appendix C: https://iceberg.apache.org/spec/#partition-specs */
export function readPartitionSpec(json: JsonFields): PartitionSpec {
  return { specId: json.int('spec-id'), fields: readPartitionFields(json, 'fields'), ...json.extra() };
}

/** The fields alone, as v1 metadata and manifest headers have them. v1 gives field ids by position from 1000. */
export function readPartitionFields(json: JsonFields, key: string): PartitionField[] {
  let next = firstPartitionFieldId;
  return json.objects(key, (field) => {
    const fieldId = field.optionalInt('field-id') ?? next;
    next = fieldId + 1;
    return {
      ...readSourceIds(field),
      fieldId,
      name: field.string('name'),
      transform: field.string('transform'),
      ...field.extra(),
    };
  });
}

/** `source-id`, or v3's `source-ids` of a transform over several columns. */
export function readSourceIds(json: JsonFields): { sourceId: number; sourceIds?: number[] } {
  if (!json.has('source-ids')) return { sourceId: json.int('source-id') };
  const sourceIds = json.intArray('source-ids');
  const sourceId = json.optionalInt('source-id') ?? sourceIds[0];
  if (sourceId === undefined) throw json.error('is empty', 'source-ids');
  return sourceIds.length === 1 ? { sourceId } : { sourceId, sourceIds };
}

/** The opposite of {@link readSourceIds}. */
export function sourceIdsToJson(field: {
  readonly sourceId: number;
  readonly sourceIds?: readonly number[];
}): object {
  return field.sourceIds === undefined ? { 'source-id': field.sourceId } : { 'source-ids': field.sourceIds };
}

export function partitionSpecToJson(spec: PartitionSpec | UnboundPartitionSpec): object {
  return {
    ...(spec.specId !== undefined && { 'spec-id': spec.specId }),
    fields: partitionFieldsToJson(spec.fields),
    ...('extra' in spec && spec.extra),
  };
}

/** The fields alone, as manifest headers have them. */
export function partitionFieldsToJson(fields: UnboundPartitionSpec['fields']): object[] {
  return fields.map((field) => ({
    ...sourceIdsToJson(field),
    ...(field.fieldId !== undefined && { 'field-id': field.fieldId }),
    name: field.name,
    transform: field.transform,
    ...field.extra,
  }));
}
