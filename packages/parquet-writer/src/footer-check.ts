/** The one file that knows hyparquet: what the finished file says about itself, against what was written. */
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { compareBounds, type LeafMetrics } from './column-metrics.ts';
import { ParquetWriterError } from './errors.ts';
import { hasBounds } from './metrics-mode.ts';
import type { ColumnPlan } from './schema.ts';
import type { BoundValue } from './single-value.ts';
import type { WireFileOptions } from './worker-protocol.ts';

/** What was written into one row group: its rows and its leaves in column order. */
export interface RowGroupFacts {
  readonly rowCount: number;
  readonly leaves: readonly LeafMetrics[];
}

/** What only the finished file knows. */
export interface FooterFacts {
  /** Compressed bytes by field id, summed over row groups. */
  readonly columnSizes: ReadonlyMap<number, number>;
  /** Start of each row group. */
  readonly splitOffsets: readonly number[];
}

interface LeafPlan {
  readonly plan: ColumnPlan;
  readonly path: readonly string[];
  readonly hasBounds: boolean;
}

/** Statistics as the file has them: no dates, no text, no rounding. */
const RAW_PARSERS = {
  stringFromBytes: (bytes: Uint8Array) => bytes,
  dateFromDays: (days: number) => days,
  timestampFromMicroseconds: (micros: bigint) => micros,
};

/**
 * Parses the file's footer and compares schema, field ids, row groups, codecs, value counts, null counts,
 * minima, maxima, page indexes and the position of every column chunk with what was written.
 *
 * @throws ParquetWriterError `FOOTER_MISMATCH` at the first difference
 */
export function checkFooter(
  bytes: Uint8Array<ArrayBuffer>,
  plans: readonly ColumnPlan[],
  options: WireFileOptions,
  written: readonly RowGroupFacts[],
): FooterFacts {
  const footer = parse(bytes);
  checkSchema(footer, plans);
  const rows = written.reduce((sum, group) => sum + group.rowCount, 0);
  expectEqual('rows', footer.num_rows, BigInt(rows));
  expectEqual('row groups', footer.row_groups.length, written.length);
  const leaves = plans.flatMap((plan, index) => leafPlans(plan, options.modes[index]));
  const codec = { zstd: 'ZSTD', snappy: 'SNAPPY', none: 'UNCOMPRESSED' }[options.compression];
  const columnSizes = new Map<number, number>();
  const splitOffsets: number[] = [];
  let position = 4;
  footer.row_groups.forEach((group, index) => {
    const facts = written[index] as RowGroupFacts;
    expectEqual(`rows of row group ${index}`, group.num_rows, BigInt(facts.rowCount));
    expectEqual(`columns of row group ${index}`, group.columns.length, leaves.length);
    splitOffsets.push(position);
    group.columns.forEach((chunk, column) => {
      const leaf = leaves[column] as LeafPlan;
      const metrics = facts.leaves[column] as LeafMetrics;
      const where = `row group ${index}, column ${leaf.path.join('.')}`;
      const meta = chunk.meta_data;
      if (meta === undefined) throw mismatch(where, 'no metadata', 'metadata');
      expectEqual(`${where}: path`, meta.path_in_schema.join('.'), leaf.path.join('.'));
      expectEqual(`${where}: codec`, meta.codec, codec);
      expectEqual(`${where}: values`, meta.num_values, BigInt(metrics.valueCount));
      // Column chunks follow each other without a gap; the page indexes and the footer come after the last.
      expectEqual(`${where}: start`, meta.dictionary_page_offset ?? meta.data_page_offset, BigInt(position));
      const size = Number(meta.total_compressed_size);
      position += size;
      columnSizes.set(metrics.fieldId, (columnSizes.get(metrics.fieldId) ?? 0) + size);
      if (chunk.offset_index_offset === undefined)
        throw mismatch(where, 'no offset index', 'an offset index');
      if (leaf.hasBounds) checkStatistics(where, chunk, leaf.plan, metrics);
      else if (meta.statistics?.min_value !== undefined) throw mismatch(where, 'a minimum', 'no statistics');
    });
  });
  // Pages, page indexes and footer must fill the file to the byte: nothing was lost on the way out.
  const end = Math.max(position, ...footer.row_groups.flatMap((group) => group.columns.map(indexEnd)));
  expectEqual('file size', bytes.byteLength, end + footer.metadata_length + 8);
  return { columnSizes, splitOffsets };
}

function parse(bytes: Uint8Array<ArrayBuffer>): FileMetaData {
  const magic = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(4, bytes.byteLength)).toString('latin1');
  if (magic !== 'PAR1') throw mismatch('file', JSON.stringify(magic), 'PAR1 at the start');
  try {
    return parquetMetadata(bytes, { parsers: RAW_PARSERS as never, geoparquet: false });
  } catch (cause) {
    throw new ParquetWriterError('FOOTER_MISMATCH', 'the finished file has no readable footer', { cause });
  }
}

