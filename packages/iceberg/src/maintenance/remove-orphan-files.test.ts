import { describe, expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import { refusal } from '../../test/support/snapshot-table.ts';
import { IcebergError } from '../errors.ts';
import type { ListableFileIO } from '../io/listable-file-io.ts';
import { createTag } from '../refs/create-ref.ts';
import { fastAppend } from '../transaction/fast-append.ts';
import { prepareTransaction } from '../transaction/prepare-transaction.ts';
import { parseAddress } from './file-address.ts';
import { type RemoveOrphanFilesOptions, removeOrphanFiles } from './remove-orphan-files.ts';

const day = 86_400_000;
const base = 'mem://wh/default/orders';

/** Files of these names in the table's folder, written so long ago. */
function write(table: FileTable, ageMs: number, ...names: string[]): string[] {
  return names.map((name) => {
    const location = name.includes('://') ? name : `${base}/${name}`;
    table.io.files.set(location, Buffer.from(name));
    table.io.modifiedMs.set(location, Date.now() - ageMs);
    return location;
  });
}

/** Makes everything that is there old. */
function grow(table: FileTable, ageMs: number): void {
  for (const location of table.io.files.keys()) table.io.modifiedMs.set(location, Date.now() - ageMs);
}

const run = (table: FileTable, options: RemoveOrphanFilesOptions = {}, io: ListableFileIO = table.io) =>
  removeOrphanFiles({ catalog: table.catalog, identifier: table.identifier, io }, options);

async function orphansOf(table: FileTable, options: RemoveOrphanFilesOptions = {}): Promise<string[]> {
  return (await run(table, options)).files.map((file) => file.location).sort();
}

test('what nothing needs and is old goes; a dry run comes first and deletes nothing', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  await table.rewrite();
  const orphans = write(table, 4 * day, 'data/lost.parquet', 'metadata/lost-m0.avro', 'elsewhere/deep/x');
  grow(table, 4 * day);
  const planned = await run(table);
  expect(planned).toMatchObject({
    dryRun: true,
    fileCount: 3,
    counts: { unknown: 3 },
    location: `${base}/`,
    tooYoungCount: 0,
    hiddenCount: 0,
    mismatchedCount: 0,
    failureCount: 0,
    orphanBytes: orphans.reduce((sum, file) => sum + table.io.files.get(file)!.length, 0),
  });
  expect(planned.listedCount).toBe([...table.io.files.keys()].length);
  expect(planned.files.map((file) => file.location).sort()).toEqual([...orphans].sort());
  for (const file of orphans) expect(table.io.files.has(file)).toBe(true);
  const done = await run(table, { dryRun: false });
  expect(done).toEqual({ ...planned, dryRun: false });
  for (const file of orphans) expect(table.io.files.has(file)).toBe(false);
  for (const file of await table.reachable()) expect(table.io.files.has(file), file).toBe(true);
  expect(await orphansOf(table)).toEqual([]);
});

