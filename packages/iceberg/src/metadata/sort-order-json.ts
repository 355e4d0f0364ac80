import type { JsonFields } from '../json/json-fields.ts';
import { readSourceIds, sourceIdsToJson } from './partition-spec-json.ts';
import {
  type NullOrder,
  type SortDirection,
  type SortField,
  type SortOrder,
  type UnboundSortOrder,
  unsortedOrder,
} from './sort-order.ts';

/** Spec, appendix C: https://iceberg.apache.org/spec/#sort-orders */
export function readSortOrder(json: JsonFields): SortOrder {
  return { orderId: json.int('order-id'), fields: json.objects('fields', readSortField), ...json.extra() };
}

export function readSortField(json: JsonFields): SortField {
  const direction = json.string('direction').toLowerCase();
  const nullOrder = json.string('null-order').toLowerCase();
  if (direction !== 'asc' && direction !== 'desc') throw json.error('expected asc or desc', 'direction');
  if (nullOrder !== 'nulls-first' && nullOrder !== 'nulls-last') {
    throw json.error('expected nulls-first or nulls-last', 'null-order');
  }
  return {
    transform: json.string('transform'),
    ...readSourceIds(json),
    direction: direction satisfies SortDirection,
    nullOrder: nullOrder satisfies NullOrder,
    ...json.extra(),
  };
}

/** Catalogs want an id even where they assign one: 0 for the unsorted order, and for no other. */
export function sortOrderToJson(order: SortOrder | UnboundSortOrder): object {
  return {
    'order-id': order.orderId ?? (order.fields.length === 0 ? unsortedOrder.orderId : 1),
    fields: order.fields.map((field) => ({
      transform: field.transform,
      ...sourceIdsToJson(field),
      direction: field.direction,
      'null-order': field.nullOrder,
      ...field.extra,
    })),
    ...('extra' in order && order.extra),
  };
}
