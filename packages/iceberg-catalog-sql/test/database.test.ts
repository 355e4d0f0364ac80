import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openSqlCatalog } from '../src/index.ts';
import { failure, openIn, optionsIn, orders, schema, setProperties, tempDir } from './support/fixture.ts';

/** As a Java JdbcCatalog without `jdbc.schema-version=V1` makes it. */
const v0 = `
CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
 table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
 PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
 property_key VARCHAR(255), property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key));`;

/** As SQLAlchemy makes it for PyIceberg's SqlCatalog. */
const pyIcebergNamespaces = `
CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
 property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL,
 PRIMARY KEY (catalog_name, namespace, property_key));`;

const sqlIn = (dir: string, sql: string) => {
  const db = new DatabaseSync(join(dir, 'catalog.db'));
  db.exec(sql);
  return db;
};

describe('opening', () => {
  test('makes a V1 file in write-ahead mode, with full sync', async () => {
    const dir = await tempDir();
    let db: DatabaseSync | undefined;
    const catalog = await openIn(dir, {
      openDatabase: (file, settings) => {
        db = new DatabaseSync(file, settings);
        return db;
      },
    });
    expect(catalog.schemaVersion).toBe('V1');
    expect(catalog.journalMode).toBe('wal');
    expect({ ...db?.prepare('PRAGMA synchronous').get() }).toEqual({ synchronous: 2 });
    expect({ ...db?.prepare('PRAGMA fullfsync').get() }).toEqual({ fullfsync: 1 });
    const names = db?.prepare('SELECT name FROM pragma_table_info(?)').all('iceberg_tables') ?? [];
    expect(names.map((row) => row.name)).toEqual([
      'catalog_name',
      'table_namespace',
      'table_name',
      'metadata_location',
      'previous_metadata_location',
      'iceberg_type',
    ]);
  });

  test('refuses a connection that does not sync', async () => {
    const dir = await tempDir();
    const weak = (file: string, settings: { timeout: number }) => {
      const db = new DatabaseSync(file, settings);
      const exec = db.exec.bind(db);
      db.exec = (sql) => exec(sql.replace(/synchronous = (FULL|EXTRA)/, 'synchronous = NORMAL'));
      return db;
    };
    const error = await failure(openIn(dir, { openDatabase: weak }), 'INVALID_ARGUMENT');
    expect(error.message).toContain('durable');
  });

  test('finds the same tables again', async () => {
    const dir = await tempDir();
    const first = await openIn(dir);
    await first.createNamespace(['default']);
    const table = await first.createTable(orders, { schema });
    await first.close();
    const second = await openIn(dir);
    expect(await second.loadTable(orders)).toEqual(table);
  });

  test('uses a V0 file as V0 and leaves it so', async () => {
    const dir = await tempDir();
    sqlIn(dir, v0).close();
    const catalog = await openIn(dir);
    expect(catalog.schemaVersion).toBe('V0');
    await catalog.createNamespace(['default'], { owner: 'me' });
    await catalog.createTable(orders, { schema });
    const committed = await catalog.commitTable(orders, setProperties({ a: '1' }));
    const renamed = { namespace: ['default'], name: 'renamed' };
    await catalog.renameTable(orders, renamed);
    expect(await catalog.listTables(['default'])).toEqual([renamed]);
    expect((await catalog.loadTable(renamed)).metadataLocation).toBe(committed.metadataLocation);
    await catalog.dropTable(renamed);
    await catalog.close();
    const db = sqlIn(dir, '');
    const names = db.prepare('SELECT name FROM pragma_table_info(?)').all('iceberg_tables');
    expect(names.map((row) => row.name)).not.toContain('iceberg_type');
    db.close();
  });

  test('sees when others make a V0 file V1: their views are no tables, and new tables say what they are', async () => {
    const dir = await tempDir();
    sqlIn(dir, v0).close();
    const catalog = await openIn(dir);
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    const other = sqlIn(dir, 'ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)');
    other.exec("INSERT INTO iceberg_tables VALUES ('danube', 'default', 'view', 'file:///x', NULL, 'VIEW')");
    const view = { ...orders, name: 'view' };
    expect(await catalog.listTables(['default'])).toEqual([orders]);
    expect(await catalog.tableExists(view)).toBe(false);
    await failure(catalog.dropTable(view), 'TABLE_NOT_FOUND');
    await failure(catalog.renameTable(view, { ...orders, name: 'renamed' }), 'TABLE_NOT_FOUND');
    await failure(catalog.createTable(view, { schema }), 'ALREADY_EXISTS');
    await catalog.createTable({ ...orders, name: 'later' }, { schema });
    await catalog.commitTable(orders, setProperties({ a: '1' }));
    const types = other.prepare('SELECT table_name, iceberg_type FROM iceberg_tables ORDER BY 1').all();
    expect(types.map((row) => Object.values(row))).toEqual([
      ['later', 'TABLE'],
      ['orders', null],
      ['view', 'VIEW'],
    ]);
    other.close();
  });

  test('uses the tables of a file that PyIceberg made, and makes the one that is missing', async () => {
    const dir = await tempDir();
    sqlIn(dir, pyIcebergNamespaces).close();
    const catalog = await openIn(dir);
    expect(catalog.schemaVersion).toBe('V1');
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    expect(await catalog.listTables(['default'])).toEqual([orders]);
  });

  test('refuses a file that is something else, and leaves it alone', async () => {
    const dir = await tempDir();
    const text = join(dir, 'text.db');
    await writeFile(text, 'this is not a database, but it is long enough to look like one'.repeat(20));
    expect((await failure(openIn(dir, { file: text }), 'INVALID_ARGUMENT')).message).toContain(text);
    const db = new DatabaseSync(join(dir, 'other.db'));
    db.exec('CREATE TABLE iceberg_tables(catalog_name, something_else)');
    db.close();
    const other = await failure(openIn(dir, { file: join(dir, 'other.db') }), 'INVALID_ARGUMENT');
    expect(other.message).toContain('table_namespace');
  });

  test('in a directory that does not exist, or on a directory, fails and names the file', async () => {
    const dir = await tempDir();
    for (const file of [join(dir, 'absent', 'catalog.db'), dir]) {
      expect((await failure(openIn(dir, { file }), 'CATALOG_UNAVAILABLE')).message).toContain(file);
    }
  });

  test('checks its options', async () => {
    const options = await optionsIn(await tempDir());
    for (const wrong of [
      { file: '' },
      { file: ':memory:' },
      { file: 'file:catalog.db?mode=memory' },
      { name: '' },
      { warehouse: '/no/uri' },
      { busyTimeoutMs: -1 },
      { busyTimeoutMs: Number.NaN },
      { unknown: 1 },
    ]) {
      await failure(openSqlCatalog({ ...options, ...wrong }), 'INVALID_ARGUMENT');
    }
  });

  test('eight at once on a new file: all open, all write', async () => {
    const dir = await tempDir();
    const catalogs = await Promise.all(Array.from({ length: 8 }, () => openIn(dir)));
    await Promise.all(catalogs.map((catalog, i) => catalog.createNamespace([`ns${i}`])));
    expect(await catalogs[0]?.listNamespaces()).toHaveLength(8);
  });
});

