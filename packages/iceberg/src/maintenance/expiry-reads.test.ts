import { expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import type { FileIO } from '../io/file-io.ts';
import { createManifestListCache } from '../manifest/manifest-list-cache.ts';
import { commitTransaction } from '../transaction/commit-transaction.ts';
import { mergeAppend } from '../transaction/merge-append.ts';
import { expireSnapshotsAndFiles } from './expire-snapshots-and-files.ts';

/**
 * Goal: a writer that expires its own snapshots pays for those that go and not for the length of the table's lists.
 * Method: 40 appends by a writer with a cache, an expiry of 30 of them, and a count of what is read beside metadata.
 */
async function readsOfExpiry(maxLists: number): Promise<readonly string[]> {
  const table = await FileTable.create({ 'commit.manifest.min-count-to-merge': '5' });
  const reads: string[] = [];
  const io: FileIO = {
    ...table.io,
    readFile(location) {
      if (location.endsWith('.avro')) reads.push(location);
      return table.io.readFile(location);
    },
  };
  const target = { ...table.target, io, manifestListCache: createManifestListCache({ maxLists }) };
  for (let index = 0; index < 40; index += 1) {
    table.wait(1000);
    await commitTransaction(target, [mergeAppend({ dataFiles: await table.dataFiles([`f${index}`]) })]);
  }
  reads.length = 0;
  const options = { olderThanMs: 0, retainLast: 10 };
  const { cleanup, expiredSnapshotIds } = await expireSnapshotsAndFiles(target, options);
  expect(expiredSnapshotIds).toHaveLength(30);
  // Manifests went, too: those that were merged into others. No data file did.
  const counts = { 'manifest-list': 30, manifest: expect.any(Number) };
  expect(cleanup).toMatchObject({ kind: 'done', files: { counts, failureCount: 0 } });
  expect(table.dataNames()).toHaveLength(40);
  return reads;
}

test('expiring what was only appended reads no manifest, and of the lists those the writer does not have', async () => {
  expect(await readsOfExpiry(64)).toEqual([]);
  const reads = await readsOfExpiry(15);
  expect(reads).toHaveLength(25);
  expect(reads.every((location) => location.includes('/snap-'))).toBe(true);
});
