import { maxTypeDepth } from '../metadata/schema-json.ts';
import type { ThriftFields } from './parquet-thrift.ts';

/** How a leaf's values are stored. */
export type PhysicalType =
  | 'BOOLEAN'
  | 'INT32'
  | 'INT64'
  | 'INT96'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BYTE_ARRAY'
  | 'FIXED_LEN_BYTE_ARRAY';

const physicalTypes: readonly PhysicalType[] = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
];

export type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS';

/** What stored values mean, from the logical type or, in older files, the converted type. */
export type Annotation =
  | { readonly kind: 'list' | 'map' | 'date' | 'text' | 'uuid' | 'other' }
  | { readonly kind: 'decimal'; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly unit: TimeUnit }
  | { readonly kind: 'integer'; readonly signed: boolean };

/** An element of a Parquet schema, with its place in the levels of Dremel encoding. */
export interface ParquetNode {
  readonly name: string;
  readonly fieldId?: number;
  readonly repetition: 'required' | 'optional' | 'repeated';
  /** Definition level at which this element is there. */
  readonly definitionLevel: number;
  /** How many elements from the root to here repeat. */
  readonly repetitionLevel: number;
  readonly annotation?: Annotation;
  readonly children: readonly ParquetNode[];
  /** Set for columns, not for groups. */
  readonly leaf?: ParquetLeaf;
}

export interface ParquetLeaf {
  /** Position among the leaves, and so among the chunks of a row group. */
  readonly index: number;
  readonly physicalType: PhysicalType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY; 0 for others. */
  readonly typeLength: number;
}

/**
 * Of the deepest table schema: each list and map in it takes two levels, and a value comes last. Levels of Dremel
 * encoding stay within a byte.
 */
const maxDepth = 2 * maxTypeDepth + 1;

/** Builds the tree from the footer's flat list of elements (depth first, each with its number of children). */
export function buildParquetSchema(elements: readonly ThriftFields[]): {
  root: ParquetNode;
  leaves: readonly ParquetNode[];
} {
  const leaves: ParquetNode[] = [];
  let next = 0;

  const build = (
    parent: Pick<ParquetNode, 'definitionLevel' | 'repetitionLevel'>,
    depth: number,
  ): ParquetNode => {
    const element = elements[next];
    next += 1;
    if (!element) throw new Error('the schema ends too soon');
    if (depth > maxDepth) throw new Error('the schema is nested too deeply');
    const repetition = repetitionOf(depth === 0 ? 0 : (element.number(3) ?? 0));
    const levels = {
      definitionLevel: parent.definitionLevel + (repetition === 'required' ? 0 : 1),
      repetitionLevel: parent.repetitionLevel + (repetition === 'repeated' ? 1 : 0),
    };
    const childCount = element.number(5) ?? 0;
    const fieldId = element.number(9);
    const annotation = annotationOf(element);
    const common = {
      name: element.text(4) ?? '',
      ...(fieldId === undefined ? {} : { fieldId }),
      ...(annotation ? { annotation } : {}),
      repetition,
      ...levels,
    };
    const typeId = element.number(1);
    if (depth > 0 && typeId !== undefined && childCount === 0) {
      const node: ParquetNode = { ...common, children: [], leaf: leafOf(element, typeId, leaves.length) };
      leaves.push(node);
      return node;
    }
    const children: ParquetNode[] = [];
    for (let i = 0; i < childCount; i += 1) children.push(build(levels, depth + 1));
    return { ...common, children };
  };

  const root = build({ definitionLevel: 0, repetitionLevel: 0 }, 0);
  if (next !== elements.length) throw new Error('the schema has elements outside its root');
  return { root, leaves };
}

function leafOf(element: ThriftFields, typeId: number, index: number): ParquetLeaf {
  const physicalType = physicalTypes[typeId];
  if (physicalType === undefined) throw new Error(`there is no physical type ${typeId}`);
  const typeLength = element.number(2) ?? 0;
  if (physicalType === 'FIXED_LEN_BYTE_ARRAY' && typeLength <= 0) {
    throw new Error('a column of fixed length has no length');
  }
  return { index, physicalType, typeLength: physicalType === 'FIXED_LEN_BYTE_ARRAY' ? typeLength : 0 };
}

function repetitionOf(id: number): ParquetNode['repetition'] {
  const repetition = (['required', 'optional', 'repeated'] as const)[id];
  if (repetition === undefined) throw new Error(`there is no repetition ${id}`);
  return repetition;
}

function annotationOf(element: ThriftFields): Annotation | undefined {
  const logical = element.struct(10, 'a logical type');
  const id = logical?.ids()[0];
  if (logical && id !== undefined) return logicalAnnotation(logical, id);
  const converted = element.number(6);
  return converted === undefined ? undefined : convertedAnnotation(converted, element.number(7) ?? 0);
}

function logicalAnnotation(logical: ThriftFields, id: number): Annotation {
  const parameters = logical.struct(id, 'a logical type');
  switch (id) {
    case 1:
    case 4:
    case 12:
      return { kind: 'text' };
    case 2:
      return { kind: 'map' };
    case 3:
      return { kind: 'list' };
    case 5:
      return { kind: 'decimal', scale: parameters?.number(1) ?? 0 };
    case 6:
      return { kind: 'date' };
    case 7:
    case 8:
      return { kind: id === 7 ? 'time' : 'timestamp', unit: timeUnit(parameters?.struct(2, 'a time unit')) };
    case 10:
      return { kind: 'integer', signed: parameters?.boolean(2) ?? true };
    case 14:
      return { kind: 'uuid' };
    default:
      return { kind: 'other' };
  }
}

function timeUnit(unit: ThriftFields | undefined): TimeUnit {
  const id = unit?.ids()[0] ?? 0;
  const name = ([undefined, 'MILLIS', 'MICROS', 'NANOS'] as const)[id];
  if (name === undefined) throw new Error(`there is no time unit ${id}`);
  return name;
}

const convertedAnnotations: Readonly<Record<number, Annotation>> = {
  0: { kind: 'text' },
  1: { kind: 'map' },
  2: { kind: 'map' },
  3: { kind: 'list' },
  4: { kind: 'text' },
  6: { kind: 'date' },
  7: { kind: 'time', unit: 'MILLIS' },
  8: { kind: 'time', unit: 'MICROS' },
  9: { kind: 'timestamp', unit: 'MILLIS' },
  10: { kind: 'timestamp', unit: 'MICROS' },
  11: { kind: 'integer', signed: false },
  12: { kind: 'integer', signed: false },
  13: { kind: 'integer', signed: false },
  14: { kind: 'integer', signed: false },
  15: { kind: 'integer', signed: true },
  16: { kind: 'integer', signed: true },
  17: { kind: 'integer', signed: true },
  18: { kind: 'integer', signed: true },
  19: { kind: 'text' },
};

function convertedAnnotation(id: number, scale: number): Annotation {
  return id === 5 ? { kind: 'decimal', scale } : (convertedAnnotations[id] ?? { kind: 'other' });
}
