import { describe, expect, test } from 'vitest';
import { emptyTable, parquetFile, withSnapshot } from '../../test/support/delete-table.ts';
import { logSchema, nestedRow, nestedSchema } from '../../test/support/fixture-schemas.ts';
import { createFixtureFileIO, fixture } from '../../test/support/fixtures.ts';
import { IcebergError } from '../errors.ts';
import { gt } from '../expression/expression.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { createNameMapping, type NameMapping, nameMappingProperty } from '../metadata/name-mapping.ts';
import { formatNameMapping } from '../metadata/name-mapping-json.ts';
import type { NestedField, Schema } from '../metadata/schema.ts';
import { planFiles } from '../scan/scan-plan.ts';
import { scanRows } from '../scan/scan-rows.ts';
import { openDataFile } from './data-file-reader.ts';

const io = createFixtureFileIO();

describe('a file without field ids', () => {
  const dataFile = fixture('nested-no-ids.parquet');
  const read = async (schema: Pick<Schema, 'fields'>, nameMapping: NameMapping) =>
    (await openDataFile(io, dataFile, schema, { nameMapping })).readRows();

  test('is read by the name mapping: structs, list elements whatever they are called, map keys and values', async () => {
    const rows = await read(nestedSchema, createNameMapping(nestedSchema));
    expect(rows).toEqual(Array.from({ length: 8 }, (_, i) => nestedRow(i)));
  });

  test('is refused without one', async () => {
    const error: unknown = await openDataFile(io, dataFile, nestedSchema).catch((thrown: unknown) => thrown);
    expect(IcebergError.is(error, 'UNSUPPORTED_FEATURE')).toBe(true);
    expect((error as Error).message).toContain('schema.name-mapping.default');
  });

  const int = (id: number, name: string): NestedField => ({ id, name, required: false, type: 'int' });

  test('a dot in a name is a dot: it leads into no struct, and no struct leads to it', async () => {
    const [, , , row] = await read({ fields: [int(50, 'dotted')] }, [{ fieldId: 50, names: ['x', 'a.b'] }]);
    expect(row).toEqual({ dotted: 3 });
    const city: NestedField = { id: 51, name: 'city', required: false, type: 'string' };
    expect((await read({ fields: [city] }, [{ fieldId: 51, names: ['place.city'] }]))[0]).toEqual({
      city: null,
    });
  });

  test('columns that the mapping does not name, or gives to nobody, are no columns of the table', async () => {
    const schema = { fields: [int(50, 'a.b'), { ...int(1, 'id'), type: 'long' as const }] };
    expect((await read(schema, [{ names: ['a.b'] }]))[5]).toEqual({ 'a.b': null, id: null });
  });

  test('has its bounds found by the mapping too', async () => {
    const reader = await openDataFile(io, dataFile, nestedSchema, {
      nameMapping: createNameMapping(nestedSchema),
    });
    expect(await reader.planRowRanges(gt('id', 7n))).toEqual([]);
    expect(reader.rowGroups[0]?.upperBounds.get(1)).toBe(7n);
  });
});

test('a file with field ids is read by them, whatever the mapping says', async () => {
  const wrong = logSchema.fields.map(({ name }, i) => ({ fieldId: 100 + i, names: [name] }));
  const reader = await openDataFile(io, fixture('log.parquet'), logSchema, { nameMapping: wrong });
  const [row] = await reader.readRows({ rowStart: 0, rowEnd: 1 });
  expect(row?.['segment_offset']).toBe(2n ** 53n);
});

describe('a table with the property schema.name-mapping.default', () => {
  const schema: Schema = {
    schemaId: 0,
    fields: [{ id: 1, name: 'now', required: false, type: 'long' }],
  };
  const tableOf = (mapping: string) => {
    const memory = createMemoryFileIO();
    const stored: NestedField = { id: 1, name: 'before', required: false, type: 'int' };
    const file = parquetFile(memory, 'rows', [stored], [{ before: 4 }], {}, { fieldIds: false });
    const table = withSnapshot(emptyTable([schema]), memory, [{ file, sequenceNumber: 1n }]);
    return { memory, table: { ...table, properties: { [nameMappingProperty]: mapping } } };
  };

  test('is scanned by it: renamed and widened since, though the file knows neither', async () => {
    const { memory, table } = tableOf(formatNameMapping([{ fieldId: 1, names: ['before', 'now'] }]));
    const rows: unknown[] = [];
    for await (const row of scanRows(table, memory)) rows.push(row);
    expect(rows).toEqual([{ now: 4n }]);
  });

  test('that is no mapping is told at once', () => {
    const { memory, table } = tableOf('[{"names": 5}]');
    expect(() => planFiles(table, memory)).toThrow('INVALID_METADATA: schema.name-mapping.default');
  });
});
