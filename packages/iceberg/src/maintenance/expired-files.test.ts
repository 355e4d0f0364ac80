import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import { refusal } from '../../test/support/snapshot-table.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { createBranch, createTag } from '../refs/create-ref.ts';
import { removeRef } from '../refs/remove-ref.ts';
import { rollbackToSnapshot } from '../refs/rollback.ts';
import { deleteDataFiles } from '../transaction/delete-data-files.ts';
import { mergeAppend } from '../transaction/merge-append.ts';
import { prepareTransaction } from '../transaction/prepare-transaction.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { deleteExpiredFiles } from './delete-expired-files.ts';
import {
  type ExpireSnapshotsAndFilesOptions,
  expireSnapshotsAndFiles,
} from './expire-snapshots-and-files.ts';
import type { FileRemovalReport } from './file-deletion.ts';

const everything = { olderThanMs: 0 };

async function expire(
  table: FileTable,
  options: ExpireSnapshotsAndFilesOptions = everything,
): Promise<FileRemovalReport> {
  const { cleanup } = await expireSnapshotsAndFiles(table.target, options);
  if (cleanup.kind === 'stopped') throw cleanup.error;
  return cleanup.files;
}

/** Everything any snapshot needs is there, and nothing else beside metadata files. */
async function expectExactlyReachable(table: FileTable): Promise<void> {
  const files = [...table.io.files.keys()].filter((location) => !location.endsWith('.metadata.json'));
  expect(files.sort()).toEqual([...(await table.reachable())].sort());
}

test('files that only expired snapshots needed go: data, manifest, list; in this order, and counted', async () => {
  const table = await FileTable.create();
  await table.append(['a', 'b']);
  await table.append(['c']);
  await table.rewrite(['a', 'c']);
  await table.append(['d']);
  const deleted: string[] = [];
  const io: FileIO = {
    ...table.io,
    deleteFile: async (location) => {
      deleted.push(location);
      await table.io.deleteFile(location);
    },
  };
  const { cleanup, expiredSnapshotIds } = await expireSnapshotsAndFiles({ ...table.target, io }, everything);
  expect(expiredSnapshotIds).toHaveLength(3);
  if (cleanup.kind === 'stopped') throw cleanup.error;
  expect(cleanup.files).toMatchObject({
    dryRun: false,
    counts: { data: 2, manifest: 2, 'manifest-list': 3 },
    fileCount: 7,
    failureCount: 0,
    failures: [],
  });
  expect(cleanup.files.files.map((file) => file.location)).toEqual(deleted);
  expect(cleanup.files.files.map((file) => file.kind)).toEqual([
    ...['data', 'data', 'manifest', 'manifest', 'manifest-list', 'manifest-list', 'manifest-list'],
  ]);
  expect(table.dataNames()).toEqual(['b', 'd']);
  await expectExactlyReachable(table);
});

test('a dry run says the same, and commits and deletes nothing', async () => {
  const table = await FileTable.create();
  for (const name of ['a', 'b']) await table.append([name]);
  await table.rewrite(['a']);
  const before = new Map(table.io.files);
  const planned = await expireSnapshotsAndFiles(table.target, { ...everything, dryRun: true });
  expect(table.io.files).toEqual(before);
  const done = await expireSnapshotsAndFiles(table.target, everything);
  expect(planned.expiredSnapshotIds).toEqual(done.expiredSnapshotIds);
  if (planned.cleanup.kind === 'stopped' || done.cleanup.kind === 'stopped') throw new Error('stopped');
  expect(planned.cleanup.files).toEqual({ ...done.cleanup.files, dryRun: true });
  expect(done.cleanup.files.fileCount).toBeGreaterThan(4);
});

test('what went with an earlier expiry is not deleted again when the manifest that says so expires', async () => {
  const table = await FileTable.create();
  await table.append(['a', 'b']);
  await table.rewrite(['a']);
  expect((await expire(table)).counts.data).toBe(1);
  await table.rewrite();
  expect((await expire(table)).counts).toEqual({ manifest: 1, 'manifest-list': 1 });
  await expectExactlyReachable(table);
});

