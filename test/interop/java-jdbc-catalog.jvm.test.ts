// One catalog.db, two catalogs: Iceberg Java's JdbcCatalog (behind Iceberg's REST fixture, which shows all of it) and
// @danube/iceberg-catalog-sql. What one does to names, namespaces and properties the other one sees, in both layouts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createUnsyncedFileIO } from '../../packages/iceberg/src/testing.ts';
import { restAsk, restCall } from '../../packages/iceberg-catalog-rest/test/support/rest-call.ts';
import {
  type RestFixture,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { openSqlCatalog, type SqlCatalog } from '../../packages/iceberg-catalog-sql/src/index.ts';

const NAME = 'shared';
const io = createUnsyncedFileIO();
const schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'id', required: true, type: 'long' }],
} as const;
const ourSchema = { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } as const;

let folder: string;
let file: string;
let warehouse: string;
let fixture: RestFixture | undefined;
let ours: SqlCatalog | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'java-jdbc-'));
  file = join(folder, 'catalog.db');
  warehouse = pathToFileURL(join(folder, 'warehouse')).href;
});
afterEach(async () => {
  await ours?.close();
  await fixture?.stop();
  ours = fixture = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** A JdbcCatalog on the file. `schemaVersion` is what it makes of a new one, and how it looks at an old one. */
async function java(schemaVersion: 'V0' | 'V1') {
  fixture = await startRestFixture({
    warehouse,
    properties: {
      // As anybody would open it; how long it waits for a lock is the driver's default, 3 s.
      uri: `jdbc:sqlite:${file}`,
      'jdbc.schema-version': schemaVersion,
    },
  });
  const uri = fixture.catalog(NAME);
  await restAsk(uri, 'GET', 'config');
  return {
    ask: <T>(method: string, path: string, body?: object) => restAsk<T>(uri, method, path, body),
    call: (method: string, path: string, body?: object) => restCall(uri, method, path, body),
  };
}

/** The same file and catalog, opened by us. */
async function we() {
  ours = await openSqlCatalog({ file, name: NAME, warehouse: `${warehouse}/${NAME}`, io });
  return ours;
}

const setProperties = (updates: Record<string, string>) => ({
  requirements: [],
  updates: [{ action: 'set-properties' as const, updates }],
});

interface JavaTable {
  readonly 'metadata-location': string;
  readonly metadata: { readonly properties: Record<string, string> };
}

const view = {
  name: 'view',
  schema,
  'view-version': {
    'version-id': 1,
    'timestamp-ms': 1,
    'schema-id': 0,
    summary: {},
    'default-namespace': ['sales'],
    representations: [{ type: 'sql', sql: 'select 1', dialect: 'spark' }],
  },
  properties: {},
};
const orders = { namespace: ['sales'], name: 'orders' };
const moved = { namespace: ['sales', 'eu'], name: 'moved' };

describe.each(['V0', 'V1'] as const)('a file that Java made, %s', (version) => {
  test('its namespaces, properties and tables are ours to read, change and rename, and Java sees all of it', async () => {
    const { ask, call } = await java(version);
    await ask('POST', 'namespaces', { namespace: ['sales'], properties: { owner: 'java', note: 'ünï' } });
    await ask('POST', 'namespaces', { namespace: ['sales', 'eu'] });
    const made = await ask<JavaTable>('POST', 'namespaces/sales/tables', { name: 'orders', schema });

    const catalog = await we();
    expect(catalog.schemaVersion).toBe(version);
    expect(await catalog.listNamespaces()).toEqual([['sales']]);
    expect(await catalog.listNamespaces(['sales'])).toEqual([['sales', 'eu']]);
    expect(await catalog.loadNamespaceProperties(['sales'])).toMatchObject({ owner: 'java', note: 'ünï' });
    expect(await catalog.listTables(['sales'])).toEqual([orders]);
    expect((await catalog.loadTable(orders)).metadataLocation).toBe(made['metadata-location']);

    const change = { updates: { owner: 'danube', more: '1' }, removals: ['note'] };
    await catalog.updateNamespaceProperties(['sales'], change);
    const committed = await catalog.commitTable(orders, setProperties({ by: 'danube' }));
    await catalog.renameTable(orders, moved);
    await catalog.createNamespace(['ours'], { owner: 'danube' });
    const own = await catalog.createTable({ namespace: ['ours'], name: 't' }, { schema: ourSchema });

    const namespace = await ask<{ properties: object }>('GET', 'namespaces/sales');
    expect(namespace.properties).toMatchObject({ owner: 'danube', more: '1' });
    expect(namespace.properties).not.toHaveProperty('note');
    expect(await ask('GET', 'namespaces/sales/tables')).toMatchObject({ identifiers: [] });
    expect(await ask('GET', 'namespaces/sales%2Eeu/tables')).toMatchObject({ identifiers: [moved] });
    const seen = await ask<JavaTable>('GET', 'namespaces/sales%2Eeu/tables/moved');
    expect(seen['metadata-location']).toBe(committed.metadataLocation);
    expect(seen.metadata.properties).toMatchObject({ by: 'danube' });
    const ownSeen = await ask<JavaTable>('GET', 'namespaces/ours/tables/t');
    expect(ownSeen['metadata-location']).toBe(own.metadataLocation);

    // Java goes on with what we left, and we with what Java left.
    await ask('POST', 'namespaces/sales%2Eeu/tables/moved', setProperties({ by: 'java' }));
    await ask('POST', 'tables/rename', { source: moved, destination: orders });
    await ask('POST', 'namespaces/ours/properties', { removals: ['owner'], updates: { kept: 'yes' } });
    await ask('DELETE', 'namespaces/ours/tables/t');
    expect((await catalog.loadTable(orders)).metadata.properties).toMatchObject({ by: 'java' });
    expect(await catalog.tableExists(moved)).toBe(false);
    expect(await catalog.loadNamespaceProperties(['ours'])).toEqual({ kept: 'yes' });
    expect(await catalog.listTables(['ours'])).toEqual([]);
    await catalog.dropNamespace(['ours']);
    expect((await call('GET', 'namespaces/ours')).status).toBe(404);
  }, 60_000);

  test('Java and we commit to one table at once: every commit that either was told of is there', async () => {
    const { ask, call } = await java(version);
    await ask('POST', 'namespaces', { namespace: ['sales'] });
    await ask('POST', 'namespaces/sales/tables', { name: 'orders', schema });
    const catalog = await we();
    let running = true;
    const theirs = async () => {
      for (let i = 0; i < 15; ) {
        const change = setProperties({ [`java-${i}`]: '' });
        const { status, body } = await call('POST', 'namespaces/sales/tables/orders', change);
        if (status === 200) i += 1;
        else if (status !== 409) throw new Error(`${status} ${JSON.stringify(body).slice(0, 500)}`);
      }
    };
    /** How many of Java's commits each of ours found. */
    const found: number[] = [];
    const mine = async () => {
      while (running) {
        const { metadata } = await catalog.commitTable(
          orders,
          setProperties({ [`ours-${found.length}`]: '' }),
        );
        found.push(Object.keys(metadata.properties).filter((key) => key.startsWith('java-')).length);
        // Java's attempt takes longer than ours: a gap for it to win in.
        await sleep(100);
      }
    };
    await Promise.all([
      theirs().finally(() => {
        running = false;
      }),
      mine(),
    ]);
    const { properties } = (await catalog.loadTable(orders)).metadata;
    const expected = [
      ...Array.from({ length: 15 }, (_, i) => `java-${i}`),
      ...found.map((_, i) => `ours-${i}`),
    ];
    expect(Object.keys(properties).sort()).toEqual(expect.arrayContaining(expected));
    console.log(`of Java's commits each of ours found ${found.join(' ')}`);
    // Else the two would not have met.
    expect(new Set(found).size).toBeGreaterThan(2);
  }, 60_000);
});

test('Java makes its V0 file V1 while we have it open: its views are no tables of ours', async () => {
  const old = await java('V0');
  await old.ask('POST', 'namespaces', { namespace: ['sales'] });
  await old.ask('POST', 'namespaces/sales/tables', { name: 'orders', schema });
  const catalog = await we();
  expect(catalog.schemaVersion).toBe('V0');
  await fixture?.stop();
  const { ask } = await java('V1');
  await ask('POST', 'namespaces/sales/views', view);
  expect(await catalog.listTables(['sales'])).toEqual([orders]);
  await expect(catalog.dropTable({ ...orders, name: 'view' })).rejects.toMatchObject({
    code: 'TABLE_NOT_FOUND',
  });
  await catalog.renameTable(orders, { ...orders, name: 'renamed' });
  const own = await catalog.createTable(orders, { schema: ourSchema });
  const seen = await ask<JavaTable>('GET', 'namespaces/sales/tables/orders');
  expect(seen['metadata-location']).toBe(own.metadataLocation);
  expect(await ask('GET', 'namespaces/sales/views')).toMatchObject({ identifiers: [{ name: 'view' }] });
}, 60_000);

test('a file that we made is one to Java: namespaces with properties, tables, renames of either, drops of either', async () => {
  const catalog = await we();
  await catalog.createNamespace(['sales'], { owner: 'danube', note: 'ünï' });
  await catalog.createNamespace(['sales', 'eu']);
  const table = await catalog.createTable(orders, { schema: ourSchema, properties: { made: 'by us' } });
  const { ask, call } = await java('V1');
  expect(await ask('GET', 'namespaces')).toMatchObject({ namespaces: [['sales']] });
  expect(await ask('GET', 'namespaces?parent=sales')).toMatchObject({ namespaces: [['sales', 'eu']] });
  expect(await ask('GET', 'namespaces/sales')).toMatchObject({
    properties: { owner: 'danube', note: 'ünï' },
  });
  const seen = await ask<JavaTable>('GET', 'namespaces/sales/tables/orders');
  expect(seen['metadata-location']).toBe(table.metadataLocation);
  await ask('POST', 'tables/rename', { source: orders, destination: moved });
  expect((await catalog.loadTable(moved)).metadataLocation).toBe(table.metadataLocation);
  await catalog.renameTable(moved, orders);
  expect((await call('HEAD', 'namespaces/sales%2Eeu/tables/moved')).status).toBe(404);
  // A view is Java's alone, but its name is taken.
  await ask('POST', 'namespaces/sales/views', view);
  expect(await catalog.listTables(['sales'])).toEqual([orders]);
  await expect(catalog.renameTable(orders, { ...orders, name: 'view' })).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
  });
  await catalog.dropTable(orders);
  await expect(catalog.dropNamespace(['sales'])).rejects.toMatchObject({ code: 'NAMESPACE_NOT_EMPTY' });
  await ask('DELETE', 'namespaces/sales/views/view');
  await catalog.dropNamespace(['sales', 'eu']);
  await ask('DELETE', 'namespaces/sales');
  expect(await catalog.listNamespaces()).toEqual([]);
}, 60_000);

test('somebody holds the lock of the file: Java and we wait, and both commit', async () => {
  const { ask } = await java('V1');
  await ask('POST', 'namespaces', { namespace: ['sales'] });
  await ask('POST', 'namespaces/sales/tables', { name: 'orders', schema });
  const catalog = await we();
  const holder = new DatabaseSync(file);
  holder.exec('BEGIN IMMEDIATE');
  let held = true;
  const during = (commit: Promise<unknown>) => commit.then(() => held);
  const commits = Promise.all([
    during(catalog.commitTable(orders, setProperties({ ours: '' }))),
    during(ask('POST', 'namespaces/sales/tables/orders', setProperties({ java: '' }))),
  ]);
  await sleep(1000);
  held = false;
  holder.exec('COMMIT');
  holder.close();
  expect(await commits).toEqual([false, false]);
  const { properties } = (await catalog.loadTable(orders)).metadata;
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(['java', 'ours']));
}, 60_000);
