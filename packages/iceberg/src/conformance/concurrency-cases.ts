import assert from 'node:assert/strict';
import type { Catalog, LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import { currentSchema } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import {
  assertOneWins,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  clients,
  names,
} from './conformance-case.ts';
import {
  commit,
  createOrders,
  createWithRows,
  dataFile,
  invoices,
  liveEntries,
  liveNames,
  namespace,
  orderOptions,
  orders,
  settingProperty,
} from './conformance-table.ts';

export function concurrencyCases({
  rename = true,
  register = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [...basicCases, ...(rename ? renameCases : []), ...(register ? [registerCase] : [])];
}

const basicCases: readonly CatalogConformanceCase[] = [
  {
    name: 'of several that create the same table at once exactly one succeeds, the others find it there',
    async run(subject) {
      await subject.catalog.createNamespace(namespace);
      const calls = clients(subject, 8).map((client, i) =>
        client.createTable(orders, { ...orderOptions, properties: { writer: `w${i}` } }),
      );
      const won = await assertOneWins(calls, 'ALREADY_EXISTS');
      const loaded = await subject.other.loadTable(orders);
      assert.deepEqual(loaded.metadata, won.metadata);
      assert.deepEqual(names(await subject.catalog.listTables(namespace)), names([orders]));
    },
  },
  {
    name: 'of several commits at once that assert the same state exactly one happens, round after round',
    async run(subject) {
      const { catalog, other, io } = subject;
      let table = await createOrders(catalog);
      for (const round of ['a', 'b', 'c']) {
        const base = table;
        const prepared = await Promise.all(
          clients(subject, 6).map((_, i) =>
            prepareAppend({ base, io, dataFiles: [dataFile(base, `${round}${i}`, 0, 1)] }),
          ),
        );
        const calls = clients(subject, 6).map((client, i) =>
          client.commitTable(orders, prepared[i]!.request),
        );
        const won = await assertOneWins(calls, 'COMMIT_CONFLICT');
        table = await other.loadTable(orders);
        assert.deepEqual(table.metadata, won.metadata);
      }
      assert.equal(table.metadata.snapshots.length, 3);
      assert.equal((await liveNames(io, table)).length, 3);
    },
  },
  {
    name: 'of two writers on one base exactly one wins; the other is a conflict and may try on the new base',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const requests = await Promise.all(
        ['a', 'b'].map((name, i) =>
          prepareAppend({ base, io, dataFiles: [dataFile(base, name, i * 10, 10)] }),
        ),
      );
      const outcomes = await Promise.allSettled([
        catalog.commitTable(orders, requests[0]!.request),
        other.commitTable(orders, requests[1]!.request),
      ]);
      assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ['fulfilled', 'rejected']);
      const lost = outcomes.find((outcome) => outcome.status === 'rejected')!;
      assert.ok(IcebergError.is(lost.reason, 'COMMIT_CONFLICT'), String(lost.reason));
      const now = await catalog.loadTable(orders);
      assert.equal(now.metadata.snapshots.length, 1);
      const retry = await prepareAppend({ base: now, io, dataFiles: [dataFile(base, 'c', 20, 10)] });
      const after = await other.commitTable(orders, retry.request);
      assert.equal(after.metadata.snapshots.length, 2);
      assert.equal(after.metadata.snapshots[1]!.summary['total-records'], '20');
    },
  },
  {
    name: 'commits at the same time that do not contradict each other all happen',
    async run({ catalog, other }) {
      await createOrders(catalog);
      const clients = [catalog, other, catalog, other, catalog, other];
      await Promise.all(
        clients.map((client, i) =>
          commit(client, [{ action: 'set-properties', updates: { [`k${i}`]: 'v' } }]),
        ),
      );
      const { properties } = (await catalog.loadTable(orders)).metadata;
      assert.deepEqual(Object.keys(properties).sort(), ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'owner']);
    },
  },
  {
    name: 'writers that reload after each conflict lose no append and repeat none',
    async run({ catalog, other, io }) {
      const table = await createOrders(catalog);
      const appendOnce = async (client: Catalog, name: string): Promise<void> => {
        for (;;) {
          const base = await client.loadTable(orders);
          const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(table, name, 0, 1)] });
          try {
            await client.commitTable(orders, request);
            return;
          } catch (error) {
            if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
          }
        }
      };
      await Promise.all(
        [catalog, other, catalog].map(async (client, writer) => {
          for (let i = 0; i < 4; i += 1) await appendOnce(client, `${writer}-${i}`);
        }),
      );
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.snapshots.length, 12);
      assert.equal(metadata.snapshots.at(-1)!.summary['total-data-files'], '12');
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.sequenceNumber),
        Array.from({ length: 12 }, (_, i) => BigInt(i + 1)),
      );
    },
  },
  {
    name: 'an append decided before the schema and the spec changed lands beside them, in its own spec',
    async run({ catalog, other, io }) {
      // Of a spec that files have already: one that nothing holds could be removed meanwhile, so it is asserted.
      const base = await createWithRows(catalog, io);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 10, 10)] });
      const [schema] = base.metadata.schemas;
      const note = { id: 6, name: 'note', required: false, type: 'string' } as const;
      await commit(other, [
        { action: 'add-schema', schema: { ...schema!, fields: [...schema!.fields, note] } },
        { action: 'set-current-schema', schemaId: -1 },
        { action: 'add-spec', spec: { fields: [] } },
        { action: 'set-default-spec', specId: -1 },
      ]);
      await catalog.commitTable(orders, request);
      const after = await other.loadTable(orders);
      assert.equal(currentSchema(after.metadata).fields.length, 4);
      assert.equal(after.metadata.defaultSpecId, 1);
      for (const { dataFile: file } of await liveEntries(io, after)) {
        assert.deepEqual([file.specId, file.partition], [0, [20_000]]);
      }
      assert.equal((await liveEntries(io, after)).length, 2);
    },
  },
  {
    name: 'properties of a namespace set at the same time are all there',
    async run(subject) {
      await subject.catalog.createNamespace(namespace, { gone: 'yes' });
      await Promise.all(
        clients(subject, 6).map((client, i) =>
          client.updateNamespaceProperties(namespace, {
            updates: { [`k${i}`]: 'v' },
            removals: i === 0 ? ['gone'] : [],
          }),
        ),
      );
      const properties = await subject.other.loadNamespaceProperties(namespace);
      for (const key of ['k0', 'k1', 'k2', 'k3', 'k4', 'k5']) assert.equal(properties[key], 'v', key);
      assert.equal(properties.gone, undefined);
    },
  },
  {
    name: 'a table made while its namespace is dropped is in a namespace that is there, or is not made',
    async run(subject) {
      const { catalog, other } = subject;
      for (let i = 0; i < 4; i += 1) {
        await catalog.createNamespace(namespace);
        const [created, dropped] = await Promise.allSettled([
          catalog.createTable(orders, orderOptions),
          other.dropNamespace(namespace),
        ]);
        assert.notEqual(created.status, dropped.status, 'exactly one of both happened');
        assert.equal(await other.namespaceExists(namespace), created.status === 'fulfilled');
        assert.equal(await catalog.tableExists(orders), created.status === 'fulfilled');
        if (created.status === 'rejected') continue;
        await catalog.dropTable(orders);
        await catalog.dropNamespace(namespace);
      }
    },
  },
  {
    name: 'a commit that meets a drop leaves no table behind',
    async run({ catalog, other }) {
      await catalog.createNamespace(namespace);
      for (let i = 0; i < 4; i += 1) {
        await catalog.createTable(orders, orderOptions);
        const [committed] = await Promise.allSettled([
          catalog.commitTable(orders, settingProperty('k', 'v')),
          other.dropTable(orders),
        ]);
        if (committed.status === 'rejected') assertNotThere(committed.reason);
        assert.equal(await catalog.tableExists(orders), false);
      }
    },
  },
];

