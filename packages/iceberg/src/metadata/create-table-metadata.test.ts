import { expect, test } from 'vitest';
import { createTableMetadata } from './create-table-metadata.ts';
import { type NestedField, type PrimitiveType, type Type, walkFields } from './schema.ts';
import { formatTableMetadata, parseTableMetadata } from './table-metadata-json.ts';

const primitives: readonly PrimitiveType[] = [
  ...(['boolean', 'int', 'long', 'float', 'double', 'date', 'time', 'timestamp', 'timestamptz'] as const),
  ...(['string', 'uuid', 'binary', 'fixed[16]', 'decimal(38,10)'] as const),
];

const field = (id: number, name: string, type: Type, required = true): NestedField => ({
  id,
  name,
  required,
  type,
});

test('a table of every v2 type, however nested: ids from 1, all that refers to them along', () => {
  // Ids as a caller may give them: distinct, in no order.
  let next = 5000;
  const everyType = (): NestedField[] =>
    primitives.map((type) => field(next--, type.replace(/\W/g, '_'), type));
  const key: Type = { type: 'struct', fields: everyType() };
  const metadata = createTableMetadata({
    location: 'mem://t/',
    schema: {
      identifierFieldIds: [7, 3],
      fields: [
        field(9, 'map', { type: 'map', keyId: 8, key, valueId: 2, valueRequired: true, value: 'int' }, false),
        field(3, 'no', 'long'),
        field(4, 'place', {
          type: 'struct',
          fields: [field(7, 'code', 'string'), field(6, 'at', 'timestamp')],
        }),
        field(5, 'list', {
          type: 'list',
          elementId: 1,
          elementRequired: false,
          element: { type: 'struct', fields: everyType() },
        }),
      ],
    },
    partitionSpec: {
      fields: [
        { sourceId: 6, fieldId: 77, name: 'at_day', transform: 'day' },
        { sourceId: 3, name: 'no', transform: 'identity' },
      ],
    },
    sortOrder: {
      fields: [
        { sourceId: 7, transform: 'truncate[2]', direction: 'desc', nullOrder: 'nulls-last' },
        { sourceId: 3, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' },
      ],
    },
  });
  const [schema] = metadata.schemas;
  const ids = new Map([...walkFields(schema!.fields)].map(({ field, path }) => [path.join('.'), field.id]));
  expect([...ids.values()].sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, i) => i + 1));
  expect(metadata.lastColumnId).toBe(37);
  const idOf = (name: string): number | undefined => ids.get(name);
  expect(['map', 'no', 'place', 'list', 'map.key', 'map.value', 'map.key.boolean'].map(idOf)).toEqual([
    1, 2, 3, 4, 5, 6, 7,
  ]);
  expect(['place.code', 'place.at', 'list.element', 'list.element.boolean'].map(idOf)).toEqual([
    21, 22, 23, 24,
  ]);
  expect(schema!.identifierFieldIds).toEqual([2, 21]);
  expect(metadata.partitionSpecs[0]?.fields).toEqual([
    { sourceId: 22, fieldId: 1000, name: 'at_day', transform: 'day' },
    { sourceId: 2, fieldId: 1001, name: 'no', transform: 'identity' },
  ]);
  expect(metadata.sortOrders).toEqual([
    {
      orderId: 1,
      fields: [
        { sourceId: 21, transform: 'truncate[2]', direction: 'desc', nullOrder: 'nulls-last' },
        { sourceId: 2, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' },
      ],
    },
  ]);
  expect(parseTableMetadata(formatTableMetadata(metadata))).toEqual(metadata);
});

test('types are stored as the format spells them', () => {
  const metadata = createTableMetadata({
    location: 'mem://t',
    schema: {
      fields: [field(1, 'd', 'decimal(9, 2)' as PrimitiveType), field(2, 'f', 'fixed[ 4 ]' as PrimitiveType)],
    },
  });
  expect(metadata.schemas[0]?.fields.map(({ type }) => type)).toEqual(['decimal(9,2)', 'fixed[4]']);
});

test('types may be nested as deep as a table can be loaded, and no deeper', () => {
  const nested = (depth: number): Type =>
    depth === 0 ? 'int' : { type: 'struct', fields: [field(1000 + depth, 'x', nested(depth - 1))] };
  const create = (depth: number) =>
    createTableMetadata({ location: 'mem://t', schema: { fields: [field(1, 'x', nested(depth))] } });
  const deepest = create(100);
  expect(parseTableMetadata(formatTableMetadata(deepest))).toEqual(deepest);
  expect(() => create(101)).toThrow('INVALID_ARGUMENT: types are nested more than 100 deep');
});

test('what types would have forbidden is refused, not written: nobody could read the table', () => {
  const column = { id: 1, name: 'a', required: true, type: 'long' as const };
  const { required: _, ...optional } = column;
  const order = { sourceId: 1, transform: 'identity', direction: 'up', nullOrder: 'nulls-first' };
  for (const wrong of [
    { schema: { fields: [optional] } },
    { schema: { fields: [{ ...column, doc: 5 }] } },
    { schema: { fields: [column] }, properties: { a: 5 } },
    { schema: { fields: [column] }, sortOrder: { fields: [order] } },
  ]) {
    const options = { location: 'mem://wh/t', ...wrong } as unknown as Parameters<
      typeof createTableMetadata
    >[0];
    expect(() => createTableMetadata(options)).toThrow(/^INVALID_ARGUMENT: .*could not be read/);
  }
});