describe('what is shared or held survives', () => {
  test('a manifest that expired and surviving snapshots share', async () => {
    const table = await FileTable.create();
    for (const name of ['a', 'b', 'c']) await table.append([name]);
    const report = await expire(table);
    expect(report.counts).toEqual({ 'manifest-list': 2 });
    expect(table.dataNames()).toEqual(['a', 'b', 'c']);
    await expectExactlyReachable(table);
  });

  test('a file that was removed and added again is live: only its old manifests go', async () => {
    const table = await FileTable.create();
    await table.append(['a', 'b']);
    await table.rewrite(['a']);
    await table.append(['a']);
    await expire(table);
    expect(table.dataNames()).toEqual(['a', 'b']);
    await expectExactlyReachable(table);
  });

  test('what a tag and a branch hold, until they go', async () => {
    const table = await FileTable.create();
    const tagged = await table.append(['a']);
    await table.commit(createTag('eom', { at: tagged }));
    await table.rewrite(['a']);
    await table.append(['b']);
    await table.commit(createBranch('audit', { at: tagged }));
    await table.append(['only-audit'], 'audit');
    await expire(table);
    expect(table.dataNames()).toEqual(['a', 'b', 'only-audit']);
    await table.commit(removeRef('audit'));
    await expire(table);
    expect(table.dataNames()).toEqual(['a', 'b']);
    await table.commit(removeRef('eom'));
    await expire(table);
    expect(table.dataNames()).toEqual(['b']);
    await expectExactlyReachable(table);
  });

  test('staged snapshots while they are young, and all they name', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    await table.stage(['staged']);
    await table.rewrite(['a']);
    await table.append(['b']);
    const ageOfStaged = 3500;
    await expire(table, { olderThanMs: ageOfStaged });
    expect(table.dataNames()).toEqual(['a', 'b', 'staged']);
    await expectExactlyReachable(table);
    await expire(table);
    expect(table.dataNames()).toEqual(['b']);
    await expectExactlyReachable(table);
  });

  test('statistics files go with their snapshot, and one that two snapshots name stays with the second', async () => {
    const table = await FileTable.create();
    const [first, second] = [await table.append(['a']), await table.append(['b'])];
    const file = (name: string): string => `mem://wh/default/orders/metadata/${name}.puffin`;
    const statistics = (snapshotId: bigint, name: string) => ({
      action: 'set-statistics' as const,
      statistics: {
        snapshotId,
        statisticsPath: file(name),
        fileSizeInBytes: 1,
        fileFooterSizeInBytes: 1,
        blobMetadata: [],
      },
    });
    const partitions = (snapshotId: bigint, name: string) => ({
      action: 'set-partition-statistics' as const,
      partitionStatistics: { snapshotId, statisticsPath: file(name), fileSizeInBytes: 1 },
    });
    for (const name of ['one', 'shared', 'two']) await table.io.writeFile(file(name), Buffer.from(name));
    await table.catalog.commitTable(table.identifier, {
      requirements: [],
      updates: [
        statistics(first, 'one'),
        partitions(first, 'shared'),
        statistics(second, 'two'),
        partitions(second, 'shared'),
      ],
    });
    const report = await expire(table);
    expect(report.counts).toEqual({ 'manifest-list': 1, statistics: 1 });
    expect(report.files.at(-1)).toEqual({ kind: 'statistics', location: file('one') });
    await expectExactlyReachable(table);
  });
});

