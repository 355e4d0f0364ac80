import assert from 'node:assert/strict';
import { MAX_KEY_BYTES } from '../key.ts';
import type { StoreCapabilities } from '../object-store.ts';
import { assertFails, bytes, type ConformanceCase, keys, text } from './conformance-case.ts';

const unusual = [
  'with space',
  'plus+and&amp=eq',
  'percent%2Fencoded/and%00',
  'hash#question?',
  'quote\'double"back`',
  'tab\tnewline\n',
  'ünïcödé/日本語/🙂',
  'e\u0301-decomposed',
  '...three dots',
  '.hidden/..twodots',
  'trailing dot.',
  '-rf',
  '~',
  '*',
  'CON',
];

const refused = [
  '',
  '/',
  '/absolute',
  'trailing/',
  'double//slash',
  '.',
  '..',
  '../up',
  'a/../b',
  'a/..',
  './a',
  'a/./b',
  'nul\0byte',
  'back\\slash',
  'lone\ud800surrogate',
  `too-long/${'x'.repeat(1016)}`,
];

/** Which keys work, literally, and which are refused by every method. */
export function keyCases(capabilities: StoreCapabilities): readonly ConformanceCase[] {
  const { flatKeys, maxKeyBytes = MAX_KEY_BYTES } = capabilities;
  return [
    {
      name: 'unusual keys are taken literally',
      async run(store) {
        for (const key of unusual) await store.put(key, bytes(key));
        for (const key of unusual) {
          assert.equal(text((await store.get(key)).bytes), key);
          assert.equal((await store.head(key)).key, key);
          assert.deepEqual(await keys(store, key), [key]);
        }
        assert.deepEqual(new Set(await keys(store, '')), new Set(unusual));
        await assertFails('NOT_FOUND', () => store.get('percent/encoded'));
        await assertFails('NOT_FOUND', () => store.get('\u00e9-decomposed'));
        for (const key of unusual) await store.delete(key);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'what is no key is INVALID_PATH for every method',
      async run(store) {
        for (const key of refused) {
          await assertFails('INVALID_PATH', () => store.put(key, bytes('x')));
          await assertFails('INVALID_PATH', () => store.put(key, bytes('x'), { ifAbsent: true }));
          await assertFails('INVALID_PATH', () => store.get(key));
          await assertFails('INVALID_PATH', () => store.head(key));
          await assertFails('INVALID_PATH', () => store.delete(key));
        }
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'the longest key works, one byte more is INVALID_PATH',
      async run(store) {
        const segment = 'é'.repeat(100);
        const segments = Array(Math.floor(maxKeyBytes / 201) - 1).fill(segment);
        const rest = maxKeyBytes - 201 * segments.length;
        const key = [...segments, 'y'.repeat(199), 'y'.repeat(rest - 200)].join('/');
        assert.equal(Buffer.byteLength(key), maxKeyBytes);
        await store.put(key, bytes('long'));
        assert.equal(text((await store.get(key)).bytes), 'long');
        assert.deepEqual(await keys(store, `${segment}/`), [key]);
        await assertFails('INVALID_PATH', () => store.put(`${key}y`, bytes('x')));
        await assertFails('INVALID_PATH', () => store.get(`${key}y`));
        await assertFails('INVALID_PATH', () => keys(store, `${key}y`));
      },
    },
    {
      name: flatKeys ? 'a segment may fill the key' : 'a segment over 255 bytes is INVALID_PATH',
      async run(store) {
        await store.put('y'.repeat(255), bytes('x'));
        const put = () => store.put('z'.repeat(256), bytes('x'));
        if (flatKeys) await put();
        else await assertFails('INVALID_PATH', put);
      },
    },
    {
      name: flatKeys
        ? 'a and a/b can both be objects'
        : 'a key below an object, or at a directory, is INVALID_PATH and harms nothing',
      async run(store) {
        await store.put('a', bytes('a'));
        await store.put('d/e', bytes('d/e'));
        for (const ifAbsent of [true, false]) {
          const below = () => store.put('a/b', bytes('a/b'), { ifAbsent });
          const above = () => store.put('d', bytes('d'), { ifAbsent });
          if (!flatKeys) {
            await assertFails('INVALID_PATH', below);
            await assertFails('INVALID_PATH', above);
          } else if (ifAbsent) {
            await below();
            await above();
          }
        }
        assert.equal(text((await store.get('a')).bytes), 'a');
        assert.equal(text((await store.get('d/e')).bytes), 'd/e');
        assert.deepEqual(await keys(store, ''), flatKeys ? ['a', 'a/b', 'd', 'd/e'] : ['a', 'd/e']);
      },
    },
  ];
}
