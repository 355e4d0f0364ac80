import { IcebergError } from '../errors.ts';
import type { Expression } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import type { ColumnReference } from '../expression/expression-bound.ts';
import { mayMatch } from '../expression/expression-stats.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { partitionValueAs } from '../manifest/partition-value.ts';
import type { NameMapping } from '../metadata/name-mapping.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { Row } from '../metadata/row.ts';
import { isPrimitiveType, type NestedField, type Schema } from '../metadata/schema.ts';
import { initialDefaultOf } from '../metadata/single-value-json.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { decoding, unsupportedDataFile } from '../parquet/data-file-errors.ts';
import type { ColumnCursor } from '../parquet/parquet-column.ts';
import { hasFieldIds, withMappedIds } from '../parquet/parquet-field-ids.ts';
import type { ParquetFooter, ParquetRowGroup } from '../parquet/parquet-footer.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';
import type { ParquetSource } from '../parquet/parquet-source.ts';
import { storedStats } from '../parquet/parquet-stats.ts';
import { openColumns, type PageCache } from './data-file-reader-columns.ts';
import { findStoredColumns, type StoredColumn } from './data-file-reader-lookup.ts';
import { openParquet } from './data-file-reader-open.ts';
import { type PrunableColumn, pruneByPages, rowGroupStats } from './data-file-reader-pruning.ts';
import { assembleRows } from './row-assembly.ts';
import { type MissingValue, planRows, type RowPlan } from './row-plan.ts';
import { type RowRange, type RowRanges, unionRanges } from './row-ranges.ts';

/** What {@link openDataFile} can be told beside the file. */
export interface OpenDataFileOptions {
  /**
   * The spec of the file's partition values. With it a column that the file lacks and that is an identity
   * partition source is read from the partition; without it such a column is null.
   */
  readonly partitionSpec?: PartitionSpec;
  /** The table's name mapping: which column is which in a file without field ids. Files that have ids are read by them. */
  readonly nameMapping?: NameMapping;
}

/** Which rows and columns to read. */
export interface ReadOptions {
  /** First row, counted from 0 in the file. Default 0. */
  readonly rowStart?: number;
  /** Row to stop before. Default, and at most, the file's row count. */
  readonly rowEnd?: number;
  /** Names of top-level columns of the schema. Default all of them. */
  readonly columns?: readonly string[];
}

/** How {@link DataFileReader.readBatches} divides the rows. */
export interface ReadBatchesOptions extends ReadOptions {
  /** Ranges to read, as {@link DataFileReader.planRowRanges} gives them, within `rowStart` and `rowEnd`. Default all rows. */
  readonly ranges?: RowRanges;
  /**
   * About how many bytes of stored, uncompressed values a batch holds. Default 8 MiB, at least one row. Larger
   * batches cost memory and gain little above 1 MiB.
   */
  readonly batchBytes?: number;
}

/** Consecutive rows of a file. */
export interface RowBatch {
  /** Position of the first row in the file. */
  readonly rowStart: number;
  readonly rows: readonly Row[];
}

/** A row group and what its footer says of it. */
export interface RowGroupInfo {
  readonly rowStart: number;
  readonly rowCount: number;
  /**
   * By field id, for columns outside lists and maps: at most every value of the group (not null, not NaN), in the
   * form of `PrimitiveValue` and the schema's type. Text and bytes may be cut. Absent when unknown.
   */
  readonly lowerBounds: ReadonlyMap<number, PrimitiveValue>;
  /** By field id: at least every value of the group; text and bytes may be raised. */
  readonly upperBounds: ReadonlyMap<number, PrimitiveValue>;
}

/**
 * Reads one data file. The footer is read once, when it is opened; nothing is held open, so there is nothing to
 * close. All methods may run at once.
 *
 * Every failure is an IcebergError: `IO_ERROR` when the FileIO fails (its error is the cause),
 * `DATA_FILE_CORRUPT` naming the file when its bytes cannot be what they claim, `INVALID_ARGUMENT` for a range
 * or column that cannot be, or an option that is not known.
 */
export interface DataFileReader {
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroupInfo[];
  /**
   * The rows `[rowStart, rowEnd)` in the file's order, all in memory. Only the row groups that hold them are
   * touched, and within them, if the file has an offset index, only the pages.
   */
  readRows(options?: ReadOptions): Promise<Row[]>;
  /** The same rows in batches, one at a time: memory stays bounded however large the file and its row groups. */
  readBatches(options?: ReadBatchesOptions): AsyncIterable<RowBatch>;
  /**
   * The rows that might match a filter, by the bounds of row groups and, where the file has a page index, of
   * pages. Rows outside the ranges do not match; rows inside may not match either. Reads page indexes, no data.
   */
  planRowRanges(filter: Expression): Promise<RowRanges>;
}

