// One catalog.db, one table, two writers: Iceberg Java (its JdbcCatalog) and this project (@danube/iceberg-catalog-sql).
// Each works on what the other left, and after every step both read the same rows and the same manifests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  commitTransaction,
  createBranch,
  createTag,
  currentSnapshot,
  type DataFile,
  deleteDataFiles,
  describeParquetFile,
  eq,
  expireSnapshots,
  mergeAppend,
  planFiles,
  readManifest,
  readSnapshotManifests,
  rewriteFiles,
  rewriteManifests,
  scanRows,
  scanSchema,
  type TableOperation,
  updatePartitionSpec,
  updateSchema,
} from '../../packages/iceberg/src/index.ts';
import { type JavaTable, javaTable } from '../../packages/iceberg/test/interop/java-table.ts';
import { createLocalFileIO } from '../../packages/iceberg/test/interop/judge.ts';
import { startJavaJudge } from '../../packages/iceberg/test/interop/judge-java.ts';
import type { JudgeProcess } from '../../packages/iceberg/test/interop/judge-process.ts';
import { countRows } from '../../packages/iceberg/test/support/golden.ts';
import { type PrintedRow, printRow } from '../../packages/iceberg/test/support/printed.ts';
import { openSqlCatalog, type SqlCatalog } from '../../packages/iceberg-catalog-sql/src/index.ts';

const io = createLocalFileIO();
const identifier = { namespace: ['shared'], name: 'orders' };
let java: JudgeProcess;
let folder: string;
let catalog: SqlCatalog;
let theirs: JavaTable;

beforeAll(async () => {
  java = startJavaJudge();
  await java.request('versions');
}, 60_000);
afterAll(() => java.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'java-catalog-'));
  const file = join(folder, 'catalog.db');
  const warehouse = pathToFileURL(join(folder, 'warehouse')).href;
  catalog = await openSqlCatalog({ file, name: 'shared', warehouse, io });
  theirs = javaTable(java, { catalog: { file, name: 'shared', warehouse }, table: 'shared.orders' });
});
afterEach(async () => {
  await catalog.close();
  await rm(folder, { recursive: true, force: true });
});

const schema = {
  type: 'struct',
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'region', required: false, type: 'string' },
  ],
};
const spec = {
  'spec-id': 0,
  fields: [{ 'source-id': 2, 'field-id': 1000, name: 'region', transform: 'identity' }],
};
const properties = { 'commit.manifest.min-count-to-merge': '3' };

function orders(from: number, toExclusive: number): PrintedRow[] {
  const regions = ['s:eu', 's:us', null];
  return Array.from({ length: toExclusive - from }, (_, i) => ({
    id: String(from + i),
    region: regions[(from + i) % 3]!,
  }));
}

const commit = (...operations: TableOperation[]) =>
  commitTransaction({ io, catalog, identifier }, operations);

/** Data files that Java wrote, described by us. */
async function ourFiles(rows: readonly PrintedRow[]): Promise<DataFile[]> {
  const { metadata } = await catalog.loadTable(identifier);
  const locations = await theirs.writeData(rows);
  return Promise.all(locations.map((location) => describeParquetFile(io, metadata, location)));
}

