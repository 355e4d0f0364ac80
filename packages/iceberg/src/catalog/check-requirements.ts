import { IcebergError } from '../errors.ts';
import { refByName, type TableMetadata } from '../metadata/table-metadata.ts';
import type { TableRequirement } from './table-requirement.ts';

type Comparable = string | number | bigint | null;

/** Throws `COMMIT_CONFLICT` for the first requirement that the table does not meet. */
export function checkRequirements(base: TableMetadata, requirements: readonly TableRequirement[]): void {
  for (const requirement of requirements) {
    const [what, expected, found] = expectation(base, requirement);
    if (expected === found) continue;
    throw new IcebergError(
      'COMMIT_CONFLICT',
      `${what} changed: the commit expects ${expected ?? 'none'}, the table has ${found ?? 'none'}`,
      { context: { requirement: requirement.type, what, expected, found } },
    );
  }
}

/** What a requirement speaks of, what it expects, and what the table has. */
function expectation(
  base: TableMetadata,
  requirement: TableRequirement,
): readonly [what: string, expected: Comparable, found: Comparable] {
  switch (requirement.type) {
    case 'assert-create':
      return ['table', 'absent', 'present'];
    case 'assert-table-uuid':
      // Compared as values: some writers print upper case.
      return ['table uuid', requirement.uuid.toLowerCase(), base.tableUuid.toLowerCase()];
    case 'assert-ref-snapshot-id': {
      const found = refByName(base, requirement.ref)?.snapshotId ?? null;
      return [`ref ${requirement.ref}`, requirement.snapshotId, found];
    }
    case 'assert-last-assigned-field-id':
      return ['last assigned field id', requirement.lastAssignedFieldId, base.lastColumnId];
    case 'assert-current-schema-id':
      return ['current schema id', requirement.currentSchemaId, base.currentSchemaId];
    case 'assert-last-assigned-partition-id':
      return ['last assigned partition id', requirement.lastAssignedPartitionId, base.lastPartitionId];
    case 'assert-default-spec-id':
      return ['default spec id', requirement.defaultSpecId, base.defaultSpecId];
    case 'assert-default-sort-order-id':
      return ['default sort order id', requirement.defaultSortOrderId, base.defaultSortOrderId];
    default: {
      const { type } = requirement as { type: unknown };
      throw new IcebergError('INVALID_ARGUMENT', `unknown requirement ${String(type)}`, {
        context: { type },
      });
    }
  }
}