const readKeys: OptionKeys<ReadOptions> = { rowStart: true, rowEnd: true, columns: true };
const batchKeys: OptionKeys<ReadBatchesOptions> = { ...readKeys, ranges: true, batchBytes: true };

const defaultBatchBytes = 8 * 1024 * 1024;
const maxBatchRows = 65_536;
/** The most a column is read ahead of its use. */
const windowBytes = 4 * 1024 * 1024;

/**
 * Opens a data file for reading: reads its footer and checks it against the manifest entry.
 *
 * @param schema the table's schema: gives columns their names and types, found in the file by field id
 * @throws IcebergError `IO_ERROR`; `DATA_FILE_CORRUPT` when the footer is damaged or counts other rows than the
 *   manifest; `UNSUPPORTED_FEATURE` for formats other than Parquet, encrypted files, and files without field ids
 *   where no name mapping is given; `INVALID_ARGUMENT` for an option that is not known
 */
export async function openDataFile(
  io: FileIO,
  dataFile: DataFile,
  schema: Pick<Schema, 'fields'>,
  options: OpenDataFileOptions = {},
): Promise<DataFileReader> {
  checkOptions('openDataFile', options, { partitionSpec: true, nameMapping: true });
  const { source, footer } = await openParquet(io, dataFile);
  const root = rootWithIds(source.location, footer.root, options.nameMapping);
  const missing = missingValues(dataFile, options.partitionSpec);
  return new ParquetDataFileReader(source, { ...footer, root }, schema, missing);
}

function rootWithIds(location: string, root: ParquetNode, mapping: NameMapping | undefined): ParquetNode {
  if (root.children.length === 0 || hasFieldIds(root)) return root;
  if (mapping) return withMappedIds(root, mapping);
  throw unsupportedDataFile(
    location,
    'its columns have no field ids; set the table property schema.name-mapping.default to say which column is which',
  );
}

/** Identity partition value, then initial default, then null: the specification's order for a missing column. */
function missingValues(dataFile: DataFile, spec: PartitionSpec | undefined): MissingValue {
  return (field) => {
    const position = spec?.fields.findIndex(
      ({ sourceId, transform }) => sourceId === field.id && transform === 'identity',
    );
    const value = position === undefined ? undefined : dataFile.partition[position];
    if (value !== undefined) {
      return value === null || !isPrimitiveType(field.type) ? value : partitionValueAs(field.type, value);
    }
    if (field.initialDefault !== undefined) return initialDefaultOf(dataFile.filePath, field);
    return field.required ? undefined : null;
  };
}

class ParquetDataFileReader implements DataFileReader {
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroupInfo[];
  readonly #source: ParquetSource;
  readonly #footer: ParquetFooter;
  readonly #schema: Pick<Schema, 'fields'>;
  readonly #missing: MissingValue;
  readonly #stored: ReadonlyMap<number, StoredColumn>;
  readonly #pages: PageCache = new Map();

