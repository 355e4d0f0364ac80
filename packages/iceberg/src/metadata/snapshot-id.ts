import { randomBytes } from 'node:crypto';
import { snapshotById, type TableMetadata } from './table-metadata.ts';

/** A random positive 63-bit id that no snapshot of the table has. */
export function generateSnapshotId(metadata: TableMetadata): bigint {
  const id = randomBytes(8).readBigUInt64BE() & (2n ** 63n - 1n);
  return id === 0n || snapshotById(metadata, id) !== undefined ? generateSnapshotId(metadata) : id;
}