/** Both sides see these rows, and the same entries in the same manifests. */
async function expectBothToSee(rows: readonly PrintedRow[]): Promise<void> {
  const { metadata } = await catalog.loadTable(identifier);
  const columns = scanSchema(metadata);
  const ours: PrintedRow[] = [];
  for await (const row of scanRows(metadata, io)) ours.push(printRow(columns, row));
  expect(countRows(ours)).toEqual(countRows(rows));
  expect(countRows(await theirs.rows())).toEqual(countRows(rows));

  const snapshot = currentSnapshot(metadata)!;
  const entries: string[][] = [];
  for (const manifest of await readSnapshotManifests(io, snapshot)) {
    for (const entry of await readManifest(io, metadata, manifest)) {
      const { status, snapshotId, sequenceNumber, fileSequenceNumber, dataFile } = entry;
      entries.push([status, snapshotId, sequenceNumber, fileSequenceNumber, dataFile.filePath].map(String));
    }
  }
  const manifests = await theirs.manifests();
  for (const { entries: listed, minSequenceNumber, path } of manifests) {
    const numbers = listed
      .filter(({ status }) => status !== 'deleted')
      .map((entry) => Number(entry.sequenceNumber));
    // Deletes older than this are not looked for in the manifest.
    if (numbers.length > 0) expect(Number(minSequenceNumber), path).toBe(Math.min(...numbers));
  }
  const seenByJava = manifests.flatMap((manifest) =>
    manifest.entries.map((entry) => [
      entry.status,
      entry.snapshotId,
      entry.sequenceNumber,
      entry.fileSequenceNumber,
      entry.path,
    ]),
  );
  expect(entries).toEqual(seenByJava);
  // Totals carried from summary to summary by two programs still agree with what is there.
  const { summary } = snapshot;
  const live = entries.filter(([status]) => status !== 'deleted').length;
  expect(Number(summary['total-data-files']) + Number(summary['total-delete-files'])).toBe(live);
}

test('Java and we append, delete, merge and compact in turns on one table, each on what the other left', {
  timeout: 60_000,
}, async () => {
  await theirs.create({ schema, spec, properties });
  await theirs.append(orders(0, 6));
  await expectBothToSee(orders(0, 6));

  await commit(mergeAppend({ dataFiles: await ourFiles(orders(6, 12)) }));
  await expectBothToSee(orders(0, 12));

  // Java merges manifests, two of ours among them.
  await theirs.append(orders(12, 15), 'append');
  await expectBothToSee(orders(0, 15));

  await commit(deleteDataFiles({ filter: eq('region', 'us') }));
  const kept = orders(0, 15).filter(({ region }) => region !== 's:us');
  await expectBothToSee(kept);

  await theirs.commit({ type: 'delete', filter: { type: 'is-null', term: 'region' } });
  const eu = kept.filter(({ region }) => region === 's:eu');
  await expectBothToSee(eu);

  // We compact files that Java and we added.
  const { metadata } = await catalog.loadTable(identifier);
  const removeDataFiles: DataFile[] = [];
  for await (const { dataFile } of planFiles(metadata, io)) removeDataFiles.push(dataFile);
  expect(removeDataFiles.length).toBeGreaterThan(2);
  await commit(rewriteFiles({ removeDataFiles, addDataFiles: await ourFiles(eu) }));
  await expectBothToSee(eu);

  await theirs.append(orders(20, 23), 'append');
  await commit(rewriteManifests({}));
  await theirs.commit({ type: 'rewriteManifests', clusterBy: 'path' });
  await expectBothToSee([...eu, ...orders(20, 23)]);
});

test('Java deletes rows with position and equality deletes on our files; we append, rewrite and read with them', {
  timeout: 60_000,
}, async () => {
  await catalog.createNamespace(identifier.namespace);
  await catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'id', required: true, type: 'long' },
        { id: 2, name: 'region', required: false, type: 'string' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 2, name: 'region', transform: 'identity' }] },
  });
  const first = await ourFiles(orders(0, 9));
  await commit(mergeAppend({ dataFiles: first }));
  const positions = await theirs.writePositionDeletes({ [first[0]!.filePath]: [0, 2] });
  const keys = await theirs.writeEqualityDeletes(['id'], [{ id: '4', region: 's:us' }]);
  await theirs.commit({ type: 'rowDelta', addDeletes: [...positions, ...keys] });
  const left = orders(0, 9).filter(({ id }) => !['0', '6', '4'].includes(id as string));
  await expectBothToSee(left);

  // A row of a deleted key, written later, lives.
  await commit(mergeAppend({ dataFiles: await ourFiles([{ id: '4', region: 's:us' }]) }));
  await expectBothToSee([...left, { id: '4', region: 's:us' }]);

  // Rewritten with its deleted row, and with the sequence number of the old file: the delete of key 4 still applies.
  const us = orders(0, 9).filter(({ region }) => region === 's:us');
  const removeDataFiles = first.filter(({ partition }) => partition[0] === 'us');
  const addDataFiles = await ourFiles(us);
  await commit(rewriteFiles({ removeDataFiles, addDataFiles, dataSequenceNumber: 1n }));
  await expectBothToSee([...left, { id: '4', region: 's:us' }]);
});

