import assert from 'node:assert/strict';
import type { ListOptions, ObjectMeta } from '../object-store.ts';
import { bytes } from './bodies.ts';
import { assertFails, type ConformanceCase } from './conformance-case.ts';
import { keys, listAll, pages, putKeys } from './listings.ts';

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
      await putKeys(store, ['a/b', 'a/bc', 'a/bd/c', 'ab', 'b']);
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
      await putKeys(store, [...expected].reverse());
      assert.deepEqual(await keys(store, ''), expected);
      for (let pageSize = 1; pageSize <= expected.length + 1; pageSize += 1) {
        assert.deepEqual(await keys(store, '', { pageSize }), expected, `pages of ${pageSize}`);
      }
    },
  },
  {
    name: 'no page has more entries than the page size',
    async run(store) {
      const all = Array.from({ length: 6 }, (_, i) => `p/${i}`);
      await putKeys(store, all);
      for (const pageSize of [1, 4, 5, 6, 7]) {
        const found = await pages(store, 'p/', { pageSize });
        assert.deepEqual(
          found.flatMap(({ objects }) => objects.map(({ key }) => key)),
          all,
        );
        for (const { objects, commonPrefixes } of found) {
          assert.ok(objects.length <= pageSize, `${objects.length} entries in a page of ${pageSize}`);
          assert.deepEqual(commonPrefixes, [], 'there are no groups without a delimiter');
        }
      }
    },
  },
  {
    name: 'a listing starts behind the key that it is told, which need not exist',
    async run(store) {
      await putKeys(store, ['a', 'b/1', 'b/2', 'b/3', 'c']);
      for (const pageSize of [1, 2, 1000]) {
        assert.deepEqual(await keys(store, '', { startAfter: '', pageSize }), [
          'a',
          'b/1',
          'b/2',
          'b/3',
          'c',
        ]);
        assert.deepEqual(await keys(store, '', { startAfter: 'b/1', pageSize }), ['b/2', 'b/3', 'c']);
        assert.deepEqual(await keys(store, '', { startAfter: 'b/', pageSize }), ['b/1', 'b/2', 'b/3', 'c']);
        assert.deepEqual(await keys(store, 'b/', { startAfter: 'b/25', pageSize }), ['b/3']);
        assert.deepEqual(await keys(store, 'b/', { startAfter: 'a', pageSize }), ['b/1', 'b/2', 'b/3']);
        assert.deepEqual(await keys(store, 'b/', { startAfter: 'c', pageSize }), []);
        assert.deepEqual(await keys(store, '', { startAfter: 'c', pageSize }), []);
      }
    },
  },
  {
    name: 'a listing says of an object what head says',
    async run(store) {
      await store.put('a/b', bytes('12345'));
      await store.put('a/c', bytes(''));
      const expected: ObjectMeta[] = [];
      for (const key of ['a/b', 'a/c']) {
        const {
          contentType: _type,
          metadata: _metadata,
          versionId: _version,
          ...meta
        } = await store.head(key);
        expected.push(meta);
      }
      const listed = (await listAll(store, '')).map(({ versionId: _version, ...meta }) => meta);
      assert.deepEqual(listed, expected);
    },
  },
  {
    name: 'page sizes, delimiters, starts and prefixes are checked',
    async run(store) {
      await store.put('a', bytes('x'));
      for (const pageSize of [0, -1, 1001, 1.5, Number.NaN, '5' as unknown as number]) {
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
    name: 'a listing can be left early, and started again',
    async run(store) {
      await putKeys(store, ['a', 'b', 'c', 'd']);
      for (let i = 0; i < 80; i += 1) {
        for await (const page of store.list('', { pageSize: 1 })) {
          assert.equal(page.objects[0]?.key, 'a');
          break;
        }
      }
      const listing = store.list('', { pageSize: 2 });
      for await (const _page of listing) break;
      assert.deepEqual(await keys(store, ''), ['a', 'b', 'c', 'd']);
    },
  },
  {
    name: 'two listings at the same time do not disturb each other',
    async run(store) {
      await putKeys(store, ['a', 'b', 'c', 'd', 'e']);
      const options: ListOptions = { pageSize: 2 };
      const [first, second, third] = await Promise.all([
        keys(store, '', options),
        keys(store, 'c', options),
        keys(store, '', { ...options, startAfter: 'b' }),
      ]);
      assert.deepEqual(first, ['a', 'b', 'c', 'd', 'e']);
      assert.deepEqual(second, ['c']);
      assert.deepEqual(third, ['c', 'd', 'e']);
    },
  },
];