describe('other writers', () => {
  test('an append between our commit and our cleanup: the manifests it took over survive', async () => {
    const table = await FileTable.create();
    for (const name of ['a', 'b']) await table.append([name]);
    await table.rewrite(['a']);
    const catalog = {
      ...bound(table.catalog),
      // The first load after the expiry's commit: another writer comes first.
      commitTable: async (...request: Parameters<typeof table.catalog.commitTable>) => {
        const committed = await table.catalog.commitTable(...request);
        // It also adds a file again that no snapshot had any more.
        await table.append(['meanwhile', 'a']);
        return committed;
      },
    };
    await expireSnapshotsAndFiles({ ...table.target, catalog }, everything);
    expect(table.dataNames()).toEqual(['a', 'b', 'meanwhile']);
    await expectExactlyReachable(table);
  });

  test('a commit that lands after the files were compared, on a base before the expiry: it is whole', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    await table.rewrite(['a']);
    await table.append(['b']);
    let late: Promise<unknown> | undefined;
    const io: FileIO = {
      ...table.io,
      deleteFile: async (location) => {
        // Deletion has begun: nothing that lands from here on was seen by the comparison.
        late ??= table.append(['late']);
        await late;
        await table.io.deleteFile(location);
      },
    };
    await expireSnapshotsAndFiles({ ...table.target, io }, everything);
    expect(table.dataNames()).toEqual(['b', 'late']);
    await expectExactlyReachable(table);
  });

  test('the table cannot be loaded after the commit: expired, and stopped with nothing deleted', async () => {
    for (const code of ['CATALOG_UNAVAILABLE', 'TABLE_NOT_FOUND'] as const) {
      const table = await FileTable.create();
      await table.append(['a']);
      await table.rewrite(['a']);
      const base = await table.catalog.loadTable(table.identifier);
      const loadTable = async (): Promise<never> => {
        throw new IcebergError(code, 'gone');
      };
      const catalog = { ...bound(table.catalog), loadTable };
      const target = { ...table.target, catalog };
      const { expiredSnapshotIds, cleanup } = await expireSnapshotsAndFiles(target, {
        ...everything,
        commit: { base },
      });
      expect(cleanup).toMatchObject({ kind: 'stopped', error: { code } });
      expect(expiredSnapshotIds).toHaveLength(1);
      expect((await table.metadata()).snapshots).toHaveLength(1);
      expect(table.dataNames()).toEqual(['a']);
    }
  });

  test('a commit that makes a branch of what main held before a rollback is refused, not left without its files', async () => {
    const table = await FileTable.create();
    const first = await table.append(['a']);
    await table.append(['b']);
    const base = await table.catalog.loadTable(table.identifier);
    const append = mergeAppend({ dataFiles: [], branch: 'audit' });
    const { request } = await prepareTransaction(base, [append], table.target);
    await table.commit(rollbackToSnapshot(first));
    await expire(table);
    const late = table.catalog.commitTable(table.identifier, request);
    await expect(late).rejects.toThrow(/^COMMIT_CONFLICT.*ref main/);
    expect(table.dataNames()).toEqual(['a']);
  });

  test('a tag that others make while the expiry is on its way keeps its snapshot and its files', async () => {
    const table = await FileTable.create();
    const old = await table.append(['a']);
    await table.rewrite(['a']);
    let raced = false;
    const catalog = {
      ...bound(table.catalog),
      commitTable: async (...request: Parameters<typeof table.catalog.commitTable>) => {
        if (!raced) await table.commit(createTag('mine', { at: old }));
        raced = true;
        return table.catalog.commitTable(...request);
      },
    };
    const { expiredSnapshotIds } = await expireSnapshotsAndFiles({ ...table.target, catalog }, everything);
    expect(expiredSnapshotIds).toEqual([]);
    expect((await table.metadata()).refs.mine!.snapshotId).toBe(old);
    expect(table.dataNames()).toEqual(['a']);
    await expectExactlyReachable(table);
  });

  test('snapshots that others added between two attempts and the second attempt expired leave nothing behind', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    let raced = false;
    const catalog = {
      ...bound(table.catalog),
      commitTable: async (...request: Parameters<typeof table.catalog.commitTable>) => {
        if (!raced) {
          raced = true;
          await table.append(['b']);
          await table.rewrite(['a', 'b']);
          await table.append(['c']);
        }
        return table.catalog.commitTable(...request);
      },
    };
    await table.append(['first']);
    await expireSnapshotsAndFiles({ ...table.target, catalog }, everything);
    expect(table.dataNames()).toEqual(['c', 'first']);
    await expectExactlyReachable(table);
  });

  test('nothing is deleted when the outcome of the commit is unknown', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    await table.rewrite(['a']);
    await table.append(['b']);
    const before = new Set(table.io.files.keys());
    let isLost = false;
    const catalog = {
      ...bound(table.catalog),
      commitTable: async (...request: Parameters<typeof table.catalog.commitTable>) => {
        await table.catalog.commitTable(...request);
        isLost = true;
        throw new IcebergError('COMMIT_STATE_UNKNOWN', 'the reply was lost');
      },
      loadTable: async (...request: Parameters<typeof table.catalog.loadTable>) => {
        if (isLost) throw new IcebergError('CATALOG_UNAVAILABLE', 'down');
        return table.catalog.loadTable(...request);
      },
    };
    const commit = { statusCheck: { numRetries: 1, minWaitMs: 0 }, wait: async () => undefined };
    const run = expireSnapshotsAndFiles({ ...table.target, catalog }, { ...everything, commit });
    expect(await refusal(run)).toBe('COMMIT_STATE_UNKNOWN');
    for (const file of before) expect(table.io.files.has(file), file).toBe(true);
    expect((await table.metadata()).snapshots).toHaveLength(1);
  });

  test('a table that was dropped and made anew at the same place is not another state of the old one', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    const before = await table.metadata();
    const recreated = await FileTable.create();
    for (const name of ['x', 'y']) await recreated.append([name]);
    const other = await recreated.metadata();
    expect(await refusal(deleteExpiredFiles({ io: table.io, before, after: other }))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(table.dataNames()).toEqual(['a']);
  });

  test('states in the wrong order are refused: the newest files would look expired', async () => {
    const table = await FileTable.create();
    await table.append(['a']);
    const older = await table.metadata();
    await table.append(['b']);
    const newer = await table.metadata();
    expect(await refusal(deleteExpiredFiles({ io: table.io, before: newer, after: older }))).toBe(
      'INVALID_ARGUMENT',
    );
    await expectExactlyReachable(table);
  });
});

