import assert from 'node:assert/strict';
import type { Catalog, LoadedTable, TableIdentifier } from '../catalog/catalog.ts';
import type { FileIO } from '../io/file-io.ts';
import { loadTableMetadata, metadataFolder } from '../metadata/metadata-file.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import {
  assertFails,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  createOrders,
  dataFile,
  names,
  namespace,
  orderOptions,
  orders,
} from './conformance-case.ts';

const invoices: TableIdentifier = { namespace, name: 'invoices' };
const missing: TableIdentifier = { namespace, name: 'missing' };
const missingNamespace: TableIdentifier = { namespace: ['missing'], name: 'orders' };

export function tableCases({
  purge = true,
  rename = true,
  register = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [
    ...basicCases,
    ...(purge ? [purgeCase] : []),
    ...(rename ? renameCases : []),
    ...(register ? registerCases : []),
  ];
}

const basicCases: readonly CatalogConformanceCase[] = [
  {
    name: 'a new table has ids from 1, its spec and order mapped along, and no snapshot',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      assert.equal(metadata.formatVersion, 2);
      assert.deepEqual(
        metadata.schemas[0]!.fields.map((field) => [field.id, field.name, field.required]),
        [
          [1, 'segment_offset', true],
          [2, 'append_time', true],
          [3, 'attributes', false],
        ],
      );
      assert.equal(metadata.schemas[0]!.fields[0]!.doc, 'position in the topic');
      assert.deepEqual(metadata.schemas[0]!.fields[2]!.type, {
        type: 'map',
        keyId: 4,
        key: 'string',
        valueId: 5,
        valueRequired: true,
        value: 'string',
      });
      assert.deepEqual(metadata.schemas[0]!.identifierFieldIds, [1]);
      assert.equal(metadata.lastColumnId, 5);
      assert.deepEqual(metadata.partitionSpecs, [
        { specId: 0, fields: [{ sourceId: 2, fieldId: 1000, name: 'append_day', transform: 'day' }] },
      ]);
      assert.equal(metadata.lastPartitionId, 1000);
      const order = metadata.sortOrders.find((found) => found.orderId === metadata.defaultSortOrderId);
      assert.deepEqual(order?.fields, [
        { transform: 'identity', sourceId: 1, direction: 'asc', nullOrder: 'nulls-first' },
      ]);
      assert.equal(metadata.properties.owner, 'conformance');
      assert.equal(metadata.currentSnapshotId, undefined);
      assert.deepEqual(metadata.snapshots, []);
      assert.equal(metadata.lastSequenceNumber, 0n);
      assert.match(metadata.tableUuid, /^[0-9a-f-]{36}$/);
    },
  },
  {
    name: 'what create gives is what load gives, to every client and in the metadata file',
    async run({ catalog, other, io }) {
      const created = await createOrders(catalog);
      const loaded = await other.loadTable(orders);
      assert.deepEqual(loaded.metadata, created.metadata);
      assert.equal(loaded.metadataLocation, created.metadataLocation);
      assert.deepEqual(loaded.identifier, orders);
      assert.deepEqual(await loadTableMetadata(io, loaded.metadataLocation), created.metadata);
      assert.equal(await other.tableExists(orders), true);
    },
  },
  {
    name: 'a table without partitions and order has the empty spec and order 0',
    async run({ catalog }) {
      await catalog.createNamespace(namespace);
      const { metadata } = await catalog.createTable(orders, { schema: orderOptions.schema });
      assert.deepEqual(metadata.partitionSpecs, [{ specId: 0, fields: [] }]);
      assert.equal(metadata.lastPartitionId, 999);
      assert.deepEqual(metadata.sortOrders, [{ orderId: 0, fields: [] }]);
      assert.equal(metadata.defaultSortOrderId, 0);
    },
  },
  {
    name: 'two tables of a namespace have different locations and uuids',
    async run({ catalog }) {
      const first = await createOrders(catalog);
      const second = await catalog.createTable(invoices, orderOptions);
      assert.notEqual(first.metadata.tableUuid, second.metadata.tableUuid);
      assert.notEqual(metadataFolder(first.metadata), metadataFolder(second.metadata));
      assert.deepEqual(names(await catalog.listTables(namespace)), names([invoices, orders]));
    },
  },
  {
    name: 'a taken name is ALREADY_EXISTS and the table stays as it was',
    async run({ catalog, other }) {
      const created = await createOrders(catalog);
      await assertFails('ALREADY_EXISTS', () => other.createTable(orders, orderOptions));
      assert.deepEqual((await catalog.loadTable(orders)).metadata, created.metadata);
    },
  },
  {
    name: 'of several that create the same table at once exactly one succeeds',
    async run({ catalog, other }) {
      await catalog.createNamespace(namespace);
      const outcomes = await Promise.allSettled(
        [catalog, other, catalog, other].map((client) => client.createTable(orders, orderOptions)),
      );
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      assert.equal(won.length, 1);
      const loaded = await other.loadTable(orders);
      assert.equal(loaded.metadata.tableUuid, won[0]!.value.metadata.tableUuid);
    },
  },
  {
    name: 'a table in a namespace that is not there is NAMESPACE_NOT_FOUND',
    async run({ catalog }) {
      await assertFails('NAMESPACE_NOT_FOUND', () => catalog.createTable(missingNamespace, orderOptions));
      assert.equal(await catalog.tableExists(missingNamespace), false);
    },
  },
  {
    name: 'an unsound schema, spec or order is INVALID_ARGUMENT and makes no table',
    async run({ catalog }) {
      await catalog.createNamespace(namespace);
      const { schema } = orderOptions;
      const twice = [...schema.fields, schema.fields[0]!];
      const specOf = (transform: string, sourceId = 40) => ({
        fields: [{ sourceId, name: 'p', transform }],
      });
      const wrong = [
        { schema: { fields: twice } },
        { schema: { ...schema, identifierFieldIds: [99] } },
        { schema, partitionSpec: specOf('identity', 99) },
        { schema, partitionSpec: specOf('hour') },
        { schema, partitionSpec: specOf('no such transform') },
      ];
      for (const options of wrong) {
        await assertFails('INVALID_ARGUMENT', () => catalog.createTable(orders, options));
      }
      assert.equal(await catalog.tableExists(orders), false);
    },
  },
  {
    name: 'a table that is not there is TABLE_NOT_FOUND, and a nameless one INVALID_ARGUMENT',
    async run({ catalog }) {
      await catalog.createNamespace(namespace);
      const request = {
        requirements: [],
        updates: [{ action: 'set-properties', updates: { a: 'b' } }],
      } as const;
      for (const identifier of [missing, missingNamespace]) {
        await assertFails('TABLE_NOT_FOUND', () => catalog.loadTable(identifier));
        await assertFails('TABLE_NOT_FOUND', () => catalog.dropTable(identifier));
        await assertFails('TABLE_NOT_FOUND', () => catalog.commitTable(identifier, request));
        assert.equal(await catalog.tableExists(identifier), false);
      }
      await assertFails('INVALID_ARGUMENT', () => catalog.createTable({ namespace, name: '' }, orderOptions));
    },
  },
  {
    name: 'a dropped table is gone, its files stay, and its name may be used for another table',
    async run({ catalog, other, io }) {
      const first = await createOrders(catalog);
      await other.dropTable(orders);
      assert.equal(await catalog.tableExists(orders), false);
      assert.deepEqual(await catalog.listTables(namespace), []);
      assert.deepEqual(await loadTableMetadata(io, first.metadataLocation), first.metadata);
      const second = await catalog.createTable(orders, orderOptions);
      assert.notEqual(second.metadata.tableUuid, first.metadata.tableUuid);
      assert.deepEqual(await loadTableMetadata(io, first.metadataLocation), first.metadata);
    },
  },
];

