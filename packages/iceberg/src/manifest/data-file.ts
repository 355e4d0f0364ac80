import type { PrimitiveValue } from '../metadata/primitive-value.ts';

/** A value of a partition field in its transform's result type (day: number of days; month, year, hour, bucket: number). */
export type PartitionValue = PrimitiveValue | null;

export type FileContent = 'data' | 'position-deletes' | 'equality-deletes';
export type FileFormat = 'PARQUET' | 'AVRO' | 'ORC' | 'PUFFIN';

/** A file of rows (or of deletes) with what a manifest says about it. Spec: https://iceberg.apache.org/spec/#data-file-fields */
export interface DataFile {
  readonly content: FileContent;
  /** Full URI. */
  readonly filePath: string;
  readonly fileFormat: FileFormat;
  /** One value for each field of the spec, in its order; empty for unpartitioned. */
  readonly partition: readonly PartitionValue[];
  /** The partition spec that `partition` belongs to. In a manifest it is the manifest's, not the file's own. */
  readonly specId: number;
  readonly recordCount: number;
  readonly fileSizeInBytes: number;
  /** Compressed bytes for each column id. */
  readonly columnSizes?: ReadonlyMap<number, number>;
  /** Values for each column id, nulls and NaN included. */
  readonly valueCounts?: ReadonlyMap<number, number>;
  readonly nullValueCounts?: ReadonlyMap<number, number>;
  readonly nanValueCounts?: ReadonlyMap<number, number>;
  /** Lower bound for each column id in the spec's binary single-value form. */
  readonly lowerBounds?: ReadonlyMap<number, Uint8Array>;
  /** Upper bound for each column id in the spec's binary single-value form. */
  readonly upperBounds?: ReadonlyMap<number, Uint8Array>;
  readonly keyMetadata?: Uint8Array;
  /** Offsets at which the file may be split, ascending. */
  readonly splitOffsets?: readonly number[];
  /** Only for equality deletes. */
  readonly equalityIds?: readonly number[];
  readonly sortOrderId?: number;
  /** v3: `_row_id` of the first row; resolved on read. */
  readonly firstRowId?: bigint;
  /** Position deletes and deletion vectors of one data file: its path. */
  readonly referencedDataFile?: string;
  /** v3 deletion vectors. */
  readonly contentOffset?: number;
  /** v3 deletion vectors. */
  readonly contentSizeInBytes?: number;
}

export type EntryStatus = 'existing' | 'added' | 'deleted';

/** A line of a manifest, inherited values filled in. Spec: https://iceberg.apache.org/spec/#manifest-entry-fields */
export interface ManifestEntry {
  readonly status: EntryStatus;
  /** The snapshot that added (or deleted) the file. */
  readonly snapshotId: bigint;
  /** Data sequence number: which deletes apply to the file. */
  readonly sequenceNumber: bigint;
  /** The sequence number of the commit that added the file. */
  readonly fileSequenceNumber: bigint;
  readonly dataFile: DataFile;
}

export type ManifestContent = 'data' | 'deletes';

/** What a manifest list says of one partition field over all files of a manifest. */
export interface PartitionFieldSummary {
  readonly containsNull: boolean;
  readonly containsNan?: boolean;
  /** Binary single-value form of the transform's result type. */
  readonly lowerBound?: Uint8Array;
  /** Binary single-value form of the transform's result type. */
  readonly upperBound?: Uint8Array;
}

/** A line of a manifest list. Spec: https://iceberg.apache.org/spec/#manifest-lists */
export interface ManifestFile {
  readonly manifestPath: string;
  /** Bytes. */
  readonly manifestLength: number;
  readonly partitionSpecId: number;
  readonly content: ManifestContent;
  /** Sequence number of the commit that added the manifest; 0 in v1. */
  readonly sequenceNumber: bigint;
  /** Smallest data sequence number of its live files; 0 in v1. */
  readonly minSequenceNumber: bigint;
  /** The snapshot that added the manifest. */
  readonly addedSnapshotId: bigint;
  /** Counts are absent only in v1 lists, and then not zero for all one knows. */
  readonly addedFilesCount?: number;
  readonly existingFilesCount?: number;
  readonly deletedFilesCount?: number;
  readonly addedRowsCount?: number;
  readonly existingRowsCount?: number;
  readonly deletedRowsCount?: number;
  /** One summary for each field of the spec, in its order. */
  readonly partitions?: readonly PartitionFieldSummary[];
  readonly keyMetadata?: Uint8Array;
  /** v3. */
  readonly firstRowId?: bigint;
}
