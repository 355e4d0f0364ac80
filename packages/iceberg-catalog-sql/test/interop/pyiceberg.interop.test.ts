import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  currentSnapshot,
  type FileIO,
  IcebergError,
  type LoadedTable,
  prepareAppend,
  readManifest,
  readSnapshotManifests,
} from '@danube/iceberg';
import { localBaseUri } from '@danube/objectstore';
import { expect, test } from 'vitest';
import { localIO, openIn, orders, schema, setProperties, tempDir } from '../support/fixture.ts';

const python = process.env.DANUBE_PYTHON ?? 'python3';
const helper = fileURLToPath(new URL('./sql_catalog.py', import.meta.url));

interface TableDescription {
  readonly identifier: readonly string[];
  readonly uuid: string;
  readonly metadataLocation: string;
  readonly location: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly fields: readonly (readonly [number, string, string, boolean])[];
  readonly partitionFields: readonly (readonly [number, number, string, string])[];
  readonly snapshotId: string | null;
  readonly snapshots: number;
  readonly ids: readonly number[];
}

interface NamespaceDescription {
  readonly namespace: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly tables: readonly TableDescription[];
  readonly children: readonly NamespaceDescription[];
}

/** Beside the awkward directory, not in it: SQLAlchemy 2.1 decodes percent signs in the path of a database. */
const catalogFile = (dir: string) => join(dirname(dir), 'cata log.db');

async function pyIceberg<T>(dir: string, command: string, ...more: string[]): Promise<T> {
  const args = [helper, command, catalogFile(dir), localBaseUri(join(dir, 'warehouse')), ...more];
  const { stdout } = await promisify(execFile)(python, args);
  return JSON.parse(stdout) as T;
}

/** A directory for tables, whose path has what a location might be tempted to encode. */
async function awkwardDir(): Promise<string> {
  return join(await tempDir(), 'my data %41 ünï');
}

async function catalogIn(dir: string) {
  return openIn(dir, { file: catalogFile(dir) });
}

async function dataFiles({ metadata }: LoadedTable, io: FileIO): Promise<string[]> {
  const snapshot = currentSnapshot(metadata);
  const manifests = snapshot === undefined ? [] : await readSnapshotManifests(io, snapshot);
  const entries = await Promise.all(manifests.map((manifest) => readManifest(io, metadata, manifest)));
  return entries.flatMap((found) => [...found]).map(({ dataFile }) => dataFile.filePath);
}

