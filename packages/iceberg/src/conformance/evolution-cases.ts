import assert from 'node:assert/strict';
import type { CommitRequest } from '../catalog/catalog.ts';
import type { UnboundPartitionSpec } from '../metadata/partition-spec.ts';
import type { NestedField } from '../metadata/schema.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { requirementsFor } from '../transaction/requirements.ts';
import { assertFails, type CatalogConformanceCase } from './conformance-case.ts';
import {
  commit,
  commitAppend,
  createOrders,
  createWithRows,
  liveEntries,
  orders,
} from './conformance-table.ts';

export const evolutionCases: readonly CatalogConformanceCase[] = [
  {
    name: 'schema, spec and order grow, and the new ones become current in the same commit',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const fields = [
        ...metadata.schemas[0]!.fields,
        { id: 6, name: 'note', required: false, type: 'string' } as const,
      ];
      await commit(catalog, [
        { action: 'add-schema', schema: { ...metadata.schemas[0]!, fields } },
        { action: 'set-current-schema', schemaId: -1 },
        { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: 'bucketed', transform: 'bucket[4]' }] } },
        { action: 'set-default-spec', specId: -1 },
        {
          action: 'add-sort-order',
          sortOrder: {
            fields: [{ sourceId: 6, transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' }],
          },
        },
        { action: 'set-default-sort-order', sortOrderId: -1 },
      ]);
      const after = (await other.loadTable(orders)).metadata;
      assert.equal(after.schemas.length, 2);
      assert.equal(after.currentSchemaId, 1);
      assert.equal(after.lastColumnId, 6);
      assert.equal(after.defaultSpecId, 1);
      assert.deepEqual(after.partitionSpecs[1]!.fields, [
        { sourceId: 1, fieldId: 1001, name: 'bucketed', transform: 'bucket[4]' },
      ]);
      assert.equal(after.lastPartitionId, 1001);
      assert.equal(after.metadataLog.length, 1);
      const order = after.sortOrders.find((found) => found.orderId === after.defaultSortOrderId)!;
      assert.equal(order.fields[0]!.direction, 'desc');
    },
  },
  {
    name: 'a schema or spec that the table has already is not added a second time',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      const after = await commit(catalog, [
        { action: 'add-schema', schema: { ...metadata.schemas[0]!, schemaId: 17 } },
        { action: 'set-current-schema', schemaId: -1 },
        { action: 'add-spec', spec: { fields: metadata.partitionSpecs[0]!.fields } },
        { action: 'set-default-spec', specId: -1 },
      ]);
      assert.deepEqual(after.metadata.schemas, metadata.schemas);
      assert.deepEqual(after.metadata.partitionSpecs, metadata.partitionSpecs);
    },
  },
  {
    name: 'of two schema changes on one base the second is a conflict: its new ids may be taken, or its column gone',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const adding = withColumns(metadata, (fields) => [...fields, column(6, 'late')]);
      await other.commitTable(
        orders,
        withColumns(metadata, (fields) => [...fields, column(6, 'early')]),
      );
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, adding));
      const { metadata: now } = await catalog.loadTable(orders);
      assert.equal(currentSchema(now).fields.at(-1)!.name, 'early');
      // No id is new here, so it is the current schema that tells.
      const again = withColumns(now, (fields) => [...fields].reverse());
      await other.commitTable(
        orders,
        withColumns(now, (fields) => fields.slice(0, -1)),
      );
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, again));
      assert.equal(currentSchema((await other.loadTable(orders)).metadata).fields.length, 3);
    },
  },
  {
    name: 'of two spec changes on one base the second is a conflict: its new field ids may be taken',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const late = withSpec(metadata, [{ sourceId: 1, name: 'late', transform: 'bucket[8]' }]);
      await other.commitTable(
        orders,
        withSpec(metadata, [{ sourceId: 1, name: 'early', transform: 'truncate[100]' }]),
      );
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, late));
      const { metadata: now } = await catalog.loadTable(orders);
      assert.equal(
        now.partitionSpecs.find((spec) => spec.specId === now.defaultSpecId)!.fields[0]!.name,
        'early',
      );
      // No field is new here, so it is the default spec that tells.
      const back = withSpec(now, metadata.partitionSpecs[0]!.fields);
      await other.commitTable(orders, withSpec(now, []));
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, back));
      assert.equal((await other.loadTable(orders)).metadata.partitionSpecs.length, 3);
    },
  },
  {
    name: 'of two changes of the sort order on one base the second is a conflict',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      await other.commitTable(orders, withOrder(metadata, 2));
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, withOrder(metadata, 1)));
      const { metadata: now } = await catalog.loadTable(orders);
      const order = now.sortOrders.find((found) => found.orderId === now.defaultSortOrderId);
      assert.equal(order!.fields[0]!.sourceId, 2);
    },
  },
  {
    name: 'schema, spec and sort order changed by different writers on one base all happen',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      await catalog.commitTable(
        orders,
        withSpec(metadata, [{ sourceId: 1, name: 'b', transform: 'bucket[8]' }]),
      );
      await other.commitTable(
        orders,
        withColumns(metadata, (fields) => [...fields, column(6, 'note')]),
      );
      await catalog.commitTable(orders, withOrder(metadata, 2));
      const { metadata: after } = await other.loadTable(orders);
      assert.equal(currentSchema(after).fields.at(-1)!.name, 'note');
      assert.equal(after.lastPartitionId, 1001);
      assert.notEqual(after.defaultSpecId, metadata.defaultSpecId);
      assert.notEqual(after.defaultSortOrderId, metadata.defaultSortOrderId);
    },
  },
  {
    name: 'a change taken back has the schema, spec and order of before, with their ids; used ids stay used',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const there = async (make: (now: TableMetadata) => CommitRequest) =>
        catalog.commitTable(orders, make((await other.loadTable(orders)).metadata));
      await there((now) => withColumns(now, (fields) => [...fields, column(6, 'a'), column(7, 'b')]));
      await there((now) => withColumns(now, (fields) => fields.slice(0, 3)));
      await there((now) => withSpec(now, [{ sourceId: 1, name: 'bucketed', transform: 'bucket[8]' }]));
      await there((now) => withSpec(now, metadata.partitionSpecs[0]!.fields));
      await there((now) => withOrder(now, 2));
      const { metadata: after } = await there((now) => withOrder(now, 1));
      assert.deepEqual(currentSchema(after), currentSchema(metadata));
      assert.equal(after.defaultSpecId, metadata.defaultSpecId);
      assert.equal(after.defaultSortOrderId, metadata.defaultSortOrderId);
      assert.equal(after.lastColumnId, 7);
      assert.equal(after.lastPartitionId, 1001);
      assert.equal(after.schemas.length, 2);
      assert.equal(after.partitionSpecs.length, 2);
    },
  },
  {
    name: 'schemas and specs that nothing uses are removed; the current ones are not',
    async run({ catalog, other, io }) {
      const table = await createWithRows(catalog, io);
      const there = async (make: (now: TableMetadata) => CommitRequest) =>
        catalog.commitTable(orders, make((await catalog.loadTable(orders)).metadata));
      await there((now) => withColumns(now, (fields) => [...fields, column(6, 'a')]));
      await there((now) => withColumns(now, (fields) => [...fields, column(7, 'b')]));
      await there((now) => withSpec(now, [{ sourceId: 1, name: 'bucketed', transform: 'bucket[8]' }]));
      const { metadata } = await there((now) => withSpec(now, []));
      assert.deepEqual(
        metadata.schemas.map((schema) => schema.schemaId),
        [0, 1, 2],
      );
      const unused = { action: 'remove-schemas', schemaIds: [1] } as const;
      await commit(other, [unused, { action: 'remove-partition-specs', specIds: [1] }]);
      const after = (await catalog.loadTable(orders)).metadata;
      assert.deepEqual(
        after.schemas.map((schema) => schema.schemaId),
        [0, 2],
      );
      assert.deepEqual(
        after.partitionSpecs.map((spec) => spec.specId),
        [0, 2],
      );
      assert.deepEqual(after.snapshots, table.metadata.snapshots);
      assert.equal((await liveEntries(io, { ...table, metadata: after }))[0]!.dataFile.specId, 0);
      for (const update of [
        { action: 'remove-schemas', schemaIds: [2] },
        { action: 'remove-partition-specs', specIds: [2] },
      ] as const) {
        await assertFails('INVALID_ARGUMENT', () => commit(catalog, [update]));
      }
      // The id of a removed schema is not given again, since old metadata files still name it.
      const { metadata: grown } = await there((now) =>
        withColumns(now, (fields) => [...fields, column(8, 'c')]),
      );
      assert.equal(grown.currentSchemaId, 3);
    },
  },
  {
    name: 'a table replaced in one commit keeps its uuid, its snapshots and their log; ids are not used twice',
    async run({ catalog, other, io }) {
      const before = await createWithRows(catalog, io);
      const replaced = await commit(catalog, [
        { action: 'remove-snapshot-ref', refName: 'main' },
        {
          action: 'add-schema',
          schema: { schemaId: 0, fields: [column(6, 'segment_offset'), column(7, 'other')] },
        },
        { action: 'set-current-schema', schemaId: -1 },
        {
          action: 'add-spec',
          spec: { fields: [{ sourceId: 7, name: 'other_bucket', transform: 'bucket[4]' }] },
        },
        { action: 'set-default-spec', specId: -1 },
        { action: 'add-sort-order', sortOrder: { fields: [] } },
        { action: 'set-default-sort-order', sortOrderId: -1 },
        { action: 'set-properties', updates: { owner: 'replaced' } },
      ]);
      assert.equal(replaced.metadata.currentSnapshotId, undefined);
      assert.deepEqual(replaced.metadata.snapshots, before.metadata.snapshots);
      const after = await commitAppend(other, replaced, { io, partition: [1] });
      const { metadata } = await catalog.loadTable(orders);
      assert.equal(metadata.tableUuid, before.metadata.tableUuid);
      assert.equal(metadata.snapshots.length, 2);
      assert.equal(metadata.snapshots[1]!.parentSnapshotId, undefined);
      assert.deepEqual(
        metadata.snapshotLog.map((entry) => entry.snapshotId),
        [before.metadata.currentSnapshotId, after.metadata.currentSnapshotId],
      );
      assert.equal((await liveEntries(io, after)).length, 1);
      assert.equal(metadata.lastColumnId, 7);
      assert.equal(metadata.lastPartitionId, 1001);
      assert.equal(metadata.defaultSortOrderId, 0);
    },
  },
];