describe('what stays', () => {
  test('files of every snapshot, not only of the current one: tagged, staged, rolled back', async () => {
    const table = await FileTable.create();
    const first = await table.append(['a', 'b']);
    await table.commit(createTag('t', { at: first }));
    await table.rewrite(['a']);
    await table.stage(['staged']);
    grow(table, 30 * day);
    expect(await orphansOf(table)).toEqual([]);
  });

  test('the metadata file of the table and those of its log, statistics, the version hint', async () => {
    const table = await FileTable.create({ 'write.metadata.previous-versions-max': '2' });
    for (const name of ['a', 'b', 'c', 'd']) await table.append([name]);
    const snapshotId = (await table.metadata()).currentSnapshotId!;
    const [statisticsPath, partitionPath] = write(table, 0, 'metadata/s.puffin', 'metadata/p.parquet');
    await table.catalog.commitTable(table.identifier, {
      requirements: [],
      updates: [
        {
          action: 'set-statistics',
          statistics: {
            snapshotId,
            statisticsPath: statisticsPath!,
            fileSizeInBytes: 1,
            fileFooterSizeInBytes: 1,
            blobMetadata: [],
          },
        },
        {
          action: 'set-partition-statistics',
          partitionStatistics: { snapshotId, statisticsPath: partitionPath!, fileSizeInBytes: 1 },
        },
      ],
    });
    write(table, 0, 'metadata/version-hint.text');
    grow(table, 30 * day);
    const { metadata, metadataLocation } = await table.load();
    const orphans = await orphansOf(table);
    // Of six metadata files the first three fell out of the log.
    expect(orphans).toHaveLength(3);
    expect(orphans.every((file) => file.endsWith('.metadata.json'))).toBe(true);
    expect(orphans).not.toContain(metadataLocation);
    for (const { metadataFile } of metadata.metadataLog) expect(orphans).not.toContain(metadataFile);
  });

  test('a file that is being written now, and everything younger than the age', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    write(table, 0, 'data/now.parquet');
    write(table, 3 * day - 60_000, 'data/young.parquet');
    const [old] = write(table, 3 * day + 60_000, 'data/old.parquet');
    const report = await run(table, { dryRun: false });
    expect(report.files).toEqual([{ kind: 'unknown', location: old }]);
    expect(report.tooYoungCount).toBe(2);
    expect(await orphansOf(table, { olderThanMs: 2 * day })).toEqual([`${base}/data/young.parquet`]);
  });

  test('a file whose age the store does not tell', async () => {
    const table = await FileTable.create();
    const [file] = write(table, 0, 'data/x.parquet');
    table.io.modifiedMs.set(file!, Number.NaN);
    expect((await run(table)).tooYoungCount).toBe(1);
  });

  test('the files of a commit whose outcome is unknown, by their age: it may land yet', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    const operation = fastAppend({ dataFiles: await table.dataFiles(['pending']) });
    const { request, writtenFiles } = await prepareTransaction(await table.load(), [operation], table.target);
    await run(table, { dryRun: false, olderThanMs: day });
    for (const file of writtenFiles) expect(table.io.files.has(file)).toBe(true);
    await table.catalog.commitTable(table.identifier, request);
    for (const file of await table.reachable()) expect(table.io.files.has(file), file).toBe(true);
    grow(table, 30 * day);
    expect(await orphansOf(table)).toEqual([]);
  });

  test('a commit between the load and the deletion: its files are young', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    const [lost] = write(table, 4 * day, 'data/lost.parquet');
    const io: ListableFileIO = {
      ...table.io,
      async *listFiles(prefix) {
        await table.append(['meanwhile']);
        yield* table.io.listFiles(prefix);
      },
    };
    expect((await run(table, { dryRun: false }, io)).files.map((file) => file.location)).toEqual([lost]);
    for (const file of await table.reachable()) expect(table.io.files.has(file), file).toBe(true);
  });

  test('the neighbour whose name begins alike, and files of other tools', async () => {
    const table = await FileTable.create();
    write(table, 9 * day, 'mem://wh/default/orders2/data/x.parquet', 'mem://wh/default/x');
    write(table, 9 * day, '_delta_log/0.json', 'data/_SUCCESS', 'data/.tmp/x', '.hoodie/y');
    const report = await run(table, { dryRun: false });
    expect(report.fileCount).toBe(0);
    expect(report.hiddenCount).toBe(4);
  });

  test('but not what lies in partition folders whose field begins with an underscore', async () => {
    const table = await FileTable.create();
    await table.catalog.commitTable(table.identifier, {
      requirements: [],
      updates: [
        { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: '_p', transform: 'bucket[4]' }] } },
      ],
    });
    const [lost] = write(table, 9 * day, 'data/_p=1/x.parquet', 'data/_q=1/x.parquet');
    expect(await orphansOf(table)).toEqual([lost]);
  });
});

describe('names', () => {
  /** A table whose metadata names its data file in this spelling, while the store lists it in its own. */
  async function spelled(inMetadata: string, listed: string): Promise<{ table: FileTable; listed: string }> {
    const table = await FileTable.create();
    const [file] = await table.dataFiles(['x']);
    table.io.files.delete(file!.filePath);
    await table.commit(fastAppend({ dataFiles: [{ ...file!, filePath: inMetadata }] }));
    write(table, 9 * day, listed);
    grow(table, 9 * day);
    return { table, listed };
  }

  test.each([
    [`${base}/data/a%20b.parquet`, `${base}/data/a b.parquet`],
    [`${base}/data/a b.parquet`, `${base}/data/a%20b.parquet`],
    [`${base}/data/t=%2Fx/y.parquet`, `${base}/data/t=%2Fx/y.parquet`],
    [`${base}/data/t=%252Fx/y.parquet`, `${base}/data/t=%2Fx/y.parquet`],
    [`${base}//data/y.parquet`, `${base}/data/y.parquet`],
    ['MEM://WH/default/orders/data/y.parquet', `${base}/data/y.parquet`],
    ['/default/orders/data/y.parquet', `${base}/data/y.parquet`],
    [`${base}/data/100%.parquet`, `${base}/data/100%.parquet`],
    [`${base}/data/100%25.parquet`, `${base}/data/100%.parquet`],
    [`${base}/data/./y.parquet`, `${base}/data/y.parquet`],
    [`${base}/x/../data/%2e%2e/data/y.parquet`, `${base}/data/y.parquet`],
    [`${base}/../../y.parquet`, `${base}/../../y.parquet`],
  ])('%s in metadata is %s in the listing', async (inMetadata, listed) => {
    const { table } = await spelled(inMetadata, listed);
    expect(await orphansOf(table)).toEqual([]);
  });

  test('the same path under another scheme or bucket is an error, and nothing is deleted, whatever comes first', async () => {
    const other = 'other://wh/default/orders/data/y.parquet';
    const { table, listed } = await spelled(other, `${base}/data/y.parquet`);
    const [lost] = write(table, 9 * day, 'data/lost.parquet');
    const files = [...table.io.files];
    table.io.files.clear();
    for (const [location, bytes] of files.toReversed()) table.io.files.set(location, bytes);
    expect(await refusal(run(table, { dryRun: false }))).toBe('INVALID_ARGUMENT');
    expect(table.io.files.has(lost!)).toBe(true);
    expect((await run(table, { prefixMismatch: 'ignore' })).mismatchedCount).toBe(1);
    expect(await orphansOf(table, { prefixMismatch: 'ignore' })).toEqual([lost]);
    expect(await orphansOf(table, { equalSchemes: { other: 'mem' } })).toEqual([lost]);
    expect(await orphansOf(table, { prefixMismatch: 'delete' })).toEqual([lost, listed].sort());
  });

  test('another bucket for the same is told by equalAuthorities', async () => {
    const { table } = await spelled('mem://alias/default/orders/data/y.parquet', `${base}/data/y.parquet`);
    expect(await refusal(run(table))).toBe('INVALID_ARGUMENT');
    expect(await orphansOf(table, { equalAuthorities: { alias: 'wh' } })).toEqual([]);
  });

  test('a mismatch elsewhere is none: only files of the folder count', async () => {
    const { table } = await spelled('other://x/data/y.parquet', 'mem://wh/default/orders/data/z.parquet');
    expect(await orphansOf(table)).toEqual([`${base}/data/z.parquet`]);
  });

  test('s3, s3a and s3n are one, and so are the spellings of file', () => {
    const key = (location: string): string => JSON.stringify(parseAddress(location));
    expect(new Set(['s3://b/k', 's3a://b/k', 's3n://B//k/'].map(key)).size).toBe(1);
    expect(new Set(['file:/k', 'file:///k', 'file://localhost/k', 'FILE:///k'].map(key)).size).toBe(1);
    expect(key('s3://b/k')).not.toBe(key('s3://c/k'));
    expect(key('s3://b/k')).not.toBe(key('gs://b/k'));
    expect(parseAddress('https://proto/__proto__', { equalSchemes: {} }).scheme).toBe('https');
  });
});

