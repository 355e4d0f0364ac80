import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { translated } from '../io/file-io-errors.ts';
import type { DataFile, PartitionValue } from '../manifest/data-file.ts';
import { nameMappingProperty } from '../metadata/name-mapping.ts';
import { parseNameMapping } from '../metadata/name-mapping-json.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import { hasFieldIds, withMappedIds } from '../parquet/parquet-field-ids.ts';
import type { ParquetRowGroup } from '../parquet/parquet-footer.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';
import { openFooter } from '../read/data-file-reader-open.ts';
import { type ColumnSummary, summarizeColumn } from './column-summary.ts';
import { type FileColumn, findFileColumns, type MayLack } from './file-columns.ts';
import { fileMetrics } from './file-metrics.ts';
import { metricsModes } from './metrics-mode.ts';
import { partitionValues } from './partition-inference.ts';

/** What the file itself does not say. */
export interface DescribeParquetFileOptions {
  /**
   * One value for each field of the spec, in its order. Default: inferred, where the file's bounds leave no doubt.
   * A value that contradicts the file is refused.
   */
  readonly partition?: readonly PartitionValue[];
  /** The spec of the partition. Default the table's default spec. */
  readonly specId?: number;
  /** The sort order that the rows have. Default none is claimed. */
  readonly sortOrderId?: number;
}

/**
 * Describes a Parquet file for a manifest, so that it can be appended to a table: counts, sizes and bounds from its
 * footer (no data page is read), by the metrics modes of the table's properties; split offsets at its row groups.
 *
 * Bounds are only ever wide: they hold for every value, and where some row group has no statistics there are none.
 * NaN counts are never known from a footer. Nothing is written; the file must be complete and durable already.
 *
 * @param filePath full URI of the file, as manifests shall name it
 * @throws IcebergError `INVALID_ARGUMENT` when the file does not fit the table (a required column is missing or has
 *   nulls, another type, no field ids and no name mapping), when its partition cannot be told, or is not what is given,
 *   and for an option that is not known; `DATA_FILE_CORRUPT`, `UNSUPPORTED_FEATURE` (encrypted); `IO_ERROR`
 * @see https://iceberg.apache.org/spec/#data-file-fields
 */
export async function describeParquetFile(
  io: FileIO,
  metadata: TableMetadata,
  filePath: string,
  options: DescribeParquetFileOptions = {},
): Promise<DataFile> {
  checkOptions('describeParquetFile', options, { partition: true, specId: true, sortOrderId: true });
  const spec = specOf(metadata, options.specId ?? metadata.defaultSpecId);
  checkSortOrder(metadata, options.sortOrderId);
  const schema = currentSchema(metadata);
  const fileSizeInBytes = await translated('measure', filePath, () => io.fileSize(filePath));
  const { footer } = await openFooter(io, filePath, fileSizeInBytes);
  const root = withIds(filePath, footer.root, metadata);
  const columns = findFileColumns(filePath, root, schema, mayLack(spec)).map((column) => ({
    ...column,
    summary: summarizeColumn(column, footer.rowGroups),
  }));
  checkRequired(filePath, columns);
  const summaries = new Map(columns.map(({ id, summary }) => [id, summary]));
  const evidence = { location: filePath, schema, spec, columns: summaries };
  return {
    content: 'data',
    filePath,
    fileFormat: 'PARQUET',
    partition: partitionValues(evidence, options.partition),
    specId: spec.specId,
    recordCount: footer.rowCount,
    fileSizeInBytes,
    ...fileMetrics(columns, metricsModes(metadata)),
    splitOffsets: splitOffsets(footer.rowGroups),
    ...(options.sortOrderId === undefined ? {} : { sortOrderId: options.sortOrderId }),
  };
}

function withIds(location: string, root: ParquetNode, { properties }: TableMetadata): ParquetNode {
  if (hasFieldIds(root) || root.children.length === 0) return root;
  const mapping = Object.hasOwn(properties, nameMappingProperty)
    ? properties[nameMappingProperty]
    : undefined;
  if (mapping !== undefined) return withMappedIds(root, parseNameMapping(mapping));
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${location} has no field ids: write it with them, or set the table's property ${nameMappingProperty}`,
    { context: { location } },
  );
}

/**
 * Counted nulls in a required column, at the top or in required structs: readers would give out what the schema says
 * cannot be. Below an optional struct a null may be the struct's own.
 */
function checkRequired(
  location: string,
  columns: readonly (FileColumn & { readonly summary: ColumnSummary })[],
): void {
  for (const { name, neverNull, summary } of columns) {
    const nulls = summary.nullCount ?? 0;
    if (!neverNull || nulls === 0) continue;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${location}: the required column ${name} has ${nulls} nulls`,
      {
        context: { location, column: name },
      },
    );
  }
}

/** A column without a value in the file has its initial default, or the value of its identity partition. */
function mayLack({ fields }: PartitionSpec): MayLack {
  return ({ id, initialDefault }) =>
    initialDefault !== undefined ||
    fields.some(({ sourceId, transform }) => sourceId === id && transform === 'identity');
}

/** Where each row group starts, ascending. */
function splitOffsets(rowGroups: readonly ParquetRowGroup[]): number[] {
  const starts = rowGroups
    .filter(({ chunks }) => chunks.length > 0)
    .map(({ chunks }) =>
      chunks.reduce((least, { range }) => Math.min(least, range.start), Number.MAX_SAFE_INTEGER),
    );
  return [...new Set(starts)].sort((a, b) => a - b);
}

function specOf(metadata: TableMetadata, specId: number): PartitionSpec {
  if (metadata.partitionSpecs.some((spec) => spec.specId === specId))
    return partitionSpecById(metadata, specId);
  throw new IcebergError('INVALID_ARGUMENT', `the table has no partition spec ${specId}`, {
    context: { specId },
  });
}

function checkSortOrder({ sortOrders }: TableMetadata, sortOrderId: number | undefined): void {
  if (sortOrderId === undefined || sortOrders.some(({ orderId }) => orderId === sortOrderId)) return;
  throw new IcebergError('INVALID_ARGUMENT', `the table has no sort order ${sortOrderId}`, {
    context: { sortOrderId },
  });
}
