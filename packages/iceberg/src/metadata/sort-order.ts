import type { JsonObject } from '../json/json.ts';
import type { Transform } from './partition-spec.ts';

export type SortDirection = 'asc' | 'desc';
export type NullOrder = 'nulls-first' | 'nulls-last';

export interface SortField {
  readonly transform: Transform;
  readonly sourceId: number;
  /** v3, transforms of several columns: all source ids, `sourceId` first. */
  readonly sourceIds?: readonly number[];
  readonly direction: SortDirection;
  readonly nullOrder: NullOrder;
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** A declared order of rows; order 0 is always "unsorted". Spec: https://iceberg.apache.org/spec/#sorting */
export interface SortOrder {
  readonly orderId: number;
  readonly fields: readonly SortField[];
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** An order as given to a catalog, which assigns the id. */
export interface UnboundSortOrder {
  readonly orderId?: number;
  readonly fields: readonly SortField[];
}

/** Sort order 0. */
export const unsortedOrder: SortOrder = { orderId: 0, fields: [] };
