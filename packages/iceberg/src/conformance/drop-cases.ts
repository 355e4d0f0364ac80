import assert from 'node:assert/strict';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { currentSnapshot } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import {
  assertFails,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  names,
} from './conformance-case.ts';
import {
  commit,
  createOrders,
  createWithRows,
  dataFile,
  invoices,
  missing,
  missingNamespace,
  namespace,
  orderOptions,
  orders,
} from './conformance-table.ts';

export function dropCases({ purge = true }: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [...basicCases, ...(purge ? [purgeCase, damagedPurgeCase, purgeWithoutGcCase] : [])];
}

const basicCases: readonly CatalogConformanceCase[] = [
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
  {
    name: 'tables are listed in their own namespace only, until they are dropped',
    async run({ catalog, other }) {
      await catalog.createNamespace(['conformance_2']);
      const elsewhere = { namespace: ['conformance_2'], name: 'orders' };
      const listed = async () =>
        [names(await other.listTables(namespace)), names(await other.listTables(['conformance_2']))] as const;
      await createOrders(catalog);
      assert.deepEqual(await listed(), [names([orders]), []]);
      await catalog.createTable(elsewhere, orderOptions);
      await catalog.createTable(invoices, orderOptions);
      assert.deepEqual(await listed(), [names([invoices, orders]), names([elsewhere])]);
      await other.dropTable(orders);
      assert.deepEqual(await listed(), [names([invoices]), names([elsewhere])]);
      await other.dropTable(elsewhere);
      await other.dropTable(invoices);
      assert.deepEqual(await listed(), [[], []]);
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

const damagedPurgeCase: CatalogConformanceCase = {
  name: 'a table of which a manifest cannot be read is not purged: nothing happens to its name and files',
  async run({ catalog, other, io }) {
    const table = await createOrders(catalog);
    const file = dataFile(table, 'a', 0, 10);
    await io.writeFile(file.filePath, Uint8Array.of(1, 2, 3));
    const { request, writtenFiles } = await prepareAppend({ base: table, io, dataFiles: [file] });
    const after = await catalog.commitTable(orders, request);
    const { manifestList } = currentSnapshot(after.metadata)!;
    const [manifest] = writtenFiles.filter((location) => location !== manifestList);
    const bytes = await io.readFile(manifest!);
    await io.deleteFile(manifest!);
    await assertFails('IO_ERROR', () => other.dropTable(orders, { purge: true }));
    assert.deepEqual((await catalog.loadTable(orders)).metadata, after.metadata);
    for (const location of [file.filePath, manifestList, after.metadataLocation]) await io.readFile(location);
    await io.writeFile(manifest!, bytes);
    await other.dropTable(orders, { purge: true });
    for (const location of [file.filePath, ...writtenFiles])
      await assert.rejects(io.readFile(location), location);
  },
};

const purgeWithoutGcCase: CatalogConformanceCase = {
  name: 'with gc.enabled=false a purge leaves the data files: another table may use them',
  async run({ catalog, other, io }) {
    const table = await createWithRows(catalog, io);
    const { filePath } = dataFile(table, 'f0', 0, 10);
    await io.writeFile(filePath, Uint8Array.of(1, 2, 3));
    const after = await commit(catalog, [{ action: 'set-properties', updates: { 'gc.enabled': 'false' } }]);
    await other.dropTable(orders, { purge: true });
    assert.deepEqual([...(await io.readFile(filePath))], [1, 2, 3]);
    await assert.rejects(io.readFile(after.metadataLocation), 'the metadata file is gone');
  },
};
