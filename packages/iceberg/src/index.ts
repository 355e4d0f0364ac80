// Catalogs, and tables in them

export { createCatalogFactory } from './catalog/catalog-factory.ts';
export { createMemoryCatalog } from './catalog/memory-catalog.ts';
export { preparePurge, purgeTable } from './maintenance/purge-table.ts';

// Transactions: commit, and what can be committed

export { commitTransaction } from './transaction/commit-transaction.ts';
export { deleteDataFiles } from './transaction/delete-data-files.ts';
export { fastAppend } from './transaction/fast-append.ts';
export { mergeAppend } from './transaction/merge-append.ts';
export { overwriteFiles } from './transaction/overwrite-files.ts';
export { prepareAppend } from './transaction/prepare-append.ts';
export { prepareTransaction } from './transaction/prepare-transaction.ts';
export { replacePartitions } from './transaction/replace-partitions.ts';
export { rewriteFiles } from './transaction/rewrite-files.ts';
export { rewriteManifests } from './transaction/rewrite-manifests.ts';

// Operations that change schema, layout and properties

export { replaceSortOrder } from './evolution/replace-sort-order.ts';
export { setLocation } from './evolution/set-location.ts';
export {
  removePartitionStatistics,
  removeStatistics,
  setPartitionStatistics,
  setStatistics,
} from './evolution/statistics-operations.ts';
export { updatePartitionSpec } from './evolution/update-partition-spec.ts';
export { updateProperties } from './evolution/update-properties.ts';
export { updateSchema } from './evolution/update-schema.ts';
export { upgradeFormatVersion } from './evolution/upgrade-format-version.ts';
export { updateNameMapping } from './metadata/name-mapping-update.ts';

// Operations on branches and tags

export { cherryPick } from './refs/cherry-pick.ts';
export { createBranch, createTag } from './refs/create-ref.ts';
export { setRefRetention } from './refs/ref-retention.ts';
export { removeRef, renameBranch } from './refs/remove-ref.ts';
export { fastForward, replaceBranch, replaceTag } from './refs/replace-ref.ts';
export { rollbackToSnapshot, rollbackToTimestamp, setCurrentSnapshot } from './refs/rollback.ts';

// Scans, and single files

export { createDeleteFileCache } from './deletes/delete-file-cache.ts';
export { createManifestListCache } from './manifest/manifest-list-cache.ts';
export { openDataFile } from './read/data-file-reader.ts';
export { createFileMatcher, matchFile } from './scan/file-match.ts';
export { planAppends, planFiles, scanSchema } from './scan/scan-plan.ts';
export { readTask, scanAppendBatches, scanAppends, scanBatches, scanRows } from './scan/scan-rows.ts';

// Metadata tables

export { metadataTables } from './metadata-tables/metadata-tables.ts';

// Maintenance

export { deleteExpiredFiles } from './maintenance/delete-expired-files.ts';
export { expireSnapshots } from './maintenance/expire-snapshots.ts';
export { expireSnapshotsAndFiles } from './maintenance/expire-snapshots-and-files.ts';
export { removeOrphanFiles } from './maintenance/remove-orphan-files.ts';

// Expressions

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

// Files to append

export { describeParquetFile } from './metrics/describe-parquet-file.ts';

// Errors

export { IcebergError, saysMissing } from './errors.ts';

// What table metadata holds: lookups, names, values

export { createNameMapping, nameMappingProperty } from './metadata/name-mapping.ts';
export { formatNameMapping, parseNameMapping } from './metadata/name-mapping-json.ts';
export { firstPartitionFieldId, unpartitionedSpec } from './metadata/partition-spec.ts';
export {
  childFields,
  findField,
  findFieldByName,
  highestFieldId,
  isPrimitiveType,
  walkFields,
} from './metadata/schema.ts';
export { compareValues, decodeSingleValue, encodeSingleValue } from './metadata/single-value.ts';
export { mainBranch } from './metadata/snapshot.ts';
export { unsortedOrder } from './metadata/sort-order.ts';
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
export { applyTransform, bindTransform, parseTransform, transformResultType } from './metadata/transform.ts';

// For implementers of catalogs