const purgeCase: CatalogConformanceCase = {
  name: 'a purged table leaves no file behind',
  async run({ catalog, other, io }) {
    const table = await createOrders(catalog);
    const file = dataFile(table, 'a', 0, 10);
    await io.writeFile(file.filePath, Uint8Array.of(1, 2, 3));
    const { request, writtenFiles } = await prepareAppend({ base: table, io, dataFiles: [file] });
    const after = await catalog.commitTable(orders, request);
    await other.dropTable(orders, { purge: true });
    assert.equal(await catalog.tableExists(orders), false);
    const files = [file.filePath, ...writtenFiles, table.metadataLocation, after.metadataLocation];
    for (const location of files) await assert.rejects(io.readFile(location), location);
  },
};

const renameCases: readonly CatalogConformanceCase[] = [
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
];

const registerCases: readonly CatalogConformanceCase[] = [
  {
    name: 'a dropped table registered again has its whole history, and takes commits',
    async run({ catalog, other, io }) {
      const before = await createWithRows(catalog, io);
      await catalog.dropTable(orders);
      const back = await other.registerTable(invoices, before.metadataLocation);
      assert.deepEqual(back.metadata, before.metadata);
      assert.deepEqual((await catalog.loadTable(invoices)).metadata, before.metadata);
      const { request } = await prepareAppend({
        base: back,
        io,
        dataFiles: [dataFile(back, 'b', 10, 10)],
      });
      const after = await catalog.commitTable(invoices, request);
      assert.equal(after.metadata.snapshots.length, 2);
    },
  },
  {
    name: 'registering under a taken name is ALREADY_EXISTS, in no namespace NAMESPACE_NOT_FOUND',
    async run({ catalog }) {
      const table = await createOrders(catalog);
      await assertFails('ALREADY_EXISTS', () => catalog.registerTable(orders, table.metadataLocation));
      await assertFails('NAMESPACE_NOT_FOUND', () =>
        catalog.registerTable(missingNamespace, table.metadataLocation),
      );
    },
  },
  {
    name: 'registering a file that is damaged or not there fails and makes no table',
    async run({ catalog, io }) {
      const table = await createOrders(catalog);
      const folder = metadataFolder(table.metadata);
      const damaged = `${folder}/00007-damaged.metadata.json`;
      await io.writeFile(damaged, new TextEncoder().encode('{"format-version": 2,'));
      await assertFails('INVALID_METADATA', () => catalog.registerTable(invoices, damaged));
      await assertFails('IO_ERROR', () =>
        catalog.registerTable(invoices, `${folder}/00008-none.metadata.json`),
      );
      assert.equal(await catalog.tableExists(invoices), false);
    },
  },
];

async function createWithRows(catalog: Catalog, io: FileIO): Promise<LoadedTable> {
  const table = await createOrders(catalog);
  const { request } = await prepareAppend({ base: table, io, dataFiles: [dataFile(table, 'a', 0, 10)] });
  return catalog.commitTable(orders, request);
}
