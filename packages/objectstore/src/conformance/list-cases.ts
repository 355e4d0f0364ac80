import assert from 'node:assert/strict';
import type { ListOptions } from '../object-store.ts';
import { assertFails, bytes, type ConformanceCase, keys, listAll, pages } from './conformance-case.ts';

export const listCases: readonly ConformanceCase[] = [
  {
    name: 'an empty store lists nothing',
    async run(store) {
      assert.deepEqual(await keys(store, ''), []);
      assert.deepEqual(await keys(store, 'a/b'), []);
    },
  },
  {
    name: 'a prefix is text, not a directory',
    async run(store) {
      for (const key of ['a/b', 'a/bc', 'a/bd/c', 'ab', 'b']) await store.put(key, bytes('x'));
      assert.deepEqual(await keys(store, ''), ['a/b', 'a/bc', 'a/bd/c', 'ab', 'b']);
      assert.deepEqual(await keys(store, 'a'), ['a/b', 'a/bc', 'a/bd/c', 'ab']);
      assert.deepEqual(await keys(store, 'a/'), ['a/b', 'a/bc', 'a/bd/c']);
      assert.deepEqual(await keys(store, 'a/b'), ['a/b', 'a/bc', 'a/bd/c']);
      assert.deepEqual(await keys(store, 'a/bd/'), ['a/bd/c']);
      assert.deepEqual(await keys(store, 'a/b/'), []);
      assert.deepEqual(await keys(store, 'c'), []);
    },
  },
  {
    name: 'the order is that of the keys in UTF-8, whatever is a directory',
    async run(store) {
      // U+FF5E sorts before U+1F600 in UTF-8 and behind it in UTF-16; '-' and '.' sort before '/', '0' behind.
      const expected = [
        'a-b',
        'a.b',
        'a/-',
        'a/b/c',
        'a/b0',
        'a/z',
        'a0',
        'ab/c',
        'b',
        'z\uff5e',
        'z\u{1f600}',
      ];
      for (const key of [...expected].reverse()) await store.put(key, bytes(key));
      assert.deepEqual(await keys(store, ''), expected);
      for (let limit = 1; limit <= expected.length + 1; limit += 1) {
        assert.deepEqual(await keys(store, '', { pageSize: limit }), expected, `pages of ${limit}`);
      }
    },
  },
  {
    name: 'pages hold at most the page size, and none follows the last object',
    async run(store) {
      for (let i = 0; i < 6; i += 1) await store.put(`p/${i}`, bytes('x'));
      const sizes = async (pageSize: number) =>
        (await pages(store, 'p/', { pageSize })).map(({ objects }) => objects.length);
      assert.deepEqual(await sizes(4), [4, 2]);
      assert.deepEqual(await sizes(6), [6]);
      assert.deepEqual(await sizes(5), [5, 1]);
    },
  },
  {
    name: '1,200 objects come in more than one page by default, each once',
    async run(store) {
      const all = Array.from({ length: 1200 }, (_, i) => `m/${i % 7}/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < all.length; i += 50) {
        await Promise.all(all.slice(i, i + 50).map((key) => store.put(key, bytes(key))));
      }
      assert.deepEqual(
        (await pages(store, 'm/')).map(({ objects }) => objects.length),
        [1000, 200],
      );
      assert.deepEqual(await keys(store, 'm/'), [...all].sort());
    },
  },
  {
    name: 'deleting what was listed, page by page, empties the store',
    async run(store) {
      for (let i = 0; i < 25; i += 1) await store.put(`x/${i % 3}/${i}`, bytes('x'));
      let seen = 0;
      for await (const page of store.list('x/', { pageSize: 4 })) {
        for (const meta of page.objects) await store.delete(meta.key);
        seen += page.objects.length;
      }
      assert.equal(seen, 25);
      assert.deepEqual(await keys(store, ''), []);
    },
  },
  {
    name: 'a listing says of an object what head says',
    async run(store) {
      await store.put('a/b', bytes('12345'));
      const { contentType: _type, metadata: _metadata, ...head } = await store.head('a/b');
      assert.deepEqual(await listAll(store, ''), [head]);
    },
  },
  {
    name: 'page sizes, delimiters, starts and prefixes are checked',
    async run(store) {
      await store.put('a', bytes('x'));
      for (const pageSize of [0, -1, 1001, 1.5, Number.NaN]) {
        await assertFails('INVALID_ARGUMENT', () => keys(store, '', { pageSize }));
      }
      await assertFails('INVALID_ARGUMENT', () => keys(store, '', { delimiter: '-' as '/' }));
      for (const prefix of ['/', '/a', 'a//', '../', 'a/../b', '..', 'a/./', 'a\0', 'a\\', '\ud800']) {
        await assertFails('INVALID_PATH', () => keys(store, prefix));
        await assertFails('INVALID_PATH', () => keys(store, '', { startAfter: prefix }));
      }
    },
  },
  {
    name: 'a delimiter groups what lies behind the next slash, page by page',
    async run(store) {
      for (const key of ['d/a', 'd/b/1', 'd/b/2/3', 'd/b0', 'd/c/1', 'd-e', 'x'])
        await store.put(key, bytes('x'));
      const grouped = async (prefix: string, options: ListOptions = {}) => {
        const all = await pages(store, prefix, { delimiter: '/', ...options });
        const objects = all.flatMap((page) => page.objects.map((meta) => meta.key));
        return { objects, commonPrefixes: all.flatMap((page) => page.commonPrefixes) };
      };
      const below = { objects: ['d/a', 'd/b0'], commonPrefixes: ['d/b/', 'd/c/'] };
      assert.deepEqual(await grouped('d/'), below);
      assert.deepEqual(await grouped('d/', { pageSize: 1 }), below);
      assert.deepEqual(await grouped('d/', { pageSize: 2 }), below);
      assert.deepEqual(await grouped(''), { objects: ['d-e', 'x'], commonPrefixes: ['d/'] });
      assert.deepEqual(await grouped('d'), { objects: ['d-e'], commonPrefixes: ['d/'] });
      assert.deepEqual(await grouped('d/b'), { objects: ['d/b0'], commonPrefixes: ['d/b/'] });
      assert.deepEqual(await grouped('d/', { startAfter: 'd/b0' }), {
        objects: [],
        commonPrefixes: ['d/c/'],
      });
    },
  },
  {
    name: 'a listing starts behind the key that it is told, which need not exist',
    async run(store) {
      const all = ['a', 'b/1', 'b/2', 'b/3', 'c'];
      for (const key of all) await store.put(key, bytes('x'));
      for (const pageSize of [1, 2, 1000]) {
        assert.deepEqual(await keys(store, '', { startAfter: 'b/1', pageSize }), ['b/2', 'b/3', 'c']);
        assert.deepEqual(await keys(store, '', { startAfter: 'b/', pageSize }), ['b/1', 'b/2', 'b/3', 'c']);
        assert.deepEqual(await keys(store, 'b/', { startAfter: 'b/25', pageSize }), ['b/3']);
        assert.deepEqual(await keys(store, 'b/', { startAfter: 'a', pageSize }), ['b/1', 'b/2', 'b/3']);
        assert.deepEqual(await keys(store, '', { startAfter: 'c', pageSize }), []);
      }
    },
  },
];
