import { expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import { refusal } from '../../test/support/snapshot-table.ts';
import type { FileIO } from '../io/file-io.ts';
import { createTag } from '../refs/create-ref.ts';
import { preparePurge, purgeTable } from './purge-table.ts';

async function aged(): Promise<FileTable> {
  const table = await FileTable.create();
  const first = await table.append(['a', 'b']);
  await table.commit(createTag('t', { at: first }));
  await table.rewrite(['a']);
  await table.stage(['staged']);
  return table;
}

test('a purge deletes every file of every snapshot, data first, the present metadata file last', async () => {
  const table = await aged();
  const loaded = await table.load();
  const report = await purgeTable(table.io, loaded, { concurrency: 1 });
  expect([...table.io.files.keys()]).toEqual([]);
  expect(report.counts).toEqual({ data: 3, manifest: 3, 'manifest-list': 3, metadata: 5 });
  expect(report.files.map((file) => file.kind)).toEqual([
    ...['data', 'data', 'data'],
    ...['manifest', 'manifest', 'manifest'],
    ...['manifest-list', 'manifest-list', 'manifest-list'],
    ...['metadata', 'metadata', 'metadata', 'metadata', 'metadata'],
  ]);
  expect(report.files.at(-1)!.location).toBe(loaded.metadataLocation);
});

test('a file that an earlier expiry should have deleted goes, too: the manifest that removed it still names it', async () => {
  const table = await FileTable.create();
  await table.append(['a', 'b']);
  await table.rewrite(['a']);
  const { metadata, metadataLocation } = await table.load();
  const expired = { ...metadata, snapshots: metadata.snapshots.slice(-1) };
  const report = await purgeTable(table.io, { metadata: expired, metadataLocation });
  expect(report.counts.data).toBe(2);
  expect(table.dataNames()).toEqual([]);
});

test('a manifest that cannot be read fails the purge before anything is deleted', async () => {
  const table = await aged();
  const loaded = await table.load();
  const [manifest] = await table.headManifests();
  const before = [...table.io.files.keys()].filter((file) => file !== manifest);
  table.io.files.delete(manifest!);
  expect(await refusal(purgeTable(table.io, loaded))).toBe('IO_ERROR');
  expect([...table.io.files.keys()]).toEqual(before);
});

test('gc.enabled=false keeps data files; what cannot be deleted is reported', async () => {
  const table = await aged();
  const { metadata, metadataLocation } = await table.load();
  const kept = { ...metadata, properties: { 'gc.enabled': 'false' } };
  const io: FileIO = {
    ...table.io,
    deleteFile: async (location) => {
      if (location === metadataLocation) throw new Error('denied');
      await table.io.deleteFile(location);
    },
  };
  const report = await purgeTable(io, { metadata: kept, metadataLocation });
  expect(table.dataNames()).toEqual(['a', 'b', 'staged']);
  expect(table.avroFiles()).toEqual([]);
  expect(report.failures.map((failure) => failure.location)).toEqual([metadataLocation]);
  expect(report.counts.data).toBeUndefined();
});

test('what cannot be read again once the table is gone is reported, and all else goes', async () => {
  const table = await aged();
  const purge = await preparePurge(table.io, await table.load());
  const [manifest] = await table.headManifests();
  table.io.files.delete(manifest!);
  const report = await purge.deleteFiles();
  expect(report.failures.map(({ kind, location }) => ({ kind, location }))).toContainEqual({
    kind: 'manifest',
    location: manifest,
  });
  expect(table.avroFiles()).toEqual([]);
  expect([...table.io.files.keys()].filter((file) => file.endsWith('.metadata.json'))).toEqual([]);
});