test('PyIceberg lists our namespaces and tables, loads them, and appends to them', async () => {
  const dir = await awkwardDir();
  const catalog = await catalogIn(dir);
  await catalog.createNamespace(['default'], { owner: 'danube', note: 'ünï' });
  await catalog.createNamespace(['a', 'b']);
  await catalog.createTable(orders, {
    schema,
    partitionSpec: { fields: [{ sourceId: 2, name: 'text', transform: 'identity' }] },
    properties: { 'made.by': 'danube' },
  });
  const base = await catalog.commitTable(orders, setProperties({ commits: '1' }));
  const io = await localIO(dir);
  const prepared = await prepareAppend({ base, io, dataFiles: [], tags: ['danube.ledger'] });
  const table = await catalog.commitTable(orders, prepared.request);

  const seen = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(seen.map(({ namespace }) => namespace)).toEqual([['a'], ['default']]);
  expect(seen[0]?.children.map(({ namespace }) => namespace)).toEqual([['a', 'b']]);
  expect(seen[1]?.properties).toMatchObject({ owner: 'danube', note: 'ünï' });
  expect(seen[1]?.tables).toEqual([
    {
      identifier: ['default', 'orders'],
      uuid: table.metadata.tableUuid,
      metadataLocation: table.metadataLocation,
      location: table.metadata.location,
      properties: { 'made.by': 'danube', commits: '1' },
      fields: [
        [1, 'id', 'long', true],
        [2, 'text', 'string', false],
      ],
      partitionFields: [[2, 1000, 'text', 'identity']],
      snapshotId: String(prepared.snapshotId),
      snapshots: 1,
      ids: [],
    },
  ]);

  await pyIceberg(dir, 'append', 'default.orders', '2');
  const after = await catalog.loadTable(orders);
  expect(after.metadata.snapshots).toHaveLength(3);
  expect(currentSnapshot(after.metadata)?.summary).toMatchObject({
    operation: 'append',
    'total-records': '2',
  });
  // The value `row 1000` is encoded in the path, and the directory on disk has that very name: we find it as written.
  const paths = await dataFiles(after, io);
  expect(paths).toHaveLength(2);
  expect(paths[0]).toMatch(/\/text=row(%20|\+)100[01]\//);
  for (const path of paths) expect(await io.fileSize(path)).toBeGreaterThan(0);
  const ours = await catalog.commitTable(orders, setProperties({ commits: '2' }));
  const again = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(again[1]?.tables[0]).toMatchObject({
    metadataLocation: ours.metadataLocation,
    properties: { commits: '2' },
    snapshots: 3,
    ids: [1000, 1001],
  });
});

test('we list namespaces and tables of PyIceberg, load and commit to them, in a file that PyIceberg made', async () => {
  const dir = await awkwardDir();
  const made = await pyIceberg<TableDescription>(dir, 'create', 'py', 'events');
  const catalog = await catalogIn(dir);
  expect(catalog.schemaVersion).toBe('V1');
  expect(await catalog.listNamespaces()).toEqual([['py']]);
  expect(await catalog.listNamespaces(['py'])).toEqual([['py', 'deep']]);
  expect(await catalog.loadNamespaceProperties(['py'])).toEqual({ owner: 'pyiceberg' });
  expect(await catalog.loadNamespaceProperties(['py', 'deep'])).toEqual({});
  const events = { namespace: ['py'], name: 'events' };
  expect(await catalog.listTables(['py'])).toEqual([events]);
  const table = await catalog.loadTable(events);
  expect(table.metadataLocation).toBe(made.metadataLocation);
  expect(String(table.metadata.currentSnapshotId)).toBe(made.snapshotId);
  expect(table.metadata.properties).toEqual(made.properties);
  expect(currentSnapshot(table.metadata)?.summary['total-records']).toBe('3');

  await catalog.commitTable(events, setProperties({ 'seen.by': 'danube' }));
  await catalog.updateNamespaceProperties(['py', 'deep'], { updates: { a: '1' } });
  await catalog.renameTable(events, { namespace: ['py', 'deep'], name: 'renamed' });
  const [seen] = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(seen?.tables).toEqual([]);
  expect(seen?.children[0]?.properties).toMatchObject({ a: '1' });
  expect(seen?.children[0]?.tables[0]).toMatchObject({ ids: [1, 2, 3], properties: { 'seen.by': 'danube' } });
});

/** As Java's JdbcCatalog makes it by default. */
const v0 = `CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
  table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
  PRIMARY KEY (catalog_name, table_namespace, table_name))`;

test.each(['V0', 'V1'] as const)(
  'PyIceberg renames our table, changes properties of our namespace and makes and drops names; we see it in a %s file',
  async (version) => {
    const dir = await awkwardDir();
    if (version === 'V0') {
      const db = new DatabaseSync(catalogFile(dir));
      db.exec(v0);
      db.close();
    }
    const catalog = await catalogIn(dir);
    expect(catalog.schemaVersion).toBe(version);
    await catalog.createNamespace(['default'], { owner: 'danube', note: 'gone soon', kept: '1' });
    await catalog.createNamespace(['default', 'deep']);
    const { metadataLocation } = await catalog.createTable(orders, { schema });

    const answer = await pyIceberg(dir, 'change', 'default.orders', 'default.deep.renamed');
    expect(answer).toEqual({ updated: ['more', 'owner'], removed: ['note'] });
    expect(await catalog.tableExists(orders)).toBe(false);
    const renamed = { namespace: ['default', 'deep'], name: 'renamed' };
    expect(await catalog.listTables(['default', 'deep'])).toEqual([renamed]);
    expect((await catalog.loadTable(renamed)).metadataLocation).toBe(metadataLocation);
    expect(await catalog.loadNamespaceProperties(['default'])).toEqual({
      kept: '1',
      more: 'ünï',
      owner: 'pyiceberg',
    });
    expect(await catalog.listNamespaces()).toEqual([['default'], ['theirs']]);
    expect(await catalog.loadNamespaceProperties(['theirs'])).toEqual({ owner: 'pyiceberg' });

    // And the other way: what we do next, PyIceberg sees.
    await catalog.commitTable(renamed, setProperties({ by: 'us' }));
    await catalog.renameTable(renamed, orders);
    await catalog.updateNamespaceProperties(['theirs'], { updates: { owner: 'us' } });
    await catalog.dropNamespace(['default', 'deep']);
    const seen = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
    expect(seen.map(({ namespace }) => namespace)).toEqual([['default'], ['theirs']]);
    expect(seen[0]).toMatchObject({ children: [], tables: [{ properties: { by: 'us' } }] });
    expect(seen[1]?.properties).toMatchObject({ owner: 'us' });
  },
);

test('names with quotes, wildcards, spaces and letters of many scripts are the same names to PyIceberg', async () => {
  const dir = await awkwardDir();
  const catalog = await catalogIn(dir);
  const namespace = [`it's "100 %"`, 'ünï_日本 𝒳'];
  const identifiers = ["a'b", 'x "y" z', 'per%cent_', '数 𝒳'].map((name) => ({ namespace, name }));
  await catalog.createNamespace([namespace[0]!], { 'k\'"%': `v'"%\u2028` });
  await catalog.createNamespace(namespace);
  for (const identifier of identifiers) await catalog.createTable(identifier, { schema });
  const [seen] = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(seen?.namespace).toEqual([namespace[0]]);
  expect(seen?.properties).toMatchObject({ 'k\'"%': `v'"%\u2028` });
  expect(seen?.children[0]?.namespace).toEqual(namespace);
  const names = seen?.children[0]?.tables.map(({ identifier }) => identifier.join('/'));
  expect(names?.sort()).toEqual(identifiers.map(({ name }) => [...namespace, name].join('/')).sort());
});

test('PyIceberg and we commit to one table at once, and nothing is lost', async () => {
  const dir = await awkwardDir();
  const catalog = await catalogIn(dir);
  await catalog.createNamespace(['default']);
  await catalog.createTable(orders, { schema });
  const io = await localIO(dir);
  const theirs = pyIceberg<{ conflicts: number }>(dir, 'append', 'default.orders', '15');
  let running = true;
  const stop = () => {
    running = false;
  };
  void theirs.then(stop, stop);
  let commits = 0;
  let conflicts = 0;
  while (running || commits < 15) {
    const base = await catalog.loadTable(orders);
    const setProperties = { commits: String(commits + 1) };
    const { request } = await prepareAppend({ base, io, dataFiles: [], setProperties });
    try {
      await catalog.commitTable(orders, request);
      commits += 1;
    } catch (error) {
      if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
      conflicts += 1;
    }
    // PyIceberg's attempt takes much longer than ours: leave it a gap to win in.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  console.log(`conflicts: ours ${conflicts}, theirs ${(await theirs).conflicts}; our commits ${commits}`);
  const table = await catalog.loadTable(orders);
  expect(table.metadata.snapshots).toHaveLength(commits + 15);
  expect(table.metadata.properties.commits).toBe(String(commits));
  const [seen] = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(seen?.tables[0]?.ids).toEqual(Array.from({ length: 15 }, (_, i) => 1000 + i));
}, 120_000);

test('after closing, the one file holds the catalog, and PyIceberg opens it', async () => {
  const dir = await awkwardDir();
  const catalog = await catalogIn(dir);
  await catalog.createNamespace(['default']);
  await catalog.createTable(orders, { schema });
  await catalog.close();
  expect((await readFile(catalogFile(dir))).subarray(0, 15).toString()).toBe('SQLite format 3');
  const seen = await pyIceberg<NamespaceDescription[]>(dir, 'describe');
  expect(seen[0]?.tables[0]?.identifier).toEqual(['default', 'orders']);
  const db = new DatabaseSync(catalogFile(dir));
  expect({ ...db.prepare('PRAGMA journal_mode').get() }).toEqual({ journal_mode: 'wal' });
  db.close();
});
