import { describe, expect, test } from 'vitest';
import expected from '../../test/fixtures/metrics/expected.json' with { type: 'json' };
import { nestedSchema, primitivesSchema } from '../../test/support/fixture-schemas.ts';
import { createFixtureFileIO } from '../../test/support/fixtures.ts';
import { encodeParquet } from '../../test/support/parquet-file.ts';
import { IcebergError } from '../errors.ts';
import { createCountingFileIO } from '../io/counting-file-io.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import { nameMappingProperty } from '../metadata/name-mapping.ts';
import type { PartitionField } from '../metadata/partition-spec.ts';
import type { NestedField, PrimitiveType, Schema } from '../metadata/schema.ts';
import { compareValues, decodeSingleValue, encodeSingleValue } from '../metadata/single-value.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { type DescribeParquetFileOptions, describeParquetFile } from './describe-parquet-file.ts';

const io = createCountingFileIO(createFixtureFileIO());

interface Truth {
  readonly name: string;
  readonly type: string;
  readonly values: number;
  readonly nulls: number;
  readonly lower?: string;
  readonly upper?: string;
}

interface Metrics {
  readonly recordCount: number;
  readonly columnSizes: Record<string, number>;
  readonly valueCounts: Record<string, number>;
  readonly nullValueCounts: Record<string, number>;
  readonly lowerBounds: Record<string, string>;
  readonly upperBounds: Record<string, string>;
  readonly splitOffsets: readonly number[];
}

interface Expected {
  readonly size: number;
  readonly truth: Record<string, Truth>;
  readonly pyiceberg?: Metrics;
  readonly pyicebergFull?: Metrics;
}

const files = expected as unknown as Record<string, Expected>;
const names = Object.keys(files);
const urlOf = (name: string) => new URL(`../../test/fixtures/${name}.parquet`, import.meta.url).href;

const typeOf = ({ type }: Truth) => type.replaceAll(', ', ',') as PrimitiveType;

const fieldsOf = (name: string): NestedField[] =>
  Object.entries((files[name] as Expected).truth).map(([id, truth]) => ({
    id: Number(id),
    name: truth.name,
    required: false,
    type: typeOf(truth),
  }));

function tableOf(
  fields: readonly NestedField[],
  properties: Record<string, string> = {},
  partition: readonly Omit<PartitionField, 'fieldId'>[] = [],
): TableMetadata {
  const metadata = createTableMetadata({
    location: 'mem://table',
    schema: { fields: [{ id: 1, name: 'x', required: false, type: 'int' }] },
    properties,
  });
  const schema: Schema = { schemaId: 0, fields };
  const fieldIds = partition.map((field, at) => ({ ...field, fieldId: 1000 + at }));
  return { ...metadata, schemas: [schema], partitionSpecs: [{ specId: 0, fields: fieldIds }] };
}

const describeFixture = (name: string, properties: Record<string, string> = {}) =>
  describeParquetFile(io, tableOf(fieldsOf(name), properties), urlOf(`metrics/${name}`));

