import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  commitTransaction,
  currentSnapshot,
  type DataFile,
  type FileIO,
  fastAppend,
  type LoadedTable,
  prepareAppend,
} from '@danube/iceberg';
import { createUnsyncedFileIO } from '@danube/iceberg/testing';
import { expect, test } from 'vitest';
import { failure, localIO, openIn, orders, schema, setProperties, tempDir } from './support/fixture.ts';

/** A table with one snapshot, and a second catalog that tells when it reads the snapshot's manifest list to purge. */
async function readingToPurge(onRead: (table: LoadedTable, io: FileIO) => Promise<void>) {
  const dir = await tempDir();
  const io = createUnsyncedFileIO();
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

test('a purge in batches leaves no file of the table in the warehouse, and all of another table', async () => {
  const dir = await tempDir();
  const io = await localIO(dir);
  const calls: (readonly string[])[] = [];
  const oneByOne: string[] = [];
  const watched: FileIO = {
    ...io,
    deleteFile: (location) => {
      oneByOne.push(location);
      return io.deleteFile(location);
    },
    deleteFiles: (locations) => {
      calls.push(locations);
      return io.deleteFiles!(locations);
    },
  };
  const catalog = await openIn(dir, { io: watched });
  await catalog.createNamespace(['default']);
  const other = { ...orders, name: 'other' };
  await catalog.createTable(other, { schema });
  const present = async () =>
    (await readdir(join(dir, 'warehouse'), { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
  const before = await present();
  const { metadata } = await catalog.createTable(orders, { schema });
  for (const round of ['x', 'y', 'z']) {
    const dataFiles = ['a', 'b'].map(
      (name): DataFile => ({
        content: 'data',
        filePath: `${metadata.location}/data/${name}=1/${round}.parquet`,
        fileFormat: 'PARQUET',
        partition: [],
        specId: 0,
        recordCount: 1,
        fileSizeInBytes: 1,
      }),
    );
    for (const { filePath } of dataFiles) await io.writeFile(filePath, Buffer.from('x'));
    await commitTransaction({ catalog, io, identifier: orders }, [fastAppend({ dataFiles })]);
  }
  expect((await present()).length).toBe(before.length + 6 + 2 * 3 + 4);
  await catalog.dropTable(orders, { purge: true });
  expect(await present()).toEqual(before);
  // Data, manifests, lists, earlier metadata: a call each, and the last metadata file by itself.
  expect(calls.map((locations) => locations.length)).toEqual([6, 3, 3, 3]);
  expect(oneByOne).toHaveLength(1);
  await catalog.loadTable(other);
});
