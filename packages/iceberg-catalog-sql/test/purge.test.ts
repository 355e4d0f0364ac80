import { currentSnapshot, type FileIO, type LoadedTable, prepareAppend } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { failure, openIn, orders, schema, setProperties, tempDir, unsyncedIO } from './support/fixture.ts';

/** A table with one snapshot, and a second catalog that tells when it reads the snapshot's manifest list to purge. */
async function readingToPurge(onRead: (table: LoadedTable, io: FileIO) => Promise<void>) {
  const dir = await tempDir();
  const io = unsyncedIO();
  const catalog = await openIn(dir, { io });
  await catalog.createNamespace(['default']);
  const base = await catalog.createTable(orders, { schema });
  const { request } = await prepareAppend({ base, io, dataFiles: [] });
  const table = await catalog.commitTable(orders, request);
  const list = currentSnapshot(table.metadata)!.manifestList;
  const purging = await openIn(dir, {
    io: {
      ...io,
      readFile: async (location) => {
        if (location === list) await onRead(table, io);
        return io.readFile(location);
      },
    },
  });
  return { catalog, io, list, purging, table };
}

test('a commit made while a purge reads the table is purged, too', async () => {
  let commits = 0;
  const { catalog, io, list, purging } = await readingToPurge(async () => {
    commits += 1;
    if (commits === 1) await catalog.commitTable(orders, setProperties({ late: '1' }));
  });
  await purging.dropTable(orders, { purge: true });
  expect(commits).toBe(2);
  expect(await catalog.tableExists(orders)).toBe(false);
  await expect(io.readFile(list)).rejects.toThrow();
});

test('what another commit removed while a purge reads is no damage', async () => {
  let reads = 0;
  const { catalog, purging } = await readingToPurge(async ({ metadata }, io) => {
    reads += 1;
    const { snapshotId, manifestList } = currentSnapshot(metadata)!;
    await catalog.commitTable(orders, {
      requirements: [],
      updates: [
        { action: 'remove-snapshot-ref', refName: 'main' },
        { action: 'remove-snapshots', snapshotIds: [snapshotId] },
      ],
    });
    await io.deleteFile(manifestList);
  });
  await purging.dropTable(orders, { purge: true });
  expect(reads).toBe(1);
  expect(await catalog.tableExists(orders)).toBe(false);
});

test('a purge that others commit under each time is a conflict in the end, and nothing was deleted', async () => {
  let commits = 0;
  const { catalog, io, list, purging } = await readingToPurge(async () => {
    commits += 1;
    await catalog.commitTable(orders, setProperties({ commits: String(commits) }));
  });
  const error = await failure(purging.dropTable(orders, { purge: true }), 'COMMIT_CONFLICT');
  expect(error.context.attempts).toBe(commits);
  const { metadata } = await catalog.loadTable(orders);
  expect(metadata.properties).toEqual({ commits: String(commits) });
  await io.readFile(list);
});
