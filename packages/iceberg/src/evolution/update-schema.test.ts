import { expect, test } from 'vitest';
import { evolutionContext, evolve, planOf, refusal } from '../../test/support/evolve.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import { type PrimitiveType, walkFields } from '../metadata/schema.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { type NewField, type NewType, newField } from './new-column.ts';
import { replaceSortOrder } from './replace-sort-order.ts';
import type { SchemaChange, SchemaChangeOptions } from './schema-change.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateSchema } from './update-schema.ts';

const column = (name: string, type: NewType, required = false): NewField => ({ name, type, required });
const struct = (...fields: NewField[]): NewType => ({ type: 'struct', fields });

/** A table of every kind of nesting; the first test says which id is which. */
function newTable(): TableMetadata {
  const columns = [
    column('id', 'int', true),
    column('name', 'string'),
    column(
      'place',
      struct(column('city', 'string'), column('at', struct(column('x', 'float'), column('y', 'float')))),
    ),
    column('points', { type: 'list', element: struct(column('x', 'int', true), column('y', 'int')) }),
    column('tags', { type: 'map', key: 'string', value: struct(column('n', 'int')) }),
    column('small', 'decimal(9,2)'),
  ];
  let last = 0;
  const fields = columns.map((one) => newField(one.name, one, () => ++last));
  return createTableMetadata({ location: 'mem://t', schema: { fields } });
}

/** `3 place struct, 7 place.city string!, …`: ids, full names, types, `!` for required. */
function show(metadata: TableMetadata): string[] {
  return [...walkFields(currentSchema(metadata).fields)].map(({ field, path }) => {
    const type = typeof field.type === 'string' ? field.type : field.type.type;
    return `${field.id} ${path.join('.')} ${type}${field.required ? '!' : ''}`;
  });
}

const topLevel = (metadata: TableMetadata): string[] =>
  currentSchema(metadata).fields.map((field) => field.name);
const change = (
  base: TableMetadata,
  ask: (schema: SchemaChange) => void,
  options?: SchemaChangeOptions,
): TableMetadata => evolve(base, updateSchema(ask, options));
const refused = (
  ask: (schema: SchemaChange) => void,
  options?: SchemaChangeOptions,
  base = newTable(),
): string => {
  const { code, message } = refusal(() => change(base, ask, options));
  expect(code).toBe('INVALID_ARGUMENT');
  return message;
};

test('a table has the ids the others tests speak of', () => {
  expect(show(newTable())).toEqual([
    '1 id int!',
    '2 name string',
    '3 place struct',
    '7 place.city string',
    '8 place.at struct',
    '9 place.at.x float',
    '10 place.at.y float',
    '4 points list',
    '11 points.element struct',
    '12 points.element.x int!',
    '13 points.element.y int',
    '5 tags map',
    '14 tags.key string!',
    '15 tags.value struct',
    '16 tags.value.n int',
    '6 small decimal(9,2)',
  ]);
});

test('new columns get the next ids: the column, the fields of its struct, then what lies in each', () => {
  const after = change(newTable(), (schema) =>
    schema
      .addColumn('a', {
        type: struct(
          column('m', { type: 'map', key: struct(column('k', 'int')), value: struct(column('v', 'int')) }),
          column('l', { type: 'list', element: struct(column('e', 'int')) }),
          column('p', 'date'),
        ),
      })
      .addColumn('b', { type: 'string', doc: 'why' }),
  );
  expect(show(after).slice(16)).toEqual([
    '17 a struct',
    '18 a.m map',
    '21 a.m.key struct!',
    '23 a.m.key.k int',
    '22 a.m.value struct',
    '24 a.m.value.v int',
    '19 a.l list',
    '25 a.l.element struct',
    '26 a.l.element.e int',
    '20 a.p date',
    '27 b string',
  ]);
  expect(currentSchema(after).fields.at(-1)?.doc).toBe('why');
  expect(after).toMatchObject({ lastColumnId: 27, currentSchemaId: 1 });
});