describe('damage', () => {
  async function damaged(): Promise<{ table: FileTable; before: Set<string>; surviving: string }> {
    const table = await FileTable.create();
    await table.append(['a', 'b', 'c']);
    await table.rewrite(['a']);
    await table.append(['d']);
    const [surviving] = await table.headManifests();
    return { table, before: new Set(table.io.files.keys()), surviving: surviving! };
  }

  test.each<[string, (bytes: Uint8Array) => Uint8Array | undefined]>([
    ['is missing', () => undefined],
    ['is cut short', (bytes) => bytes.subarray(0, bytes.length - 20)],
    ['is not Avro', () => Buffer.from('nonsense')],
  ])('a surviving manifest that %s stops everything: not one file is deleted', async (_, damage) => {
    const { table, before, surviving } = await damaged();
    const bytes = table.io.files.get(surviving)!;
    const now = damage(bytes);
    if (now === undefined) table.io.files.delete(surviving);
    else table.io.files.set(surviving, now);
    const { cleanup, expiredSnapshotIds } = await expireSnapshotsAndFiles(table.target, everything);
    expect(expiredSnapshotIds).toHaveLength(2);
    expect(cleanup.kind).toBe('stopped');
    if (cleanup.kind === 'done') return;
    expect(['IO_ERROR', 'INVALID_MANIFEST']).toContain(cleanup.error.code);
    expect(cleanup.error.message).toContain(surviving);
    table.io.files.set(surviving, bytes);
    for (const name of before) expect(table.io.files.has(name), name).toBe(true);
  });

  test('a surviving manifest cut between two blocks, which looks whole, is noticed by its list’s counts', async () => {
    const { table, before } = await damaged();
    const metadata = await table.metadata();
    const [manifest] = (await table.headManifests()).slice(-1);
    // The header alone is a whole Avro file without records.
    const bytes = Buffer.from(table.io.files.get(manifest!)!);
    const sync = bytes.subarray(bytes.length - 16);
    table.io.files.set(manifest!, bytes.subarray(0, bytes.indexOf(sync) + 16));
    const after = { ...metadata, snapshots: metadata.snapshots.slice(-1) };
    const run = deleteExpiredFiles({ io: table.io, before: metadata, after });
    expect(await refusal(run)).toBe('INVALID_MANIFEST');
    for (const name of before) expect(table.io.files.has(name), name).toBe(true);
  });

  test('a surviving manifest list that is missing stops everything', async () => {
    const { table, before } = await damaged();
    const metadata = await table.metadata();
    const list = metadata.snapshots.at(-1)!.manifestList;
    const bytes = table.io.files.get(list)!;
    table.io.files.delete(list);
    const after = { ...metadata, snapshots: metadata.snapshots.slice(-1) };
    expect(await refusal(deleteExpiredFiles({ io: table.io, before: metadata, after }))).toBe('IO_ERROR');
    table.io.files.set(list, bytes);
    for (const name of before) expect(table.io.files.has(name), name).toBe(true);
  });

  test('what cannot be read of an expired snapshot is reported and stays; the rest goes', async () => {
    const table = await FileTable.create();
    const first = await table.append(['a']);
    await table.append(['b']);
    await table.rewrite(['a', 'b']);
    await table.append(['c']);
    const metadata = await table.metadata();
    const manifest = [...(await table.reachable(metadata))].find((file) => /-m0\.avro$/.test(file))!;
    table.io.files.set(manifest, Buffer.from('nonsense'));
    const lost = metadata.snapshots.find((snapshot) => snapshot.snapshotId !== first)!.manifestList;
    table.io.files.delete(lost);
    const report = await expire(table);
    expect(report.failures.map(({ kind, location }) => [kind, location]).sort()).toEqual([
      ['manifest', manifest],
      ['manifest-list', lost],
    ]);
    expect(report.failures.every(({ error }) => IcebergError.is(error))).toBe(true);
    expect(table.io.files.has(manifest)).toBe(true);
    expect(table.dataNames()).toContain('c');
    expect(report.counts['manifest-list']).toBe(2);
  });

  test('files that cannot be deleted are reported, and keep no other from going', async () => {
    const table = await FileTable.create();
    await table.append(['a', 'b']);
    await table.rewrite(['a', 'b']);
    await table.append(['c']);
    const io: FileIO = {
      ...table.io,
      deleteFile: async (location) => {
        if (location.endsWith('/a.parquet')) throw new Error('denied');
        await table.io.deleteFile(location);
      },
    };
    const { cleanup } = await expireSnapshotsAndFiles({ ...table.target, io }, { ...everything });
    if (cleanup.kind === 'stopped') throw cleanup.error;
    expect(cleanup.files.failureCount).toBe(1);
    expect(cleanup.files.failures[0]).toMatchObject({ kind: 'data', location: table.pathOf('a') });
    expect(cleanup.files.failures[0]!.error.code).toBe('IO_ERROR');
    expect(cleanup.files.counts.data).toBe(1);
    expect(table.dataNames()).toEqual(['a', 'c']);
  });
});

