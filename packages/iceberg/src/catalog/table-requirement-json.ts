import type { JsonValue } from '../json/json.ts';
import { JsonFields } from '../json/json-fields.ts';
import type { TableRequirement } from './table-requirement.ts';

/**
 * A requirement as the REST specification writes it; 64-bit values are bigints, so print it with `stringifyJson`.
 * https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (TableRequirement)
 */
export function tableRequirementToJson(requirement: TableRequirement): object {
  const { type } = requirement;
  switch (type) {
    case 'assert-create':
      return { type };
    case 'assert-table-uuid':
      return { type, uuid: requirement.uuid };
    case 'assert-ref-snapshot-id':
      // Null says that there must be no such ref; left out it would say nothing to some servers.
      return { type, ref: requirement.ref, 'snapshot-id': requirement.snapshotId };
    case 'assert-last-assigned-field-id':
      return { type, 'last-assigned-field-id': requirement.lastAssignedFieldId };
    case 'assert-current-schema-id':
      return { type, 'current-schema-id': requirement.currentSchemaId };
    case 'assert-last-assigned-partition-id':
      return { type, 'last-assigned-partition-id': requirement.lastAssignedPartitionId };
    case 'assert-default-spec-id':
      return { type, 'default-spec-id': requirement.defaultSpecId };
    case 'assert-default-sort-order-id':
      return { type, 'default-sort-order-id': requirement.defaultSortOrderId };
  }
}

/**
 * Reads a requirement that came as parsed JSON (of `parseJson`, to keep 64-bit ids whole). `what` is named in errors.
 * `INVALID_METADATA` for an unknown type, and for a member that is missing or of another kind.
 */
export function tableRequirementFromJson(value: JsonValue, what = 'table requirement'): TableRequirement {
  const json = new JsonFields(value, what);
  const type = json.string('type') as TableRequirement['type'];
  switch (type) {
    case 'assert-create':
      return { type };
    case 'assert-table-uuid':
      return { type, uuid: json.string('uuid') };
    case 'assert-ref-snapshot-id':
      return { type, ref: json.string('ref'), snapshotId: json.optionalLong('snapshot-id') ?? null };
    case 'assert-last-assigned-field-id':
      return { type, lastAssignedFieldId: json.int('last-assigned-field-id') };
    case 'assert-current-schema-id':
      return { type, currentSchemaId: json.int('current-schema-id') };
    case 'assert-last-assigned-partition-id':
      return { type, lastAssignedPartitionId: json.int('last-assigned-partition-id') };
    case 'assert-default-spec-id':
      return { type, defaultSpecId: json.int('default-spec-id') };
    case 'assert-default-sort-order-id':
      return { type, defaultSortOrderId: json.int('default-sort-order-id') };
    default:
      throw json.error(`${JSON.stringify(type)} is no requirement that this release knows`, 'type');
  }
}