export { applyCommit } from './catalog/apply-commit.ts';
export { checkNamespace, checkTableIdentifier, formatIdentifier } from './catalog/catalog-names.ts';
export { checkRequirements } from './catalog/check-requirements.ts';
export { newTableLocation } from './catalog/table-location.ts';
export { tableRequirementFromJson, tableRequirementToJson } from './catalog/table-requirement-json.ts';
export { tableUpdateFromJson, tableUpdateToJson } from './catalog/table-update-json.ts';
export { isRawJson, parseJson, stringifyJson } from './json/json.ts';
export { JsonFields } from './json/json-fields.ts';
export { createTableMetadata } from './metadata/create-table-metadata.ts';
export {
  loadTableMetadata,
  metadataFolder,
  newMetadataLocation,
  obsoleteMetadataFiles,
  writeTableMetadata,
} from './metadata/metadata-file.ts';
export { partitionSpecToJson } from './metadata/partition-spec-json.ts';
export { schemaToJson } from './metadata/schema-json.ts';
export { generateSnapshotId } from './metadata/snapshot-id.ts';
export { sortOrderToJson } from './metadata/sort-order-json.ts';
export {
  formatTableMetadata,
  maxReadableFormatVersion,
  parseTableMetadata,
  tableMetadataFromJson,
  tableMetadataToJson,
  writableFormatVersion,
} from './metadata/table-metadata-json.ts';
export { isUuid, uuidV7 } from './metadata/uuid.ts';
export { requirementsFor } from './transaction/requirements.ts';

// For who reads manifests, or implements a store

export { deleteFiles } from './io/delete-files.ts';
export { readSnapshotManifests } from './manifest/manifest-list-reader.ts';
export { readManifest } from './manifest/manifest-reader.ts';

// Types of catalogs and tables

export type {
  Catalog,
  CommitOptions,
  CommitRequest,
  LoadedTable,
  Namespace,
  NamespacePropertiesUpdate,
  TableIdentifier,
} from './catalog/catalog.ts';
export type {
  CatalogFactory,
  CatalogOpener,
  OpenCatalog,
} from './catalog/catalog-factory.ts';
export type { MemoryCatalogOptions } from './catalog/memory-catalog.ts';
export type { PreparedPurge, PurgedTable } from './maintenance/purge-table.ts';
export type { CreateTableOptions } from './metadata/create-table-options.ts';

// Types of transactions and operations

export type {
  CommitEvent,
  CommitTransactionOptions,
  CommittedTransaction,
  TransactionTarget,
} from './transaction/commit-transaction.ts';
export type { DeleteDataFilesOptions } from './transaction/delete-data-files.ts';
export type { AppendOptions } from './transaction/fast-append.ts';
export type { OverwriteFilesOptions } from './transaction/overwrite-files.ts';
export type { PrepareAppendOptions, PreparedAppend } from './transaction/prepare-append.ts';
export type {
  PreparedTransaction,
  PrepareOptions,
  TransactionComponents,
} from './transaction/prepare-transaction.ts';
export type { ReplacePartitionsOptions } from './transaction/replace-partitions.ts';
export type { RewriteFilesOptions } from './transaction/rewrite-files.ts';
export type { RewriteManifestsOptions } from './transaction/rewrite-manifests.ts';
export type { SnapshotOptions } from './transaction/snapshot-options.ts';
export type { OperationContext, OperationPlan, TableOperation } from './transaction/table-operation.ts';
export type { CommitRetrySettings } from './transaction/table-properties.ts';

// Types of changes of schema, layout and properties

export type { ColumnPath } from './evolution/column-names.ts';
export type { NewColumn, NewField, NewType } from './evolution/new-column.ts';
export type {
  PartitionSource,
  PartitionSpecChange,
  PartitionSpecChangeOptions,
} from './evolution/partition-spec-change.ts';
export type { SortOrderChange, SortTerm } from './evolution/replace-sort-order.ts';
export type { SchemaChange, SchemaChangeOptions } from './evolution/schema-change.ts';
export type { PropertiesChange } from './evolution/update-properties.ts';
export type { AddedMappedField, NameMappingChanges } from './metadata/name-mapping-update.ts';

// Types of branches and tags

export type { CreateRefOptions } from './refs/create-ref.ts';
export type { RefTarget } from './refs/ref-checks.ts';
export type { RefRetention, RefRetentionChange } from './refs/ref-retention.ts';

// Types of scans, rows and single files

