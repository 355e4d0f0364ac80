import type { TableUpdate } from '../catalog/table-update.ts';
import type { PartitionField } from '../metadata/partition-spec.ts';
import { bindPartitionFields, isSameLayout } from '../metadata/partition-spec-binding.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { refuseConcurrentSpec, refuseRenamedColumn } from './concurrent-change.ts';
import type { PartitionSpecChange, PartitionSpecChangeOptions } from './partition-spec-change.ts';
import { PartitionSpecChangeBuilder } from './partition-spec-change-builder.ts';

const name = 'updatePartitionSpec';

/**
 * Changes how new files are partitioned; the files that are there stay as they are, and scans prune both.
 *
 * ```ts
 * updatePartitionSpec((spec) => spec.removeField('ts_day').addField('ts', 'hour').addField('id', 'bucket[16]'));
 * ```
 *
 * A field that an earlier spec had gets that one's id, a spec that the table had before its old id. When others changed
 * the spec since the table was loaded, or what a column's name means, the commit is not tried again: `COMMIT_CONFLICT`.
 *
 * @param change called once for each attempt to commit, with a fresh change: it must ask for the same each time
 * @throws IcebergError when planned: `INVALID_ARGUMENT` for what cannot be done, `COMMIT_CONFLICT`
 * @see https://iceberg.apache.org/spec/#partition-evolution
 */
export function updatePartitionSpec(
  change: (spec: PartitionSpecChange) => void,
  options: PartitionSpecChangeOptions = {},
): TableOperation {
  checkOptions(name, options, { addNonDefault: true, caseSensitive: true });
  return { name, plan: (context) => planSpec(context, change, options) };
}

function planSpec(
  context: OperationContext,
  change: (spec: PartitionSpecChange) => void,
  { addNonDefault = false, caseSensitive = true }: PartitionSpecChangeOptions,
): OperationPlan {
  refuseConcurrentSpec(context, name);
  const { metadata, base } = context;
  const builder = new PartitionSpecChangeBuilder(metadata, caseSensitive, (path) =>
    refuseRenamedColumn(context, path, name, caseSensitive),
  );
  change(builder);
  const fields = builder.fields();
  bindPartitionFields({ fields }, currentSchema(metadata), metadata.partitionSpecs, metadata.lastPartitionId);
  const updates = specUpdates(metadata, fields, !addNonDefault);
  // The columns must still be what they are now.
  const requirements = [{ type: 'assert-current-schema-id', currentSchemaId: base.currentSchemaId }] as const;
  return updates.length === 0 ? { updates } : { updates, requirements };
}

function specUpdates(
  metadata: TableMetadata,
  fields: readonly PartitionField[],
  makeDefault: boolean,
): readonly TableUpdate[] {
  const same = metadata.partitionSpecs.find((spec) => isSameLayout(spec, { fields }));
  if (same !== undefined) {
    const asItIs = !makeDefault || same.specId === metadata.defaultSpecId;
    return asItIs ? [] : [{ action: 'set-default-spec', specId: same.specId }];
  }
  const specId = Math.max(-1, ...metadata.partitionSpecs.map((spec) => spec.specId)) + 1;
  const add: TableUpdate = { action: 'add-spec', spec: { specId, fields } };
  return makeDefault ? [add, { action: 'set-default-spec', specId: -1 }] : [add];
}
