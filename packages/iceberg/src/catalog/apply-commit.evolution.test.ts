import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { NestedField, Schema } from '../metadata/schema.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from '../metadata/table-metadata-json.ts';
import { applyCommit } from './apply-commit.ts';
import type { TableUpdate } from './table-update.ts';

const optional = (id: number, name: string, type: NestedField['type']): NestedField => ({
  id,
  name,
  required: false,
  type,
});
const [a, b, c] = [optional(1, 'a', 'long'), optional(2, 'b', 'timestamptz'), optional(3, 'c', 'string')];

function newTable(): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    schema: { fields: [a, b, c] },
    partitionSpec: { fields: [{ sourceId: 2, name: 'b_day', transform: 'day' }] },
    sortOrder: {
      fields: [{ sourceId: 1, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }],
    },
  });
}

const apply = (base: TableMetadata, updates: readonly TableUpdate[]): TableMetadata =>
  applyCommit(base, { requirements: [], updates });
const useSchema = (...fields: NestedField[]): TableUpdate[] => [
  { action: 'add-schema', schema: { schemaId: 0, fields } },
  { action: 'set-current-schema', schemaId: -1 },
];

function failure(base: TableMetadata, updates: readonly TableUpdate[]): [IcebergErrorCode, string] {
  try {
    apply(base, updates);
  } catch (error) {
    if (IcebergError.is(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error('the commit was applied');
}

test('a column goes only when the default spec and order do not use it', () => {
  const base = newTable();
  expect(failure(base, useSchema(a, c))).toEqual(['INVALID_ARGUMENT', expect.stringContaining('"b_day"')]);
  expect(failure(base, useSchema(b, c))).toEqual(['INVALID_ARGUMENT', expect.stringContaining('sort field')]);
  // In whatever order the updates of one commit come: what counts is what they make.
  const dropped = apply(base, [
    ...useSchema(c),
    { action: 'add-spec', spec: { fields: [] } },
    { action: 'set-default-spec', specId: -1 },
    { action: 'add-sort-order', sortOrder: { fields: [] } },
    { action: 'set-default-sort-order', sortOrderId: -1 },
  ]);
  expect(currentSchema(dropped).fields).toEqual([c]);
  expect(dropped.partitionSpecs[0]?.fields).toHaveLength(1);
  expect(parseTableMetadata(formatTableMetadata(dropped))).toEqual(dropped);
});

test('a table that another writer left with a broken order still takes what does not touch it', () => {
  const broken: TableMetadata = { ...newTable(), schemas: [{ schemaId: 0, fields: [b, c] }] };
  expect(apply(broken, [{ action: 'set-properties', updates: { k: 'v' } }]).properties).toEqual({ k: 'v' });
  expect(failure(broken, useSchema(b, c, optional(4, 'd', 'int')))[0]).toBe('INVALID_ARGUMENT');
});

test('a column takes no type that the transform of the default spec cannot have', () => {
  expect(failure(newTable(), useSchema(a, { ...b, type: 'long' }, c))).toEqual([
    'INVALID_ARGUMENT',
    expect.stringContaining('does not apply'),
  ]);
});

test('a column cannot take the name of a partition field of any spec, unless it is its own identity', () => {
  const base = newTable();
  expect(failure(base, useSchema(a, b, c, optional(4, 'b_day', 'date')))[0]).toBe('INVALID_ARGUMENT');
  const identity = apply(base, [
    { action: 'add-spec', spec: { fields: [{ sourceId: 3, name: 'c', transform: 'identity' }] } },
    { action: 'set-default-spec', specId: -1 },
  ]);
  const renamed = apply(identity, useSchema(a, b, { ...c, name: 'd' }));
  expect(failure(renamed, useSchema(a, b, { ...c, name: 'd' }, optional(4, 'c', 'int')))[0]).toBe(
    'INVALID_ARGUMENT',
  );
  expect(currentSchema(apply(renamed, useSchema(a, b, c))).fields[2]?.name).toBe('c');
});

test('a schema that is there gets no second id, and the last one added may be one that was there', () => {
  const two = apply(newTable(), useSchema(a, b, c, optional(4, 'd', 'int')));
  expect(two.currentSchemaId).toBe(1);
  const back = apply(two, useSchema(a, b, c));
  expect(back.currentSchemaId).toBe(0);
  expect(back.schemas).toHaveLength(2);
  // The id of the dropped column is not given again.
  expect(back.lastColumnId).toBe(4);
});

test('a schema goes only when it is not the current one and no snapshot that stays names it', () => {
  const two = apply(newTable(), useSchema(a, b, c, optional(4, 'd', 'int')));
  const removeSchema: TableUpdate = { action: 'remove-schemas', schemaIds: [0] };
  expect(apply(two, [removeSchema]).schemas.map((schema) => schema.schemaId)).toEqual([1]);
  expect(failure(two, [{ action: 'remove-schemas', schemaIds: [1] }])[0]).toBe('INVALID_ARGUMENT');
  const summary = { operation: 'append' };
  const common = { timestampMs: two.lastUpdatedMs, manifestList: 'mem://s', summary };
  const read = apply(two, [
    { action: 'add-snapshot', snapshot: { ...common, snapshotId: 5n, sequenceNumber: 1n, schemaId: 0 } },
  ]);
  expect(failure(read, [removeSchema])).toEqual(['INVALID_ARGUMENT', expect.stringContaining('snapshot 5')]);
  const unknown: TableUpdate = {
    action: 'add-snapshot',
    snapshot: { ...common, snapshotId: 6n, sequenceNumber: 2n, schemaId: 7 },
  };
  expect(failure(read, [unknown])).toEqual(['COMMIT_CONFLICT', expect.stringContaining('schema 7')]);
  const removeSnapshot: TableUpdate = { action: 'remove-snapshots', snapshotIds: [5n] };
  expect(apply(read, [removeSchema, removeSnapshot]).schemas).toHaveLength(1);
});

test('the default spec cannot be removed, others can', () => {
  const two = apply(newTable(), [{ action: 'add-spec', spec: { fields: [] } }]);
  expect(failure(two, [{ action: 'remove-partition-specs', specIds: [0] }])[0]).toBe('INVALID_ARGUMENT');
  const one = apply(two, [{ action: 'remove-partition-specs', specIds: [1, 9] }]);
  expect(one.partitionSpecs.map((spec) => spec.specId)).toEqual([0]);
});

test('the uuid is given once', () => {
  const base = newTable();
  expect(apply(base, [{ action: 'assign-uuid', uuid: base.tableUuid.toUpperCase() }]).tableUuid).toBe(
    base.tableUuid.toUpperCase(),
  );
  const other = '9c12d441-03fe-4693-9a96-a0705ddf69c1';
  expect(failure(base, [{ action: 'assign-uuid', uuid: other }])[0]).toBe('INVALID_ARGUMENT');
  const v1: TableMetadata = { ...base, formatVersion: 1, tableUuid: '' };
  const upgraded = apply(v1, [
    { action: 'assign-uuid', uuid: other },
    { action: 'upgrade-format-version', formatVersion: 2 },
  ]);
  expect(upgraded.tableUuid).toBe(other);
});

test('a v1 table whose snapshots name their manifests themselves is read after the upgrade to v2', async () => {
  const text = await readFile(new URL('../../test/fixtures/metadata/v1-full.json', import.meta.url), 'utf8');
  const v1 = parseTableMetadata(text);
  const v2 = apply(v1, [{ action: 'upgrade-format-version', formatVersion: 2 }]);
  const read = parseTableMetadata(formatTableMetadata(v2));
  expect(read).toEqual(v2);
  expect(read.snapshots[0]).toMatchObject({ sequenceNumber: 0n, manifestList: '', summary: {} });
  expect(read.snapshots[0]?.manifests).toHaveLength(2);
  expect(read.tableUuid).toBe(v1.tableUuid);
  const evolved = apply(read, useSchema(...(currentSchema(read) as Schema).fields, optional(2, 'x', 'int')));
  expect(evolved).toMatchObject({ formatVersion: 2, currentSchemaId: 2, lastColumnId: 2 });
});

test('a field that a v1 table kept as void may share the id it had, and its column may be gone', () => {
  const base = newTable();
  const upgraded: TableMetadata = {
    ...base,
    partitionSpecs: [
      ...base.partitionSpecs,
      { specId: 1, fields: [{ sourceId: 2, fieldId: 1000, name: 'b_day', transform: 'void' }] },
    ],
    defaultSpecId: 1,
    sortOrders: [{ orderId: 0, fields: [] }],
    defaultSortOrderId: 0,
  };
  const dropped = apply(upgraded, useSchema(a, c));
  const evolved = apply(dropped, [
    {
      action: 'add-spec',
      spec: {
        fields: [
          { sourceId: 2, fieldId: 1000, name: 'b_day', transform: 'void' },
          { sourceId: 3, fieldId: 1001, name: 'c', transform: 'identity' },
        ],
      },
    },
    { action: 'set-default-spec', specId: -1 },
  ]);
  expect(evolved.defaultSpecId).toBe(2);
  expect(evolved.lastPartitionId).toBe(1001);
});