test('fields are added to structs, to those of lists and maps with and without "element" and "value"', () => {
  const after = change(newTable(), (schema) =>
    schema
      .addColumn('place.zip', { type: 'string' })
      .addColumn('place.at.z', { type: 'float' })
      .addColumn('points.z', { type: 'int' })
      .addColumn(['points', 'element', 'w'], { type: 'int' })
      .addColumn('tags.value.m', { type: 'int' })
      .addColumn('tags.k', { type: 'int' })
      .addColumn(['a.b'], { type: 'boolean' }),
  );
  expect(show(after).filter((line) => Number.parseInt(line, 10) > 16)).toEqual([
    '18 place.at.z float',
    '17 place.zip string',
    '19 points.element.z int',
    '20 points.element.w int',
    '21 tags.value.m int',
    '22 tags.value.k int',
    '23 a.b boolean',
  ]);
});

test('a column is dropped with all that is in it; its ids are never given again', () => {
  const dropped = change(newTable(), (schema) => schema.dropColumn('place').dropColumn('points.x'));
  expect(show(dropped).filter((line) => /place|points/.test(line))).toEqual([
    '4 points list',
    '11 points.element struct',
    '13 points.element.y int',
  ]);
  const again = change(dropped, (schema) => schema.addColumn('place', { type: 'string' }));
  expect(show(again).at(-1)).toBe('17 place string');
});

test('dropping the column with the highest id does not free that id', () => {
  const one = change(newTable(), (schema) => schema.addColumn('last', { type: 'int' }));
  const two = change(one, (schema) => schema.dropColumn('last'));
  expect(two.currentSchemaId).toBe(0);
  expect(show(change(two, (schema) => schema.addColumn('new', { type: 'int' }))).at(-1)).toBe('18 new int');
});

test('a column can be dropped and one of its name added in one update: it is another column', () => {
  const after = change(newTable(), (schema) =>
    schema
      .dropColumn('name')
      .addColumn('name', { type: 'int' })
      .widenColumn('name', 'long')
      .moveFirst('name'),
  );
  expect(show(after)[0]).toBe('17 name long');
});

test('a new column of the name that a renamed one had is refused in the same update, and added by the next', () => {
  const rename = (schema: SchemaChange) => schema.renameColumn('id', 'order_id');
  const add = (schema: SchemaChange) => schema.addColumn('id', { type: 'string' });
  expect(refused((schema) => add(rename(schema)))).toContain('further updateSchema of the same transaction');
  // In the other order the name is what is taken, not the column renamed.
  expect(refused((schema) => rename(add(schema)))).toContain('already');
  const both = change(change(newTable(), rename), add);
  expect(show(both)[0]).toBe('1 order_id int!');
  expect(show(both).at(-1)).toBe('17 id string');
});

test('names mean the schema before the update: columns can swap names, and are moved by their old ones', () => {
  const swapped = change(newTable(), (schema) =>
    schema
      .renameColumn('name', 'id')
      .renameColumn('id', 'name')
      .moveAfter('id', 'name')
      .widenColumn('id', 'long'),
  );
  expect(show(swapped).slice(0, 2)).toEqual(['2 id string', '1 name long!']);
  const nested = change(newTable(), (schema) =>
    schema.renameColumn('place.at', 'where').addColumn('place.at.z', { type: 'int' }).moveFirst('place.at.z'),
  );
  expect(show(nested).filter((line) => line.includes('where'))).toEqual([
    '8 place.where struct',
    '17 place.where.z int',
    '9 place.where.x float',
    '10 place.where.y float',
  ]);
});

test('columns move within their struct, in the order asked for, new ones too', () => {
  const after = change(newTable(), (schema) =>
    schema
      .addColumn('new', { type: 'int' })
      .moveFirst('small')
      .moveFirst('new')
      .moveBefore('name', 'small')
      .moveAfter('id', 'tags')
      .moveAfter('place.city', 'place.at')
      .moveBefore('points.y', 'points.element.x'),
  );
  expect(topLevel(after)).toEqual(['new', 'name', 'small', 'place', 'points', 'tags', 'id']);
  expect(show(after).filter((line) => /city|points\.element\./.test(line))).toEqual([
    '7 place.city string',
    '13 points.element.y int',
    '12 points.element.x int!',
  ]);
});