  constructor(
    source: ParquetSource,
    footer: ParquetFooter,
    schema: Pick<Schema, 'fields'>,
    missing: MissingValue,
  ) {
    this.#source = source;
    this.#footer = footer;
    this.#schema = schema;
    this.#missing = missing;
    this.rowCount = footer.rowCount;
    this.#stored = findStoredColumns(footer.root, schema);
    this.rowGroups = footer.rowGroups.map((group) => this.#describeRowGroup(group));
  }

  async readRows(options: ReadOptions = {}): Promise<Row[]> {
    checkOptions('readRows', options, readKeys);
    const rows: Row[] = [];
    for await (const batch of this.readBatches({ ...options, batchBytes: Number.POSITIVE_INFINITY })) {
      for (const row of batch.rows) rows.push(row);
    }
    return rows;
  }

  async *readBatches(options: ReadBatchesOptions = {}): AsyncGenerator<RowBatch> {
    checkOptions('readBatches', options, batchKeys);
    const { start, endExclusive } = this.#checkRange(options);
    const plan = this.#plan(this.#columns(options.columns));
    const batchBytes = options.batchBytes ?? defaultBatchBytes;
    if (!(batchBytes >= 0)) {
      throw new IcebergError('INVALID_ARGUMENT', `a batch cannot hold ${batchBytes} bytes`, {
        context: { batchBytes },
      });
    }
    for (const range of unionRanges(options.ranges ?? [{ start, endExclusive }])) {
      for (const group of this.#footer.rowGroups) {
        const from = Math.max(start, range.start, group.rowStart);
        const to = Math.min(endExclusive, range.endExclusive, group.rowStart + group.rowCount);
        if (from < to) yield* this.#readGroup(group, plan, { start: from, endExclusive: to }, batchBytes);
      }
    }
  }

  async planRowRanges(filter: Expression): Promise<RowRanges> {
    const bound = bindExpression(this.#schema, filter);
    const find = (column: ColumnReference) => this.#prunable(column);
    const ranges: RowRange[] = [];
    for (const group of this.#footer.rowGroups) {
      if (group.rowCount === 0 || !mayMatch(bound, rowGroupStats(group, find))) continue;
      ranges.push(...(await pruneByPages(this.#source, group, bound, find, this.#pages)));
    }
    return unionRanges(ranges);
  }

  async *#readGroup(
    group: ParquetRowGroup,
    plan: RowPlan,
    range: RowRange,
    batchBytes: number,
  ): AsyncGenerator<RowBatch> {
    const rows = { rowStart: range.start - group.rowStart, rowEnd: range.endExclusive - group.rowStart };
    const cursors = await openColumns(this.#source, group, plan.leaves, rows, windowBytes, this.#pages);
    const batchRows = rowsPerBatch(group, plan, batchBytes);
    for (let start = range.start; start < range.endExclusive; start += batchRows) {
      const count = Math.min(batchRows, range.endExclusive - start);
      yield { rowStart: start, rows: await this.#readBatch(plan, cursors, count) };
    }
  }

  async #readBatch(plan: RowPlan, cursors: readonly ColumnCursor[], count: number): Promise<Row[]> {
    const batches = await Promise.all(cursors.map((cursor) => cursor.take(count)));
    return decoding(this.#source.location, 'rows', () => assembleRows(plan, batches, count));
  }

  #plan(fields: readonly NestedField[]): RowPlan {
    return planRows(this.#source.location, this.#footer.root, fields, this.#missing);
  }

  #columns(names: readonly string[] | undefined): readonly NestedField[] {
    if (!names) return this.#schema.fields;
    return names.map((name) => {
      const field = this.#schema.fields.find((candidate) => candidate.name === name);
      if (field) return field;
      throw new IcebergError('INVALID_ARGUMENT', `there is no column ${name}`, { context: { column: name } });
    });
  }

  #checkRange({ rowStart = 0, rowEnd = this.rowCount }: ReadOptions): RowRange {
    if (!Number.isSafeInteger(rowStart) || rowStart < 0 || Number.isNaN(rowEnd) || rowEnd < 0) {
      throw new IcebergError('INVALID_ARGUMENT', `rows ${rowStart} to ${rowEnd} make no range`, {
        context: { rowStart, rowEnd },
      });
    }
    return { start: rowStart, endExclusive: Math.min(rowEnd, this.rowCount) };
  }

  /** A column as the filter sees it: stored, or missing and so the same for every row. */
  #prunable({ id, path }: ColumnReference): PrunableColumn | undefined {
    const stored = this.#stored.get(id);
    if (stored) return { kind: 'stored', leaf: stored.leaf, type: stored.type };
    const field = this.#schema.fields.find((candidate) => candidate.id === id);
    // Within a struct a missing field is null where the struct is: not the same for every row.
    if (!field || path.length > 1 || this.#footer.root.children.some((child) => child.fieldId === id)) {
      return undefined;
    }
    const value = this.#missing(field);
    return value === undefined ? undefined : { kind: 'constant', value };
  }

  #describeRowGroup(group: ParquetRowGroup): RowGroupInfo {
    const lowerBounds = new Map<number, PrimitiveValue>();
    const upperBounds = new Map<number, PrimitiveValue>();
    for (const { id, type, leaf } of this.#stored.values()) {
      const statistics = group.chunks[leaf.node.leaf?.index as number]?.statistics;
      if (!statistics) continue;
      const { lower, upper } = storedStats(type, leaf, statistics);
      if (lower !== undefined) lowerBounds.set(id, lower);
      if (upper !== undefined) upperBounds.set(id, upper);
    }
    return { rowStart: group.rowStart, rowCount: group.rowCount, lowerBounds, upperBounds };
  }
}

function rowsPerBatch(group: ParquetRowGroup, plan: RowPlan, batchBytes: number): number {
  if (batchBytes === Number.POSITIVE_INFINITY) return group.rowCount;
  let bytes = 0;
  for (const { node } of plan.leaves)
    bytes += group.chunks[node.leaf?.index as number]?.uncompressedSize ?? 0;
  const rowBytes = Math.max(1, bytes / group.rowCount);
  return Math.max(1, Math.min(maxBatchRows, Math.floor(batchBytes / rowBytes)));
}