describe('what is refused', () => {
  test('an age of less than a day, unless it is said that no writer is at work', async () => {
    const table = await FileTable.create();
    const [file] = write(table, 60_000, 'data/x.parquet');
    for (const olderThanMs of [0, day - 1, -1, Number.NaN]) {
      expect(await refusal(run(table, { olderThanMs }))).toBe('INVALID_ARGUMENT');
    }
    expect(await orphansOf(table, { olderThanMs: 1000, allowRecent: true })).toEqual([file]);
    expect(await refusal(run(table, { olderThanMs: -1, allowRecent: true }))).toBe('INVALID_ARGUMENT');
  });

  test('a location that is not the table’s own', async () => {
    const table = await FileTable.create({ 'write.data.path': 'mem://data/orders' });
    for (const location of [
      'mem://wh/default',
      'mem://wh/default/orders2',
      'mem://wh/default/orders/../other',
      'mem://wh/default/orders/%2e%2e/other',
      'mem://wh',
      'other://wh/default/orders',
    ]) {
      expect(await refusal(run(table, { location })), location).toBe('INVALID_ARGUMENT');
    }
    const [here, there] = write(table, 9 * day, 'data/x', 'mem://data/orders/y');
    write(table, 9 * day, 'metadata/z');
    expect(await orphansOf(table, { location: `${base}/data` })).toEqual([here]);
    expect(await orphansOf(table, { location: 'mem://data/orders/' })).toEqual([there]);
  });

  test('a table with gc.enabled=false', async () => {
    const table = await FileTable.create({ 'gc.enabled': 'false' });
    expect(await refusal(run(table))).toBe('INVALID_ARGUMENT');
  });

  test('a manifest that cannot be read: nothing is deleted', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    const [lost] = write(table, 9 * day, 'data/lost.parquet');
    const [manifest] = await table.headManifests();
    table.io.files.delete(manifest!);
    expect(await refusal(run(table, { dryRun: false }))).toBe('IO_ERROR');
    expect(table.io.files.has(lost!)).toBe(true);
    expect(table.dataNames()).toEqual(['a', 'lost']);
  });
});

test('a listing that fails is an error, a deletion that fails is reported', async () => {
  const table = await FileTable.create();
  const [one, two] = write(table, 9 * day, 'data/1', 'data/2');
  const broken: ListableFileIO = {
    ...table.io,
    listFiles: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('down')) }),
    }),
  };
  await expect(run(table, {}, broken)).rejects.toThrow(`IO_ERROR: cannot list ${base}/: down`);
  const locked: ListableFileIO = {
    ...table.io,
    deleteFile: async (location) => {
      if (location === one) throw new Error('denied');
      await table.io.deleteFile(location);
    },
  };
  const report = await run(table, { dryRun: false }, locked);
  expect(report.files).toEqual([{ kind: 'unknown', location: two }]);
  expect(report.failures[0]!.location).toBe(one);
  expect(IcebergError.is(report.failures[0]!.error, 'IO_ERROR')).toBe(true);
});
