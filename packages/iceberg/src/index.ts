export type { ApplyCommitOptions } from './catalog/apply-commit.ts';
export { applyCommit } from './catalog/apply-commit.ts';
export type {
  Catalog,
  CommitOptions,
  CommitRequest,
  LoadedTable,
  Namespace,
  NamespacePropertiesUpdate,
  TableIdentifier,
} from './catalog/catalog.ts';
export { checkNamespace, checkTableIdentifier, formatIdentifier } from './catalog/catalog-names.ts';
export { checkRequirements } from './catalog/check-requirements.ts';
export type { MemoryCatalogOptions } from './catalog/memory-catalog.ts';
export { createMemoryCatalog } from './catalog/memory-catalog.ts';
export { newTableLocation } from './catalog/table-location.ts';
export type { TableRequirement } from './catalog/table-requirement.ts';
export type { TableUpdate, TableUpdateAction } from './catalog/table-update.ts';
export type { DeleteFile } from './deletes/delete-file.ts';
export type { CachedDeletes, DeleteFileCache } from './deletes/delete-file-cache.ts';
export { createDeleteFileCache } from './deletes/delete-file-cache.ts';
export type { EqualityField } from './deletes/equality-field.ts';
export type { IcebergErrorCode, IcebergErrorOptions } from './errors.ts';
export { IcebergError } from './errors.ts';
export type { ColumnPath } from './evolution/column-names.ts';
export type { NewColumn, NewField, NewType } from './evolution/new-column.ts';
export type {
  PartitionSource,
  PartitionSpecChange,
  PartitionSpecChangeOptions,
} from './evolution/partition-spec-change.ts';
export type { SortOrderChange, SortTerm } from './evolution/replace-sort-order.ts';
export { replaceSortOrder } from './evolution/replace-sort-order.ts';
export type { SchemaChange, SchemaChangeOptions } from './evolution/schema-change.ts';
export { setLocation } from './evolution/set-location.ts';
export {
  removePartitionStatistics,
  removeStatistics,
  setPartitionStatistics,
  setStatistics,
} from './evolution/statistics-operations.ts';
export { updatePartitionSpec } from './evolution/update-partition-spec.ts';
export type { PropertiesChange } from './evolution/update-properties.ts';
export { updateProperties } from './evolution/update-properties.ts';
export { updateSchema } from './evolution/update-schema.ts';
export { upgradeFormatVersion } from './evolution/upgrade-format-version.ts';
export type { ComparisonType, Expression, SetType, UnaryType } from './expression/expression.ts';
export {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gtEq,
  in_,
  isNaN_,
  isNull,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  or,
} from './expression/expression.ts';
export { deleteFiles } from './io/delete-files.ts';
export type { FileIO } from './io/file-io.ts';
export type { ListableFileIO, ListedFile } from './io/listable-file-io.ts';
export type { JsonArray, JsonObject, JsonValue, RawJson } from './json/json.ts';
export { isRawJson, parseJson, stringifyJson } from './json/json.ts';
export type { DeleteExpiredFilesOptions, ExpiredState } from './maintenance/delete-expired-files.ts';
export { deleteExpiredFiles } from './maintenance/delete-expired-files.ts';
export type { ExpireSnapshotsOptions } from './maintenance/expire-snapshots.ts';
export { expireSnapshots } from './maintenance/expire-snapshots.ts';
export type {
  ExpireSnapshotsAndFilesOptions,
  ExpiryCleanup,
  ExpirySummary,
} from './maintenance/expire-snapshots-and-files.ts';
export { expireSnapshotsAndFiles } from './maintenance/expire-snapshots-and-files.ts';
export type { AddressEquality } from './maintenance/file-address.ts';
export type {
  FileFailure,
  FileKind,
  FileRemovalOptions,
  FileRemovalReport,
  RemovedFile,
} from './maintenance/file-deletion.ts';
export type { OrphanScope } from './maintenance/orphan-scope.ts';
export type { PreparedPurge, PurgedTable } from './maintenance/purge-table.ts';
export { preparePurge, purgeTable } from './maintenance/purge-table.ts';
export type {
  OrphanFilesReport,
  OrphanFilesTarget,
  RemoveOrphanFilesOptions,
} from './maintenance/remove-orphan-files.ts';
export { removeOrphanFiles } from './maintenance/remove-orphan-files.ts';
export type {
  DataFile,
  EntryStatus,
  FileContent,
  FileFormat,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
  PartitionFieldSummary,
  PartitionValue,
} from './manifest/data-file.ts';
export type { ManifestListCache } from './manifest/manifest-list-cache.ts';
export { createManifestListCache } from './manifest/manifest-list-cache.ts';
export { readSnapshotManifests } from './manifest/manifest-list-reader.ts';
export { readManifest } from './manifest/manifest-reader.ts';
export type { FilePartition } from './manifest/partition-key.ts';
export type { CreateTableMetadataOptions } from './metadata/create-table-metadata.ts';
export { createTableMetadata } from './metadata/create-table-metadata.ts';
export type { CreateTableOptions } from './metadata/create-table-options.ts';
export {
  loadTableMetadata,
  metadataFolder,
  newMetadataLocation,
  obsoleteMetadataFiles,
  writeTableMetadata,
} from './metadata/metadata-file.ts';
export type { MappedField, NameMapping } from './metadata/name-mapping.ts';
export { createNameMapping, nameMappingProperty } from './metadata/name-mapping.ts';
export { formatNameMapping, parseNameMapping } from './metadata/name-mapping-json.ts';
export type { AddedMappedField, NameMappingChanges } from './metadata/name-mapping-update.ts';
export { updateNameMapping } from './metadata/name-mapping-update.ts';
export type {
  PartitionField,
  PartitionSpec,
  Transform,
  UnboundPartitionSpec,
} from './metadata/partition-spec.ts';
export { firstPartitionFieldId, unpartitionedSpec } from './metadata/partition-spec.ts';
export type { PrimitiveValue } from './metadata/primitive-value.ts';
export type { Row, RowMap, RowValue } from './metadata/row.ts';
export type {
  FieldPath,
  ListType,
  MapType,
  NestedField,
  PrimitiveType,
  Schema,
  StructType,
  Type,
} from './metadata/schema.ts';
export {
  childFields,
  findField,
  findFieldByName,
  highestFieldId,
  isPrimitiveType,
  walkFields,
} from './metadata/schema.ts';
export { compareValues, decodeSingleValue, encodeSingleValue } from './metadata/single-value.ts';
export type { Snapshot, SnapshotOperation, SnapshotRef } from './metadata/snapshot.ts';
export { mainBranch } from './metadata/snapshot.ts';
export { generateSnapshotId } from './metadata/snapshot-id.ts';
export type {
  NullOrder,
  SortDirection,
  SortField,
  SortOrder,
  UnboundSortOrder,
} from './metadata/sort-order.ts';
export { unsortedOrder } from './metadata/sort-order.ts';
export type { BlobMetadata, PartitionStatisticsFile, StatisticsFile } from './metadata/statistics.ts';
export type {
  EncryptedKey,
  MetadataLogEntry,
  SnapshotLogEntry,
  TableMetadata,
} from './metadata/table-metadata.ts';
export {
  ancestorsOf,
  currentSchema,
  currentSnapshot,
  defaultPartitionSpec,
  defaultSortOrder,
  partitionSpecById,
  refByName,
  schemaById,
  snapshotById,
} from './metadata/table-metadata.ts';
export {
  formatTableMetadata,
  maxReadableFormatVersion,
  parseTableMetadata,
  tableMetadataFromJson,
  tableMetadataToJson,
  writableFormatVersion,
} from './metadata/table-metadata-json.ts';
export type { ParsedTransform } from './metadata/transform.ts';
export { applyTransform, bindTransform, parseTransform, transformResultType } from './metadata/transform.ts';
export type { EntryRow, FileRow } from './metadata-tables/file-tables.ts';
export type { AllManifestsRow, ManifestRow, PartitionSummaryRow } from './metadata-tables/manifest-tables.ts';
export { metadataTables } from './metadata-tables/metadata-tables.ts';
export type { PartitionRecord } from './metadata-tables/partition-record.ts';
export type { PartitionRow } from './metadata-tables/partition-table.ts';
export type { ColumnMetrics, ReadableMetrics } from './metadata-tables/readable-metrics.ts';
export type { HistoryRow, MetadataLogRow, RefRow, SnapshotRow } from './metadata-tables/snapshot-tables.ts';
export type { DescribeParquetFileOptions } from './metrics/describe-parquet-file.ts';
export { describeParquetFile } from './metrics/describe-parquet-file.ts';
export type {
  DataFileReader,
  OpenDataFileOptions,
  ReadBatchesOptions,
  ReadOptions,
  RowBatch,
  RowGroupInfo,
} from './read/data-file-reader.ts';
export { openDataFile } from './read/data-file-reader.ts';
export type { RowRange, RowRanges } from './read/row-ranges.ts';
export { cherryPick } from './refs/cherry-pick.ts';
export type { CreateRefOptions } from './refs/create-ref.ts';
export { createBranch, createTag } from './refs/create-ref.ts';
export type { RefTarget } from './refs/ref-checks.ts';
export type { RefRetention, RefRetentionChange } from './refs/ref-retention.ts';
export { setRefRetention } from './refs/ref-retention.ts';
export { removeRef, renameBranch } from './refs/remove-ref.ts';
export { fastForward, replaceBranch, replaceTag } from './refs/replace-ref.ts';
export { rollbackToSnapshot, rollbackToTimestamp, setCurrentSnapshot } from './refs/rollback.ts';
export type { AppendRange } from './scan/append-range.ts';
export type { FileMatch } from './scan/file-match.ts';
export { createFileMatcher, matchFile } from './scan/file-match.ts';
export type {
  PlanAppendsOptions,
  PlanFilesOptions,
  PlanOptions,
  ReadTaskOptions,
  ScanAppendsOptions,
  ScanOptions,
} from './scan/scan-options.ts';
export type { FileScanTask } from './scan/scan-plan.ts';
export { planAppends, planFiles, scanSchema } from './scan/scan-plan.ts';
export type { ScanBatch } from './scan/scan-rows.ts';
export { readTask, scanAppendBatches, scanAppends, scanBatches, scanRows } from './scan/scan-rows.ts';
export type { SnapshotSelection } from './scan/snapshot-selection.ts';
export type {
  CommitEvent,
  CommitTransactionOptions,
  CommittedTransaction,
  TransactionTarget,
} from './transaction/commit-transaction.ts';
export { commitTransaction } from './transaction/commit-transaction.ts';
export type { DeleteDataFilesOptions } from './transaction/delete-data-files.ts';
export { deleteDataFiles } from './transaction/delete-data-files.ts';
export type { AppendOptions } from './transaction/fast-append.ts';
export { fastAppend } from './transaction/fast-append.ts';
export { mergeAppend } from './transaction/merge-append.ts';
export type { OverwriteFilesOptions } from './transaction/overwrite-files.ts';
export { overwriteFiles } from './transaction/overwrite-files.ts';
export type { PrepareAppendOptions, PreparedAppend } from './transaction/prepare-append.ts';
export { prepareAppend } from './transaction/prepare-append.ts';
export type {
  PreparedTransaction,
  PrepareOptions,
  TransactionComponents,
} from './transaction/prepare-transaction.ts';
export { prepareTransaction } from './transaction/prepare-transaction.ts';
export type { ReplacePartitionsOptions } from './transaction/replace-partitions.ts';
export { replacePartitions } from './transaction/replace-partitions.ts';
export { requirementsFor } from './transaction/requirements.ts';
export type { RewriteFilesOptions } from './transaction/rewrite-files.ts';
export { rewriteFiles } from './transaction/rewrite-files.ts';
export type { RewriteManifestsOptions } from './transaction/rewrite-manifests.ts';
export { rewriteManifests } from './transaction/rewrite-manifests.ts';
export type { SnapshotOptions } from './transaction/snapshot-options.ts';
export type { OperationContext, OperationPlan, TableOperation } from './transaction/table-operation.ts';
export type { CommitRetrySettings } from './transaction/table-properties.ts';