test('types are widened, in structs, lists and maps as well', () => {
  const base = evolve(
    newTable(),
    updateSchema((schema) =>
      schema
        .addColumn('ints', { type: { type: 'list', element: 'int', elementRequired: true } })
        .addColumn('floats', { type: { type: 'map', key: 'int', value: 'float', valueRequired: true } }),
    ),
  );
  const after = change(base, (schema) =>
    schema
      .widenColumn('id', 'long')
      .widenColumn('small', 'decimal(18, 2)' as PrimitiveType)
      .widenColumn('place.at.x', 'double')
      .widenColumn('points.y', 'long')
      .widenColumn('tags.n', 'long')
      .widenColumn('ints.element', 'long')
      .widenColumn('floats.value', 'double')
      .makeOptional('ints.element')
      .makeOptional('floats.value'),
  );
  expect(show(after)).toEqual(
    expect.arrayContaining([
      '1 id long!',
      '6 small decimal(18,2)',
      '9 place.at.x double',
      '13 points.element.y long',
      '16 tags.value.n long',
      '18 ints.element long',
      '20 floats.key int!',
      '21 floats.value double',
    ]),
  );
});

test.each<[PrimitiveType, PrimitiveType]>([
  ['long', 'int'],
  ['double', 'float'],
  ['int', 'float'],
  ['int', 'double'],
  ['int', 'string'],
  ['int', 'decimal(10,0)'],
  ['decimal(9,2)', 'decimal(8,2)'],
  ['decimal(9,2)', 'decimal(10,3)'],
  ['date', 'timestamp'],
  ['timestamp', 'timestamptz'],
  ['string', 'binary'],
  ['fixed[4]', 'binary'],
  ['float', 'long'],
])('%s cannot become %s', (from, to) => {
  const base = change(newTable(), (schema) => schema.addColumn('c', { type: from }));
  expect(refused((schema) => schema.widenColumn('c', to), {}, base)).toContain(`from ${from} to ${to}`);
  // Not even where incompatible changes are allowed: readers could not read what is there.
  expect(refused((schema) => schema.widenColumn('c', to), { allowIncompatible: true }, base)).toContain(from);
});

test('what is required and what optional: only the safe way, unless told otherwise', () => {
  expect(refused((schema) => schema.addColumn('r', { type: 'int', required: true }))).toContain('"r"');
  expect(refused((schema) => schema.makeRequired('name'))).toContain('allowIncompatible');
  expect(refused((schema) => schema.addColumn('r', { type: 'int' }).makeRequired('r'))).toContain('"r"');
  const allowed = change(
    newTable(),
    (schema) =>
      schema.addColumn('r', { type: 'int', required: true }).makeRequired('name').makeRequired('points.y'),
    { allowIncompatible: true },
  );
  expect(show(allowed)).toEqual(
    expect.arrayContaining(['17 r int!', '2 name string!', '13 points.element.y int!']),
  );
  expect(show(change(newTable(), (schema) => schema.makeRequired('id').makeOptional('id')))[0]).toBe(
    '1 id int',
  );
});

test('a change sees what the update did to the column before', () => {
  const twice = (s: SchemaChange) =>
    s.widenColumn('small', 'decimal(12,2)').widenColumn('small', 'decimal(10,2)');
  expect(refused(twice)).toContain('from decimal(12,2) to decimal(10,2)');
  expect(refused((s) => s.makeOptional('id').makeRequired('id'))).toContain('allowIncompatible');
  const three = change(newTable(), (s) =>
    s.widenColumn('small', 'decimal(12,2)').widenColumn('small', 'decimal(14,2)'),
  );
  expect(show(three).at(-1)).toBe('6 small decimal(14,2)');
});

test('docs are set and taken away', () => {
  const set = change(newTable(), (schema) => schema.setDoc('name', 'who').setDoc('place.city', 'where'));
  expect(currentSchema(set).fields[1]?.doc).toBe('who');
  const gone = change(set, (schema) => schema.setDoc('name', undefined).setDoc('place.city', undefined));
  expect(gone.currentSchemaId).toBe(0);
});

