import type { FileIO } from '../io/file-io.ts';
import type { DataFile, ManifestEntry, PartitionValue } from '../manifest/data-file.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { SnapshotSelection } from '../scan/snapshot-selection.ts';
import { liveEntries } from './file-tables.ts';
import { type PartitionRecord, PartitionRecords } from './partition-record.ts';

/** A partition of a snapshot; a table without partitions is one. */
export interface PartitionRow {
  readonly partition: PartitionRecord;
  /** The newest spec that its files have. Files of several specs may be in one partition: null is null. */
  readonly specId: number;
  /** Rows of data files, before deletes. */
  readonly recordCount: number;
  /** Data files. */
  readonly fileCount: number;
  readonly totalDataFileSizeInBytes: number;
  readonly positionDeleteRecordCount: number;
  readonly positionDeleteFileCount: number;
  readonly equalityDeleteRecordCount: number;
  readonly equalityDeleteFileCount: number;
  /** When the newest of its files was committed; Unix milliseconds. Absent if all those snapshots have expired. */
  readonly lastUpdatedAtMs?: number;
  readonly lastUpdatedSnapshotId?: bigint;
}

/**
 * The partitions of a snapshot, in the order in which its manifests name them. All manifests are read before the
 * first row is given; one of them, and a row for each partition, is in memory.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND` and `INVALID_ARGUMENT` at once; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`
 */
export function partitions(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<PartitionRow> {
  const source = liveEntries(metadata, io, selection);
  const records = new PartitionRecords(metadata);
  const snapshots = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  return {
    async *[Symbol.asyncIterator]() {
      const rows = new Map<string, MutablePartition>();
      for await (const entry of source) {
        const { specId, partition } = entry.dataFile;
        const key = keyOf(records.values(specId, partition));
        const row = rows.get(key) ?? emptyRow(records.record(specId, partition), specId);
        rows.set(key, row);
        count(row, entry, snapshots.get(entry.snapshotId));
      }
      yield* rows.values();
    },
  };
}

type MutablePartition = { -readonly [K in keyof PartitionRow]: PartitionRow[K] };

function emptyRow(partition: PartitionRecord, specId: number): MutablePartition {
  return {
    partition,
    specId,
    recordCount: 0,
    fileCount: 0,
    totalDataFileSizeInBytes: 0,
    positionDeleteRecordCount: 0,
    positionDeleteFileCount: 0,
    equalityDeleteRecordCount: 0,
    equalityDeleteFileCount: 0,
  };
}

function count(row: MutablePartition, { dataFile }: ManifestEntry, snapshot: Snapshot | undefined): void {
  row.specId = Math.max(row.specId, dataFile.specId);
  countFile(row, dataFile);
  if (snapshot === undefined || snapshot.timestampMs <= (row.lastUpdatedAtMs ?? -Infinity)) return;
  row.lastUpdatedAtMs = snapshot.timestampMs;
  row.lastUpdatedSnapshotId = snapshot.snapshotId;
}

function countFile(row: MutablePartition, { content, recordCount, fileSizeInBytes }: DataFile): void {
  switch (content) {
    case 'data':
      row.recordCount += recordCount;
      row.fileCount += 1;
      row.totalDataFileSizeInBytes += fileSizeInBytes;
      break;
    case 'position-deletes':
      row.positionDeleteRecordCount += recordCount;
      row.positionDeleteFileCount += 1;
      break;
    case 'equality-deletes':
      row.equalityDeleteRecordCount += recordCount;
      row.equalityDeleteFileCount += 1;
      break;
  }
}

/** Equal for equal values only: text that looks like a number, NaN and bytes are told apart. */
function keyOf(values: readonly PartitionValue[]): string {
  const parts = values.map((value) => {
    if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
    return `${typeof value} ${String(value)}`;
  });
  return JSON.stringify(parts);
}
