import { IcebergError } from '../errors.ts';
import type { PartitionStatisticsFile, StatisticsFile } from '../metadata/statistics.ts';
import { snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import type { TableOperation } from '../transaction/table-operation.ts';

/**
 * Names the Puffin file with the statistics of a snapshot; it takes the place of an earlier one. The file must be
 * complete and durable. `SNAPSHOT_NOT_FOUND` when planned, if the snapshot is not there (any more).
 *
 * @see https://iceberg.apache.org/spec/#table-statistics
 */
export function setStatistics(statistics: StatisticsFile): TableOperation {
  return {
    name: 'setStatistics',
    plan: ({ metadata }) => {
      requireSnapshot(metadata, statistics.snapshotId);
      return { updates: [{ action: 'set-statistics', statistics }] };
    },
  };
}

/** Forgets the statistics file of a snapshot, if it has one; the file stays. */
export function removeStatistics(snapshotId: bigint): TableOperation {
  return {
    name: 'removeStatistics',
    plan: ({ metadata }) => ({
      updates: isNamed(metadata.statistics, snapshotId) ? [{ action: 'remove-statistics', snapshotId }] : [],
    }),
  };
}

/**
 * Names the file with the partition statistics of a snapshot; it takes the place of an earlier one. The file must be
 * complete and durable. `SNAPSHOT_NOT_FOUND` when planned, if the snapshot is not there (any more).
 *
 * @see https://iceberg.apache.org/spec/#partition-statistics
 */
export function setPartitionStatistics(partitionStatistics: PartitionStatisticsFile): TableOperation {
  return {
    name: 'setPartitionStatistics',
    plan: ({ metadata }) => {
      requireSnapshot(metadata, partitionStatistics.snapshotId);
      return { updates: [{ action: 'set-partition-statistics', partitionStatistics }] };
    },
  };
}

/** Forgets the partition statistics file of a snapshot, if it has one; the file stays. */
export function removePartitionStatistics(snapshotId: bigint): TableOperation {
  return {
    name: 'removePartitionStatistics',
    plan: ({ metadata }) => ({
      updates: isNamed(metadata.partitionStatistics, snapshotId)
        ? [{ action: 'remove-partition-statistics', snapshotId }]
        : [],
    }),
  };
}

function isNamed(files: readonly { readonly snapshotId: bigint }[], snapshotId: bigint): boolean {
  return files.some((file) => file.snapshotId === snapshotId);
}

function requireSnapshot(metadata: TableMetadata, snapshotId: bigint): void {
  if (snapshotById(metadata, snapshotId) !== undefined) return;
  throw new IcebergError(
    'SNAPSHOT_NOT_FOUND',
    `the table has no snapshot ${snapshotId} to have statistics of`,
    {
      context: { snapshotId },
    },
  );
}