test.each<[string, (schema: SchemaChange) => void]>([
  ['a name that is taken', (s) => s.addColumn('name', { type: 'int' })],
  ['a name that is taken in a struct', (s) => s.addColumn('points.x', { type: 'int' })],
  ['a name twice', (s) => s.addColumn('n', { type: 'int' }).addColumn('n', { type: 'int' })],
  [
    'a name that is taken until after the update',
    (s) => s.renameColumn('name', 'n').addColumn('name', { type: 'int' }),
  ],
  ['two columns of one name by renaming', (s) => s.renameColumn('name', 'small')],
  ['two columns of one name by adding', (s) => s.renameColumn('name', 'n').addColumn('n', { type: 'int' })],
  ['no name', (s) => s.addColumn('', { type: 'int' })],
  ['no path', (s) => s.addColumn([], { type: 'int' })],
  ['a missing struct', (s) => s.addColumn('nowhere.x', { type: 'int' })],
  ['a field of a column that is no struct', (s) => s.addColumn('name.x', { type: 'int' })],
  ['a field of a list of no structs', (s) => s.addColumn('tags.key.x', { type: 'int' })],
  [
    'a field of a struct that is added',
    (s) => s.addColumn('s', { type: struct(column('x', 'int')) }).addColumn('s.y', { type: 'int' }),
  ],
  [
    'a field of a struct that is dropped',
    (s) => s.dropColumn('place').addColumn('place.zip', { type: 'int' }),
  ],
  [
    'a field deep in a struct that is dropped',
    (s) => s.dropColumn('place').addColumn('place.at.z', { type: 'int' }),
  ],
  ['a struct that gets a field', (s) => s.addColumn('place.zip', { type: 'int' }).dropColumn('place')],
  ['a column that is renamed', (s) => s.renameColumn('name', 'n').dropColumn('name')],
  ['a column that something is moved to', (s) => s.moveAfter('id', 'name').dropColumn('name')],
  ['a struct in which something changes', (s) => s.widenColumn('place.at.x', 'double').dropColumn('place')],
  ['a change of a dropped column', (s) => s.dropColumn('name').setDoc('name', 'x')],
  ['a change inside a dropped column', (s) => s.dropColumn('place').widenColumn('place.at.x', 'double')],
  ['a missing column to drop', (s) => s.dropColumn('nothing')],
  ['a missing column to rename', (s) => s.renameColumn('nothing', 'x')],
  ['a missing column to move', (s) => s.moveFirst('nothing')],
  ['a missing column to move to', (s) => s.moveAfter('id', 'nothing')],
  ['a column added just now, to drop', (s) => s.addColumn('n', { type: 'int' }).dropColumn('n')],
  ['a column added just now, to rename', (s) => s.addColumn('n', { type: 'int' }).renameColumn('n', 'm')],
  ['an element to drop', (s) => s.dropColumn('points.element')],
  ['an element to rename', (s) => s.renameColumn('points.element', 'e')],
  ['an element to move', (s) => s.moveFirst('points.element')],
  ['an element with a doc', (s) => s.setDoc('points.element', 'e')],
  ['a map value to drop', (s) => s.dropColumn('tags.value')],
  ['a map key', (s) => s.widenColumn('tags.key', 'long')],
  ['a map key to drop', (s) => s.dropColumn('tags.key')],
  ['itself to move to', (s) => s.moveBefore('id', 'id')],
  ['another struct to move to', (s) => s.moveBefore('id', 'place.city')],
  ['every field of a struct to drop', (s) => s.dropColumn('tags.n')],
  [
    'every column to drop',
    (s) => {
      for (const name of topLevel(newTable())) s.dropColumn(name);
    },
  ],
  ['an empty new name', (s) => s.renameColumn('name', '')],
  ['a type nobody knows', (s) => s.addColumn('n', { type: 'varchar' as PrimitiveType })],
  ['a type of types nobody knows', (s) => s.addColumn('n', { type: { type: 'set' } as unknown as NewType })],
  ['a type of format v3', (s) => s.addColumn('n', { type: 'timestamp_ns' })],
  ['a struct without fields', (s) => s.addColumn('n', { type: { type: 'struct', fields: [] } })],
])('%s is refused', (_, ask) => {
  expect(refused(ask)).toMatch(/^INVALID_ARGUMENT: .{10,}/);
});

test('map keys with structs are left alone', () => {
  const base = change(newTable(), (schema) =>
    schema.addColumn('by', { type: { type: 'map', key: struct(column('k', 'int')), value: 'int' } }),
  );
  for (const ask of [
    (s: SchemaChange) => s.addColumn('by.key.l', { type: 'int' }),
    (s: SchemaChange) => s.widenColumn('by.key.k', 'long'),
    (s: SchemaChange) => s.renameColumn('by.key.k', 'l'),
    (s: SchemaChange) => s.dropColumn('by.key.k'),
    (s: SchemaChange) => s.makeOptional('by.key'),
  ]) {
    expect(refused(ask, {}, base)).toContain('key of a map');
  }
  expect(refused((s) => s.dropColumn('by.k'), {}, base)).toContain('no column');
});

