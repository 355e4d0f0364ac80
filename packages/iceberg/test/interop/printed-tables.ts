import {
  type AllManifestsRow,
  type EntryRow,
  type FileRow,
  type HistoryRow,
  isPrimitiveType,
  type ManifestRow,
  type MetadataLogRow,
  type PartitionRow,
  type PrimitiveType,
  type PrimitiveValue,
  type RefRow,
  type Schema,
  type SnapshotRow,
  type TableMetadata,
} from '../../src/index.ts';
import { partitionTypes } from '../../src/metadata/partition-spec-binding.ts';

/** A row as `metadata_tables.py` prints it. */
export type PrintedRow = Readonly<Record<string, unknown>>;

const contents = ['data', 'position-deletes', 'equality-deletes'];
const statuses = ['existing', 'added', 'deleted'];

/** Whole numbers as text, what is absent as null. */
const whole = (value: number | bigint | undefined): string | null =>
  value === undefined ? null : String(value);
const text = (value: string | undefined): string | null => (value === undefined ? null : `s:${value}`);
const micros = (ms: number | undefined): string | null => (ms === undefined ? null : String(ms * 1000));

/** Prints our rows as PyIceberg's, which have their columns' names and types. */
export class RowPrinter {
  readonly #schema: Schema;
  readonly #partitionTypes = new Map<string, PrimitiveType>();

  constructor(metadata: TableMetadata, schema: Schema) {
    this.#schema = schema;
    for (const spec of metadata.partitionSpecs) {
      const types = partitionTypes(spec, [schema, ...metadata.schemas]);
      for (const [index, { name }] of spec.fields.entries()) {
        const type = types[index];
        if (type !== undefined) this.#partitionTypes.set(name, type);
      }
    }
  }

  history(row: HistoryRow): PrintedRow {
    return {
      made_current_at: micros(row.madeCurrentAtMs),
      snapshot_id: whole(row.snapshotId),
      parent_id: whole(row.parentId),
      is_current_ancestor: row.isCurrentAncestor,
    };
  }

  snapshot(row: SnapshotRow): PrintedRow {
    return {
      committed_at: micros(row.committedAtMs),
      snapshot_id: whole(row.snapshotId),
      parent_id: whole(row.parentId),
      operation: text(row.operation),
      manifest_list: text(row.manifestList),
      summary: Object.entries(row.summary)
        .map(([key, value]) => [text(key), text(value)])
        .sort(),
    };
  }

  ref(row: RefRow): PrintedRow {
    return {
      name: text(row.name),
      type: text(row.type.toUpperCase()),
      snapshot_id: whole(row.snapshotId),
      max_reference_age_in_ms: whole(row.maxReferenceAgeInMs),
      min_snapshots_to_keep: whole(row.minSnapshotsToKeep),
      max_snapshot_age_in_ms: whole(row.maxSnapshotAgeInMs),
    };
  }

  metadataLog(row: MetadataLogRow): PrintedRow {
    return {
      timestamp: micros(row.timestampMs),
      file: text(row.file),
      latest_snapshot_id: whole(row.latestSnapshotId),
      latest_schema_id: whole(row.latestSchemaId),
      latest_sequence_number: whole(row.latestSequenceNumber),
    };
  }

  manifest(row: ManifestRow): PrintedRow {
    return {
      content: row.content === 'data' ? '0' : '1',
      path: text(row.path),
      length: whole(row.length),
      partition_spec_id: whole(row.partitionSpecId),
      added_snapshot_id: whole(row.addedSnapshotId),
      added_data_files_count: whole(row.addedDataFilesCount),
      existing_data_files_count: whole(row.existingDataFilesCount),
      deleted_data_files_count: whole(row.deletedDataFilesCount),
      added_delete_files_count: whole(row.addedDeleteFilesCount),
      existing_delete_files_count: whole(row.existingDeleteFilesCount),
      deleted_delete_files_count: whole(row.deletedDeleteFilesCount),
      partition_summaries: row.partitionSummaries.map((summary) => ({
        contains_null: summary.containsNull,
        contains_nan: summary.containsNan ?? null,
        // PyIceberg takes the bound of an empty text for none.
        lower_bound: summary.lowerBound === '' ? null : text(summary.lowerBound),
        upper_bound: summary.upperBound === '' ? null : text(summary.upperBound),
      })),
    };
  }