test('each list is read once, a surviving manifest once at most, one that goes twice: no cost of many times many', async () => {
  const table = await FileTable.create();
  for (let n = 0; n < 20; n += 1) {
    await table.append([`f${n}`]);
    await table.rewrite([`f${n - 1}`]);
  }
  const before = await table.metadata();
  const all = await table.reachable(before);
  const after = { ...before, snapshots: before.snapshots.slice(-3) };
  const staying = await table.reachable(after);
  table.io.reads.length = 0;
  await deleteExpiredFiles({ io: table.io, before, after });
  const reads = new Map<string, number>();
  for (const location of table.io.reads) reads.set(location, (reads.get(location) ?? 0) + 1);
  for (const location of all) {
    if (location.endsWith('.parquet')) continue;
    const most = location.includes('/snap-') || staying.has(location) ? 1 : 2;
    expect(reads.get(location) ?? 0, location).toBeLessThanOrEqual(most);
  }
  expect(reads.size).toBeGreaterThan(60);
  expect(table.dataNames()).toEqual(['f18', 'f19']);
});

test('gc.enabled=false refuses the expiry, and the cleanup of one that was committed before it was set', async () => {
  const table = await FileTable.create({ 'gc.enabled': 'false' });
  await table.append(['a']);
  await table.append(['b']);
  expect(await refusal(expireSnapshotsAndFiles(table.target, everything))).toBe('INVALID_ARGUMENT');
  const metadata = await table.metadata();
  const after = { ...metadata, snapshots: metadata.snapshots.slice(-1) };
  expect(await refusal(deleteExpiredFiles({ io: table.io, before: metadata, after }))).toBe(
    'INVALID_ARGUMENT',
  );
  await expectExactlyReachable(table);
});

