import { expect, test } from 'vitest';
import { evolutionContext, evolve, planOf, refusal } from '../../test/support/evolve.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { UnboundPartitionSpec } from '../metadata/partition-spec.ts';
import { defaultPartitionSpec, type TableMetadata } from '../metadata/table-metadata.ts';
import type { PartitionSpecChange } from './partition-spec-change.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateSchema } from './update-schema.ts';

function newTable(fields: UnboundPartitionSpec['fields'] = []): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    schema: {
      fields: [
        { id: 1, name: 'id', required: true, type: 'long' },
        { id: 2, name: 'ts', required: false, type: 'timestamptz' },
        { id: 3, name: 'name', required: false, type: 'string' },
        {
          id: 4,
          name: 'place',
          required: false,
          type: { type: 'struct', fields: [{ id: 5, name: 'city', required: false, type: 'string' }] },
        },
        {
          id: 6,
          name: 'tags',
          required: false,
          type: { type: 'list', elementId: 7, elementRequired: false, element: 'string' },
        },
      ],
    },
    partitionSpec: { fields },
  });
}

const daily = (): TableMetadata => newTable([{ sourceId: 2, name: 'ts_day', transform: 'day' }]);
const change = (base: TableMetadata, ask: (spec: PartitionSpecChange) => void): TableMetadata =>
  evolve(base, updatePartitionSpec(ask));
/** `1000 ts_day day(2)` */
const show = (metadata: TableMetadata): string[] =>
  defaultPartitionSpec(metadata).fields.map(
    ({ fieldId, name, transform, sourceId }) => `${fieldId} ${name} ${transform}(${sourceId})`,
  );

test('new fields get the next ids and the usual names', () => {
  const after = change(newTable(), (spec) =>
    spec
      .addField('ts', 'day')
      .addField('id', 'bucket[16]')
      .addField('name', 'truncate[4]')
      .addField('name')
      .addField('place.city')
      .addField('id', 'void')
      .addField('id', 'truncate[10]', 'tens'),
  );
  expect(show(after)).toEqual([
    '1000 ts_day day(2)',
    '1001 id_bucket_16 bucket[16](1)',
    '1002 name_trunc_4 truncate[4](3)',
    '1003 name identity(3)',
    '1004 place.city identity(6)',
    '1005 id_null void(1)',
    '1006 tens truncate[10](1)',
  ]);
  expect(after).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1006 });
});

test.each(['year', 'month', 'day', 'hour'] as const)('%s is named for it', (transform) => {
  expect(show(change(newTable(), (spec) => spec.addField('ts', transform)))).toEqual([
    `1000 ts_${transform} ${transform}(2)`,
  ]);
});

test('a removed field goes; put back later it is the same field, and the same spec', () => {
  const removed = change(daily(), (spec) => spec.removeField('ts_day').addField('id', 'bucket[4]'));
  expect(show(removed)).toEqual(['1001 id_bucket_4 bucket[4](1)']);
  const both = change(removed, (spec) => spec.addField('ts', 'day'));
  expect(show(both)).toEqual(['1001 id_bucket_4 bucket[4](1)', '1000 ts_day day(2)']);
  const first = change(both, (spec) => spec.removeField({ source: 'id', transform: 'bucket[4]' }));
  expect(first.defaultSpecId).toBe(0);
  expect(first.partitionSpecs).toHaveLength(3);
  // By another name it is another field, as Java and PyIceberg have it.
  const named = change(removed, (spec) => spec.addField('ts', 'day', 'placed'));
  expect(show(named)[1]).toBe('1002 placed day(2)');
});

test('a field removed and added in one update stays, with the new name if it has one', () => {
  const same = planOf(
    updatePartitionSpec((spec) => spec.removeField('ts_day').addField('ts', 'day')),
    evolutionContext(daily()),
  );
  expect(same.updates).toEqual([]);
  const renamed = change(daily(), (spec) => spec.removeField('ts_day').addField('ts', 'day', 'day'));
  expect(show(renamed)).toEqual(['1000 day day(2)']);
});

test('a finer time transform may replace the coarser one, or come beside it', () => {
  expect(show(change(daily(), (spec) => spec.removeField('ts_day').addField('ts', 'hour')))).toEqual([
    '1001 ts_hour hour(2)',
  ]);
  expect(show(change(daily(), (spec) => spec.addField('ts', 'hour')))).toHaveLength(2);
  const both = refusal(() => change(newTable(), (spec) => spec.addField('ts', 'day').addField('ts', 'hour')));
  expect(both.message).toContain('same times');
});

