import { isPrimitiveType, type PrimitiveType, type Schema, walkFields } from '../metadata/schema.ts';
import { ColumnMismatchError, valueConverter } from '../parquet/parquet-convert.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';
import type { PlannedLeaf } from '../parquet/planned-leaf.ts';

/** A primitive column of the table's schema that a file stores, outside lists and maps. */
export interface StoredColumn {
  readonly id: number;
  readonly type: PrimitiveType;
  readonly leaf: PlannedLeaf;
}

/**
 * The columns whose values the file's bounds speak of, by field id. Columns stored in a form that cannot be read
 * as the table's type are left out: reading them is an error, opening the file is not.
 */
export function findStoredColumns(
  root: ParquetNode,
  schema: Pick<Schema, 'fields'>,
): ReadonlyMap<number, StoredColumn> {
  const leaves = new Map<number, ParquetNode>();
  const collect = (node: ParquetNode) => {
    if (node.repetitionLevel > 0) return;
    if (node.leaf && node.fieldId !== undefined) leaves.set(node.fieldId, node);
    for (const child of node.children) collect(child);
  };
  collect(root);
  const columns = new Map<number, StoredColumn>();
  for (const { field, repeated } of walkFields(schema.fields)) {
    const { id, type } = field;
    const node = leaves.get(id);
    if (repeated || !node || !isPrimitiveType(type)) continue;
    try {
      columns.set(id, { id, type, leaf: { node, convert: valueConverter(type, node) } });
    } catch (error) {
      if (!(error instanceof ColumnMismatchError)) throw error;
    }
  }
  return columns;
}