test('the report names so many files as asked for; its counts are exact', async () => {
  const table = await FileTable.create();
  await table.append(Array.from({ length: 50 }, (_, i) => `f${i}`));
  await table.rewrite(Array.from({ length: 49 }, (_, i) => `f${i}`));
  await table.append(['z']);
  const report = await expire(table, { ...everything, maxReportedFiles: 3, concurrency: 2 });
  expect(report.files).toHaveLength(3);
  expect(report.counts.data).toBe(49);
  expect(await refusal(expireSnapshotsAndFiles(table.target, { concurrency: 0 }))).toBe('INVALID_ARGUMENT');
});

test('schemas and partition specs that nothing needs go when asked for', async () => {
  const table = await FileTable.create();
  const first = await table.append(['a']);
  await table.commit(createTag('first', { at: first }));
  const schema = { fields: [{ id: 1, name: 'b', required: true, type: 'long' as const }] };
  await table.catalog.commitTable(table.identifier, {
    requirements: [],
    updates: [
      { action: 'add-schema', schema: { ...schema, schemaId: 1 } },
      { action: 'set-current-schema', schemaId: -1 },
      { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: 'p', transform: 'bucket[4]' }] } },
      { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: 'q', transform: 'bucket[8]' }] } },
      { action: 'set-default-spec', specId: 1 },
    ],
  });
  await table.append(['b']);
  await expire(table, { ...everything, cleanExpiredMetadata: true });
  let metadata = await table.metadata();
  // Files of spec 0 are live; spec 2 was never used.
  expect(metadata.partitionSpecs.map((spec) => spec.specId)).toEqual([0, 1]);
  expect(metadata.schemas.map((one) => one.schemaId)).toEqual([0, 1]);
  await table.commit(removeRef('first'));
  await expire(table, { ...everything, cleanExpiredMetadata: true });
  expect((await table.metadata()).schemas.map((one) => one.schemaId)).toEqual([1]);
  await table.catalog.commitTable(table.identifier, {
    requirements: [],
    updates: [{ action: 'remove-snapshot-ref', refName: 'main' }],
  });
  table.wait(1000);
  await expire(table, { ...everything, cleanExpiredMetadata: true });
  metadata = await table.metadata();
  expect(metadata.partitionSpecs.map((spec) => spec.specId)).toEqual([1]);
  await expectExactlyReachable(table);
});