function leafPlans(plan: ColumnPlan, mode: WireFileOptions['modes'][number] | undefined): LeafPlan[] {
  if (plan.layout === 'map') {
    return ['key', 'value'].map((leaf) => ({ plan, path: [plan.name, 'key_value', leaf], hasBounds: false }));
  }
  return [{ plan, path: [plan.name], hasBounds: mode !== undefined && hasBounds(mode) }];
}

type Chunk = FileMetaData['row_groups'][number]['columns'][number];

function indexEnd(chunk: Chunk): number {
  const columnIndex = Number(chunk.column_index_offset ?? 0) + (chunk.column_index_length ?? 0);
  return Math.max(columnIndex, Number(chunk.offset_index_offset ?? 0) + (chunk.offset_index_length ?? 0));
}

function checkStatistics(where: string, chunk: Chunk, plan: ColumnPlan, metrics: LeafMetrics): void {
  const statistics = chunk.meta_data?.statistics;
  if (statistics === undefined) throw mismatch(where, 'no statistics', 'statistics');
  expectEqual(`${where}: nulls`, statistics.null_count, BigInt(metrics.nullCount));
  // A page of nothing but NaN has no bounds, and a column index cannot say so.
  const mayLackIndex = plan.layout === 'float32' || plan.layout === 'float64';
  if (chunk.column_index_offset === undefined && !mayLackIndex)
    throw mismatch(where, 'none', 'a column index');
  checkBound(where, 'min', statistics.min_value, statistics.is_min_value_exact, metrics.lower);
  checkBound(where, 'max', statistics.max_value, statistics.is_max_value_exact, metrics.upper);
}

function checkBound(
  where: string,
  side: 'min' | 'max',
  raw: unknown,
  isExact: boolean | undefined,
  written: BoundValue | undefined,
): void {
  const stated = (typeof raw === 'boolean' ? Number(raw) : raw) as BoundValue | undefined;
  if (stated === undefined || written === undefined) {
    if (stated === undefined && written === undefined) return;
    throw mismatch(`${where}: ${side}`, stated, written);
  }
  const order = compareBounds(stated, written);
  // The engine shortens long text and binary bounds, outwards, and marks them as not exact.
  const isFair =
    isExact === false && written instanceof Uint8Array && (side === 'min' ? order <= 0 : order >= 0);
  if (order !== 0 && !isFair) throw mismatch(`${where}: ${side}`, stated, written);
}

const PHYSICAL: Readonly<Record<ColumnPlan['layout'], string | undefined>> = {
  bits: 'BOOLEAN',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  utf8: 'BYTE_ARRAY',
  bytes: 'BYTE_ARRAY',
  fixed: 'FIXED_LEN_BYTE_ARRAY',
  map: undefined,
};

/** Iceberg's Parquet mapping of logical types; those not named have none. */
const LOGICAL: Readonly<Partial<Record<ColumnPlan['type'], string>>> = {
  string: 'STRING',
  date: 'DATE',
  time: 'TIME MICROS',
  timestamp: 'TIMESTAMP MICROS',
  timestamptz: 'TIMESTAMP MICROS UTC',
  map: 'MAP',
};

function checkSchema(footer: FileMetaData, plans: readonly ColumnPlan[]): void {
  const expected = plans.flatMap((plan) => {
    const repetition = plan.required ? 'REQUIRED' : 'OPTIONAL';
    const own = line(plan.name, plan.id, repetition, PHYSICAL[plan.layout], LOGICAL[plan.type]);
    if (plan.map === undefined) return [own];
    return [
      own,
      line('key_value', undefined, 'REPEATED', undefined, undefined),
      line('key', plan.map.keyId, 'REQUIRED', 'BYTE_ARRAY', 'STRING'),
      line(
        'value',
        plan.map.valueId,
        plan.map.valueRequired ? 'REQUIRED' : 'OPTIONAL',
        'BYTE_ARRAY',
        'STRING',
      ),
    ];
  });
  const actual = footer.schema.slice(1).map((element) => {
    const { name, field_id, repetition_type, type } = element;
    return line(name, field_id, repetition_type, type, logicalName(element.logical_type));
  });
  expected.forEach((text, index) => {
    expectEqual('schema', actual[index], text);
  });
  expectEqual('schema elements', actual.length, expected.length);
}

function line(...parts: readonly (string | number | undefined)[]): string {
  return parts.map((part) => part ?? '-').join(' ');
}

function logicalName(logical: FileMetaData['schema'][number]['logical_type']): string | undefined {
  if (logical?.type === 'TIMESTAMP')
    return `TIMESTAMP ${logical.unit}${logical.isAdjustedToUTC ? ' UTC' : ''}`;
  if (logical?.type === 'TIME') return `TIME ${logical.unit}`;
  return logical?.type;
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw mismatch(what, actual, expected);
}

function mismatch(what: string, actual: unknown, expected: unknown): ParquetWriterError {
  const show = (value: unknown) =>
    value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : String(value);
  return new ParquetWriterError(
    'FOOTER_MISMATCH',
    `${what}: the file says ${show(actual)}, written was ${show(expected)}`,
    {
      context: { what },
    },
  );
}
