import assert from 'node:assert/strict';
import type { ConformanceCase } from './conformance-case.ts';
import { grouped, pages, putKeys } from './listings.ts';

const all = ['d-e', 'd/a', 'd/b/1', 'd/b/2/3', 'd/b0', 'd/c/1', 'x'];
const pageSizes = [1, 2, 3, 1000];

/** Listings with groups. */
export const listDelimiterCases: readonly ConformanceCase[] = [
  {
    name: 'a delimiter groups what lies behind the next slash',
    async run(store) {
      await putKeys(store, all);
      for (const pageSize of pageSizes) {
        const below = { objects: ['d/a', 'd/b0'], commonPrefixes: ['d/b/', 'd/c/'] };
        assert.deepEqual(await grouped(store, 'd/', { pageSize }), below);
        const top = { objects: ['d-e', 'x'], commonPrefixes: ['d/'] };
        assert.deepEqual(await grouped(store, '', { pageSize }), top);
        const half = { objects: ['d/b0'], commonPrefixes: ['d/b/'] };
        assert.deepEqual(await grouped(store, 'd/b', { pageSize }), half);
        assert.deepEqual(await grouped(store, 'd', { pageSize }), {
          objects: ['d-e'],
          commonPrefixes: ['d/'],
        });
        assert.deepEqual(await grouped(store, 'd/b/', { pageSize }), {
          objects: ['d/b/1'],
          commonPrefixes: ['d/b/2/'],
        });
        assert.deepEqual(await grouped(store, 'y', { pageSize }), { objects: [], commonPrefixes: [] });
      }
    },
  },
  {
    name: 'objects and groups count together against the page size',
    async run(store) {
      await putKeys(store, all);
      for (const pageSize of pageSizes) {
        for (const page of await pages(store, 'd/', { delimiter: '/', pageSize })) {
          const entries = page.objects.length + page.commonPrefixes.length;
          assert.ok(entries <= pageSize, `${entries} entries in a page of ${pageSize}`);
        }
      }
    },
  },
  {
    name: 'a delimiter and a start: the groups that hold a key behind it',
    async run(store) {
      await putKeys(store, all);
      for (const pageSize of pageSizes) {
        const from = (startAfter: string) => grouped(store, 'd/', { startAfter, pageSize });
        const rest = { objects: ['d/b0'], commonPrefixes: ['d/b/', 'd/c/'] };
        assert.deepEqual(await from('d/a'), rest);
        assert.deepEqual(await from('d/b'), rest, 'a start before the group');
        assert.deepEqual(await from('d/b/'), rest, 'the group itself');
        assert.deepEqual(await from('d/b/1'), rest, 'a key in the group, with another behind it');
        const later = { objects: ['d/b0'], commonPrefixes: ['d/c/'] };
        assert.deepEqual(await from('d/b/2/3'), later, 'the last key of the group');
        assert.deepEqual(await from('d/b/9'), later, 'behind the last key of the group');
        assert.deepEqual(await from('d/b0'), { objects: [], commonPrefixes: ['d/c/'] });
        assert.deepEqual(await from('d/c/1'), { objects: [], commonPrefixes: [] });
      }
    },
  },
  {
    name: 'a group of which nothing is left is no group',
    async run(store) {
      await putKeys(store, ['d/b/1', 'd/c']);
      await store.delete('d/b/1');
      assert.deepEqual(await grouped(store, 'd/'), { objects: ['d/c'], commonPrefixes: [] });
    },
  },
  {
    name: 'groups with large content, over pages, are listed once each',
    async run(store) {
      const groups = Array.from({ length: 12 }, (_, i) => `g/${String(i).padStart(2, '0')}/`);
      await putKeys(
        store,
        groups.flatMap((group) => [`${group}1`, `${group}2`, `${group}3/4`]),
      );
      for (const pageSize of [1, 5, 1000]) {
        assert.deepEqual(await grouped(store, 'g/', { pageSize }), { objects: [], commonPrefixes: groups });
      }
    },
  },
];