test('fields are renamed; their ids stay', () => {
  const after = change(daily(), (spec) => spec.renameField('ts_day', 'placed').addField('name'));
  expect(show(after)).toEqual(['1000 placed day(2)', '1001 name identity(3)']);
  const freed = change(daily(), (spec) =>
    spec.renameField('ts_day', 'old').addField('id', 'bucket[2]', 'ts_day'),
  );
  expect(show(freed)).toEqual(['1000 old day(2)', '1001 ts_day bucket[2](1)']);
});

test('in a v1 table a removed field becomes void and makes room for its name', () => {
  const v1: TableMetadata = { ...daily(), formatVersion: 1 };
  const { updates } = planOf(
    updatePartitionSpec((spec) => spec.removeField('ts_day').addField('ts', 'hour', 'ts_day')),
    evolutionContext(v1),
  );
  expect(updates[0]).toMatchObject({
    spec: {
      fields: [
        { fieldId: 1000, name: 'ts_day_1000', transform: 'void', sourceId: 2 },
        { fieldId: 1001, name: 'ts_day', transform: 'hour', sourceId: 2 },
      ],
    },
  });
});

test('a field removed from a v1 table comes back as it was once the table is v2, in place of its void self', () => {
  const base = daily();
  const [spec] = base.partitionSpecs;
  const fields = spec!.fields.map((field) => ({ ...field, transform: 'void' }));
  const upgraded = { ...base, partitionSpecs: [spec!, { specId: 1, fields }], defaultSpecId: 1 };
  expect(show(change(upgraded, (spec) => spec.addField('ts', 'day')))).toEqual(['1000 ts_day day(2)']);
});

test('a void field of a table that was v1 gives up its name, also after its column is gone', () => {
  const base = change(
    newTable([
      { sourceId: 2, name: 'ts_day', transform: 'void' },
      { sourceId: 3, name: 'name', transform: 'void' },
    ]),
    (spec) => spec.addField('ts', 'day').addField('name'),
  );
  expect(show(base)).toEqual([
    '1000 ts_day_1000 void(2)',
    '1001 name_1001 void(3)',
    '1002 ts_day day(2)',
    '1003 name identity(3)',
  ]);
  const renamed = change(
    newTable([
      { sourceId: 2, name: 'ts_day', transform: 'void' },
      { sourceId: 1, name: 'by_id', transform: 'bucket[2]' },
    ]),
    (spec) => spec.renameField('by_id', 'ts_day'),
  );
  expect(show(renamed)).toEqual(['1000 ts_day_1000 void(2)', '1001 ts_day bucket[2](1)']);
  const gone = evolve(
    newTable([{ sourceId: 3, name: 'name', transform: 'void' }]),
    updateSchema((schema) => schema.dropColumn('name')),
    updatePartitionSpec((spec) => spec.addField('id', 'bucket[8]')),
  );
  expect(show(gone)).toEqual(['1000 name void(3)', '1001 id_bucket_8 bucket[8](1)']);
});

test.each<[string, (spec: PartitionSpecChange) => void]>([
  ['a field that is there', (s) => s.addField('ts', 'day')],
  ['a field that is there, by another name', (s) => s.addField('ts', 'day', 'x')],
  ['a field twice', (s) => s.addField('id').addField('id', 'identity', 'x')],
  ['a name that is taken', (s) => s.addField('id', 'bucket[2]', 'ts_day')],
  ['a name twice', (s) => s.addField('id', 'bucket[2]', 'x').addField('id', 'bucket[3]', 'x')],
  ['a name that is renamed to', (s) => s.renameField('ts_day', 'x').addField('id', 'bucket[2]', 'x')],
  ['the name of a column', (s) => s.addField('id', 'bucket[2]', 'name')],
  ['a column renamed to the name of one', (s) => s.renameField('ts_day', 'name')],
  ['a missing column', (s) => s.addField('nothing')],
  ['a struct', (s) => s.addField('place')],
  ['an element of a list', (s) => s.addField('tags.element')],
  ['a transform that does not apply', (s) => s.addField('name', 'day')],
  ['a transform nobody knows', (s) => s.addField('name', 'zorder')],
  ['a bucket of none', (s) => s.addField('id', 'bucket[0]')],
  ['a missing field to remove', (s) => s.removeField('nothing')],
  ['a missing source to remove', (s) => s.removeField({ source: 'ts', transform: 'hour' })],
  ['a field added just now, to remove', (s) => s.addField('id').removeField('id')],
  ['a source added just now, to remove', (s) => s.addField('id').removeField({ source: 'id' })],
  ['a field that is renamed, to remove', (s) => s.renameField('ts_day', 'x').removeField('ts_day')],
  ['a field that is removed, to rename', (s) => s.removeField('ts_day').renameField('ts_day', 'x')],
  ['a missing field to rename', (s) => s.renameField('nothing', 'x')],
  ['a field added just now, to rename', (s) => s.addField('id').renameField('id', 'x')],
  ['an empty name', (s) => s.renameField('ts_day', '')],
])('%s is refused', (_, ask) => {
  expect(refusal(() => change(daily(), ask)).code).toBe('INVALID_ARGUMENT');
});

