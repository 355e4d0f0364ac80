import { expect, test } from 'vitest';
import {
  dataFile,
  equalityDeletes,
  liveEntries,
  liveFiles,
  newTestTable,
  rowDelta,
} from '../../test/support/transaction-table.ts';
import {
  currentSnapshot,
  deleteDataFiles,
  fastAppend,
  type ManifestEntry,
  readManifest,
  readSnapshotManifests,
  rewriteManifests,
} from '../index.ts';

const files = ['a', 'b', 'a', 'b'].map((category, index) => dataFile(`f${index}`, category));

async function tableOfFour() {
  const table = await newTestTable();
  for (const file of files) await table.commit(fastAppend({ dataFiles: [file] }));
  return table;
}

type Table = Awaited<ReturnType<typeof tableOfFour>>;

async function manifestsOf(table: Table) {
  return readSnapshotManifests(table.io, currentSnapshot((await table.load()).metadata)!);
}

async function entriesOf(table: Table) {
  const { metadata } = await table.load();
  const found: ManifestEntry[][] = [];
  for (const manifest of await manifestsOf(table))
    found.push([...(await readManifest(table.io, metadata, manifest))]);
  return found;
}

test('many manifests become one of existing entries: each file keeps its snapshot and numbers', async () => {
  const table = await tableOfFour();
  await table.commit(deleteDataFiles({ files: [files[0]!] }));
  const before = await liveEntries(table, await table.load());
  const { snapshots } = await table.commit(rewriteManifests());
  const [entries, ...others] = await entriesOf(table);
  expect(others).toEqual([]);
  expect(entries!.map(({ status }) => status)).toEqual(['existing', 'existing', 'existing']);
  for (const entry of entries!) {
    const old = [...before.values()].find(({ dataFile: file }) => file.filePath === entry.dataFile.filePath)!;
    expect(entry).toEqual({ ...old, status: 'existing' });
  }
  expect(await liveFiles(table)).toEqual(['f1', 'f2', 'f3']);
  expect(snapshots[0]!.summary).toMatchObject({
    operation: 'replace',
    'manifests-created': '1',
    'manifests-replaced': '3',
    'entries-processed': '3',
    'changed-partition-count': '0',
    'total-records': '30',
  });
});

test('files are clustered, delete manifests kept apart', async () => {
  const table = await tableOfFour();
  await table.commit(rowDelta([equalityDeletes('e')]));
  await table.commit(rewriteManifests({ clusterBy: ({ partition }) => String(partition[0]) }));
  const names = (await entriesOf(table)).map((entries) =>
    entries.map(({ dataFile: file }) => file.partition[0]),
  );
  expect(names).toEqual([['a', 'a'], ['b', 'b'], ['a']]);
  expect((await manifestsOf(table)).map(({ content }) => content)).toEqual(['data', 'data', 'deletes']);
});

test('a target size splits what is written', async () => {
  const table = await newTestTable({ 'write.manifest.compression-codec': 'none' });
  const many = Array.from({ length: 2000 }, (_, index) => dataFile(`file-${index}`));
  await table.commit(fastAppend({ dataFiles: many }));
  await table.commit(rewriteManifests({ targetSizeBytes: 10_000 }));
  expect((await manifestsOf(table)).length).toBeGreaterThan(1);
  expect((await liveFiles(table)).length).toBe(2000);
});

test('a target size that is less than the header of a manifest, or none at all, gives each file one', async () => {
  for (const targetSizeBytes of [1, 0, Number.NaN]) {
    const table = await newTestTable({ 'commit.manifest.target-size-bytes': '100' });
    await table.commit(fastAppend({ dataFiles: files }));
    expect(await manifestsOf(table)).toHaveLength(files.length);
    await table.commit(rewriteManifests({ targetSizeBytes }));
    expect(await liveFiles(table)).toHaveLength(files.length);
  }
});

test('only the chosen manifests are rewritten; none means no snapshot', async () => {
  const table = await tableOfFour();
  const [newest, second] = await manifestsOf(table);
  await table.commit(rewriteManifests({ manifests: [newest!, second!] }));
  expect((await entriesOf(table)).map((entries) => entries.length)).toEqual([2, 1, 1]);
  const { metadataLocation } = await table.load();
  await table.commit(rewriteManifests({ manifests: () => false }));
  expect((await table.load()).metadataLocation).toBe(metadataLocation);
});

test('an append meanwhile keeps its manifest, and what was rewritten serves the second attempt', async () => {
  const table = await tableOfFour();
  const base = await table.load();
  const old = await manifestsOf(table);
  await table.commit(fastAppend({ dataFiles: [dataFile('late')] }));
  table.io.reads.length = 0;
  const { attempts } = await table.commit(rewriteManifests(), { base });
  expect(attempts).toBe(2);
  for (const { manifestPath } of old)
    expect(table.io.reads.filter((path) => path === manifestPath)).toHaveLength(1);
  expect((await entriesOf(table)).map((entries) => entries.length)).toEqual([4, 1]);
});

test('a file of the same transaction has the number of the attempt that lands', async () => {
  const table = await tableOfFour();
  const base = await table.load();
  await table.commit(fastAppend({ dataFiles: [dataFile('theirs')] }));
  const { snapshots } = await table.commit(
    [fastAppend({ dataFiles: [dataFile('ours')] }), rewriteManifests()],
    {
      base,
    },
  );
  const live = await liveEntries(table, await table.load());
  expect(live.get('ours')!.sequenceNumber).toBe(snapshots[0]!.sequenceNumber);
});

test('when one of the manifests is gone the work is done anew, but a named one is a conflict', async () => {
  const table = await tableOfFour();
  const base = await table.load();
  const named = await manifestsOf(table);
  await table.commit(deleteDataFiles({ files: [files[3]!] }));
  await expect(table.commit(rewriteManifests({ manifests: named }), { base })).rejects.toThrow(
    /^COMMIT_CONFLICT.*any more/,
  );
  await expect(table.commit(rewriteManifests({ manifests: named }))).rejects.toThrow(/^INVALID_ARGUMENT/);
  await table.commit(rewriteManifests(), { base });
  expect(await liveFiles(table)).toEqual(['f0', 'f1', 'f2']);
});
