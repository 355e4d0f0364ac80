import assert from 'node:assert/strict';
import { assertFails, bytes, type ConformanceCase, keys, listAll } from './conformance-case.ts';

export const listCases: readonly ConformanceCase[] = [
  {
    name: 'an empty store lists nothing',
    async run(store) {
      assert.deepEqual(await store.list(''), { objects: [] });
      assert.deepEqual(await store.list('a/b'), { objects: [] });
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
        assert.deepEqual(await keys(store, '', limit), expected, `pages of ${limit}`);
      }
    },
  },
  {
    name: 'pages hold at most the limit, and the last page says so',
    async run(store) {
      for (let i = 0; i < 6; i += 1) await store.put(`p/${i}`, bytes('x'));
      const first = await store.list('p/', { limit: 4 });
      assert.equal(first.objects.length, 4);
      assert.ok(first.nextPageToken !== undefined);
      const second = await store.list('p/', { limit: 4, pageToken: first.nextPageToken });
      assert.deepEqual(
        second.objects.map((meta) => meta.key),
        ['p/4', 'p/5'],
      );
      assert.equal(second.nextPageToken, undefined);
      const exact = await store.list('p/', { limit: 6 });
      assert.equal(exact.nextPageToken, undefined, 'nothing follows a page that ends with the last object');
    },
  },
  {
    name: '1,200 objects come in more than one page by default, each once',
    async run(store) {
      const all = Array.from({ length: 1200 }, (_, i) => `m/${i % 7}/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < all.length; i += 50) {
        await Promise.all(all.slice(i, i + 50).map((key) => store.put(key, bytes(key))));
      }
      const first = await store.list('m/');
      assert.equal(first.objects.length, 1000);
      assert.deepEqual(await keys(store, 'm/'), [...all].sort());
    },
  },
  {
    name: 'deleting what was listed, page by page, empties the store',
    async run(store) {
      for (let i = 0; i < 25; i += 1) await store.put(`x/${i % 3}/${i}`, bytes('x'));
      let seen = 0;
      let pageToken: string | undefined;
      do {
        const page = await store.list('x/', { limit: 4, pageToken });
        for (const meta of page.objects) await store.delete(meta.key);
        seen += page.objects.length;
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      assert.equal(seen, 25);
      assert.deepEqual(await keys(store, ''), []);
    },
  },
  {
    name: 'a listing says of an object what head says',
    async run(store) {
      await store.put('a/b', bytes('12345'));
      assert.deepEqual(await listAll(store, ''), [await store.head('a/b')]);
    },
  },
  {
    name: 'limits, page tokens and prefixes are checked',
    async run(store) {
      await store.put('a', bytes('x'));
      for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
        await assertFails('INVALID_ARGUMENT', () => store.list('', { limit }));
      }
      for (const pageToken of ['', 'a', '!!!', 'djE6YQ==']) {
        await assertFails('INVALID_ARGUMENT', () => store.list('', { pageToken }));
      }
      for (const prefix of ['/', '/a', 'a//', '../', 'a/../b', '..', 'a/./', 'a\0', 'a\\', '\ud800']) {
        await assertFails('INVALID_KEY', () => store.list(prefix));
      }
    },
  },
];
