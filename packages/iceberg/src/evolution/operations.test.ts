import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { evolutionContext, evolve, planOf, refusal } from '../../test/support/evolve.ts';
import { applyCommit } from '../catalog/apply-commit.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import { currentSchema, defaultSortOrder, type TableMetadata } from '../metadata/table-metadata.ts';
import { parseTableMetadata } from '../metadata/table-metadata-json.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { replaceSortOrder, type SortOrderChange } from './replace-sort-order.ts';
import { setLocation } from './set-location.ts';
import {
  removePartitionStatistics,
  removeStatistics,
  setPartitionStatistics,
  setStatistics,
} from './statistics-operations.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateProperties } from './update-properties.ts';
import { updateSchema } from './update-schema.ts';
import { upgradeFormatVersion } from './upgrade-format-version.ts';

function newTable(): TableMetadata {
  const empty = createTableMetadata({
    location: 'mem://t',
    schema: {
      fields: [
        { id: 1, name: 'id', required: true, type: 'long' },
        { id: 2, name: 'ts', required: false, type: 'timestamptz' },
        {
          id: 3,
          name: 'place',
          required: false,
          type: { type: 'struct', fields: [{ id: 4, name: 'city', required: false, type: 'string' }] },
        },
      ],
    },
    properties: { a: '1', b: '2' },
  });
  const snapshot = {
    snapshotId: 2n ** 62n + 1n,
    sequenceNumber: 1n,
    timestampMs: empty.lastUpdatedMs,
    manifestList: 'mem://t/snap',
    summary: { operation: 'append' },
  };
  return applyCommit(empty, { requirements: [], updates: [{ action: 'add-snapshot', snapshot }] });
}

const updatesOf = (operation: TableOperation, metadata = newTable()): readonly unknown[] =>
  planOf(operation, evolutionContext(metadata)).updates;

