import type { UnboundPartitionSpec } from './partition-spec.ts';
import type { Schema } from './schema.ts';
import type { UnboundSortOrder } from './sort-order.ts';

/** What a new table shall be. */
export interface CreateTableOptions {
  /** Ids may be any distinct numbers: they are assigned anew from 1 and those of spec and order mapped along. */
  readonly schema: Omit<Schema, 'schemaId'> & { readonly schemaId?: number };
  /** Default: unpartitioned. Field ids are assigned from 1000. */
  readonly partitionSpec?: UnboundPartitionSpec;
  /** Default: unsorted. */
  readonly sortOrder?: UnboundSortOrder;
  /** Base URI of the table's files. Default: the catalog chooses one under its warehouse. */
  readonly location?: string;
  /** `format-version` (default 2) is taken out and not stored. */
  readonly properties?: Readonly<Record<string, string>>;
}
