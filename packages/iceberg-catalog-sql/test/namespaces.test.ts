import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { failure, openIn, orders, schema, tempDir } from './support/fixture.ts';

async function withRows(sql: string) {
  const dir = await tempDir();
  const catalog = await openIn(dir);
  const db = new DatabaseSync(join(dir, 'catalog.db'));
  db.exec(sql);
  db.close();
  return { dir, catalog };
}

test('a namespace that others imply by a table or a namespace in it exists', async () => {
  const { catalog } = await withRows(`
    INSERT INTO iceberg_tables VALUES ('danube', 'java.implicit', 't', 'file:///x', NULL, 'TABLE');
    INSERT INTO iceberg_namespace_properties VALUES ('danube', 'py.deep.deeper', 'exists', 'true');
    INSERT INTO iceberg_namespace_properties VALUES ('danube', 'props', 'owner', 'them');
    INSERT INTO iceberg_tables VALUES ('other', 'elsewhere', 't', 'file:///x', NULL, 'TABLE');`);
  expect(await catalog.listNamespaces()).toEqual([['java'], ['props'], ['py']]);
  expect(await catalog.listNamespaces(['py'])).toEqual([['py', 'deep']]);
  expect(await catalog.listNamespaces(['py', 'deep'])).toEqual([['py', 'deep', 'deeper']]);
  expect(await catalog.listNamespaces(['java'])).toEqual([['java', 'implicit']]);
  expect(await catalog.listTables(['java'])).toEqual([]);
  expect(await catalog.loadNamespaceProperties(['java'])).toEqual({});
  expect(await catalog.loadNamespaceProperties(['props'])).toEqual({ owner: 'them' });
  await failure(catalog.createNamespace(['java']), 'ALREADY_EXISTS');
  await failure(catalog.dropNamespace(['java']), 'NAMESPACE_NOT_EMPTY');
  await failure(catalog.dropNamespace(['py']), 'NAMESPACE_NOT_EMPTY');
  await failure(catalog.listTables(['elsewhere']), 'NAMESPACE_NOT_FOUND');
  await catalog.dropTable({ namespace: ['java', 'implicit'], name: 't' });
  expect(await catalog.namespaceExists(['java'])).toBe(false);
});

test('names that only look alike are different: case, prefixes, wildcards', async () => {
  const catalog = await openIn(await tempDir());
  for (const name of ['a', 'A', 'ab', 'a_', 'a%', 'a-b', 'ä']) await catalog.createNamespace([name]);
  await catalog.createNamespace(['a', 'b']);
  expect(await catalog.listNamespaces(['a'])).toEqual([['a', 'b']]);
  for (const name of ['A', 'ab', 'a_', 'a%', 'a-b', 'ä']) {
    expect(await catalog.listNamespaces([name])).toEqual([]);
    await catalog.dropNamespace([name]);
  }
  await failure(catalog.dropNamespace(['a']), 'NAMESPACE_NOT_EMPTY');
  expect(await catalog.listNamespaces()).toEqual([['a']]);
});

test('the property by which a namespace exists is hidden, kept and not for users', async () => {
  const catalog = await openIn(await tempDir());
  await catalog.createNamespace(['ns'], { a: '1' });
  expect(await catalog.updateNamespaceProperties(['ns'], { removals: ['a', 'b'] })).toEqual({
    updated: [],
    removed: ['a'],
    missing: ['b'],
  });
  expect(await catalog.loadNamespaceProperties(['ns'])).toEqual({});
  expect(await catalog.namespaceExists(['ns'])).toBe(true);
  await failure(catalog.createNamespace(['other'], { exists: 'false' }), 'INVALID_ARGUMENT');
  await failure(catalog.updateNamespaceProperties(['ns'], { updates: { exists: 'no' } }), 'INVALID_ARGUMENT');
  await failure(catalog.updateNamespaceProperties(['ns'], { removals: ['exists'] }), 'INVALID_ARGUMENT');
});

test('levels that this schema cannot hold apart are refused', async () => {
  const catalog = await openIn(await tempDir());
  // U+001C and U+0085 are white space to Python, and half a character would become another name in the file.
  for (const namespace of [
    [],
    [''],
    ['a', ''],
    ['a.b'],
    [' a'],
    ['a\n'],
    ['a\0b'],
    ['a\x1c'],
    ['\x85a'],
    ['\ud800'],
  ]) {
    await failure(catalog.createNamespace(namespace), 'INVALID_ARGUMENT');
    await failure(catalog.createTable({ namespace, name: 't' }, { schema }), 'INVALID_ARGUMENT');
  }
  await catalog.createNamespace(['default']);
  for (const name of ['', 'a\0b', 'a\udc00']) {
    await failure(catalog.createTable({ namespace: ['default'], name }, { schema }), 'INVALID_ARGUMENT');
  }
  for (const properties of [{ a: '\ud800' }, { '\udc00': 'a' }]) {
    await failure(catalog.createNamespace(['other'], properties), 'INVALID_ARGUMENT');
    await failure(
      catalog.updateNamespaceProperties(['default'], { updates: properties }),
      'INVALID_ARGUMENT',
    );
  }
  expect(await catalog.listNamespaces()).toEqual([['default']]);
});