describe('another process holding the lock', () => {
  test('is waited for with the event loop free', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    const holder = sqlIn(dir, 'BEGIN IMMEDIATE');
    let turns = 0;
    let longestGapMs = 0;
    let last = performance.now();
    const clock = setInterval(() => {
      turns += 1;
      longestGapMs = Math.max(longestGapMs, performance.now() - last);
      last = performance.now();
      if (turns === 40) holder.exec('COMMIT');
    }, 5);
    await catalog.createNamespace(['default']);
    clearInterval(clock);
    holder.close();
    // The lock was held for 40 turns of the loop, so the loop turned while the call waited; a blocking wait gives 0.
    expect(turns).toBeGreaterThanOrEqual(40);
    console.log(`longest gap between turns ${longestGapMs.toFixed(1)} ms`);
  });

  test('for longer than busyTimeoutMs gives CATALOG_UNAVAILABLE, retryable, and nothing is changed', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir, { busyTimeoutMs: 100 });
    await catalog.createNamespace(['default']);
    const table = await catalog.createTable(orders, { schema });
    const holder = sqlIn(dir, 'BEGIN IMMEDIATE');
    for (const call of [
      () => catalog.commitTable(orders, setProperties({ a: '1' })),
      () => catalog.createTable({ ...orders, name: 'other' }, { schema }),
      () => catalog.dropTable(orders),
      () => catalog.dropNamespace(['default']),
    ]) {
      expect((await failure(call(), 'CATALOG_UNAVAILABLE')).retryable).toBe(true);
    }
    // Readers do not wait for writers.
    expect(await catalog.loadTable(orders)).toEqual(table);
    holder.exec('ROLLBACK');
    holder.close();
    await catalog.commitTable(orders, setProperties({ a: '1' }));
    const files = await readdir(join(dir, 'warehouse'), { recursive: true });
    expect(files.filter((file) => file.endsWith('.metadata.json'))).toHaveLength(2);
  });

  test('while the file is in a rollback-journal mode: that mode is used, with more syncing', async () => {
    const dir = await tempDir();
    sqlIn(dir, v0).close();
    const holder = sqlIn(dir, 'BEGIN; SELECT * FROM iceberg_tables');
    let db: DatabaseSync | undefined;
    const opening = openIn(dir, {
      busyTimeoutMs: 200,
      openDatabase: (file, settings) => {
        db = new DatabaseSync(file, settings);
        return db;
      },
    });
    const catalog = await opening;
    expect(catalog.journalMode).toBe('delete');
    expect({ ...db?.prepare('PRAGMA synchronous').get() }).toEqual({ synchronous: 3 });
    // Here a commit has to wait for readers; it is undone as a whole and tried again.
    const call = catalog.createNamespace(['default']);
    setTimeout(() => holder.exec('COMMIT'), 60);
    await call;
    expect(await catalog.namespaceExists(['default'])).toBe(true);
    holder.exec('BEGIN; SELECT * FROM iceberg_tables');
    await failure(catalog.createNamespace(['other']), 'CATALOG_UNAVAILABLE');
    holder.exec('COMMIT');
    expect(await catalog.namespaceExists(['other'])).toBe(false);
    await catalog.createNamespace(['other']);
    holder.close();
  });
});

