import {
  applyTransform,
  currentSchema,
  findField,
  type PartitionValue,
  type PrimitiveType,
  partitionSpecById,
  type TableMetadata,
} from '../../src/index.ts';
import { type PrintedRow, parsePrinted } from './printed.ts';

/** Rows of one partition. */
export interface PartitionedRows {
  readonly partition: readonly PartitionValue[];
  readonly rows: PrintedRow[];
}

/** Rows of the current schema, apart by the partitions of a spec, in the order of their first rows. */
export function partitionRows(
  metadata: TableMetadata,
  rows: readonly PrintedRow[],
  specId = metadata.defaultSpecId,
): PartitionedRows[] {
  const groups = new Map<string, PartitionedRows>();
  for (const row of rows) {
    const partition = partitionOf(metadata, specId, row);
    const key = JSON.stringify(partition, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { partition, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

function partitionOf(metadata: TableMetadata, specId: number, row: PrintedRow): PartitionValue[] {
  const schema = currentSchema(metadata);
  return partitionSpecById(metadata, specId).fields.map(({ sourceId, transform }) => {
    const { name, type } = findField(schema, sourceId)!;
    const printed = row[name] ?? null;
    const value = printed === null ? null : parsePrinted(type as PrimitiveType, printed as string | boolean);
    return applyTransform(transform, type as PrimitiveType, value);
  });
}
