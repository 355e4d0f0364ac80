export type { ApplyCommitOptions } from './apply-commit.ts';
export { applyCommit } from './apply-commit.ts';
export type {
  Catalog,
  CommitOptions,
  CommitRequest,
  CreateTableOptions,
  LoadedTable,
  Namespace,
  NamespacePropertiesUpdate,
  TableIdentifier,
} from './catalog.ts';
export { checkNamespace, checkTableIdentifier, formatIdentifier } from './catalog-names.ts';
export { checkRequirements } from './check-requirements.ts';
export type { CreateTableMetadataOptions } from './create-table-metadata.ts';
export { createTableMetadata } from './create-table-metadata.ts';
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
  PrimitiveValue,
} from './data-file.ts';
export type {
  DataFileReader,
  OpenDataFileOptions,
  ReadBatchesOptions,
  ReadOptions,
  RowBatch,
  RowGroupInfo,
} from './data-file-reader.ts';
export { openDataFile } from './data-file-reader.ts';
export type { IcebergErrorCode, IcebergErrorOptions } from './errors.ts';
export { IcebergError } from './errors.ts';
export type { ComparisonType, Expression, SetType, UnaryType } from './expression.ts';
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
} from './expression.ts';
export type { FileIO } from './file-io.ts';
export type { JsonArray, JsonObject, JsonValue, RawJson } from './json.ts';
export { isRawJson, parseJson, stringifyJson } from './json.ts';
export type { ManifestListCache } from './manifest-list-cache.ts';
export { createManifestListCache } from './manifest-list-cache.ts';
export { readSnapshotManifests } from './manifest-list-reader.ts';
export { readManifest } from './manifest-reader.ts';
export type { MemoryCatalogOptions } from './memory-catalog.ts';
export { createMemoryCatalog } from './memory-catalog.ts';
export {
  loadTableMetadata,
  metadataFolder,
  newMetadataLocation,
  obsoleteMetadataFiles,
  writeTableMetadata,
} from './metadata-file.ts';
export type { PartitionField, PartitionSpec, Transform, UnboundPartitionSpec } from './partition-spec.ts';
export { firstPartitionFieldId, unpartitionedSpec } from './partition-spec.ts';
export type { PrepareAppendOptions, PreparedCommit } from './prepare-append.ts';
export { prepareAppend } from './prepare-append.ts';
export type { Row, RowMap, RowValue } from './row.ts';
export type { RowRange, RowRanges } from './row-ranges.ts';
export type { DeleteFile } from './scan-deletes.ts';
export type { FileScanTask, PlanFilesOptions } from './scan-plan.ts';
export { planFiles, scanSchema } from './scan-plan.ts';
export type { ScanBatch, ScanOptions } from './scan-rows.ts';
export { readTask, scanBatches, scanRows } from './scan-rows.ts';
export type {
  FieldPath,
  ListType,
  MapType,
  NestedField,
  PrimitiveType,
  Schema,
  StructType,
  Type,
} from './schema.ts';
export {
  childFields,
  findField,
  findFieldByName,
  highestFieldId,
  isPrimitiveType,
  walkFields,
} from './schema.ts';
export { compareValues, decodeSingleValue, encodeSingleValue } from './single-value.ts';
export type { Snapshot, SnapshotOperation, SnapshotRef } from './snapshot.ts';
export { mainBranch } from './snapshot.ts';
export { generateSnapshotId } from './snapshot-id.ts';
export type { NullOrder, SortDirection, SortField, SortOrder, UnboundSortOrder } from './sort-order.ts';
export { unsortedOrder } from './sort-order.ts';
export type { BlobMetadata, PartitionStatisticsFile, StatisticsFile } from './statistics.ts';
export { deleteFiles, purgeTable } from './table-files.ts';
export type { EncryptedKey, MetadataLogEntry, SnapshotLogEntry, TableMetadata } from './table-metadata.ts';
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
} from './table-metadata.ts';
export {
  formatTableMetadata,
  maxReadableFormatVersion,
  parseTableMetadata,
  tableMetadataFromJson,
  tableMetadataToJson,
  writableFormatVersion,
} from './table-metadata-json.ts';
export type { TableRequirement } from './table-requirement.ts';
export type { TableUpdate, TableUpdateAction } from './table-update.ts';
export type { ParsedTransform } from './transform.ts';
export { applyTransform, bindTransform, parseTransform, transformResultType } from './transform.ts';
