import assert from 'node:assert/strict';
import {
  assertFails,
  assertOneWins,
  type CatalogCapabilities,
  type CatalogConformanceCase,
  clients,
} from './conformance-case.ts';
import { createOrders, namespace, orderOptions, orders } from './conformance-table.ts';

export function namespaceCases({
  nestedNamespaces = true,
}: CatalogCapabilities): readonly CatalogConformanceCase[] {
  return [
    {
      name: 'a created namespace exists, is listed and keeps its properties',
      async run({ catalog, other }) {
        assert.equal(await catalog.namespaceExists(namespace), false);
        await catalog.createNamespace(namespace, { owner: 'a', 'with.dot': 'b c' });
        assert.equal(await other.namespaceExists(namespace), true);
        assert.ok((await other.listNamespaces()).some((found) => found.join() === namespace.join()));
        const properties = await other.loadNamespaceProperties(namespace);
        assert.equal(properties.owner, 'a');
        assert.equal(properties['with.dot'], 'b c');
        assert.deepEqual(await other.listTables(namespace), []);
      },
    },
    {
      name: 'creating a namespace again is ALREADY_EXISTS and leaves its properties alone',
      async run({ catalog, other }) {
        await catalog.createNamespace(namespace, { owner: 'first' });
        await assertFails('ALREADY_EXISTS', () => other.createNamespace(namespace, { owner: 'second' }));
        assert.equal((await catalog.loadNamespaceProperties(namespace)).owner, 'first');
      },
    },
    {
      name: 'whatever needs a namespace that is not there is NAMESPACE_NOT_FOUND',
      async run({ catalog }) {
        const missing = ['missing'];
        await assertFails('NAMESPACE_NOT_FOUND', () => catalog.loadNamespaceProperties(missing));
        await assertFails('NAMESPACE_NOT_FOUND', () => catalog.listNamespaces(missing));
        await assertFails('NAMESPACE_NOT_FOUND', () => catalog.listTables(missing));
        await assertFails('NAMESPACE_NOT_FOUND', () => catalog.dropNamespace(missing));
        for (const change of [{ updates: { a: 'b' } }, { removals: ['a'] }, {}]) {
          await assertFails('NAMESPACE_NOT_FOUND', () => catalog.updateNamespaceProperties(missing, change));
        }
        assert.equal(await catalog.namespaceExists(missing), false);
      },
    },
    {
      name: 'properties are set, replaced and removed, and what was not there is named',
      async run({ catalog, other }) {
        await catalog.createNamespace(namespace, { kept: '1', replaced: '2', removed: '3' });
        const change = await catalog.updateNamespaceProperties(namespace, {
          updates: { replaced: 'two', added: 'four' },
          removals: ['removed', 'never'],
        });
        assert.deepEqual([...change.updated].sort(), ['added', 'replaced']);
        assert.deepEqual(change.removed, ['removed']);
        assert.deepEqual(change.missing, ['never']);
        const { kept, replaced, removed, added } = await other.loadNamespaceProperties(namespace);
        assert.deepEqual(
          { kept, replaced, removed, added },
          {
            kept: '1',
            replaced: 'two',
            removed: undefined,
            added: 'four',
          },
        );
      },
    },
    {
      name: 'a property both set and removed is INVALID_ARGUMENT and changes nothing',
      async run({ catalog }) {
        await catalog.createNamespace(namespace, { key: 'before' });
        await assertFails('INVALID_ARGUMENT', () =>
          catalog.updateNamespaceProperties(namespace, { updates: { key: 'after' }, removals: ['key'] }),
        );
        assert.equal((await catalog.loadNamespaceProperties(namespace)).key, 'before');
      },
    },
    {
      name: 'a namespace without properties left is still there',
      async run({ catalog, other }) {
        await catalog.createNamespace(namespace, { only: '1' });
        await catalog.updateNamespaceProperties(namespace, { removals: ['only'] });
        assert.equal(await other.namespaceExists(namespace), true);
      },
    },
    {
      name: 'a namespace with a table is NAMESPACE_NOT_EMPTY; without it the drop works',
      async run({ catalog, other }) {
        await createOrders(catalog);
        await assertFails('NAMESPACE_NOT_EMPTY', () => other.dropNamespace(namespace));
        assert.equal(await catalog.tableExists(orders), true);
        await catalog.dropTable(orders);
        await other.dropNamespace(namespace);
        assert.equal(await catalog.namespaceExists(namespace), false);
        await assertFails('NAMESPACE_NOT_FOUND', () => catalog.dropNamespace(namespace));
      },
    },
    {
      name: 'a namespace without levels, or with an empty one, is INVALID_ARGUMENT',
      async run({ catalog }) {
        for (const wrong of [[], [''], ['a', '']]) {
          await assertFails('INVALID_ARGUMENT', () => catalog.createNamespace(wrong));
        }
      },
    },
    {
      name: 'of several that create the same namespace at once exactly one succeeds',
      async run(subject) {
        const calls = clients(subject, 8).map((client, i) =>
          client.createNamespace(namespace, { writer: `w${i}` }).then(() => `w${i}`),
        );
        const won = await assertOneWins(calls, 'ALREADY_EXISTS');
        assert.equal((await subject.other.loadNamespaceProperties(namespace)).writer, won);
      },
    },
    {
      name: 'every namespace is listed, also when they are more than a page of an answer',
      async run(subject) {
        const levels = Array.from({ length: 110 }, (_, i) => [`n${i}`]);
        for (let i = 0; i < levels.length; i += 10) {
          const calls = clients(subject, 10).map((client, j) => client.createNamespace(levels[i + j]!));
          await Promise.all(calls);
        }
        const listed = (await subject.other.listNamespaces()).map((found) => found.join('/'));
        assert.deepEqual(listed.sort(), levels.flat().sort());
      },
    },
    {
      name: 'namespaces are listed from their creation to their drop',
      async run({ catalog, other }) {
        const listed = async (): Promise<string[]> =>
          (await other.listNamespaces()).map((found) => found.join('/')).sort();
        assert.deepEqual(await listed(), []);
        await catalog.createNamespace(['n_1']);
        await catalog.createNamespace(['n_2'], { kept: 'yes' });
        assert.deepEqual(await listed(), ['n_1', 'n_2']);
        await other.dropNamespace(['n_1']);
        assert.deepEqual(await listed(), ['n_2']);
        // A new one of a dropped one's name starts anew.
        await catalog.dropNamespace(['n_2']);
        await catalog.createNamespace(['n_2']);
        assert.equal((await other.loadNamespaceProperties(['n_2'])).kept, undefined);
      },
    },
    ...(nestedNamespaces ? nestedCases : []),
  ];
}