test('schema, partition spec and refs changed in turns are the same to both', {
  timeout: 60_000,
}, async () => {
  await theirs.create({ schema, spec, properties });
  const { snapshotId } = await theirs.append(orders(0, 3));
  await commit(
    updateSchema((change) => change.addColumn('note', { type: 'string' }).renameColumn('region', 'area')),
    updatePartitionSpec((change) => change.addField('id', 'bucket[2]')),
    createTag('ours'),
  );
  await theirs.commit({
    type: 'schema',
    changes: [
      { do: 'add', name: 'n', type: 'int' },
      { do: 'first', name: 'note' },
    ],
  });
  await theirs.commit({ type: 'snapshots', changes: [{ do: 'createTag', name: 'theirs', snapshotId }] });
  await theirs.append([{ note: 's:x', id: '3', area: 's:eu', n: '7' }]);
  await commit(
    updateSchema((change) => change.widenColumn('n', 'long')),
    createBranch('ours-too'),
  );
  const old = orders(0, 3).map(({ id, region }) => ({ note: null, id: id!, area: region!, n: null }));
  await expectBothToSee([...old, { note: 's:x', id: '3', area: 's:eu', n: '7' }]);
  const { metadata } = await catalog.loadTable(identifier);
  expect([...Object.keys(metadata.refs)].sort()).toEqual(['main', 'ours', 'ours-too', 'theirs']);
  expect(countRows(await theirs.rows({ ref: 'ours' }))).toEqual(countRows(orders(0, 3)));
});

test('a commit of Java on a state that we changed meanwhile is made again or refused, and ours on what Java changed', {
  timeout: 60_000,
}, async () => {
  await theirs.create({ schema, spec });
  const { snapshotId } = await theirs.append(orders(0, 3));
  const [file] = (await theirs.plan()).map(({ path }) => path);

  // An append staged before ours is retried on top of it.
  const add = await theirs.writeData(orders(3, 6));
  await theirs.commit({ type: 'append', add }, { stage: 'append' });
  await commit(mergeAppend({ dataFiles: await ourFiles(orders(6, 9)) }));
  await theirs.commitStaged('append');
  await expectBothToSee([...orders(0, 3), ...orders(6, 9), ...orders(3, 6)]);

  // Position deletes for a file that we removed meanwhile: Java refuses.
  const deletes = await theirs.writePositionDeletes({ [file!]: [0] });
  const delta = { type: 'rowDelta', addDeletes: deletes, validateFrom: snapshotId, validateExist: [file] };
  await commit(deleteDataFiles({ paths: [file!] }));
  await expect(theirs.commit({ ...delta, validateDeleted: true })).rejects.toMatchObject({
    name: 'ValidationException',
  });

  // Our removal of a file that Java removed meanwhile: we refuse.
  const base = await catalog.loadTable(identifier);
  const [next] = (await theirs.plan()).map(({ path }) => path);
  await theirs.commit({ type: 'delete', remove: [next] });
  const late = commitTransaction({ io, catalog, identifier }, [deleteDataFiles({ paths: [next!] })], {
    base,
  });
  await expect(late).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
});

test('snapshots that one side expires are gone for the other, and what is left stays readable', {
  timeout: 60_000,
}, async () => {
  await theirs.create({ schema, spec });
  const ids: string[] = [];
  for (let i = 0; i < 4; i += 1) ids.push((await theirs.append(orders(3 * i, 3 * i + 3))).snapshotId!);
  await commit(expireSnapshots({ snapshotIds: [BigInt(ids[0]!)] }));
  const { deletedFiles } = await theirs.commit({ type: 'expire', snapshotIds: [ids[1]] });
  // Its manifest list alone: the manifests and files are in later snapshots, too.
  expect(deletedFiles).toHaveLength(1);
  expect((await catalog.loadTable(identifier)).metadata.snapshots.map((s) => String(s.snapshotId))).toEqual(
    ids.slice(2),
  );
  await expectBothToSee(orders(0, 12));
});