// Goal: in a rollback journal SQLite meets the lock of a reader only when it commits, with everything written already.
test('a commit that readers keep from ending in a rollback-journal mode is undone, and made when they are gone', async () => {
  const dir = await tempDir();
  sqlIn(dir, v0).close();
  const reader = sqlIn(dir, 'BEGIN; SELECT * FROM iceberg_tables');
  const catalog = await openIn(dir, { busyTimeoutMs: 300 });
  expect(catalog.journalMode).toBe('delete');
  reader.exec('COMMIT');
  await catalog.createNamespace(['default']);
  const table = await catalog.createTable(orders, { schema });
  const metadataFiles = async () =>
    (await readdir(join(dir, 'warehouse'), { recursive: true })).filter((file) => file.endsWith('.json'));

  reader.exec('BEGIN; SELECT * FROM iceberg_tables');
  const error = await failure(catalog.commitTable(orders, setProperties({ a: '1' })), 'CATALOG_UNAVAILABLE');
  expect(error.retryable).toBe(true);
  expect(reader.prepare('SELECT metadata_location FROM iceberg_tables').all()).toMatchObject([
    { metadata_location: table.metadataLocation },
  ]);
  expect(await metadataFiles()).toHaveLength(1);

  const waiting = catalog.commitTable(orders, setProperties({ b: '1' }));
  setTimeout(() => reader.exec('COMMIT'), 60);
  expect((await waiting).metadata.properties).toEqual({ b: '1' });
  reader.close();
  expect((await catalog.loadTable(orders)).metadata.properties).toEqual({ b: '1' });
  expect(await metadataFiles()).toHaveLength(2);
});

test('a file that may only be read is read, and everything else is ACCESS_DENIED', async () => {
  const dir = await tempDir();
  const writer = await openIn(dir);
  await writer.createNamespace(['default']);
  const table = await writer.createTable(orders, { schema });
  await writer.close();
  const catalog = await openIn(dir, {
    openDatabase: (file, settings) => new DatabaseSync(file, { ...settings, readOnly: true }),
  });
  expect(await catalog.loadTable(orders)).toEqual(table);
  for (const call of [
    () => catalog.commitTable(orders, setProperties({ a: '1' })),
    () => catalog.createTable({ ...orders, name: 'other' }, { schema }),
    () => catalog.createNamespace(['other']),
    () => catalog.dropTable(orders, { purge: true }),
  ]) {
    await failure(call(), 'ACCESS_DENIED');
  }
  expect(await catalog.loadTable(orders)).toEqual(table);
  const files = await readdir(join(dir, 'warehouse'), { recursive: true });
  expect(files.filter((file) => file.endsWith('.json'))).toHaveLength(1);
});