const renameCases: readonly CatalogConformanceCase[] = [
  {
    name: 'a commit that meets a rename is in the renamed table, or did not happen',
    async run({ catalog, other }) {
      await catalog.createNamespace(namespace);
      for (let i = 0; i < 4; i += 1) {
        await catalog.createTable(orders, orderOptions);
        const [committed, renamed] = await Promise.allSettled([
          catalog.commitTable(orders, settingProperty('k', 'v')),
          other.renameTable(orders, invoices),
        ]);
        assert.equal(renamed.status, 'fulfilled');
        if (committed.status === 'rejected') assertNotThere(committed.reason);
        const { properties } = (await other.loadTable(invoices)).metadata;
        assert.equal(properties.k === 'v', committed.status === 'fulfilled');
        assert.equal(await catalog.tableExists(orders), false);
        await other.dropTable(invoices);
      }
    },
  },
  {
    name: 'of several tables renamed to one name at once exactly one gets it, and none is lost',
    async run(subject) {
      const { catalog, other } = subject;
      await catalog.createNamespace(namespace);
      const sources = ['a', 'b', 'c', 'd'].map((name) => ({ namespace, name }));
      const tables: LoadedTable[] = [];
      for (const source of sources) tables.push(await catalog.createTable(source, orderOptions));
      const calls = clients(subject, 4).map((client, i) => client.renameTable(sources[i]!, orders));
      await assertOneWins(calls, 'ALREADY_EXISTS');
      const left = await other.listTables(namespace);
      const uuids = await Promise.all(
        left.map(async (table) => (await other.loadTable(table)).metadata.tableUuid),
      );
      assert.deepEqual(uuids.sort(), tables.map((table) => table.metadata.tableUuid).sort());
    },
  },
];

const registerCase: CatalogConformanceCase = {
  name: 'of several that register a table under one name at once exactly one succeeds',
  async run(subject) {
    const { metadataLocation } = await createOrders(subject.catalog);
    await subject.catalog.dropTable(orders);
    const calls = clients(subject, 4).map((client) => client.registerTable(invoices, metadataLocation));
    await assertOneWins(calls, 'ALREADY_EXISTS');
    assert.equal((await subject.other.loadTable(invoices)).metadataLocation, metadataLocation);
  },
};

/** What a commit to a table that is gone may say. */
function assertNotThere(error: unknown): void {
  const known = IcebergError.is(error, 'TABLE_NOT_FOUND') || IcebergError.is(error, 'COMMIT_CONFLICT');
  assert.ok(known, String(error));
}