function column(id: number, name: string): NestedField {
  return { id, name, required: false, type: 'string' };
}

/** The change of the schema as a client that looked at `base` sends it. */
function withColumns(
  base: TableMetadata,
  change: (fields: readonly NestedField[]) => readonly NestedField[],
): CommitRequest {
  const schema = currentSchema(base);
  return requestOn(base, [
    { action: 'add-schema', schema: { ...schema, fields: change(schema.fields) } },
    { action: 'set-current-schema', schemaId: -1 },
  ]);
}

function withSpec(base: TableMetadata, fields: UnboundPartitionSpec['fields']): CommitRequest {
  return requestOn(base, [
    { action: 'add-spec', spec: { fields } },
    { action: 'set-default-spec', specId: -1 },
  ]);
}

/** Ascending by one column; `createOrders` has column 1. */
function withOrder(base: TableMetadata, sourceId: number): CommitRequest {
  const field = { sourceId, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' } as const;
  return requestOn(base, [
    { action: 'add-sort-order', sortOrder: { fields: [field] } },
    { action: 'set-default-sort-order', sortOrderId: -1 },
  ]);
}

function requestOn(base: TableMetadata, updates: CommitRequest['updates']): CommitRequest {
  return { requirements: requirementsFor(base, updates), updates };
}
