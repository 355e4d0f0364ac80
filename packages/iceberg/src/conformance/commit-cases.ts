import assert from 'node:assert/strict';
import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { refByName } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import { assertFails, type CatalogConformanceCase } from './conformance-case.ts';
import {
  commit,
  createOrders,
  dataFile,
  liveNames,
  orderOptions,
  orders,
  settingProperty,
} from './conformance-table.ts';

export const commitCases: readonly CatalogConformanceCase[] = [
  {
    name: 'properties are set and removed, and every client sees it',
    async run({ catalog, other, io }) {
      const before = await createOrders(catalog);
      const after = await commit(catalog, [
        { action: 'set-properties', updates: { a: '1', b: 'ü {"x":"y"}', owner: 'new' } },
        { action: 'remove-properties', removals: ['a', 'never'] },
      ]);
      assert.deepEqual(after.metadata.properties, { b: 'ü {"x":"y"}', owner: 'new' });
      assert.notEqual(after.metadataLocation, before.metadataLocation);
      const loaded = await other.loadTable(orders);
      assert.deepEqual(loaded, after);
      assert.deepEqual(await loadTableMetadata(io, loaded.metadataLocation), after.metadata);
      assert.ok(after.metadata.lastUpdatedMs >= before.metadata.lastUpdatedMs);
      assert.deepEqual(
        after.metadata.metadataLog.map((entry) => entry.metadataFile),
        [before.metadataLocation],
      );
    },
  },
  {
    name: 'each requirement that does not hold is COMMIT_CONFLICT and changes nothing',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      const failing: TableRequirement[] = [
        { type: 'assert-create' },
        { type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
        { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: 1n },
        { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 4 },
        { type: 'assert-current-schema-id', currentSchemaId: 1 },
        { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 999 },
        { type: 'assert-default-spec-id', defaultSpecId: 1 },
        { type: 'assert-default-sort-order-id', defaultSortOrderId: 0 },
      ];
      for (const requirement of failing) {
        await assertFails('COMMIT_CONFLICT', () =>
          catalog.commitTable(orders, {
            requirements: [{ type: 'assert-table-uuid', uuid: before.metadata.tableUuid }, requirement],
            updates: [{ action: 'set-properties', updates: { from: requirement.type } }],
          }),
        );
      }
      assert.deepEqual((await other.loadTable(orders)).metadata, before.metadata);
    },
  },
  {
    name: 'a commit whose requirements all hold succeeds',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      const requirements: TableRequirement[] = [
        { type: 'assert-table-uuid', uuid: metadata.tableUuid },
        { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: null },
        { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 5 },
        { type: 'assert-current-schema-id', currentSchemaId: metadata.currentSchemaId },
        { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 1000 },
        { type: 'assert-default-spec-id', defaultSpecId: metadata.defaultSpecId },
        { type: 'assert-default-sort-order-id', defaultSortOrderId: metadata.defaultSortOrderId },
      ];
      const updates: TableUpdate[] = [{ action: 'set-properties', updates: { done: 'yes' } }];
      const after = await catalog.commitTable(orders, { requirements, updates });
      assert.equal(after.metadata.properties.done, 'yes');
    },
  },
  {
    name: 'an update that cannot apply is INVALID_ARGUMENT, and the others of its commit do not apply either',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      const wrong: TableUpdate[] = [
        { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: 77n },
        { action: 'set-current-schema', schemaId: 9 },
        { action: 'set-default-spec', specId: 9 },
        { action: 'set-default-sort-order', sortOrderId: 9 },
        { action: 'assign-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
        { action: 'upgrade-format-version', formatVersion: 1 },
      ];
      for (const update of wrong) {
        await assertFails('INVALID_ARGUMENT', () =>
          commit(catalog, [{ action: 'set-properties', updates: { half: 'done' } }, update]),
        );
      }
      assert.deepEqual((await other.loadTable(orders)).metadata, before.metadata);
    },
  },
  {
    name: 'the same request sent again is a conflict and adds nothing',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 0, 10)] });
      const after = await catalog.commitTable(orders, request);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, request));
      assert.deepEqual((await catalog.loadTable(orders)).metadata, after.metadata);
    },
  },
  {
    name: 'a commit to a table that was dropped meanwhile is TABLE_NOT_FOUND, to its successor a conflict',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 0, 10)] });
      await other.dropTable(orders);
      await assertFails('TABLE_NOT_FOUND', () => catalog.commitTable(orders, request));
      await other.createTable(orders, orderOptions);
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, request));
      assert.deepEqual((await other.loadTable(orders)).metadata.snapshots, []);
    },
  },
  {
    name: 'a request resent with its idempotency key adds nothing, whether it is answered or refused',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 0, 10)] });
      const options = { idempotencyKey: '01890a5d-ac96-774b-bcce-b302099a8057' };
      const after = await catalog.commitTable(orders, request, options);
      try {
        assert.deepEqual((await other.commitTable(orders, request, options)).metadata, after.metadata);
      } catch (error) {
        if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
      }
      assert.deepEqual((await catalog.loadTable(orders)).metadata, after.metadata);
    },
  },
  {
    name: 'a uuid asserted or assigned in upper case is the same uuid',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      const uuid = metadata.tableUuid.toUpperCase();
      const { updates } = settingProperty('k', 'v');
      const request = {
        requirements: [{ type: 'assert-table-uuid', uuid }],
        updates: [{ action: 'assign-uuid', uuid }, ...updates],
      } as const;
      const after = await catalog.commitTable(orders, request);
      assert.equal(after.metadata.tableUuid.toLowerCase(), metadata.tableUuid.toLowerCase());
      assert.equal(after.metadata.properties.k, 'v');
    },
  },
  {
    name: 'a commit without updates succeeds and changes nothing, unless its requirements fail',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      const kept: TableRequirement = { type: 'assert-table-uuid', uuid: before.metadata.tableUuid };
      const same = await catalog.commitTable(orders, { requirements: [kept], updates: [] });
      assert.deepEqual(same.metadata, before.metadata);
      const failing: TableRequirement = { type: 'assert-default-spec-id', defaultSpecId: 5 };
      await assertFails('COMMIT_CONFLICT', () =>
        other.commitTable(orders, { requirements: [kept, failing], updates: [] }),
      );
      assert.deepEqual((await other.loadTable(orders)).metadata, before.metadata);
    },
  },
  {
    name: 'names that every JavaScript object has are ordinary keys of properties, refs and tables',
    async run({ catalog, other, io }) {
      const table = await createOrders(catalog);
      const { request, snapshotId } = await prepareAppend({
        base: table,
        io,
        dataFiles: [],
        tags: ['constructor'],
      });
      await catalog.commitTable(orders, request);
      const updates = Object.fromEntries([
        ['__proto__', 'a'],
        ['constructor', 'b'],
        ['toString', 'c'],
      ]);
      await commit(catalog, [{ action: 'set-properties', updates }]);
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(
        Object.entries(metadata.properties).sort(),
        [...Object.entries(updates), ['owner', 'conformance']].sort(),
      );
      assert.equal(refByName(metadata, 'constructor')?.snapshotId, snapshotId);
      const named = { namespace: orders.namespace, name: 'constructor' };
      assert.equal(await other.tableExists(named), false);
      await assertFails('TABLE_NOT_FOUND', () => other.loadTable(named));
      await catalog.createTable(named, orderOptions);
      assert.deepEqual((await other.loadTable(named)).identifier, named);
    },
  },
  {
    name: 'a large commit is whole: a thousand files, a megabyte of properties, hundreds of columns',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const dataFiles = Array.from({ length: 1000 }, (_, i) => dataFile(base, `n${i}`, i, 1));
      const setProperties = Object.fromEntries(
        Array.from({ length: 500 }, (_, i) => [`k${i}`, 'x'.repeat(2000)]),
      );
      const { request } = await prepareAppend({ base, io, dataFiles, setProperties });
      const [schema] = base.metadata.schemas;
      const columns = Array.from(
        { length: 300 },
        (_, i) => ({ id: 6 + i, name: `c${i}`, required: false, type: 'string' }) as const,
      );
      const grow: TableUpdate[] = [
        { action: 'add-schema', schema: { ...schema!, fields: [...schema!.fields, ...columns] } },
        { action: 'set-current-schema', schemaId: -1 },
      ];
      await catalog.commitTable(orders, { ...request, updates: [...request.updates, ...grow] });
      const loaded = await other.loadTable(orders);
      assert.equal(loaded.metadata.lastColumnId, 305);
      assert.equal(loaded.metadata.properties.k499, 'x'.repeat(2000));
      assert.equal((await liveNames(io, loaded)).length, 1000);
    },
  },
];