  allManifests(row: AllManifestsRow): PrintedRow {
    return {
      ...this.manifest(row),
      reference_snapshot_id: whole(row.referenceSnapshotId),
      key_metadata: null,
    };
  }

  /** The columns that PyIceberg has: it shows no v3 columns, and metrics of top-level columns only. */
  file(row: Omit<FileRow, 'readableMetrics'>): PrintedRow {
    const map = (counts: ReadonlyMap<number, number | Uint8Array> | undefined) =>
      counts === undefined
        ? null
        : [...counts].sort(([a], [b]) => a - b).map(([id, value]) => [whole(id), printed('int', value)]);
    return {
      content: String(contents.indexOf(row.content)),
      file_path: text(row.filePath),
      file_format: text(row.fileFormat),
      spec_id: whole(row.specId),
      partition: this.#partition(row.partition),
      record_count: whole(row.recordCount),
      file_size_in_bytes: whole(row.fileSizeInBytes),
      column_sizes: map(row.columnSizes),
      value_counts: map(row.valueCounts),
      null_value_counts: map(row.nullValueCounts),
      nan_value_counts: map(row.nanValueCounts),
      lower_bounds: map(row.lowerBounds),
      upper_bounds: map(row.upperBounds),
      key_metadata: null,
      split_offsets: row.splitOffsets?.map(whole) ?? null,
      equality_ids: row.equalityIds?.map(whole) ?? null,
      sort_order_id: whole(row.sortOrderId),
    };
  }

  metrics(row: Pick<FileRow, 'readableMetrics'>): PrintedRow {
    const entries = this.#schema.fields.map(({ name, type }) => {
      const metrics = isPrimitiveType(type) ? row.readableMetrics[name] : undefined;
      const bound = (value: PrimitiveValue | undefined) =>
        value === undefined || !isPrimitiveType(type) ? null : printed(type, value);
      return [
        name,
        {
          column_size: whole(metrics?.columnSize),
          value_count: whole(metrics?.valueCount),
          null_value_count: whole(metrics?.nullValueCount),
          nan_value_count: whole(metrics?.nanValueCount),
          lower_bound: bound(metrics?.lowerBound),
          upper_bound: bound(metrics?.upperBound),
        },
      ];
    });
    return Object.fromEntries(entries);
  }

  entry(row: EntryRow): PrintedRow {
    return {
      status: String(statuses.indexOf(row.status)),
      snapshot_id: whole(row.snapshotId),
      sequence_number: whole(row.sequenceNumber),
      file_sequence_number: whole(row.fileSequenceNumber),
      data_file: this.file(row.dataFile),
      readable_metrics: this.metrics(row),
    };
  }

  partition(row: PartitionRow): PrintedRow {
    return {
      partition: this.#partition(row.partition),
      spec_id: whole(row.specId),
      record_count: whole(row.recordCount),
      file_count: whole(row.fileCount),
      total_data_file_size_in_bytes: whole(row.totalDataFileSizeInBytes),
      position_delete_record_count: whole(row.positionDeleteRecordCount),
      position_delete_file_count: whole(row.positionDeleteFileCount),
      equality_delete_record_count: whole(row.equalityDeleteRecordCount),
      equality_delete_file_count: whole(row.equalityDeleteFileCount),
      last_updated_at: micros(row.lastUpdatedAtMs),
      last_updated_snapshot_id: whole(row.lastUpdatedSnapshotId),
    };
  }

  #partition(partition: FileRow['partition']): PrintedRow {
    return Object.fromEntries(
      Object.entries(partition).map(([name, value]) => {
        const type = this.#partitionTypes.get(name);
        return [name, value === null || type === undefined ? null : printed(type, value)];
      }),
    );
  }
}

/** A value in the form of `scan_tables.py`. */
function printed(type: PrimitiveType, value: PrimitiveValue): unknown {
  if (value instanceof Uint8Array) return `x:${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'string') return `s:${value}`;
  if (typeof value === 'boolean') return value;
  if (type !== 'float' && type !== 'double') return String(value);
  const double = Buffer.alloc(8);
  double.writeDoubleBE(Number(value));
  return `f:${double.toString('hex')}`;
}