test('SQL in names and properties is text', async () => {
  const sql = `'; DROP TABLE iceberg_tables; --"\\ :catalog ?1`;
  const catalog = await openIn(await tempDir(), { name: sql });
  const table = { namespace: [sql], name: sql };
  const moved = { namespace: [sql, sql], name: `${sql}2` };
  await catalog.createNamespace([sql], { [sql]: sql });
  await catalog.createNamespace([sql, sql]);
  await catalog.createTable(table, { schema });
  await catalog.renameTable(table, moved);
  await catalog.updateNamespaceProperties([sql], { updates: { [`${sql}2`]: sql }, removals: [sql] });
  expect(await catalog.loadNamespaceProperties([sql])).toEqual({ [`${sql}2`]: sql });
  expect(await catalog.listNamespaces([sql])).toEqual([[sql, sql]]);
  expect(await catalog.listTables([sql, sql])).toEqual([moved]);
  await catalog.dropTable(moved);
  await catalog.dropNamespace([sql, sql]);
  await catalog.dropNamespace([sql]);
});

test('views of other engines are no tables, but their names are taken', async () => {
  const { catalog } = await withRows(`
    INSERT INTO iceberg_namespace_properties VALUES ('danube', 'default', 'exists', 'true');
    INSERT INTO iceberg_tables VALUES ('danube', 'default', 'orders', 'file:///x', NULL, 'VIEW');`);
  expect(await catalog.listTables(['default'])).toEqual([]);
  expect(await catalog.tableExists(orders)).toBe(false);
  await failure(catalog.loadTable(orders), 'TABLE_NOT_FOUND');
  await failure(catalog.dropTable(orders), 'TABLE_NOT_FOUND');
  await failure(catalog.createTable(orders, { schema }), 'ALREADY_EXISTS');
  const other = { namespace: ['default'], name: 'other' };
  await catalog.createTable(other, { schema });
  await failure(catalog.renameTable(other, orders), 'ALREADY_EXISTS');
  await catalog.dropTable(other);
  await failure(catalog.dropNamespace(['default']), 'NAMESPACE_NOT_EMPTY');
});

test('a row without a metadata location is a typed error', async () => {
  const { catalog } = await withRows(
    "INSERT INTO iceberg_tables VALUES ('danube', 'default', 'orders', NULL, NULL, NULL);",
  );
  expect((await failure(catalog.loadTable(orders), 'INVALID_METADATA')).message).toContain('default.orders');
});

test('tables get a folder of their own below the warehouse or their namespace, whatever they are called', async () => {
  const catalog = await openIn(await tempDir());
  await catalog.createNamespace(['default']);
  const locations = new Set<string>();
  for (const name of ['orders', '..', 'a/b', 'a b', 'ünï', 'x#y?z', '%2F']) {
    const { metadata } = await catalog.createTable({ namespace: ['default'], name }, { schema });
    expect(metadata.location).toMatch(/\/warehouse\/default\/[\p{L}\p{N}_.-]+-[0-9a-f]{32}$/u);
    locations.add(metadata.location);
  }
  await catalog.dropTable(orders);
  locations.add((await catalog.createTable(orders, { schema })).metadata.location);
  expect(locations.size).toBe(8);
});

test('a namespace may say where its tables go, and a table where it goes', async () => {
  const dir = await tempDir();
  const catalog = await openIn(dir);
  const elsewhere = `file://${join(dir, 'warehouse')}/else/where`;
  await catalog.createNamespace(['default'], { location: `${elsewhere}/` });
  const own = await catalog.createTable(orders, { schema });
  expect(own.metadata.location).toMatch(new RegExp(`^${elsewhere}/orders-[0-9a-f]{32}$`));
  const given = { namespace: ['default'], name: 'given' };
  const table = await catalog.createTable(given, { schema, location: `${elsewhere}/given/` });
  expect(table.metadataLocation).toMatch(new RegExp(`^${elsewhere}/given/metadata/00000-`));
});
