import type { JsonObject } from '../json/json.ts';

export interface BlobMetadata {
  readonly type: string;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly fields: readonly number[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly extra?: JsonObject;
}

/** A Puffin file of table statistics. Spec: https://iceberg.apache.org/spec/#table-statistics */
export interface StatisticsFile {
  readonly snapshotId: bigint;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: number;
  readonly fileFooterSizeInBytes: number;
  readonly keyMetadata?: string;
  readonly blobMetadata: readonly BlobMetadata[];
  readonly extra?: JsonObject;
}

/** A file of partition statistics. Spec: https://iceberg.apache.org/spec/#partition-statistics */
export interface PartitionStatisticsFile {
  readonly snapshotId: bigint;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: number;
  readonly extra?: JsonObject;
}