export type { DeleteFile } from './deletes/delete-file.ts';
export type { CachedDeletes, DeleteFileCache } from './deletes/delete-file-cache.ts';
export type { EqualityField } from './deletes/equality-field.ts';
export type { ManifestListCache } from './manifest/manifest-list-cache.ts';
export type { PrimitiveValue } from './metadata/primitive-value.ts';
export type { Row, RowMap, RowValue } from './metadata/row.ts';
export type {
  DataFileReader,
  OpenDataFileOptions,
  ReadBatchesOptions,
  ReadOptions,
  RowBatch,
  RowGroupInfo,
} from './read/data-file-reader.ts';
export type { RowRange, RowRanges } from './read/row-ranges.ts';
export type { AppendRange } from './scan/append-range.ts';
export type { FileMatch } from './scan/file-match.ts';
export type {
  PlanAppendsOptions,
  PlanFilesOptions,
  PlanOptions,
  ReadTaskOptions,
  ScanAppendsOptions,
  ScanOptions,
} from './scan/scan-options.ts';
export type { FileScanTask } from './scan/scan-plan.ts';
export type { ScanBatch } from './scan/scan-rows.ts';
export type { SnapshotSelection } from './scan/snapshot-selection.ts';

// Types of metadata tables

export type { EntryRow, FileRow } from './metadata-tables/file-tables.ts';
export type { AllManifestsRow, ManifestRow, PartitionSummaryRow } from './metadata-tables/manifest-tables.ts';
export type { PartitionRecord } from './metadata-tables/partition-record.ts';
export type { PartitionRow } from './metadata-tables/partition-table.ts';
export type { ColumnMetrics, ReadableMetrics } from './metadata-tables/readable-metrics.ts';
export type { HistoryRow, MetadataLogRow, RefRow, SnapshotRow } from './metadata-tables/snapshot-tables.ts';

// Types of maintenance

export type { DeleteExpiredFilesOptions, ExpiredState } from './maintenance/delete-expired-files.ts';
export type { ExpireSnapshotsOptions } from './maintenance/expire-snapshots.ts';
export type {
  ExpireSnapshotsAndFilesOptions,
  ExpiryCleanup,
  ExpirySummary,
} from './maintenance/expire-snapshots-and-files.ts';
export type { AddressEquality } from './maintenance/file-address.ts';
export type {
  FileFailure,
  FileKind,
  FileRemovalOptions,
  FileRemovalReport,
  RemovedFile,
} from './maintenance/file-deletion.ts';
export type { OrphanScope } from './maintenance/orphan-scope.ts';
export type {
  OrphanFilesReport,
  OrphanFilesTarget,
  RemoveOrphanFilesOptions,
} from './maintenance/remove-orphan-files.ts';

// Types of expressions

export type { ComparisonType, Expression, SetType, UnaryType } from './expression/expression.ts';

// Types of files

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
export type { FilePartition } from './manifest/partition-key.ts';
export type { DescribeParquetFileOptions } from './metrics/describe-parquet-file.ts';

// Types of errors

export type { IcebergErrorCode, IcebergErrorOptions } from './errors.ts';

// Types of table metadata

export type { MappedField, NameMapping } from './metadata/name-mapping.ts';
export type {
  PartitionField,
  PartitionSpec,
  Transform,
  UnboundPartitionSpec,
} from './metadata/partition-spec.ts';
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
export type { Snapshot, SnapshotOperation, SnapshotRef } from './metadata/snapshot.ts';
export type {
  NullOrder,
  SortDirection,
  SortField,
  SortOrder,
  UnboundSortOrder,
} from './metadata/sort-order.ts';
export type { BlobMetadata, PartitionStatisticsFile, StatisticsFile } from './metadata/statistics.ts';
export type {
  EncryptedKey,
  MetadataLogEntry,
  SnapshotLogEntry,
  TableMetadata,
} from './metadata/table-metadata.ts';
export type { ParsedTransform } from './metadata/transform.ts';

// Types for implementers of catalogs

export type { ApplyCommitOptions } from './catalog/apply-commit.ts';
export type { TableRequirement } from './catalog/table-requirement.ts';
export type { TableUpdate, TableUpdateAction } from './catalog/table-update.ts';
export type { JsonArray, JsonObject, JsonValue, RawJson } from './json/json.ts';
export type { CreateTableMetadataOptions } from './metadata/create-table-metadata.ts';

// Types for implementers of stores

export type { FailedDeletion, FileIO } from './io/file-io.ts';
export type { ListableFileIO, ListedFile } from './io/listable-file-io.ts';