test('a sort order is replaced: nulls first ascending, last descending, unless said otherwise', () => {
  const after = evolve(
    newTable(),
    replaceSortOrder((order) =>
      order.asc('ts', { transform: 'day' }).desc('place.city').asc('id', { nullOrder: 'nulls-last' }),
    ),
  );
  expect(defaultSortOrder(after)).toEqual({
    orderId: 1,
    fields: [
      { sourceId: 2, transform: 'day', direction: 'asc', nullOrder: 'nulls-first' },
      { sourceId: 4, transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
      { sourceId: 1, transform: 'identity', direction: 'asc', nullOrder: 'nulls-last' },
    ],
  });
});

test('an order the table had before gets its old id back; none is order 0', () => {
  const one = replaceSortOrder((order) => order.asc('id'));
  const two = replaceSortOrder((order) => order.desc('ID'), { caseSensitive: false });
  const none = replaceSortOrder(() => {});
  const ids = (...operations: TableOperation[]): number =>
    evolve(newTable(), ...operations).defaultSortOrderId;
  expect([ids(one), ids(one, two), ids(one, two, one), ids(one, none), ids(none)]).toEqual([1, 2, 1, 0, 0]);
  expect(evolve(newTable(), one, two, one, none).sortOrders).toHaveLength(3);
  expect(updatesOf(one, evolve(newTable(), one))).toEqual([]);
  expect(updatesOf(one, evolve(newTable(), one, two))).toEqual([
    { action: 'set-default-sort-order', sortOrderId: 1 },
  ]);
  const sorted: TableMetadata = { ...evolve(newTable(), one) };
  const withoutUnsorted = { ...sorted, sortOrders: sorted.sortOrders.filter((order) => order.orderId > 0) };
  expect(defaultSortOrder(evolve(withoutUnsorted, none))).toEqual({ orderId: 0, fields: [] });
});

test.each<[string, (order: SortOrderChange) => void]>([
  ['a missing column', (o) => o.asc('nothing')],
  ['a struct', (o) => o.asc('place')],
  ['a transform that does not apply', (o) => o.desc('id', { transform: 'day' })],
])('an order by %s is refused', (_, ask) => {
  expect(refusal(() => updatesOf(replaceSortOrder(ask))).code).toBe('INVALID_ARGUMENT');
});

test('an order is set over one that others set, but not on a column that only has the name now', () => {
  const start = newTable();
  const ask = replaceSortOrder((order) => order.asc('id'));
  const others = evolve(
    start,
    replaceSortOrder((order) => order.desc('ts')),
  );
  expect(planOf(ask, evolutionContext(others, { start })).updates).toHaveLength(2);
  const renamed = evolve(
    start,
    updateSchema((schema) => schema.renameColumn('id', 'no').renameColumn('ts', 'id')),
  );
  expect(refusal(() => planOf(ask, evolutionContext(renamed, { start }))).code).toBe('COMMIT_CONFLICT');
});

test('properties are set and removed; what is so already is not sent', () => {
  const operation = updateProperties({ set: { a: '1', b: '3', c: '4' }, remove: ['d'] });
  expect(updatesOf(operation)).toEqual([{ action: 'set-properties', updates: { b: '3', c: '4' } }]);
  const after = evolve(newTable(), operation, updateProperties({ set: { e: '' }, remove: ['a', 'x'] }));
  expect(after.properties).toEqual({ b: '3', c: '4', e: '' });
  expect(updatesOf(operation, evolve(newTable(), operation))).toEqual([]);
});

test('properties named like members of every object are properties', () => {
  const set = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
  const after = evolve(newTable(), updateProperties({ set }));
  expect(Object.entries(after.properties)).toEqual([
    ['a', '1'],
    ['b', '2'],
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  expect(updatesOf(updateProperties({ remove: ['toString'] }))).toEqual([]);
});

test.each([
  [{ set: { a: '1' }, remove: ['a'] }, 'both'],
  [{ set: { 'format-version': '2' } }, 'upgradeFormatVersion'],
  [{ set: { 'current-snapshot-id': '1' } }, 'reserved'],
  [{ set: { uuid: 'x' } }, 'reserved'],
  [{ set: { n: 1 as unknown as string } }, 'string'],
])('properties %j are refused at once', (change, why) => {
  expect(refusal(() => updateProperties(change))).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(why),
  });
});

test('a location is set without its last slash', () => {
  expect(evolve(newTable(), setLocation('s3://b/t/')).location).toBe('s3://b/t');
  expect(updatesOf(setLocation('mem://t/'))).toEqual([]);
  expect(refusal(() => setLocation('')).code).toBe('INVALID_ARGUMENT');
});

test('statistics are set for snapshots that are there, and removed', () => {
  const snapshotId = 2n ** 62n + 1n;
  const file = {
    snapshotId,
    statisticsPath: 'mem://t/s.puffin',
    fileSizeInBytes: 4,
    fileFooterSizeInBytes: 2,
  };
  const statistics = { ...file, blobMetadata: [] };
  const partitions = { snapshotId, statisticsPath: 'mem://t/p.parquet', fileSizeInBytes: 4 };
  const set = evolve(newTable(), setStatistics(statistics), setPartitionStatistics(partitions));
  expect(set.statistics).toEqual([statistics]);
  expect(set.partitionStatistics).toEqual([partitions]);
  const again = evolve(set, setStatistics({ ...statistics, statisticsPath: 'mem://t/2.puffin' }));
  expect(again.statistics.map((one) => one.statisticsPath)).toEqual(['mem://t/2.puffin']);
  const gone = evolve(set, removeStatistics(snapshotId), removePartitionStatistics(snapshotId));
  expect([gone.statistics, gone.partitionStatistics]).toEqual([[], []]);
  expect(updatesOf(removeStatistics(9n))).toEqual([]);
  expect(updatesOf(removePartitionStatistics(9n))).toEqual([]);
  for (const operation of [
    setStatistics({ ...statistics, snapshotId: 9n }),
    setPartitionStatistics({ ...partitions, snapshotId: 9n }),
  ]) {
    expect(refusal(() => updatesOf(operation)).code).toBe('SNAPSHOT_NOT_FOUND');
  }
});

const golden = async (name: string): Promise<TableMetadata> =>
  parseTableMetadata(
    await readFile(new URL(`../../test/fixtures/metadata/${name}.json`, import.meta.url), 'utf8'),
  );

test.each(['v1-full', 'v1-minimal'])('%s is upgraded, keeps its snapshots, and evolves', async (name) => {
  const v1 = await golden(name);
  const v2 = evolve(v1, upgradeFormatVersion(2));
  expect(v2).toMatchObject({ formatVersion: 2, lastSequenceNumber: 0n });
  expect(v2.tableUuid).toMatch(/^[0-9a-f-]{36}$/);
  if (v1.tableUuid !== '') expect(v2.tableUuid).toBe(v1.tableUuid);
  expect(v2.snapshots).toEqual(v1.snapshots);
  expect(v2.snapshots.every((snapshot) => snapshot.sequenceNumber === 0n)).toBe(true);
  expect(v2.refs).toEqual(v1.refs);
  const [first] = currentSchema(v2).fields;
  const evolved = evolve(
    v2,
    updateSchema((schema) => schema.addColumn('added', { type: 'date' })),
    updatePartitionSpec((spec) => spec.addField('added', 'month').addField(first!.name, 'bucket[4]')),
    replaceSortOrder((order) => order.asc('added')),
  );
  expect(evolved.lastColumnId).toBe(v1.lastColumnId + 1);
  expect(evolved.lastPartitionId).toBe(v1.lastPartitionId + 2);
  expect(updatesOf(upgradeFormatVersion(2), v2)).toEqual([]);
});

test('nothing but the upgrade is done to a v1 table, and there are no other versions to upgrade to', async () => {
  const v1 = await golden('v1-full');
  const unsupported = 'UNSUPPORTED_FORMAT_VERSION';
  expect(refusal(() => evolve(v1, updateProperties({ set: { k: 'v' } }))).code).toBe(unsupported);
  for (const version of [1, 3]) expect(refusal(() => upgradeFormatVersion(version)).code).toBe(unsupported);
  const v3: TableMetadata = { ...newTable(), formatVersion: 3, nextRowId: 0n };
  expect(refusal(() => updatesOf(upgradeFormatVersion(2), v3)).code).toBe(unsupported);
});
