import assert from 'node:assert/strict';
import { loadTableMetadata, metadataFolder } from '../metadata/metadata-file.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import { assertFails, type CatalogConformanceCase, clients, names } from './conformance-case.ts';
import {
  commit,
  commitAppend,
  createOrders,
  createWithRows,
  dataFile,
  invoices,
  liveNames,
  missingNamespace,
  namespace,
  orders,
} from './conformance-table.ts';

const basicCases: readonly CatalogConformanceCase[] = [
  {
    name: 'every table is listed, also when they are more than a page of an answer',
    async run(subject) {
      const { metadataLocation } = await createOrders(subject.catalog);
      const copies = Array.from({ length: 110 }, (_, i) => ({ namespace, name: `copy${i}` }));
      for (let i = 0; i < copies.length; i += 10) {
        await Promise.all(
          clients(subject, 10).map((client, j) => client.registerTable(copies[i + j]!, metadataLocation)),
        );
      }
      assert.deepEqual(names(await subject.other.listTables(namespace)), names([orders, ...copies]));
    },
  },
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
  {
    name: 'an older metadata file registered is the table as it was then',
    async run({ catalog, other, io }) {
      const before = await createWithRows(catalog, io);
      const after = await commitAppend(catalog, before, { io });
      await commit(catalog, [
        { action: 'remove-snapshots', snapshotIds: [before.metadata.currentSnapshotId!] },
      ]);
      await catalog.dropTable(orders);
      const back = await other.registerTable(orders, after.metadataLocation);
      assert.deepEqual(back.metadata, after.metadata);
      assert.deepEqual(await loadTableMetadata(io, after.metadataLocation), back.metadata);
      assert.deepEqual(await liveNames(io, await catalog.loadTable(orders)), ['f0', 'f1']);
    },
  },
];

/** What this package did not write itself. */
const foreignMetadataCase: CatalogConformanceCase = {
  name: 'members of a metadata file that nobody here knows survive a commit, at every level',
  async run({ catalog, other, io }) {
    const table = await commitAppend(catalog, await createOrders(catalog), { io });
    const text = new TextDecoder().decode(await io.readFile(table.metadataLocation));
    const extended = text
      .replace('{"format-version"', '{"x-top":{"id":12345678901234567890,"n":1.50},"format-version"')
      .replace('"schema-id":0', '"x-schema":[1],"schema-id":0')
      .replace('"name":"append_time"', '"x-field":null,"name":"append_time"')
      .replace('"name":"append_day"', '"x-partition":true,"name":"append_day"')
      .replace('"direction":"asc"', '"x-sort":"s","direction":"asc"')
      .replace('"sequence-number":1', '"x-snapshot":9007199254740993,"sequence-number":1')
      .replace('"type":"branch"', '"x-ref":{},"type":"branch"');
    assert.equal(extended.match(/"x-/g)?.length, 7, 'the test reaches all levels');
    const location = table.metadataLocation.replace(/\/[^/]*$/, '/00009-foreign.metadata.json');
    await io.writeFile(location, new TextEncoder().encode(extended));
    await catalog.dropTable(orders);
    await catalog.registerTable(orders, location);
    await commitAppend(other, await other.loadTable(orders), { io });
    const after = new TextDecoder().decode(
      await io.readFile((await catalog.loadTable(orders)).metadataLocation),
    );
    const expected = [
      '"x-top":{"id":12345678901234567890,"n":1.50}',
      '"x-schema":[1]',
      '"x-field":null',
      '"x-partition":true',
      '"x-sort":"s"',
      '"x-snapshot":9007199254740993',
    ];
    for (const member of expected) assert.ok(after.includes(member), `${member} is still there`);
    assert.ok(/"main":\{[^}]*"x-ref":\{\}/.test(after), 'the member of the ref is still there');
  },
};

/** Needs `registerTable`, the only way to bring in what this package did not write. */
export const registerCases: readonly CatalogConformanceCase[] = [...basicCases, foreignMetadataCase];
