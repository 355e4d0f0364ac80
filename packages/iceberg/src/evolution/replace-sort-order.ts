import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import type { Transform } from '../metadata/partition-spec.ts';
import { checkSortOrder, isSameOrder } from '../metadata/partition-spec-binding.ts';
import type { NullOrder, SortDirection, SortField } from '../metadata/sort-order.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { ColumnNames, type ColumnPath, pathText } from './column-names.ts';
import { refuseRenamedColumn } from './concurrent-change.ts';

const name = 'replaceSortOrder';

/** What is sorted by beside the column. */
export interface SortTerm {
  /** Sort by this of the value. Default `identity`. */
  readonly transform?: Transform;
  /** Default: first when ascending, last when descending. */
  readonly nullOrder?: NullOrder;
}

/** A new sort order, the most significant field first. */
export interface SortOrderChange {
  asc(column: ColumnPath, term?: SortTerm): this;
  desc(column: ColumnPath, term?: SortTerm): this;
}

/**
 * Gives the table another sort order: the one that writers should follow from now on. What the callback names is the
 * whole order; nothing means unsorted.
 *
 * ```ts
 * replaceSortOrder((order) => order.asc('ts', { transform: 'day' }).desc('priority', { nullOrder: 'nulls-first' }));
 * ```
 *
 * An order that the table had before gets its old id back. When others replaced the order this one is set all the same;
 * when they changed what a column's name means the commit is given up: `COMMIT_CONFLICT`.
 *
 * @param change called once for each attempt to commit, with a fresh order: it must ask for the same each time
 * @param options `caseSensitive`: whether names are found only in the same case; default true
 * @throws IcebergError when planned: `INVALID_ARGUMENT` for what cannot be done, `COMMIT_CONFLICT`
 * @see https://iceberg.apache.org/spec/#sorting
 */
export function replaceSortOrder(
  change: (order: SortOrderChange) => void,
  options: { readonly caseSensitive?: boolean } = {},
): TableOperation {
  checkOptions(name, options, { caseSensitive: true });
  const { caseSensitive = true } = options;
  return { name, plan: (context) => planOrder(context, change, caseSensitive) };
}

function planOrder(
  context: OperationContext,
  change: (order: SortOrderChange) => void,
  caseSensitive: boolean,
): OperationPlan {
  const { metadata, base } = context;
  const schema = currentSchema(metadata);
  const names = new ColumnNames(schema.fields, caseSensitive);
  const fields: SortField[] = [];
  const add = (path: ColumnPath, direction: SortDirection, term: SortTerm = {}): void => {
    refuseRenamedColumn(context, path, name, caseSensitive);
    const found = names.find(path);
    if (found === undefined) {
      const column = pathText(path);
      throw new IcebergError('INVALID_ARGUMENT', `there is no column "${column}" to sort by`, {
        context: { column },
      });
    }
    const { transform = 'identity', nullOrder = direction === 'asc' ? 'nulls-first' : 'nulls-last' } = term;
    fields.push({ transform, sourceId: found.field.id, direction, nullOrder });
  };
  const order: SortOrderChange = {
    asc(path, term) {
      add(path, 'asc', term);
      return this;
    },
    desc(path, term) {
      add(path, 'desc', term);
      return this;
    },
  };
  change(order);
  checkSortOrder({ fields }, schema);
  const updates = orderUpdates(metadata, fields);
  const requirements = [{ type: 'assert-current-schema-id', currentSchemaId: base.currentSchemaId }] as const;
  return updates.length === 0 ? { updates } : { updates, requirements };
}

function orderUpdates(metadata: TableMetadata, fields: readonly SortField[]): readonly TableUpdate[] {
  const same = metadata.sortOrders.find((order) => isSameOrder(order, { fields }));
  if (same?.orderId === metadata.defaultSortOrderId) return [];
  if (same !== undefined) return [{ action: 'set-default-sort-order', sortOrderId: same.orderId }];
  const nextId = Math.max(0, ...metadata.sortOrders.map((order) => order.orderId)) + 1;
  const orderId = fields.length === 0 ? 0 : nextId;
  return [
    { action: 'add-sort-order', sortOrder: { orderId, fields } },
    { action: 'set-default-sort-order', sortOrderId: -1 },
  ];
}