test('names are found in their case, or in any', () => {
  expect(refused((schema) => schema.dropColumn('NAME'))).toContain('"NAME"');
  const insensitive = { caseSensitive: false };
  const after = change(
    newTable(),
    (schema) =>
      schema.renameColumn('NAME', 'Name').addColumn('PLACE.Zip', { type: 'int' }).moveFirst('Place.ZIP'),
    insensitive,
  );
  expect(show(after).slice(1, 4)).toEqual(['2 Name string', '3 place struct', '17 place.Zip int']);
  expect(refused((schema) => schema.addColumn('ID', { type: 'int' }), insensitive)).toContain('already');
  expect(refused((schema) => schema.renameColumn('name', 'ID'), insensitive)).toContain('case');
  const both = change(newTable(), (schema) => schema.addColumn('ID', { type: 'int' }));
  expect(topLevel(both)).toContain('ID');
  expect(topLevel(change(both, (schema) => schema.dropColumn('ID'), insensitive))).not.toContain('ID');
  expect(refused((schema) => schema.dropColumn('Id'), insensitive, both)).toContain('may be any of');
});

test('identifier fields: required, primitive, exact, at the top or in required structs', () => {
  const base = change(newTable(), (schema) => schema.setIdentifierFields(['id']));
  expect(currentSchema(base).identifierFieldIds).toEqual([1]);
  expect(refused((schema) => schema.dropColumn('id'), {}, base)).toContain('setIdentifierFields');
  expect(refused((schema) => schema.makeOptional('id'), {}, base)).toContain('cannot identify rows');
  const renamed = change(base, (schema) => schema.renameColumn('id', 'key').widenColumn('id', 'long'));
  expect(currentSchema(renamed).identifierFieldIds).toEqual([1]);
  const dropped = change(renamed, (schema) => schema.setIdentifierFields([]).dropColumn('key'));
  expect(currentSchema(dropped).identifierFieldIds).toBeUndefined();
  // By the names after the update.
  const both = change(
    renamed,
    (schema) =>
      schema
        .addColumn('no', { type: 'string', required: true })
        .renameColumn('key', 'k')
        .setIdentifierFields(['no', 'k']),
    { allowIncompatible: true },
  );
  expect(currentSchema(both).identifierFieldIds).toEqual([1, 17]);
  for (const path of ['name', 'place', 'place.city', 'points.x', 'nothing']) {
    expect(refused((schema) => schema.setIdentifierFields([path]))).toContain('identif');
  }
  expect(
    refused((schema) => schema.addColumn('f', { type: 'float', required: true }).setIdentifierFields(['f']), {
      allowIncompatible: true,
    }),
  ).toContain('float');
});

test('a column of the default spec or order is dropped only after it left them; old specs keep it', () => {
  const base = evolve(
    newTable(),
    updatePartitionSpec((spec) => spec.addField('name', 'truncate[4]')),
    replaceSortOrder((order) => order.asc('small')),
  );
  expect(refused((schema) => schema.dropColumn('name'), {}, base)).toContain('name_trunc_4');
  expect(refused((schema) => schema.dropColumn('small'), {}, base)).toContain('sort field');
  const after = evolve(
    base,
    updatePartitionSpec((spec) => spec.removeField('name_trunc_4')),
    replaceSortOrder(() => {}),
    updateSchema((schema) => schema.dropColumn('name').dropColumn('small')),
  );
  expect(topLevel(after)).toEqual(['id', 'place', 'points', 'tags']);
  expect(after.partitionSpecs[1]?.fields[0]?.sourceId).toBe(2);
});

test('a new column cannot be named like a partition field', () => {
  const base = evolve(
    newTable(),
    updatePartitionSpec((spec) => spec.addField('name').addField('id', 'bucket[4]')),
  );
  expect(refused((schema) => schema.addColumn('id_bucket_4', { type: 'int' }), {}, base)).toContain(
    'partition field',
  );
  const renamed = change(base, (schema) => schema.renameColumn('name', 'title'));
  expect(refused((schema) => schema.addColumn('name', { type: 'int' }), {}, renamed)).toContain('"name"');
});

