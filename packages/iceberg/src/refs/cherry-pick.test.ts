import { expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import {
  addSnapshot,
  apply,
  chain,
  commitOperation,
  idOf,
  planOn,
  refusal,
} from '../../test/support/snapshot-table.ts';
import { expireSnapshotsAndFiles } from '../maintenance/expire-snapshots-and-files.ts';
import { currentSnapshot, type TableMetadata } from '../metadata/table-metadata.ts';
import { commitTransaction } from '../transaction/commit-transaction.ts';
import { mergeAppend } from '../transaction/merge-append.ts';
import { prepareTransaction } from '../transaction/prepare-transaction.ts';
import { cherryPick } from './cherry-pick.ts';

/** The live data files of `main`, by name. */
async function mainFiles(table: FileTable): Promise<string[]> {
  const metadata = await table.metadata();
  const files = await table.reachable({ ...metadata, snapshots: [currentSnapshot(metadata)!] });
  return [...files].flatMap((file) => /([^/]+)\.parquet$/.exec(file)?.[1] ?? []).sort();
}

test('a staged append whose parent is the head of main is published by moving main to it', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const staged = await table.stage(['b']);
  expect(await mainFiles(table)).toEqual(['a']);
  expect(await table.commit(cherryPick(staged))).toBe(staged);
  expect(await mainFiles(table)).toEqual(['a', 'b']);
});

test('main has moved on: what was staged is appended again, and says what it is', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const staged = await table.stage(['b', 'c']);
  const head = await table.append(['d']);
  const picked = await table.commit(cherryPick(staged));
  const metadata = await table.metadata();
  expect(picked).not.toBe(staged);
  expect(currentSnapshot(metadata)).toMatchObject({
    snapshotId: picked,
    parentSnapshotId: head,
    summary: {
      operation: 'append',
      'source-snapshot-id': String(staged),
      'published-wap-id': 'w',
      'added-data-files': '2',
      'total-data-files': '4',
    },
  });
  // Of what the staged snapshot holds only what it added itself is picked.
  expect(await mainFiles(table)).toEqual(['a', 'b', 'c', 'd']);
  expect(Object.keys(metadata.refs)).toEqual(['main']);
});

test('prepared and then sent, the commit has all its files', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const staged = await table.stage(['b']);
  await table.append(['c']);
  const base = await table.catalog.loadTable(table.identifier);
  const { request, writtenFiles } = await prepareTransaction(base, [cherryPick(staged)], table.target);
  expect(writtenFiles).toHaveLength(2);
  await table.catalog.commitTable(table.identifier, request);
  expect(await mainFiles(table)).toEqual(['a', 'b', 'c']);
});

test('nothing is published twice: not the snapshot, not what was picked from it, not its wap.id', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const [one, other] = [await table.stage(['b']), await table.stage(['c'])];
  await table.append(['d']);
  await table.commit(cherryPick(one));
  expect(await refusal(table.commit(cherryPick(one)))).toBe('INVALID_ARGUMENT');
  // Both are staged under the wap.id "w".
  expect(await refusal(table.commit(cherryPick(other)))).toBe('INVALID_ARGUMENT');
  const head = (await table.metadata()).currentSnapshotId!;
  expect(await refusal(table.commit(cherryPick(head)))).toBe('INVALID_ARGUMENT');
  expect(await refusal(table.commit(cherryPick(1n)))).toBe('SNAPSHOT_NOT_FOUND');
  expect(await mainFiles(table)).toEqual(['a', 'b', 'd']);
});

test('without a wap.id, what was picked from a snapshot is known by the id of that snapshot', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const staged = await table.stage(['b'], { summary: {} });
  await table.append(['c']);
  await table.commit(cherryPick(staged));
  await table.append(['d']);
  expect(await refusal(table.commit(cherryPick(staged)))).toBe('INVALID_ARGUMENT');
});

test('of a staged snapshot that merged manifests only what it added is picked', async () => {
  const table = await FileTable.create({ 'commit.manifest.min-count-to-merge': '2' });
  await table.append(['a']);
  await table.append(['gone']);
  const staged = await table.stage(['b'], { append: mergeAppend });
  await table.rewrite(['gone']);
  await table.commit(cherryPick(staged));
  expect(await mainFiles(table)).toEqual(['a', 'b']);
});

const withSummary = (table: TableMetadata, n: number, summary: Record<string, string>): TableMetadata => ({
  ...table,
  snapshots: table.snapshots.map((one) => (one.snapshotId === idOf(n) ? { ...one, summary } : one)),
});

test('what is no append is published only next to main', async () => {
  const staged = addSnapshot(chain(2), 3, { branch: null, parent: 2 });
  const deleted = withSummary(staged, 3, { operation: 'delete' });
  expect((await commitOperation(deleted, cherryPick(idOf(3)))).currentSnapshotId).toBe(idOf(3));
  const moved = addSnapshot(deleted, 4);
  expect(await refusal(planOn(moved, cherryPick(idOf(3))))).toBe('INVALID_ARGUMENT');
  // The caller saw main where it fitted: others moved it.
  expect(await refusal(planOn(moved, cherryPick(idOf(3)), { start: deleted }))).toBe('COMMIT_CONFLICT');
  const replaced = withSummary(moved, 3, { operation: 'overwrite', 'replace-partitions': 'true' });
  expect(await refusal(planOn(replaced, cherryPick(idOf(3))))).toBe('UNSUPPORTED_FEATURE');
});

test('others publish it, or expire it, before the plan: a conflict', async () => {
  const start = addSnapshot(chain(2), 3, { branch: null, parent: 2 });
  const published = await commitOperation(start, cherryPick(idOf(3)));
  expect(await refusal(planOn(published, cherryPick(idOf(3)), { start }))).toBe('COMMIT_CONFLICT');
  const expired = apply(start, { action: 'remove-snapshots', snapshotIds: [idOf(3)] });
  expect(await refusal(planOn(expired, cherryPick(idOf(3)), { start }))).toBe('COMMIT_CONFLICT');
});

test('a table without a current snapshot takes a first snapshot that was staged', async () => {
  const table = await FileTable.create();
  const staged = await table.stage(['a']);
  expect(await table.commit(cherryPick(staged))).toBe(staged);
  expect(await mainFiles(table)).toEqual(['a']);
});

test('an expiry of the staged snapshot between plan and commit: nothing lands whose files are gone', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const staged = await table.stage(['b']);
  await table.append(['c']);
  table.wait(1000);
  const { catalog } = table;
  const racing: typeof catalog = Object.create(catalog, {
    commitTable: {
      value: async (...request: Parameters<typeof catalog.commitTable>) => {
        await expireSnapshotsAndFiles(table.target, { olderThanMs: 0 });
        return catalog.commitTable(...request);
      },
    },
    loadTable: { value: catalog.loadTable.bind(catalog) },
  });
  const run = commitTransaction({ ...table.target, catalog: racing }, [cherryPick(staged)]);
  expect(await refusal(run)).toBe('INVALID_ARGUMENT');
  expect(table.dataNames()).toEqual(['a', 'c']);
  for (const file of await table.reachable()) expect(table.io.files.has(file), file).toBe(true);
});
