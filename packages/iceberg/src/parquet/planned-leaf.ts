import type { ValueConverter } from './parquet-convert.ts';
import type { ParquetNode } from './parquet-schema.ts';

/** A leaf column to read, with how to convert it. */
export interface PlannedLeaf {
  readonly node: ParquetNode;
  readonly convert: ValueConverter;
}