test('a spec with a transform nobody knows is left alone', () => {
  const base = daily();
  const unknown: TableMetadata = {
    ...base,
    partitionSpecs: [{ specId: 0, fields: [{ sourceId: 1, fieldId: 1000, name: 'z', transform: 'zorder' }] }],
  };
  expect(refusal(() => change(unknown, (spec) => spec.addField('id'))).message).toContain(
    'unknown transform zorder',
  );
});

test('a spec can be added without becoming the default', () => {
  const base = daily();
  const operation = updatePartitionSpec((spec) => spec.addField('ID', 'bucket[2]'), {
    addNonDefault: true,
    caseSensitive: false,
  });
  const after = evolve(base, operation);
  expect(after.defaultSpecId).toBe(0);
  expect(after.partitionSpecs).toHaveLength(2);
  expect(planOf(operation, evolutionContext(after)).updates).toEqual([]);
  expect(change(after, (spec) => spec.addField('id', 'bucket[2]')).defaultSpecId).toBe(1);
});

test('a spec that others changed meanwhile is a conflict, and so is a name that means another column now', () => {
  const start = daily();
  const ask = updatePartitionSpec((spec) => spec.addField('name'));
  const conflict = (base: TableMetadata): unknown =>
    refusal(() => planOf(ask, evolutionContext(base, { start }))).code;
  expect(conflict(change(start, (spec) => spec.addField('id')))).toBe('COMMIT_CONFLICT');
  const backAgain = evolve(
    start,
    updatePartitionSpec((spec) => spec.addField('id')),
    updatePartitionSpec((spec) => spec.removeField('id')),
  );
  expect(conflict(backAgain)).toBe('COMMIT_CONFLICT');
  // A spec that was there before made default again: no partition field is new.
  const other = evolve(
    backAgain,
    updatePartitionSpec((spec) => spec.addField('id')),
  );
  expect(other.lastPartitionId).toBe(backAgain.lastPartitionId);
  const context = evolutionContext(other, { start: backAgain });
  expect(refusal(() => planOf(ask, context)).code).toBe('COMMIT_CONFLICT');
  const swapped = evolve(
    start,
    updateSchema((schema) => schema.renameColumn('name', 'n').renameColumn('id', 'name')),
  );
  expect(conflict(swapped)).toBe('COMMIT_CONFLICT');
  const dropped = evolve(
    start,
    updateSchema((schema) => schema.dropColumn('name')),
  );
  expect(conflict(dropped)).toBe('COMMIT_CONFLICT');
  const wider = evolve(
    start,
    updateSchema((schema) => schema.addColumn('more', { type: 'int' })),
  );
  const plan = planOf(ask, evolutionContext(wider, { start }));
  expect(plan.updates).toHaveLength(2);
  expect(plan.requirements).toEqual([{ type: 'assert-current-schema-id', currentSchemaId: 1 }]);
});

test('a column added by the same transaction can be partitioned by', () => {
  const base = daily();
  const metadata = evolve(
    base,
    updateSchema((schema) => schema.addColumn('region', { type: 'string' })),
  );
  const plan = planOf(
    updatePartitionSpec((spec) => spec.addField('region')),
    evolutionContext(metadata, { base }),
  );
  expect(plan.updates[0]).toMatchObject({ action: 'add-spec' });
  // What is asserted is what the commit is sent against.
  expect(plan.requirements).toEqual([{ type: 'assert-current-schema-id', currentSchemaId: 0 }]);
});
