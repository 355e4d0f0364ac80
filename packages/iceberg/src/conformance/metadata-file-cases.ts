import assert from 'node:assert/strict';
import type { FileIO } from '../io/file-io.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { assertFails, type CatalogCapabilities, type CatalogConformanceCase } from './conformance-case.ts';
import { commit, createOrders, orders } from './conformance-table.ts';

export function metadataFileCases({
  loadsFromFile = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [...basicCases, ...(loadsFromFile ? [missingFileCase] : [])];
}

const basicCases: readonly CatalogConformanceCase[] = [
  {
    name: 'old metadata files are forgotten, and deleted if the table asks for it',
    async run({ catalog, other, io }) {
      const created = await createOrders(catalog);
      await commit(catalog, [
        {
          action: 'set-properties',
          updates: {
            'write.metadata.delete-after-commit.enabled': 'true',
            'write.metadata.previous-versions-max': '2',
          },
        },
      ]);
      for (const i of [1, 2])
        await commit(catalog, [{ action: 'set-properties', updates: { i: String(i) } }]);
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.metadataLog.length, 2);
      for (const { metadataFile } of metadata.metadataLog) await loadTableMetadata(io, metadataFile);
      await assert.rejects(io.readFile(created.metadataLocation), 'the first metadata file is deleted');
    },
  },
  {
    name: 'as many old metadata files as the table asks for are there, also after it asks for more',
    async run({ catalog, io }) {
      await createOrders(catalog);
      const written: string[] = [];
      const set = async (updates: Record<string, string>): Promise<void> => {
        const { metadataLocation } = await commit(catalog, [{ action: 'set-properties', updates }]);
        written.push(metadataLocation);
      };
      await set({
        'write.metadata.delete-after-commit.enabled': 'true',
        'write.metadata.previous-versions-max': '2',
      });
      for (let i = 0; i < 4; i += 1) await set({ i: String(i) });
      assert.deepEqual(await present(io, written), written.slice(-3));
      await set({ 'write.metadata.previous-versions-max': '4' });
      for (let i = 0; i < 5; i += 1) await set({ i: String(i) });
      assert.deepEqual(await present(io, written), written.slice(-5));
    },
  },
  {
    name: 'without delete-after-commit no metadata file is deleted',
    async run({ catalog, io }) {
      const written = [(await createOrders(catalog)).metadataLocation];
      const keep = { 'write.metadata.previous-versions-max': '1' };
      written.push((await commit(catalog, [{ action: 'set-properties', updates: keep }])).metadataLocation);
      for (let i = 0; i < 3; i += 1) {
        const after = await commit(catalog, [{ action: 'set-properties', updates: { i: String(i) } }]);
        written.push(after.metadataLocation);
        assert.equal(after.metadata.metadataLog.length, 1);
      }
      assert.deepEqual(await present(io, written), written);
    },
  },
  {
    name: 'the next metadata file is where the table says now, gzipped if it says so',
    async run({ catalog, other, io }) {
      const { metadata } = await createOrders(catalog);
      const path = `${metadata.location}/elsewhere`;
      const asked = { 'write.metadata.path': path, 'write.metadata.compression-codec': 'gzip' };
      const after = await commit(catalog, [{ action: 'set-properties', updates: asked }]);
      assert.ok(after.metadataLocation.startsWith(`${path}/`), after.metadataLocation);
      assert.deepEqual([...(await io.readFile(after.metadataLocation)).subarray(0, 2)], [0x1f, 0x8b]);
      assert.deepEqual(await loadTableMetadata(io, after.metadataLocation), after.metadata);
      assert.deepEqual((await other.loadTable(orders)).metadata, after.metadata);
    },
  },
  {
    name: 'a new location is where later metadata files go',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const location = `${metadata.location}/moved`;
      const after = await commit(catalog, [{ action: 'set-location', location }]);
      assert.equal(after.metadata.location, location);
      const loaded = await commit(other, [{ action: 'set-properties', updates: { a: 'b' } }]);
      assert.ok(loaded.metadataLocation.startsWith(`${location}/metadata/`), loaded.metadataLocation);
    },
  },
];

const missingFileCase: CatalogConformanceCase = {
  name: 'a table whose metadata file is gone is an error that names the file, not a missing table',
  async run({ catalog, other, io }) {
    const { metadataLocation } = await createOrders(catalog);
    await io.deleteFile(metadataLocation);
    const error = await assertFails('IO_ERROR', () => other.loadTable(orders));
    assert.ok(error.message.includes(metadataLocation), error.message);
    assert.equal(await other.tableExists(orders), true);
  },
};

/** Those of the files that can be read. */
async function present(io: FileIO, locations: readonly string[]): Promise<string[]> {
  const read = await Promise.allSettled(locations.map((location) => io.readFile(location)));
  return locations.filter((_, i) => read[i]!.status === 'fulfilled');
}
