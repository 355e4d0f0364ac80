import assert from 'node:assert/strict';
import {
  assertFails,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  names,
} from './conformance-case.ts';
import { createOrders, namespace, orderOptions, orders } from './conformance-table.ts';

export function nameCases({
  freeNames = true,
  slashesInNames = true,
  dotsInTableNames = true,
  dotsInNamespaces = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [
    metadataTableCase,
    ...(freeNames ? freeNameCases : []),
    ...(slashesInNames ? [slashCase] : []),
    ...(dotsInTableNames ? [tableDotCase] : []),
    ...(dotsInNamespaces ? [namespaceDotCase] : []),
  ];
}

const metadataTableCase: CatalogConformanceCase = {
  name: 'the name of a table is no namespace: its metadata tables are functions, not names below it',
  async run({ catalog }) {
    await createOrders(catalog);
    const files = { namespace: [...namespace, 'orders'], name: 'files' };
    assert.equal(await catalog.tableExists(files), false);
    await assertFails('TABLE_NOT_FOUND', () => catalog.loadTable(files));
  },
};

const odd = [
  "it's",
  'a b',
  'Ünïcødé 😀',
  '100%',
  'under_score',
  'underXscore',
  'CASE',
  'case',
  'q?a=b&c#d',
  '../up',
];

const freeNameCases: readonly CatalogConformanceCase[] = [
  {
    name: 'names with spaces, quotes, wildcards and letters beyond ASCII are kept apart',
    async run({ catalog, other }) {
      for (const name of plain(odd)) await catalog.createNamespace([name], { name });
      for (const name of plain(odd)) {
        assert.equal((await other.loadNamespaceProperties([name])).name, name);
      }
      const listed = (await other.listNamespaces()).map((found) => found.join());
      assert.deepEqual(listed.sort(), plain(odd).sort());
      await other.dropNamespace(['under_score']);
      assert.equal(await catalog.namespaceExists(['underXscore']), true);
    },
  },
  {
    name: 'tables with such names are kept apart too, and so are their files',
    async run({ catalog, other }) {
      await catalog.createNamespace(namespace);
      const locations = new Set<string>();
      for (const name of plain(odd)) {
        const { metadata } = await catalog.createTable(
          { namespace, name },
          { ...orderOptions, properties: { name } },
        );
        locations.add(metadata.location);
      }
      assert.equal(locations.size, plain(odd).length);
      const listed = await other.listTables(namespace);
      assert.deepEqual(names(listed), names(plain(odd).map((name) => ({ namespace, name }))));
      for (const identifier of listed) {
        assert.equal((await other.loadTable(identifier)).metadata.properties.name, identifier.name);
      }
      await other.dropTable({ namespace, name: 'CASE' });
      assert.equal(await catalog.tableExists({ namespace, name: 'case' }), true);
    },
  },
];

/** Slashes and dots have flags of their own. */
function plain(candidates: readonly string[]): string[] {
  return candidates.filter((name) => !/[/.]/.test(name));
}

const slashCase: CatalogConformanceCase = {
  name: 'a slash in a name separates nothing',
  async run({ catalog, other }) {
    await catalog.createNamespace(['new/db'], { owner: 'a' });
    assert.deepEqual(await other.listNamespaces(), [['new/db']]);
    assert.equal(await other.namespaceExists(['new']), false);
    assert.equal((await other.loadNamespaceProperties(['new/db'])).owner, 'a');
    const table = { namespace: ['new/db'], name: 'tab/le' };
    await catalog.createTable(table, orderOptions);
    assert.deepEqual((await other.loadTable(table)).identifier, table);
    assert.deepEqual(await other.listTables(['new/db']), [table]);
    await other.dropTable(table);
    await other.dropNamespace(['new/db']);
    assert.deepEqual(await catalog.listNamespaces(), []);
  },
};

const tableDotCase: CatalogConformanceCase = {
  name: 'a dot in the name of a table separates nothing',
  async run({ catalog, other }) {
    const { metadata } = await createOrders(catalog);
    const dotted = { namespace, name: 'orders.files' };
    assert.equal(await other.tableExists(dotted), false);
    const created = await catalog.createTable(dotted, orderOptions);
    assert.notEqual(created.metadata.tableUuid, metadata.tableUuid);
    assert.deepEqual(await other.listTables(namespace), [orders, dotted]);
    await other.dropTable(dotted);
    assert.equal((await other.loadTable(orders)).metadata.tableUuid, metadata.tableUuid);
  },
};

const namespaceDotCase: CatalogConformanceCase = {
  name: 'a dot in a level of a namespace separates nothing',
  async run({ catalog, other }) {
    await catalog.createNamespace(['new.db'], { owner: 'a' });
    assert.deepEqual(await other.listNamespaces(), [['new.db']]);
    assert.equal(await other.namespaceExists(['new']), false);
    assert.equal((await other.loadNamespaceProperties(['new.db'])).owner, 'a');
    await other.dropNamespace(['new.db']);
    assert.equal(await catalog.namespaceExists(['new.db']), false);
  },
};