test('nothing to do is no update, and a schema the table had before gets its old id', () => {
  const nothing = planOf(
    updateSchema((schema) => schema.makeOptional('name').widenColumn('id', 'int').renameColumn('id', 'id')),
    evolutionContext(newTable()),
  );
  expect(nothing.updates).toEqual([]);
  const one = change(newTable(), (schema) => schema.renameColumn('name', 'n'));
  const back = planOf(
    updateSchema((schema) => schema.renameColumn('n', 'name')),
    evolutionContext(one),
  );
  expect(back.updates).toEqual([{ action: 'set-current-schema', schemaId: 0 }]);
});

test('two updates in one transaction: the second sees what the first did', () => {
  const base = newTable();
  const first = change(base, (schema) => schema.addColumn('a', { type: 'int' }));
  const second = planOf(
    updateSchema((schema) => schema.widenColumn('a', 'long')),
    evolutionContext(first, { base, start: base }),
  );
  expect(second.updates[0]).toMatchObject({ action: 'add-schema', lastColumnId: 17 });
});

test('a plan that no table could take is not made', () => {
  const twice = updateSchema((schema) => schema.renameColumn('name', 'small'));
  expect(refusal(() => planOf(twice, evolutionContext(newTable()))).message).toContain('"small"');
});

test('the full name of a column goes before the short form of another', () => {
  const base = change(newTable(), (schema) => schema.addColumn(['points.x'], { type: 'date' }));
  const after = change(base, (schema) => schema.dropColumn('points.x'));
  expect(show(after)).toEqual(show(newTable()));
});

test('a schema that others changed meanwhile is a conflict, other commits are not', () => {
  const start = newTable();
  const ask = updateSchema((schema) => schema.dropColumn('name'));
  const changed = change(start, (schema) => schema.renameColumn('name', 'n').renameColumn('id', 'name'));
  expect(refusal(() => planOf(ask, evolutionContext(changed, { start }))).code).toBe('COMMIT_CONFLICT');
  // Even one that was changed back: a column was added, and its id taken.
  const back = evolve(
    start,
    updateSchema((schema) => schema.addColumn('a', { type: 'int' })),
    updateSchema((schema) => schema.dropColumn('a')),
  );
  expect(refusal(() => planOf(ask, evolutionContext(back, { start }))).code).toBe('COMMIT_CONFLICT');
  const sorted = evolve(
    start,
    replaceSortOrder((order) => order.asc('id')),
  );
  expect(planOf(ask, evolutionContext(sorted, { start })).updates).toHaveLength(2);
  const inUse = evolve(
    start,
    updatePartitionSpec((spec) => spec.addField('name')),
  );
  expect(refusal(() => planOf(ask, evolutionContext(inUse, { start }))).code).toBe('COMMIT_CONFLICT');
});

test('a dropped column must not come into use before the commit lands', () => {
  const { requirements } = planOf(
    updateSchema((schema) => schema.dropColumn('name')),
    evolutionContext(newTable()),
  );
  expect(requirements?.map((requirement) => requirement.type)).toEqual([
    'assert-default-spec-id',
    'assert-default-sort-order-id',
  ]);
});

test('properties about columns follow: renamed with the column or what it lies in, gone with it', () => {
  const prefix = 'write.metadata.metrics.column.';
  const bloom = 'write.parquet.bloom-filter-enabled.column.';
  const base: TableMetadata = {
    ...newTable(),
    properties: {
      [`${prefix}name`]: 'full',
      [`${prefix}place.at.x`]: 'none',
      [`${prefix}points.element.x`]: 'counts',
      [`${prefix}small`]: 'counts',
      [`${prefix}unknown`]: 'full',
      [`${bloom}id`]: 'true',
      [`${bloom}small`]: 'true',
      'write.format.default': 'parquet',
    },
  };
  const after = change(base, (schema) =>
    schema
      .renameColumn('id', 'small')
      .dropColumn('small')
      .renameColumn('place.at', 'where')
      .renameColumn('points', 'path')
      .setDoc('name', 'x'),
  );
  expect(after.properties).toEqual({
    [`${prefix}name`]: 'full',
    [`${prefix}place.where.x`]: 'none',
    [`${prefix}path.element.x`]: 'counts',
    [`${prefix}unknown`]: 'full',
    [`${bloom}small`]: 'true',
    'write.format.default': 'parquet',
  });
});

