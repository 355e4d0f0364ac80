import type { Transform } from '../metadata/partition-spec.ts';
import type { ColumnPath } from './column-names.ts';

/** A partition field named by what it is made of. */
export interface PartitionSource {
  readonly source: ColumnPath;
  /** Default `identity`. */
  readonly transform?: Transform;
}

/**
 * The changes of one partition spec update. Names of fields mean the default spec as it was before the update. Whatever
 * cannot be done is `INVALID_ARGUMENT`, thrown at the call that asks for it.
 */
export interface PartitionSpecChange {
  /**
   * Adds a field. Without a name it gets the one of the same field in an earlier spec, else the usual one: `ts_day`,
   * `id_bucket_16`, `name_trunc_4`, for `identity` the column's. A second time transform of a column in one update is
   * refused: the finer one does.
   */
  addField(source: ColumnPath, transform?: Transform, name?: string): this;
  /** By its name, or by what it is made of. Files written before keep their partitions. */
  removeField(field: string | PartitionSource): this;
  renameField(name: string, newName: string): this;
}

/** How a partition spec may be changed. */
export interface PartitionSpecChangeOptions {
  /** Adds the spec and does not make it the default: new files are still written with the one there is. Default false. */
  readonly addNonDefault?: boolean;
  /** Whether names of columns are found only in the same case. Default true. */
  readonly caseSensitive?: boolean;
}
