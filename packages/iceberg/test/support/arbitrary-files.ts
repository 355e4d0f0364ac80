import fc from 'fast-check';
import type { DataFile, PartitionValue } from '../../src/manifest/data-file.ts';
import type { PartitionSpec } from '../../src/metadata/partition-spec.ts';
import type { PrimitiveValue } from '../../src/metadata/primitive-value.ts';
import type { PrimitiveType, Schema } from '../../src/metadata/schema.ts';
import { compareValues, encodeSingleValue } from '../../src/metadata/single-value.ts';
import { bindTransform, transformResultType } from '../../src/metadata/transform.ts';
import { type PlainRow, wideSchema } from './arbitrary-rows.ts';

/** A data file of one row, of which nothing else is known but these facts. */
export const dataFileOf = (facts: Partial<DataFile>): DataFile => ({
  content: 'data',
  filePath: 'mem://f.parquet',
  fileFormat: 'PARQUET',
  partition: [],
  specId: 0,
  recordCount: 1,
  fileSizeInBytes: 1,
  ...facts,
});

interface ColumnFacts {
  readonly nulls: number;
  readonly nans: number;
  readonly lower?: PrimitiveValue;
  readonly upper?: PrimitiveValue;
}

/** Counts and exact bounds of some values. */
export function factsOf(type: PrimitiveType, values: readonly (PrimitiveValue | null)[]): ColumnFacts {
  const plain = values.filter((value) => value !== null && !Number.isNaN(value)) as PrimitiveValue[];
  const sorted = plain.sort((a, b) => compareValues(type, a, b));
  const facts = {
    nulls: values.filter((value) => value === null).length,
    nans: values.filter((value) => Number.isNaN(value)).length,
  };
  const [lower] = sorted;
  const upper = sorted.at(-1);
  return lower === undefined || upper === undefined ? facts : { ...facts, lower, upper };
}

/** Truncation as the specification wants it: a lower bound may be cut, an upper one must be raised after. */
function truncatedBounds(type: PrimitiveType, facts: ColumnFacts, width: number): ColumnFacts {
  if (type !== 'string' && type !== 'binary') return facts;
  const cut = bindTransform(`truncate[${width}]`, type);
  const lower = facts.lower === undefined ? undefined : (cut(facts.lower) as PrimitiveValue);
  const upper =
    facts.upper === undefined ? undefined : raised(facts.upper, cut(facts.upper) as PrimitiveValue);
  return {
    nulls: facts.nulls,
    nans: facts.nans,
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
  };
}

function raised(full: PrimitiveValue, cut: PrimitiveValue): PrimitiveValue | undefined {
  if (full === cut || (full as Uint8Array).length === (cut as Uint8Array).length) return full;
  if (typeof cut === 'string') {
    const points = Array.from(cut, (char) => char.codePointAt(0) as number);
    while (points.at(-1) === 0x10ffff) points.pop();
    const last = points.pop();
    return last === undefined ? undefined : String.fromCodePoint(...points, last + 1);
  }
  const bytes = Array.from(cut as Uint8Array);
  while (bytes.at(-1) === 255) bytes.pop();
  const last = bytes.pop();
  return last === undefined ? undefined : Uint8Array.from([...bytes, last + 1]);
}

/** Which of the optional facts the writer left out, and how far it cut bounds. */
export const arbitraryHabit = fc.record({
  counts: fc.boolean(),
  nanCounts: fc.boolean(),
  lower: fc.boolean(),
  upper: fc.boolean(),
  width: fc.integer({ min: 1, max: 4 }),
});

/** What {@link arbitraryHabit} draws. */
export type WriterHabit = { readonly [K in 'counts' | 'nanCounts' | 'lower' | 'upper']: boolean } & {
  readonly width: number;
};

/** The manifest's view of a file with these rows, as a writer of that habit would describe it. */
export function describeRows(rows: readonly PlainRow[], habit: WriterHabit): DataFile {
  const maps = {
    valueCounts: new Map<number, number>(),
    nullValueCounts: new Map<number, number>(),
    nanValueCounts: new Map<number, number>(),
    lowerBounds: new Map<number, Uint8Array>(),
    upperBounds: new Map<number, Uint8Array>(),
  };
  for (const { id, name, type } of wideSchema.fields) {
    const primitive = type as PrimitiveType;
    const facts = truncatedBounds(
      primitive,
      factsOf(
        primitive,
        rows.map((row) => row[name] ?? null),
      ),
      habit.width,
    );
    if (habit.counts) maps.valueCounts.set(id, rows.length);
    if (habit.counts) maps.nullValueCounts.set(id, facts.nulls);
    if (habit.nanCounts) maps.nanValueCounts.set(id, facts.nans);
    if (habit.lower && facts.lower !== undefined) {
      maps.lowerBounds.set(id, encodeSingleValue(primitive, facts.lower));
    }
    if (habit.upper && facts.upper !== undefined) {
      maps.upperBounds.set(id, encodeSingleValue(primitive, facts.upper));
    }
  }
  return dataFileOf({ recordCount: rows.length, ...maps });
}

const transforms = [
  'identity',
  'void',
  'year',
  'month',
  'day',
  'hour',
  'bucket[3]',
  'truncate[2]',
  'truncate[10]',
  'zorder',
];

/** A spec of up to three fields over these columns, with every transform that fits. */
export const arbitrarySpecOver = (fields: Schema['fields']): fc.Arbitrary<PartitionSpec> =>
  fc
    .array(
      fc.constantFrom(...fields).chain((field) => {
        const fitting = transforms.filter(
          (transform) =>
            transform === 'zorder' ||
            transformResultType(transform, field.type as PrimitiveType) !== undefined,
        );
        return fc.constantFrom(...fitting).map((transform) => ({ sourceId: field.id, transform }));
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((fields) => ({
      specId: 1,
      fields: fields.map((field, index) => ({ ...field, fieldId: 1000 + index, name: `p${index}` })),
    }));

/** The partition values of a row; 7 for the transform nobody knows. */
export function partitionOf(spec: PartitionSpec, row: PlainRow): PartitionValue[] {
  return spec.fields.map(({ sourceId, transform }) => {
    if (transform === 'zorder') return 7;
    const source = wideSchema.fields[sourceId - 1];
    return bindTransform(transform, source?.type as PrimitiveType)(row[source?.name as string] ?? null);
  });
}