const nestedCases: readonly CatalogConformanceCase[] = [
  {
    name: 'namespaces below another are listed there, one level at a time',
    async run({ catalog, other }) {
      await catalog.createNamespace(['a']);
      await catalog.createNamespace(['a', 'b']);
      await catalog.createNamespace(['a', 'b', 'c']);
      await catalog.createNamespace(['ab']);
      const list = async (parent?: string[]): Promise<string[]> =>
        (await other.listNamespaces(parent)).map((found) => found.join('/')).sort();
      assert.deepEqual(await list(), ['a', 'ab']);
      assert.deepEqual(await list(['a']), ['a/b']);
      assert.deepEqual(await list(['a', 'b']), ['a/b/c']);
      assert.deepEqual(await list(['a', 'b', 'c']), []);
    },
  },
  {
    name: 'a namespace with another below it is NAMESPACE_NOT_EMPTY',
    async run({ catalog, other }) {
      await catalog.createNamespace(['a']);
      await catalog.createNamespace(['a', 'b']);
      await assertFails('NAMESPACE_NOT_EMPTY', () => other.dropNamespace(['a']));
      await other.dropNamespace(['a', 'b']);
      await other.dropNamespace(['a']);
      assert.deepEqual(await catalog.listNamespaces(), []);
    },
  },
  {
    name: 'tables of a namespace are not those of the one above or below it',
    async run({ catalog, other }) {
      await createOrders(catalog);
      const below = [...namespace, 'below'];
      await catalog.createNamespace(below);
      await catalog.createTable({ namespace: below, name: 'inner' }, orderOptions);
      assert.deepEqual(await other.listTables(namespace), [orders]);
      assert.deepEqual(await other.listTables(below), [{ namespace: below, name: 'inner' }]);
      assert.equal(await other.tableExists({ namespace, name: 'inner' }), false);
      await assertFails('NAMESPACE_NOT_EMPTY', () => other.dropNamespace(below));
      await catalog.dropTable(orders);
      await assertFails('NAMESPACE_NOT_EMPTY', () => other.dropNamespace(namespace));
    },
  },
  {
    name: 'namespaces that are gone are listed no more, and their parents are still there',
    async run({ catalog, other }) {
      for (const levels of [['a'], ['a', 'b'], ['a', 'c']]) await catalog.createNamespace(levels);
      await other.dropNamespace(['a', 'b']);
      assert.deepEqual(await catalog.listNamespaces(['a']), [['a', 'c']]);
      await other.dropNamespace(['a', 'c']);
      assert.deepEqual(await catalog.listNamespaces(['a']), []);
      assert.deepEqual(await catalog.listNamespaces(), [['a']]);
    },
  },
];
