import type { PrimitiveValue } from '../../src/metadata/primitive-value.ts';
import type { Row, RowValue } from '../../src/metadata/row.ts';
import { isPrimitiveType, type NestedField, type PrimitiveType } from '../../src/metadata/schema.ts';
import { compareValues, encodeSingleValue } from '../../src/metadata/single-value.ts';
import { type ThriftField, thriftStruct } from './thrift-writer.ts';

/** How {@link encodeParquet} writes. */
export interface EncodeParquetOptions {
  /** Default all in one. */
  readonly rowsPerGroup?: number;
  /** Whether columns have field ids. Default true. */
  readonly fieldIds?: boolean;
  /** Whether row groups have bounds. Default true. */
  readonly statistics?: boolean;
  /** Whether the footer says in which order bounds were found. Default true. */
  readonly columnOrders?: boolean;
  /** A column index for every chunk, with these texts for bounds, and an offset index. Default none. */
  readonly pageIndex?: { readonly min: string; readonly max: string };
}

/** A leaf with the way to it. */
interface Leaf {
  readonly path: readonly NestedField[];
  readonly type: PrimitiveType;
  /** Optional fields on the way, its own included. */
  readonly maxDefinition: number;
}

/** Parquet's number of the physical type, and its converted type where it has one. */
const storedTypes: Readonly<Record<string, readonly [number, number?]>> = {
  boolean: [0],
  int: [1],
  date: [1, 6],
  long: [2],
  timestamptz: [2, 10],
  float: [4],
  double: [5],
  binary: [6],
  string: [6, 0],
};

/**
 * A small Parquet file: plain encoding, no compression, one page for each chunk; columns may be structs, not lists or
 * maps. For tests that need files of any rows; what real writers write is in the fixtures.
 */
