import type { DataFile, PartitionValue } from './data-file.ts';

/** A partition: values of one spec. Every file has one. */
export type FilePartition = Pick<DataFile, 'specId' | 'partition'>;

/** Equal for files of the same partition, different for others. */
export function partitionKey({ specId, partition }: FilePartition): string {
  return JSON.stringify([specId, partition.map(valueKey)]);
}

function valueKey(value: PartitionValue): string {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  // Partitions written before a column was widened from int to long are the same ones. -0 is not 0.
  if (typeof value === 'number' || typeof value === 'bigint') {
    return `number:${Object.is(value, -0) ? '-0' : value}`;
  }
  return `${typeof value}:${String(value)}`;
}
