import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import { checkLayoutColumns, checkPartitionNames } from '../metadata/layout-columns.ts';
import { type NameMapping, nameMappingProperty } from '../metadata/name-mapping.ts';
import { formatNameMapping, parseNameMapping } from '../metadata/name-mapping-json.ts';
import { updateNameMapping } from '../metadata/name-mapping-update.ts';
import type { Schema } from '../metadata/schema.ts';
import { findSameSchema } from '../metadata/schema-equality.ts';
import {
  currentSchema,
  defaultPartitionSpec,
  defaultSortOrder,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { type ChangedSchema, changeSchema } from './change-schema.ts';
import { columnPropertyUpdates } from './column-properties.ts';
import { refuseConcurrentSchema } from './concurrent-change.ts';
import type { SchemaChange, SchemaChangeOptions } from './schema-change.ts';
import { rootId, type SchemaEdits } from './schema-edits.ts';

const name = 'updateSchema';

/**
 * Changes the schema: columns are added, dropped, renamed, widened, reordered, made optional. Rows that are there are
 * not rewritten; readers see them in the new shape.
 *
 * ```ts
 * updateSchema((schema) =>
 *   schema.addColumn('place.zip', { type: 'string' }).renameColumn('id', 'order_id').widenColumn('count', 'long'),
 * );
 * ```
 *
 * New ids start after the highest that the table ever had. A schema that the table had before gets its old id back. The
 * table's name mapping and the properties about columns (`write.metadata.metrics.column.*`, …) follow in the same commit.
 *
 * A column that the default partition spec or sort order uses, or that identifies rows, cannot be dropped: change those
 * first, in the same transaction if you like. When others changed the schema since the table was loaded the commit is
 * not tried again, since the names may mean something else by then: `COMMIT_CONFLICT`. Other commits do no harm.
 *
 * @param change called once for each attempt to commit, with a fresh change: it must ask for the same each time
 * @throws IcebergError when planned: `INVALID_ARGUMENT` for what cannot be done, `COMMIT_CONFLICT`
 * @see https://iceberg.apache.org/spec/#schema-evolution
 */
export function updateSchema(
  change: (schema: SchemaChange) => void,
  options: SchemaChangeOptions = {},
): TableOperation {
  checkOptions(name, options, { allowIncompatible: true, caseSensitive: true });
  return { name, plan: (context) => planSchema(context, change, options) };
}

function planSchema(
  context: OperationContext,
  change: (schema: SchemaChange) => void,
  options: SchemaChangeOptions,
): OperationPlan {
  refuseConcurrentSchema(context, name);
  const { metadata } = context;
  const before = currentSchema(metadata);
  const changed = changeSchema(before, metadata.lastColumnId, change, options);
  const updates = schemaUpdates(metadata, changed);
  if (updates.length === 0) return { updates };
  checkLayout(context, changed.schema);
  return {
    updates: [
      ...updates,
      ...nameMappingUpdates(metadata, changed.edits),
      ...columnPropertyUpdates(metadata.properties, before, changed.schema),
    ],
    requirements: changed.edits.dropped.size > 0 ? layoutRequirements(context.base) : [],
  };
}

function schemaUpdates(
  metadata: TableMetadata,
  { schema, lastColumnId }: ChangedSchema,
): readonly TableUpdate[] {
  const same = findSameSchema(metadata.schemas, schema);
  if (same?.schemaId === metadata.currentSchemaId) return [];
  // By its id and not as "the one added last": catalogs differ on whether a schema that was there counts as added.
  if (same !== undefined) return [{ action: 'set-current-schema', schemaId: same.schemaId }];
  const schemaId = Math.max(...metadata.schemas.map((other) => other.schemaId)) + 1;
  return [
    { action: 'add-schema', schema: { ...schema, schemaId }, lastColumnId },
    { action: 'set-current-schema', schemaId: -1 },
  ];
}

/** If others changed spec or order since the caller decided, that is what rules the change out. */
function checkLayout({ metadata, start, base }: OperationContext, schema: Schema): void {
  try {
    checkLayoutColumns(schema, defaultPartitionSpec(metadata), defaultSortOrder(metadata));
    checkPartitionNames(schema, currentSchema(metadata), metadata.partitionSpecs);
  } catch (cause) {
    const concurrent =
      start.defaultSpecId !== base.defaultSpecId || start.defaultSortOrderId !== base.defaultSortOrderId;
    if (!concurrent) throw cause;
    throw new IcebergError(
      'COMMIT_CONFLICT',
      `${name}: another commit changed the partition spec or sort order, and now ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** A dropped column must not come into use between our look at the table and the commit. */
function layoutRequirements(base: TableMetadata): readonly TableRequirement[] {
  return [
    { type: 'assert-default-spec-id', defaultSpecId: base.defaultSpecId },
    { type: 'assert-default-sort-order-id', defaultSortOrderId: base.defaultSortOrderId },
  ];
}

function nameMappingUpdates(metadata: TableMetadata, edits: SchemaEdits): readonly TableUpdate[] {
  const text = metadata.properties[nameMappingProperty];
  const mapping = text === undefined ? undefined : readableMapping(text);
  if (mapping === undefined) return [];
  const renamed = [...edits.edits].flatMap(([id, edit]) =>
    edit.name === undefined ? [] : [{ id, name: edit.name }],
  );
  const added = [...edits.added].flatMap(([parentId, fields]) =>
    fields.map((field) => (parentId === rootId ? { field } : { parentId, field })),
  );
  if (renamed.length === 0 && added.length === 0) return [];
  const updated = formatNameMapping(updateNameMapping(mapping, { renamed, added }));
  return updated === text ? [] : [{ action: 'set-properties', updates: { [nameMappingProperty]: updated } }];
}

function readableMapping(text: string): NameMapping | undefined {
  try {
    return parseNameMapping(text);
  } catch {
    // A mapping that nobody can read serves no reader; it must not keep the schema from being changed.
    return undefined;
  }
}
