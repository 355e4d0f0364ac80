import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { mainBranch } from '../metadata/snapshot.ts';
import { refByName, type TableMetadata } from '../metadata/table-metadata.ts';

/**
 * What must still be true of a table for these updates, decided on `base`, to make sense: its uuid, every ref
 * they set, and the ids that new schemas, specs and orders were numbered after. The same derivation as Iceberg
 * Java's `UpdateRequirements`.
 */
export function requirementsFor(
  base: TableMetadata,
  updates: readonly TableUpdate[],
): readonly TableRequirement[] {
  const found = new Map<string, TableRequirement>();
  const require = (requirement: TableRequirement): void => {
    found.set(requirementKey(requirement), requirement);
  };
  require({ type: 'assert-table-uuid', uuid: base.tableUuid });
  for (const update of updates) {
    for (const requirement of requirementsOf(base, update)) require(requirement);
  }
  return [...found.values()];
}

/** Two requirements with the same key speak of the same thing. */
export function requirementKey(requirement: TableRequirement): string {
  return requirement.type === 'assert-ref-snapshot-id'
    ? JSON.stringify([requirement.type, requirement.ref])
    : requirement.type;
}

/** That a ref is where `base` has it, or absent as there. */
export function assertRef(base: TableMetadata, ref: string): TableRequirement {
  return {
    type: 'assert-ref-snapshot-id',
    ref,
    snapshotId: refByName(base, ref)?.snapshotId ?? null,
  };
}

function requirementsOf(base: TableMetadata, update: TableUpdate): readonly TableRequirement[] {
  switch (update.action) {
    case 'set-snapshot-ref':
    case 'remove-snapshot-ref':
      return [assertRef(base, update.refName)];
    case 'add-schema':
      return [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: base.lastColumnId }];
    case 'set-current-schema':
      return [{ type: 'assert-current-schema-id', currentSchemaId: base.currentSchemaId }];
    case 'add-spec':
      return [{ type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: base.lastPartitionId }];
    case 'set-default-spec':
      return [{ type: 'assert-default-spec-id', defaultSpecId: base.defaultSpecId }];
    case 'set-default-sort-order':
      return [{ type: 'assert-default-sort-order-id', defaultSortOrderId: base.defaultSortOrderId }];
    case 'remove-schemas':
      return [
        { type: 'assert-current-schema-id', currentSchemaId: base.currentSchemaId },
        ...otherBranches(base),
      ];
    case 'remove-partition-specs':
      return [{ type: 'assert-default-spec-id', defaultSpecId: base.defaultSpecId }, ...otherBranches(base)];
    default:
      return [];
  }
}

/** A branch may still be written with what is to be removed. */
function otherBranches(base: TableMetadata): readonly TableRequirement[] {
  return Object.entries(base.refs)
    .filter(([name, ref]) => name !== mainBranch && ref.type === 'branch')
    .map(([name]) => assertRef(base, name));
}