const plain = (map: ReadonlyMap<number, unknown> | undefined) =>
  Object.fromEntries(
    [...(map ?? [])].map(([id, value]) => [
      String(id),
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  );

const viewOf = (file: DataFile): Metrics => ({
  recordCount: file.recordCount,
  columnSizes: plain(file.columnSizes) as Record<string, number>,
  valueCounts: plain(file.valueCounts) as Record<string, number>,
  nullValueCounts: plain(file.nullValueCounts) as Record<string, number>,
  lowerBounds: plain(file.lowerBounds) as Record<string, string>,
  upperBounds: plain(file.upperBounds) as Record<string, string>,
  splitOffsets: file.splitOffsets ?? [],
});

async function failureOf(promise: Promise<unknown>): Promise<IcebergError> {
  try {
    await promise;
  } catch (error) {
    if (IcebergError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('metrics from a footer', () => {
  test.each(names)('of %s: counts are right, and every value lies within the bounds', async (name) => {
    const { truth, size } = files[name] as Expected;
    const file = await describeFixture(name);
    expect(file.fileSizeInBytes).toBe(size);
    for (const [key, facts] of Object.entries(truth)) {
      const id = Number(key);
      const type = typeOf(facts);
      expect([name, facts.name, file.valueCounts?.get(id)]).toEqual([name, facts.name, facts.values]);
      const nulls = file.nullValueCounts?.get(id);
      if (nulls !== undefined) expect(nulls).toBe(facts.nulls);
      const lower = file.lowerBounds?.get(id);
      const upper = file.upperBounds?.get(id);
      if (facts.lower === undefined || facts.upper === undefined)
        expect([lower, upper]).toEqual([undefined, undefined]);
      const decode = (hex: string) => decodeSingleValue(type, Buffer.from(hex, 'hex'));
      if (lower)
        expect(
          compareValues(type, decodeSingleValue(type, lower), decode(facts.lower as string)),
        ).toBeLessThanOrEqual(0);
      if (upper)
        expect(
          compareValues(type, decodeSingleValue(type, upper), decode(facts.upper as string)),
        ).toBeGreaterThanOrEqual(0);
    }
    expect(file.nanValueCounts).toBeUndefined();
  });

  const full = { 'write.metadata.metrics.default': 'full' };
  const judged = names.filter((name) => files[name]?.pyiceberg);

  test.each(judged)('of %s are those of PyIceberg, but where a row group says nothing', async (name) => {
    for (const [properties, theirs] of [
      [{}, files[name]?.pyiceberg],
      [full, files[name]?.pyicebergFull],
    ] as const) {
      const ours = viewOf(await describeFixture(name, properties));
      // PyIceberg takes a row group without bounds for one without values. It may as well have no statistics.
      const silent = name === 'floats' ? '7' : 'none';
      const without = (bounds: Record<string, string>) =>
        Object.fromEntries(Object.entries(bounds).filter(([id]) => id !== silent));
      // What comes after the raised character is not needed; PyIceberg keeps it, Java and we do not.
      const withoutTail = (bounds: Record<string, string>) =>
        name === 'text' && properties !== full
          ? { ...bounds, 3: bounds[3]?.replace(/f48fbfbf$/, ''), 9: bounds[9]?.replace(/ff$/, '') }
          : bounds;
      expect(ours).toEqual({
        ...theirs,
        lowerBounds: without(theirs?.lowerBounds ?? {}),
        upperBounds: withoutTail(without(theirs?.upperBounds ?? {})),
        // PyIceberg leaves the counts of a column out when a file has no row group.
        valueCounts: name === 'no_rows' ? { 1: 0, 2: 0 } : theirs?.valueCounts,
        nullValueCounts: name === 'no_rows' ? { 1: 0, 2: 0 } : theirs?.nullValueCounts,
        columnSizes: name === 'no_rows' ? { 1: 0, 2: 0 } : theirs?.columnSizes,
      });
    }
  });

  test('the code point after U+D7FF is U+E000', async () => {
    const file = await describeFixture('surrogate_gap');
    expect(decodeSingleValue('string', file.upperBounds?.get(1) as Uint8Array)).toBe(
      `${'a'.repeat(15)}\ue000`,
    );
  });

  test('zero bounds are -0 below and +0 above, whichever was written', async () => {
    const file = await describeFixture('floats');
    for (const [id, type] of [
      [5, 'double'],
      [6, 'float'],
    ] as const) {
      expect(decodeSingleValue(type, file.lowerBounds?.get(id) as Uint8Array)).toBe(-0);
      expect(decodeSingleValue(type, file.upperBounds?.get(id) as Uint8Array)).toBe(0);
    }
  });

  test('a column without statistics has neither null count nor bounds', async () => {
    const file = await describeFixture('no_statistics');
    expect([...(file.nullValueCounts?.keys() ?? [])]).toEqual([1]);
    expect([...(file.lowerBounds?.keys() ?? [])]).toEqual([1]);
  });

  test('a column of mode none has its size only, one of mode counts no bounds', async () => {
    const file = await describeFixture('values', {
      'write.metadata.metrics.default': 'none',
      'write.metadata.metrics.column.l': 'counts',
    });
    expect(file.columnSizes?.size).toBe(13);
    expect([...(file.valueCounts?.keys() ?? [])]).toEqual([3]);
    expect([...(file.nullValueCounts ?? [])]).toEqual([[3, 1]]);
    expect([file.lowerBounds?.size, file.upperBounds?.size]).toEqual([0, 0]);
  });

  test('INT96 is counted and not bounded', async () => {
    const file = await describeFixture('int96');
    expect(file.valueCounts?.get(1)).toBe(1);
    expect(file.lowerBounds?.size).toBe(0);
  });

  test('bounds are of fields of structs, never of what lists and maps hold', async () => {
    const table = tableOf(nestedSchema.fields);
    const file = await describeParquetFile(io, table, urlOf('nested'));
    expect([...(file.lowerBounds?.keys() ?? [])].sort((a, b) => a - b)).toEqual([1, 8, 10, 11]);
    expect([...(file.valueCounts?.keys() ?? [])].sort((a, b) => a - b)).toEqual([
      1, 3, 4, 6, 8, 10, 11, 14, 16, 18, 20,
    ]);
    expect(file.splitOffsets).toHaveLength(2);
  });

  test('only the footer is read', async () => {
    io.reset();
    await describeParquetFile(io, tableOf(primitivesSchema.fields), urlOf('primitives-zstd'));
    expect(io.reads).toHaveLength(1);
  });

  test('a column widened since is bounded in its present type', async () => {
    const fields = fieldsOf('values').map((field) =>
      field.name === 'i' ? { ...field, type: 'long' as const } : field,
    );
    const file = await describeParquetFile(io, tableOf(fields), urlOf('metrics/values'));
    expect(file.upperBounds?.get(2)).toEqual(encodeSingleValue('long', 2n ** 31n - 1n));
  });
});

describe('partition values', () => {
  const name = 'one_partition';
  const idOf = (column: string) => fieldsOf(name).find((field) => field.name === column)?.id as number;
  const describeIn = (column: string, transform: string, options: DescribeParquetFileOptions = {}) => {
    const partition = [{ sourceId: idOf(column), name: 'p', transform }];
    return describeParquetFile(io, tableOf(fieldsOf(name), {}, partition), urlOf(`metrics/${name}`), options);
  };

  test.each<[string, string, unknown]>([
    ['region', 'identity', 'eu'],
    ['region', 'truncate[1]', 'e'],
    ['n', 'identity', 34],
    ['n', 'bucket[16]', (2017239379 & 0x7fffffff) % 16],
    ['n', 'truncate[10]', 30],
    ['at', 'day', 10],
    ['at', 'month', 0],
    ['before', 'day', -1],
    ['before', 'year', -1],
    ['key', 'truncate[7]', 'iceberg'],
    ['none', 'identity', null],
    ['none', 'bucket[4]', null],
    ['mixed', 'void', null],
  ])('of %s by %s is inferred: %s', async (column, transform, value) => {
    expect((await describeIn(column, transform)).partition).toEqual([value]);
  });

  test.each<[string, string, string]>([
    ['at', 'hour', 'it holds 240 to 263'],
    ['at', 'identity', 'it holds 864000000000 to'],
    ['key', 'bucket[16]', 'the column has several values'],
    ['key', 'truncate[8]', 'it holds iceberga to icebergz'],
    ['mixed', 'identity', 'the column has nulls and values'],
    ['mixed', 'bucket[4]', 'the column has nulls and values'],
    ['ratio', 'identity', 'bounds do not tell of NaN'],
  ])('of %s by %s cannot be told: %s', async (column, transform, reason) => {
    const error = await failureOf(describeIn(column, transform));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(reason);
    expect(error.message).toContain('one_partition.parquet');
  });

  test('given ones are taken where the file leaves it open, and refused where it does not', async () => {
    expect((await describeIn('ratio', 'identity', { partition: [1] })).partition).toEqual([1]);
    expect((await describeIn('region', 'identity', { partition: ['eu'] })).partition).toEqual(['eu']);
    const wrong = await failureOf(describeIn('region', 'identity', { partition: ['us'] }));
    expect(wrong.message).toContain('partition value p is given as us, and all its rows have eu');
    const ratios = await failureOf(describeIn('ratio', 'identity', { partition: [1e6] }));
    expect(ratios.message).toContain('partition value p is given as 1000000, and its rows have ');
    expect((await describeIn('at', 'hour', { partition: [250] })).partition).toEqual([250]);
    const later = await failureOf(describeIn('at', 'hour', { partition: [264] }));
    expect(later.message).toContain('partition value p is given as 264, and its rows have 240 to 263');
    const nothing = await failureOf(describeIn('at', 'hour', { partition: [null] }));
    expect(nothing.message).toContain('partition value p is given as null, and none of its rows has a null');
    for (const partition of [[1], [null]]) {
      const both = await failureOf(describeIn('mixed', 'bucket[4]', { partition }));
      expect(both.message).toContain('its rows have nulls and values, which no partition has both');
    }
    const type = await failureOf(describeIn('n', 'identity', { partition: [34n] }));
    expect(type.message).toContain('partition value p: INVALID_ARGUMENT: expected a 32-bit whole number');
    const count = await failureOf(describeIn('n', 'identity', { partition: [] }));
    expect(count.message).toContain('0 partition values are given for the 1 fields');
  });

  test('a column that the file lacks is null in every row', async () => {
    const fields = [...fieldsOf(name), { id: 50, name: 'later', required: false, type: 'string' as const }];
    const table = tableOf(fields, {}, [{ sourceId: 50, name: 'p', transform: 'identity' }]);
    expect((await describeParquetFile(io, table, urlOf(`metrics/${name}`))).partition).toEqual([null]);
  });

  test('a file without rows has no partition of its own', async () => {
    const table = tableOf(fieldsOf('no_rows'), {}, [{ sourceId: 1, name: 'p', transform: 'identity' }]);
    const error = await failureOf(describeParquetFile(io, table, urlOf('metrics/no_rows')));
    expect(error.message).toContain('the file has no rows');
  });
});

describe('files without field ids', () => {
  const fields: NestedField[] = [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'new_name', required: false, type: 'string' },
    {
      id: 3,
      name: 'tags',
      required: false,
      type: { type: 'list', elementId: 4, elementRequired: false, element: 'string' },
    },
    {
      id: 5,
      name: 'counts',
      required: false,
      type: { type: 'map', keyId: 6, key: 'string', valueId: 7, valueRequired: false, value: 'int' },
    },
    {
      id: 8,
      name: 'place',
      required: false,
      type: {
        type: 'struct',
        fields: [
          { id: 9, name: 'city', required: false, type: 'string' },
          { id: 10, name: 'dotted', required: false, type: 'int' },
        ],
      },
    },
  ];
  const mapping = JSON.stringify([
    { 'field-id': 1, names: ['id'] },
    { 'field-id': 2, names: ['new_name', 'old_name'] },
    { 'field-id': 3, names: ['tags'], fields: [{ 'field-id': 4, names: ['element'] }] },
    {
      'field-id': 5,
      names: ['counts'],
      fields: [
        { 'field-id': 6, names: ['key'] },
        { 'field-id': 7, names: ['value'] },
      ],
    },
    {
      'field-id': 8,
      names: ['place'],
      fields: [
        { 'field-id': 9, names: ['city'] },
        { 'field-id': 10, names: ['dotted.name'] },
      ],
    },
  ]);

  test('are described by the name mapping of the table', async () => {
    const file = await describeParquetFile(
      io,
      tableOf(fields, { [nameMappingProperty]: mapping }),
      urlOf('metrics/no_ids'),
    );
    expect([...(file.valueCounts ?? [])]).toEqual([
      [1, 2],
      [2, 2],
      [4, 3],
      [6, 2],
      [7, 2],
      [9, 2],
      [10, 2],
    ]);
    expect(file.lowerBounds?.get(2)).toEqual(encodeSingleValue('string', 'x'));
    expect(file.upperBounds?.get(10)).toEqual(encodeSingleValue('int', 7));
    expect([...(file.lowerBounds?.keys() ?? [])]).toEqual([1, 2, 9, 10]);
  });

  test('are refused without one', async () => {
    const error = await failureOf(describeParquetFile(io, tableOf(fields), urlOf('metrics/no_ids')));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('no_ids.parquet has no field ids: write it with them, or set');
  });
});

describe('files that do not fit the table', () => {
  const values = fieldsOf('values');
  const withType = (name: string, type: NestedField['type']) =>
    values.map((field) => (field.name === name ? { ...field, type } : field));

  test.each<[string, readonly NestedField[], string]>([
    ['another type', withType('l', 'string'), 'column l is stored as INT64 and cannot be read as string'],
    ['a narrower type', withType('l', 'int'), 'column l is stored as INT64 and cannot be read as int'],
    ['another scale', withType('dec9', 'decimal(9,3)'), 'cannot be read as decimal(9,3)'],
    [
      'a list in the table',
      withType('l', { type: 'list', elementId: 90, elementRequired: true, element: 'long' }),
      'column l is a list in the table and a plain column in the file',
    ],
    [
      'a required column missing',
      [...values, { id: 99, name: 'must', required: true, type: 'int' }],
      'it has no column with the field id 99, and must is required',
    ],
    [
      'nulls in a required column',
      values.map((field) => (field.name === 'l' ? { ...field, required: true } : field)),
      'the required column l has 1 nulls',
    ],
  ])('%s', async (_what, fields, message) => {
    const error = await failureOf(describeParquetFile(io, tableOf(fields), urlOf('metrics/values')));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(message);
    expect(error.message).toContain('values.parquet');
  });

  test('nulls in a required field of required structs; below an optional struct they may be the struct itself', async () => {
    const leaf: NestedField = { id: 3, name: 'n', required: false, type: 'long' };
    const inner: NestedField = {
      id: 2,
      name: 'inner',
      required: true,
      type: { type: 'struct', fields: [leaf] },
    };
    const outer: NestedField = {
      id: 1,
      name: 'outer',
      required: true,
      type: { type: 'struct', fields: [inner] },
    };
    const memory = createMemoryFileIO();
    memory.files.set('mem://nested.parquet', encodeParquet([outer], [{ outer: { inner: { n: null } } }]));
    const requiring = (required: boolean): NestedField => ({
      ...outer,
      type: {
        type: 'struct',
        fields: [{ ...inner, required, type: { type: 'struct', fields: [{ ...leaf, required: true }] } }],
      },
    });
    const describe = (field: NestedField) =>
      describeParquetFile(memory, tableOf([field]), 'mem://nested.parquet');
    const error = await failureOf(describe(requiring(true)));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('mem://nested.parquet: the required column outer.inner.n has 1 nulls');
    expect((await describe(requiring(false))).recordCount).toBe(1);
    expect((await describe(outer)).recordCount).toBe(1);
  });

  test('specs and sort orders that the table does not have', async () => {
    const table = tableOf(values);
    const spec = await failureOf(describeParquetFile(io, table, urlOf('metrics/values'), { specId: 7 }));
    expect(spec.message).toContain('the table has no partition spec 7');
    const order = await failureOf(
      describeParquetFile(io, table, urlOf('metrics/values'), { sortOrderId: 7 }),
    );
    expect(order.message).toContain('the table has no sort order 7');
  });

  test('a file that is not there, and one that is no Parquet file', async () => {
    const missing = await failureOf(describeParquetFile(io, tableOf(values), urlOf('metrics/absent')));
    expect(missing.code).toBe('IO_ERROR');
    const json = urlOf('x').replace('x.parquet', 'expected.json');
    const damaged = await failureOf(describeParquetFile(io, tableOf(values), json));
    expect(damaged.code).toBe('DATA_FILE_CORRUPT');
  });
});