test('the name mapping follows: new names beside the old ones, new columns, nested ones too', () => {
  const key = 'schema.name-mapping.default';
  const mapping = [
    { 'field-id': 1, names: ['id', 'ID'] },
    { 'field-id': 2, names: ['name'] },
    { 'field-id': 3, names: ['place'], fields: [{ 'field-id': 7, names: ['city'] }] },
  ];
  const base: TableMetadata = { ...newTable(), properties: { [key]: JSON.stringify(mapping) } };
  const after = change(base, (schema) =>
    schema
      .renameColumn('id', 'no')
      .dropColumn('name')
      .addColumn('name', { type: 'int' })
      .addColumn('place.zip', { type: 'string' }),
  );
  expect(JSON.parse(after.properties[key] as string)).toEqual([
    { 'field-id': 1, names: ['id', 'ID', 'no'] },
    { 'field-id': 2, names: [] },
    {
      'field-id': 3,
      names: ['place'],
      fields: [
        { 'field-id': 7, names: ['city'] },
        { 'field-id': 18, names: ['zip'] },
      ],
    },
    { 'field-id': 17, names: ['name'] },
  ]);
  const damaged: TableMetadata = { ...newTable(), properties: { [key]: '[{' } };
  const kept = change(damaged, (schema) => schema.renameColumn('id', 'no'));
  expect(kept.properties[key]).toBe('[{');
});

test('union by name: adds what is missing, widens, makes optional, takes docs, narrows and drops nothing', () => {
  const after = change(newTable(), (schema) =>
    schema.unionByName({
      fields: [
        { name: 'id', type: 'long' },
        { name: 'small', type: 'decimal(5,2)', doc: 'cents' },
        {
          name: 'place',
          type: struct(column('at', struct(column('x', 'double'), column('z', 'int', true)))),
        },
        { name: 'points', type: { type: 'list', element: struct(column('x', 'long'), column('w', 'int')) } },
        {
          name: 'tags',
          type: { type: 'map', key: 'string', value: struct(column('n', 'int'), column('m', 'int')) },
        },
        { name: 'extra', type: struct(column('inner', 'int', true)), required: true },
      ],
    }),
  );
  expect(show(after)).toEqual([
    '1 id long',
    '2 name string',
    '3 place struct',
    '7 place.city string',
    '8 place.at struct',
    '9 place.at.x double',
    '10 place.at.y float',
    '17 place.at.z int',
    '4 points list',
    '11 points.element struct',
    '12 points.element.x long',
    '13 points.element.y int',
    '18 points.element.w int',
    '5 tags map',
    '14 tags.key string!',
    '15 tags.value struct',
    '16 tags.value.n int',
    '19 tags.value.m int',
    '6 small decimal(9,2)',
    '20 extra struct',
    '21 extra.inner int!',
  ]);
  expect(currentSchema(after).fields[5]?.doc).toBe('cents');
});

test('union by name finds names in any case if told to, and refuses what does not fit', () => {
  const upper = change(
    newTable(),
    (schema) => schema.unionByName({ fields: [{ name: 'ID', type: 'long' }] }),
    {
      caseSensitive: false,
    },
  );
  expect(show(upper)[0]).toBe('1 id long');
  expect(topLevel(upper)).not.toContain('ID');
  for (const field of [
    { name: 'id', type: 'string' },
    { name: 'id', type: struct(column('x', 'int')) },
    { name: 'place', type: 'int' },
    { name: 'points', type: struct(column('x', 'int')) },
    { name: 'tags', type: { type: 'map', key: 'int', value: struct(column('n', 'int')) } },
    {
      name: 'tags',
      type: { type: 'map', key: struct(column('k', 'int')), value: struct(column('n', 'int')) },
    },
  ] as { name: string; type: NewType }[]) {
    refused((schema) => schema.unionByName({ fields: [field] }));
  }
});

test('the schema of an update can be asked for any number of times', () => {
  const operation = updateSchema((schema) => schema.addColumn('a', { type: 'int' }).renameColumn('id', 'no'));
  const context = evolutionContext(newTable());
  expect(planOf(operation, context)).toEqual(planOf(operation, context));
});