test('whatever was committed and expired, every file that is needed is there and no other', async () => {
  const name = fc.integer({ min: 0, max: 11 }).map((n) => `f${n}`);
  const ref = fc.constantFrom('x', 'y');
  const step = fc.oneof(
    fc.tuple(fc.constant('append' as const), fc.uniqueArray(name, { minLength: 1, maxLength: 3 })),
    fc.tuple(fc.constant('merge' as const), fc.uniqueArray(name, { minLength: 1, maxLength: 2 })),
    fc.tuple(fc.constantFrom('rewrite' as const, 'delete' as const), fc.uniqueArray(name, { maxLength: 4 })),
    fc.tuple(fc.constantFrom('tag' as const, 'branch' as const, 'remove' as const, 'audit' as const), ref),
    fc.tuple(fc.constantFrom('rollback' as const, 'expire' as const), fc.integer({ min: 1, max: 4 })),
    fc.tuple(fc.constant('stage' as const), fc.uniqueArray(name, { minLength: 1, maxLength: 2 })),
  );
  let expiries = 0;
  let deleted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const table = await FileTable.create({ 'commit.manifest.min-count-to-merge': '3' });
      let unique = 0;
      const fresh = (names: readonly string[]): string[] => names.map((one) => `${one}-${unique++}`);
      // Names are unique: the long way round cannot tell two lives of one file apart.
      const live = (): string[] => table.dataNames();
      const tryCommit = async (...operations: TableOperation[]): Promise<void> => {
        await table.commit(...operations).catch((error: unknown) => {
          if (!IcebergError.is(error, 'INVALID_ARGUMENT')) throw error;
        });
      };
      for (const [kind, value] of [...steps, ['expire', 2] as const]) {
        if (kind === 'append') await table.append(fresh(value as string[]));
        if (kind === 'stage') await table.stage(fresh(value as string[]));
        if (kind === 'audit' && (await table.metadata()).refs[value as string]?.type !== 'tag') {
          await table.append(fresh(['audit']), value as string);
        }
        if (kind === 'merge') {
          await table.commit(mergeAppend({ dataFiles: await table.dataFiles(fresh(value as string[])) }));
        }
        if (kind === 'rewrite' || kind === 'delete') {
          const prefixes = value as string[];
          const names = live().filter((one) => prefixes.some((prefix) => one.startsWith(`${prefix}-`)));
          const paths = names.map((one) => table.pathOf(one));
          if (kind === 'rewrite') await table.rewrite(names);
          else if (paths.length > 0) await tryCommit(deleteDataFiles({ paths, allowMissing: true }));
        }
        if (kind === 'tag') await tryCommit(createTag(value as string));
        if (kind === 'branch') await tryCommit(createBranch(value as string));
        if (kind === 'remove') await tryCommit(removeRef(value as string));
        const metadata = await table.metadata();
        if (kind === 'rollback' && metadata.currentSnapshotId !== undefined) {
          const target = metadata.snapshots.at(-(value as number))?.snapshotId;
          if (target !== undefined) await tryCommit(rollbackToSnapshot(target));
        }
        if (kind !== 'expire') continue;
        const before = countFiles(table);
        const { fileCount } = await expire(table, { olderThanMs: 0, retainLast: value as number });
        // Each file is deleted once, and counted once.
        expect(before - countFiles(table)).toBe(fileCount);
        deleted += fileCount;
        expiries += 1;
        await expectExactlyReachable(table);
      }
    }),
    { numRuns: 25 },
  );
  expect(expiries).toBeGreaterThan(24);
  expect(deleted).toBeGreaterThan(30);
});

/** All files but metadata files. */
function countFiles({ io }: FileTable): number {
  return [...io.files.keys()].filter((location) => !location.endsWith('.metadata.json')).length;
}

/** A catalog whose methods can be spread into another one. */
function bound(catalog: FileTable['catalog']): FileTable['catalog'] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(catalog)) as (keyof typeof catalog)[];
  return Object.fromEntries(
    names
      .filter((one) => typeof catalog[one] === 'function')
      .map((one) => [one, (catalog[one] as (...args: unknown[]) => unknown).bind(catalog)]),
  ) as unknown as typeof catalog;
}
