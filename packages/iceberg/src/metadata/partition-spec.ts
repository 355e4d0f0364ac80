import type { JsonObject } from '../json/json.ts';

/**
 * How a partition or sort value comes from a column. A transform this release does not know is kept as its
 * text: such a field is ignored for pruning and the spec is never used for writing.
 * Spec: https://iceberg.apache.org/spec/#partition-transforms
 */
export type Transform =
  | 'identity'
  | 'year'
  | 'month'
  | 'day'
  | 'hour'
  | 'void'
  | `bucket[${number}]`
  | `truncate[${number}]`
  | (string & Record<never, never>);

export interface PartitionField {
  /** Id of the source column. */
  readonly sourceId: number;
  /** v3, transforms of several columns: all source ids, `sourceId` first. */
  readonly sourceIds?: readonly number[];
  /** Id of the partition field, from 1000; unique over all specs of a table. */
  readonly fieldId: number;
  readonly name: string;
  readonly transform: Transform;
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** How rows are laid out into partitions; no fields means unpartitioned. */
export interface PartitionSpec {
  readonly specId: number;
  readonly fields: readonly PartitionField[];
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** A spec as given to a catalog: ids that are missing are assigned there. */
export interface UnboundPartitionSpec {
  readonly specId?: number;
  readonly fields: readonly (Omit<PartitionField, 'fieldId'> & { readonly fieldId?: number })[];
}

/** The spec of tables without partitions. */
export const unpartitionedSpec: PartitionSpec = { specId: 0, fields: [] };

/** The first partition field id; `last-partition-id` is one less while none was assigned. */
export const firstPartitionFieldId = 1000;
