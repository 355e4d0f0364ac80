import assert from 'node:assert/strict';
import { assertFails, type CatalogConformanceCase, names } from './conformance-case.ts';
import {
  createOrders,
  invoices,
  missing,
  missingNamespace,
  namespace,
  orderOptions,
  orders,
  settingProperty,
} from './conformance-table.ts';

export const renameCases: readonly CatalogConformanceCase[] = [
  {
    name: 'a renamed table is the same table under the other name only',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      await catalog.createNamespace(['elsewhere']);
      const target = { namespace: ['elsewhere'], name: 'orders' };
      await catalog.renameTable(orders, target);
      const after = await other.loadTable(target);
      assert.deepEqual(after.metadata, before.metadata);
      assert.equal(after.metadataLocation, before.metadataLocation);
      assert.deepEqual(after.identifier, target);
      assert.equal(await other.tableExists(orders), false);
      await assertFails('TABLE_NOT_FOUND', () => other.loadTable(orders));
      const request = {
        requirements: [],
        updates: [{ action: 'set-properties', updates: { a: 'b' } }],
      } as const;
      assert.equal((await other.commitTable(target, request)).metadata.properties.a, 'b');
    },
  },
  {
    name: 'a rename to a taken name is ALREADY_EXISTS, and both tables stay',
    async run({ catalog, other }) {
      const first = await createOrders(catalog);
      const second = await catalog.createTable(invoices, orderOptions);
      await assertFails('ALREADY_EXISTS', () => other.renameTable(orders, invoices));
      assert.equal((await catalog.loadTable(orders)).metadata.tableUuid, first.metadata.tableUuid);
      assert.equal((await catalog.loadTable(invoices)).metadata.tableUuid, second.metadata.tableUuid);
    },
  },
  {
    name: 'a rename of no table, or to no namespace, says which is missing',
    async run({ catalog }) {
      await createOrders(catalog);
      await assertFails('TABLE_NOT_FOUND', () => catalog.renameTable(missing, invoices));
      await assertFails('NAMESPACE_NOT_FOUND', () => catalog.renameTable(orders, missingNamespace));
      assert.equal(await catalog.tableExists(orders), true);
    },
  },
  {
    name: 'after a rename the old name takes no commit, and may be used for another table',
    async run({ catalog, other }) {
      const first = await createOrders(catalog);
      await other.renameTable(orders, invoices);
      assert.deepEqual(names(await catalog.listTables(namespace)), names([invoices]));
      const request = settingProperty('late', 'yes');
      await assertFails('TABLE_NOT_FOUND', () => catalog.commitTable(orders, request));
      const second = await catalog.createTable(orders, orderOptions);
      const late = {
        ...request,
        requirements: [{ type: 'assert-table-uuid', uuid: first.metadata.tableUuid }],
      } as const;
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, late));
      const after = await other.commitTable(invoices, late);
      assert.equal(after.metadata.properties.late, 'yes');
      assert.deepEqual((await catalog.loadTable(orders)).metadata, second.metadata);
    },
  },
];