describe('closing', () => {
  test('leaves everything in the one file, also while another connection is open', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    const other = sqlIn(dir, 'SELECT 1');
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    await catalog.close();
    await copyFile(join(dir, 'catalog.db'), join(dir, 'copy.db'));
    const copy = new DatabaseSync(join(dir, 'copy.db'));
    expect(copy.prepare('SELECT table_name FROM iceberg_tables').all()).toHaveLength(1);
    copy.close();
    other.close();
    expect((await readdir(dir)).filter((name) => name.startsWith('catalog.db'))).toEqual(['catalog.db']);
  });

  test('that cannot bring the log into the file says so, and nothing is lost', async () => {
    const dir = await tempDir();
    const writer = await openIn(dir);
    await writer.createNamespace(['default']);
    const reader = await openSqlCatalog({
      ...(await optionsIn(dir)),
      openDatabase: (file, settings) => new DatabaseSync(file, { ...settings, readOnly: true }),
    });
    expect((await failure(reader.close(), 'CATALOG_UNAVAILABLE')).message).toContain('catalog.db-wal');
    expect(await writer.listNamespaces()).toEqual([['default']]);
  });

  test('waits for what is under way, refuses what comes later, and may be repeated', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    await catalog.createNamespace(['default']);
    const creating = catalog.createTable(orders, { schema });
    const closing = catalog.close();
    const late = failure(catalog.loadTable(orders), 'CATALOG_UNAVAILABLE');
    await closing;
    await creating;
    expect((await late).retryable).toBe(false);
    await catalog.close();
    expect(await (await openIn(dir)).tableExists(orders)).toBe(true);
  });

  test('waits also for calls that wait for a lock, and what they say is so', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    const holder = sqlIn(dir, 'BEGIN IMMEDIATE');
    const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
    const calls = names.flatMap((name) => [
      catalog.createTable({ ...orders, name }, { schema }),
      catalog.commitTable(orders, setProperties({ [name]: 'done' })),
      catalog.createNamespace([name]),
    ]);
    let closed = false;
    const closing = catalog.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed).toBe(false);
    holder.exec('COMMIT');
    holder.close();
    await Promise.all([...calls, closing]);
    const again = await openIn(dir);
    expect(await again.listTables(['default'])).toHaveLength(names.length + 1);
    expect(await again.listNamespaces()).toHaveLength(names.length + 1);
    expect(Object.keys((await again.loadTable(orders)).metadata.properties).sort()).toEqual(names);
  });
});

// Goal: nothing is said to be committed that is in no file. SQLite itself writes on into a file that has no name any more.
describe('a file that is taken away while it is open', () => {
  test('is used no more: nothing is committed, and no metadata file is left', async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    await catalog.createNamespace(['default']);
    const table = await catalog.createTable(orders, { schema });
    await rm(join(dir, 'catalog.db'));
    for (const call of [
      () => catalog.commitTable(orders, setProperties({ a: '1' })),
      () => catalog.createTable({ ...orders, name: 'other' }, { schema }),
      () => catalog.createNamespace(['other']),
      () => catalog.loadTable(orders),
    ]) {
      const error = await failure(call(), 'CATALOG_UNAVAILABLE');
      expect(error.retryable).toBe(false);
      expect(error.message).toContain('deleted, moved or replaced');
    }
    const files = await readdir(join(dir, 'warehouse'), { recursive: true });
    const name = table.metadataLocation.slice(table.metadataLocation.lastIndexOf('/') + 1);
    expect(files.filter((file) => file.endsWith('.json')).map((file) => file.split('/').at(-1))).toEqual([
      name,
    ]);
  });

  test('for another one is left alone, and closing takes nothing from that', async () => {
    const dir = await tempDir();
    const stale = await openIn(dir);
    await stale.createNamespace(['old']);
    const restored = await openIn(dir, { file: join(dir, 'backup.db') });
    await restored.createNamespace(['default']);
    await restored.close();
    // As a backup must be restored: without the log of the file that it replaces.
    await rename(join(dir, 'backup.db'), join(dir, 'catalog.db'));
    await rm(join(dir, 'catalog.db-wal'));
    await rm(join(dir, 'catalog.db-shm'));
    const catalog = await openIn(dir);
    await catalog.createTable(orders, { schema });
    await failure(stale.createNamespace(['lost']), 'CATALOG_UNAVAILABLE');
    await stale.close();
    await catalog.commitTable(orders, setProperties({ a: '1' }));
    const another = await openIn(dir);
    expect(await another.listNamespaces()).toEqual([['default']]);
    expect((await another.loadTable(orders)).metadata.properties).toEqual({ a: '1' });
  });
});

test('two catalogs of different names in one file do not see each other', async () => {
  const dir = await tempDir();
  const ours = await openIn(dir);
  const theirs = await openIn(dir, { name: 'theirs' });
  await ours.createNamespace(['default']);
  await ours.createTable(orders, { schema });
  expect(await theirs.listNamespaces()).toEqual([]);
  expect(await theirs.namespaceExists(['default'])).toBe(false);
  await failure(theirs.loadTable(orders), 'TABLE_NOT_FOUND');
  await theirs.createNamespace(['default']);
  await theirs.createTable(orders, { schema });
  await theirs.dropTable(orders);
  await theirs.dropNamespace(['default']);
  expect(await ours.tableExists(orders)).toBe(true);
});

test('a path over a symbolic link is the same file', async () => {
  const dir = await tempDir();
  await mkdir(join(dir, 'real'));
  await symlink('real', join(dir, 'alias'));
  const one = await openIn(dir, { file: join(dir, 'real', 'catalog.db') });
  const two = await openIn(dir, { file: join(dir, 'alias', 'catalog.db') });
  await one.createNamespace(['default']);
  expect(await two.listNamespaces()).toEqual([['default']]);
});
