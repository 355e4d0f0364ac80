import assert from 'node:assert/strict';
import { loadTableMetadata, metadataFolder } from '../metadata/metadata-file.ts';
import {
  assertFails,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  names,
} from './conformance-case.ts';
import {
  createOrders,
  invoices,
  missingNamespace,
  namespace,
  orderOptions,
  orders,
} from './conformance-table.ts';

export function createCases({
  requestedLocation = true,
  freshLocations = true,
  rename = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [
    ...basicCases,
    ...(requestedLocation ? [requestedLocationCase] : []),
    ...(freshLocations ? [droppedLocationCase] : []),
    ...(freshLocations && rename ? [renamedLocationCase] : []),
  ];
}

const basicCases: readonly CatalogConformanceCase[] = [
  {
    name: 'every option of a new table is there after a load, and format-version is no property',
    async run({ catalog, other }) {
      await catalog.createNamespace(namespace);
      const properties = { 'format-version': '2', owner: 'ü', 'commit.retry.num-retries': '7', empty: '' };
      const sortOrder = {
        fields: [
          { sourceId: 10, transform: 'day', direction: 'desc', nullOrder: 'nulls-last' },
          { sourceId: 40, transform: 'bucket[16]', direction: 'asc', nullOrder: 'nulls-first' },
        ],
      } as const;
      const partitionSpec = {
        fields: [
          { sourceId: 40, name: 'part', transform: 'truncate[1000]' },
          { sourceId: 10, name: 'hour', transform: 'hour' },
        ],
      };
      await catalog.createTable(orders, {
        schema: orderOptions.schema,
        partitionSpec,
        sortOrder,
        properties,
      });
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(metadata.partitionSpecs[0]!.fields, [
        { sourceId: 1, fieldId: 1000, name: 'part', transform: 'truncate[1000]' },
        { sourceId: 2, fieldId: 1001, name: 'hour', transform: 'hour' },
      ]);
      const order = metadata.sortOrders.find((found) => found.orderId === metadata.defaultSortOrderId);
      assert.deepEqual(order?.fields, [
        { sourceId: 2, transform: 'day', direction: 'desc', nullOrder: 'nulls-last' },
        { sourceId: 1, transform: 'bucket[16]', direction: 'asc', nullOrder: 'nulls-first' },
      ]);
      for (const [key, value] of Object.entries(properties).slice(1)) {
        assert.equal(metadata.properties[key], value, key);
      }
      assert.equal(metadata.properties['format-version'], undefined);
    },
  },
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
];

const requestedLocationCase: CatalogConformanceCase = {
  name: 'a table is made where its location says, its metadata file below it',
  async run({ catalog, other, io }) {
    const { metadata: neighbour } = await createOrders(catalog);
    const location = `${neighbour.location}-requested`;
    await catalog.createTable(invoices, { ...orderOptions, location: `${location}/` });
    const loaded = await other.loadTable(invoices);
    // With a slash or without is the same place.
    assert.equal(loaded.metadata.location.replace(/\/$/, ''), location);
    assert.ok(loaded.metadataLocation.startsWith(`${location}/metadata/`), loaded.metadataLocation);
    assert.deepEqual(await loadTableMetadata(io, loaded.metadataLocation), loaded.metadata);
  },
};

const droppedLocationCase: CatalogConformanceCase = {
  name: 'a new table does not get the location of a dropped one of its name, whose files may be there still',
  async run({ catalog, other }) {
    const first = await createOrders(catalog);
    await catalog.dropTable(orders);
    const second = await other.createTable(orders, orderOptions);
    assert.notEqual(second.metadata.location, first.metadata.location);
  },
};

const renamedLocationCase: CatalogConformanceCase = {
  name: 'a new table does not get the location of one that had its name before',
  async run({ catalog, other }) {
    const first = await createOrders(catalog);
    await catalog.renameTable(orders, invoices);
    const second = await other.createTable(orders, orderOptions);
    assert.notEqual(second.metadata.location, first.metadata.location);
    assert.equal((await other.loadTable(invoices)).metadata.tableUuid, first.metadata.tableUuid);
  },
};
