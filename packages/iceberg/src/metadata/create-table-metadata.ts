import { randomUUID } from 'node:crypto';
import { IcebergError } from '../errors.ts';
import type { CreateTableOptions } from './create-table-options.ts';
import { assignFreshIds, type FreshSchema } from './fresh-ids.ts';
import { firstPartitionFieldId } from './partition-spec.ts';
import { bindPartitionFields, checkSortOrder } from './partition-spec-binding.ts';
import type { Schema } from './schema.ts';
import { checkSchema } from './schema-check.ts';
import { type SortOrder, unsortedOrder } from './sort-order.ts';
import type { TableMetadata } from './table-metadata.ts';
import { checkReadable, writableFormatVersion } from './table-metadata-json.ts';

/** What {@link createTableMetadata} needs beside the table's options. */
export interface CreateTableMetadataOptions extends CreateTableOptions {
  readonly location: string;
  /** Default: random. */
  readonly tableUuid?: string;
  /** Unix milliseconds. Default: now. */
  readonly nowMs?: number;
}

/**
 * The first metadata of a new table: ids assigned anew (columns from 1, partition fields from 1000, schema
 * and spec 0), those of spec, order and identifier fields mapped along; no snapshot. Writes nothing.
 *
 * Errors: `INVALID_ARGUMENT` for an unsound schema, spec or order, `UNSUPPORTED_FORMAT_VERSION` for a
 * `format-version` property other than 2.
 */
export function createTableMetadata(options: CreateTableMetadataOptions): TableMetadata {
  const { 'format-version': formatVersion = String(writableFormatVersion), ...properties } = {
    ...options.properties,
  };
  if (formatVersion !== String(writableFormatVersion)) {
    throw new IcebergError(
      'UNSUPPORTED_FORMAT_VERSION',
      `cannot create a table of format version ${formatVersion} (this release writes ${writableFormatVersion})`,
      { context: { formatVersion, location: options.location } },
    );
  }
  checkSchema(options.schema);
  const fresh = assignFreshIds(options.schema);
  const schema: Schema = {
    schemaId: 0,
    fields: fresh.fields,
    ...(fresh.identifierFieldIds && { identifierFieldIds: fresh.identifierFieldIds }),
  };
  const partitionFields = bindPartitionFields(
    { fields: (options.partitionSpec?.fields ?? []).map((field) => withFreshSource(field, fresh)) },
    schema,
  );
  const sortOrder = freshSortOrder(options, fresh, schema);
  const metadata: TableMetadata = {
    formatVersion: writableFormatVersion,
    tableUuid: options.tableUuid ?? randomUUID(),
    location: withoutTrailingSlash(options.location),
    lastSequenceNumber: 0n,
    lastUpdatedMs: options.nowMs ?? Date.now(),
    lastColumnId: fresh.lastColumnId,
    schemas: [schema],
    currentSchemaId: 0,
    partitionSpecs: [{ specId: 0, fields: partitionFields }],
    defaultSpecId: 0,
    lastPartitionId: Math.max(firstPartitionFieldId - 1, ...partitionFields.map((field) => field.fieldId)),
    sortOrders: [sortOrder],
    defaultSortOrderId: sortOrder.orderId,
    properties,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: {},
    statistics: [],
    partitionStatistics: [],
  };
  checkReadable(metadata);
  return metadata;
}

function freshSortOrder(options: CreateTableOptions, fresh: FreshSchema, schema: Schema): SortOrder {
  const fields = options.sortOrder?.fields ?? [];
  if (fields.length === 0) return unsortedOrder;
  const order = {
    orderId: 1,
    fields: fields.map((field) => ({ ...field, sourceId: freshSource(field.sourceId, fresh) })),
  };
  checkSortOrder(order, schema);
  return order;
}

/** Field ids in the request belong to another numbering: they are assigned from 1000. */
function withFreshSource<T extends { sourceId: number; fieldId?: number }>(
  field: T,
  fresh: FreshSchema,
): Omit<T, 'fieldId'> {
  const { fieldId: _, ...rest } = field;
  return { ...rest, sourceId: freshSource(field.sourceId, fresh) };
}

function freshSource(sourceId: number, fresh: FreshSchema): number {
  const id = fresh.newIds.get(sourceId);
  if (id !== undefined) return id;
  throw new IcebergError('INVALID_ARGUMENT', `the schema has no column with id ${sourceId}`, {
    context: { sourceId },
  });
}

/** Tables at `…/orders` and `…/orders/` are the same place; names are made by appending `/metadata/…`. */
export function withoutTrailingSlash(location: string): string {
  return location.endsWith('/') ? withoutTrailingSlash(location.slice(0, -1)) : location;
}