export function encodeParquet(
  fields: readonly NestedField[],
  rows: readonly Row[],
  options: EncodeParquetOptions = {},
): Uint8Array {
  const leaves = leavesOf(fields, []);
  const parts: Uint8Array[] = [Buffer.from('PAR1')];
  let offset = 4;
  const groups: ThriftField[][] = [];
  const rowsPerGroup = options.rowsPerGroup ?? Math.max(1, rows.length);
  for (let start = 0; start < rows.length; start += rowsPerGroup) {
    const group = rows.slice(start, start + rowsPerGroup);
    const groupStart = offset;
    const chunks = leaves.map((leaf) => {
      const chunk = encodeChunk(leaf, group, offset, options.statistics ?? true);
      parts.push(chunk.bytes);
      offset += chunk.bytes.length;
      return [[2, 'i64', offset] as const, [3, 'struct', chunk.metadata] as const];
    });
    const sizes = parts.slice(-chunks.length).map((part) => part.length);
    let pageStart = groupStart;
    const indexed = chunks.map((chunk, at): ThriftField[] => {
      if (!options.pageIndex) return [...chunk];
      const size = sizes[at] as number;
      const [columnIndex, offsetIndex] = encodePageIndex(options.pageIndex, pageStart, size);
      const index: ThriftField[] = [
        [4, 'i64', offset + columnIndex.length],
        [5, 'i32', offsetIndex.length],
        [6, 'i64', offset],
        [7, 'i32', columnIndex.length],
      ];
      pageStart += size;
      offset += columnIndex.length + offsetIndex.length;
      parts.push(columnIndex, offsetIndex);
      return [...chunk, ...index];
    });
    groups.push([
      [1, 'structs', indexed],
      [2, 'i64', offset - groupStart],
      [3, 'i64', group.length],
    ]);
  }
  const footer = thriftStruct([
    [1, 'i32', 1],
    [
      2,
      'structs',
      [rootElement(fields), ...fields.flatMap((field) => elements(field, options.fieldIds ?? true))],
    ],
    [3, 'i64', rows.length],
    [4, 'structs', groups],
    ...((options.columnOrders ?? true)
      ? [[7, 'structs', leaves.map(() => [[1, 'struct', []] as const])] as const]
      : []),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([...parts, footer, length, Buffer.from('PAR1')]);
}

/** Of a chunk of one page without nulls. */
function encodePageIndex(
  { min, max }: { readonly min: string; readonly max: string },
  start: number,
  size: number,
): [columnIndex: Uint8Array, offsetIndex: Uint8Array] {
  const columnIndex = thriftStruct([
    [1, 'flags', [false]],
    [2, 'texts', [min]],
    [3, 'texts', [max]],
    [4, 'i32', 0],
    [5, 'i64s', [0]],
  ]);
  const page: ThriftField[] = [
    [1, 'i64', start],
    [2, 'i32', size],
    [3, 'i64', 0],
  ];
  return [columnIndex, thriftStruct([[1, 'structs', [page]]])];
}

function leavesOf(fields: readonly NestedField[], above: readonly NestedField[]): Leaf[] {
  return fields.flatMap((field): Leaf[] => {
    const path = [...above, field];
    if (isPrimitiveType(field.type)) {
      return [{ path, type: field.type, maxDefinition: path.filter(({ required }) => !required).length }];
    }
    if (field.type.type !== 'struct') throw new Error(`${field.name} is a ${field.type.type}`);
    return leavesOf(field.type.fields, path);
  });
}

function rootElement(fields: readonly NestedField[]): ThriftField[] {
  return [
    [4, 'text', 'root'],
    [5, 'i32', fields.length],
  ];
}

function elements(field: NestedField, fieldIds: boolean): ThriftField[][] {
  const { type } = field;
  const id: ThriftField[] = fieldIds ? [[9, 'i32', field.id]] : [];
  const common: ThriftField[] = [
    [3, 'i32', field.required ? 0 : 1],
    [4, 'text', field.name],
  ];
  if (isPrimitiveType(type)) {
    const [physical, converted] = stored(type);
    const annotation: ThriftField[] = converted === undefined ? [] : [[6, 'i32', converted]];
    return [[[1, 'i32', physical], ...common, ...annotation, ...id]];
  }
  if (type.type !== 'struct') throw new Error(`${field.name} is a ${type.type}`);
  const children = type.fields.flatMap((child) => elements(child, fieldIds));
  return [[...common, [5, 'i32', type.fields.length], ...id], ...children];
}

function stored(type: PrimitiveType): readonly [number, number?] {
  const known = storedTypes[type];
  if (!known) throw new Error(`no encoder for ${type}`);
  return known;
}

function encodeChunk(
  leaf: Leaf,
  rows: readonly Row[],
  offset: number,
  statistics: boolean,
): { bytes: Uint8Array; metadata: ThriftField[] } {
  const { path, type, maxDefinition } = leaf;
  const levels: number[] = [];
  const values: PrimitiveValue[] = [];
  for (const row of rows) {
    const { level, value } = shred(path, row);
    levels.push(level);
    if (value !== null) values.push(value as PrimitiveValue);
  }
  const data = Buffer.concat([
    maxDefinition > 0 ? encodeLevels(levels) : new Uint8Array(0),
    encodePlain(type, values),
  ]);
  const header = thriftStruct([
    [1, 'i32', 0],
    [2, 'i32', data.length],
    [3, 'i32', data.length],
    [
      5,
      'struct',
      [
        [1, 'i32', rows.length],
        [2, 'i32', 0],
        [3, 'i32', 3],
        [4, 'i32', 3],
      ],
    ],
  ]);
  const bytes = Buffer.concat([header, data]);
  const metadata: ThriftField[] = [
    [1, 'i32', stored(type)[0]],
    [2, 'i32s', [0, 3]],
    [3, 'texts', path.map(({ name }) => name)],
    [4, 'i32', 0],
    [5, 'i64', rows.length],
    [6, 'i64', bytes.length],
    [7, 'i64', bytes.length],
    [9, 'i64', offset],
    ...(statistics
      ? [[12, 'struct', encodeStatistics(type, values, rows.length - values.length)] as const]
      : []),
  ];
  return { bytes, metadata };
}

function shred(path: readonly NestedField[], row: Row): { level: number; value: RowValue } {
  let value: RowValue = row;
  let level = 0;
  for (const { name, required } of path) {
    const next: RowValue = (value as Row)[name] ?? null;
    if (next === null) {
      if (required) throw new Error(`the required column ${name} has a null`);
      return { level, value: null };
    }
    if (!required) level += 1;
    value = next;
  }
  return { level, value };
}

/** Runs of equal levels, each of which takes a byte. */
function encodeLevels(levels: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let start = 0; start < levels.length; ) {
    let end = start;
    while (end < levels.length && levels[end] === levels[start]) end += 1;
    for (let rest = (end - start) << 1; ; rest >>>= 7) {
      bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      if (rest <= 0x7f) break;
    }
    bytes.push(levels[start] as number);
    start = end;
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, Uint8Array.from(bytes)]);
}

function encodePlain(type: PrimitiveType, values: readonly PrimitiveValue[]): Uint8Array {
  if (type === 'boolean') {
    const bits = new Uint8Array(Math.ceil(values.length / 8));
    for (const [i, value] of values.entries())
      if (value) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
    return bits;
  }
  const parts = values.map((value) => {
    const bytes = encodeSingleValue(type, value);
    if (type !== 'string' && type !== 'binary') return bytes;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  return Buffer.concat(parts);
}

function encodeStatistics(
  type: PrimitiveType,
  values: readonly PrimitiveValue[],
  nullCount: number,
): ThriftField[] {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => compareValues(type, a, b));
  const [lowest] = sorted;
  const highest = sorted.at(-1);
  const counts: ThriftField = [3, 'i64', nullCount];
  // A zero of either sign stands for both.
  if (lowest === undefined || highest === undefined || type === 'boolean') return [counts];
  return [
    counts,
    [5, 'bytes', encodeSingleValue(type, highest === 0 ? 0 : highest)],
    [6, 'bytes', encodeSingleValue(type, lowest === 0 ? -0 : lowest)],
  ];
}
