import assert from 'node:assert/strict';
import { ObjectStoreError } from '../errors.ts';
import { MAX_KEY_BYTES } from '../key.ts';
import type { ObjectStore, StoreCapabilities } from '../object-store.ts';
import { assertStored, bytes, readAll, text } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';
import { grouped, keys, putKeys } from './listings.ts';

const unusual = [
  'with space',
  'two  spaces/ and at ends ',
  'plus+and&amp=eq',
  'percent%2Fencoded/and%00',
  '100%',
  '%25/%zz/%',
  'hash#question?x=y&z',
  'quote\'double"back`',
  '<tag>&lt;]]>',
  'semi;colon:comma,at@dollar$bang!',
  '(round)[square]{curly}|bar^',
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

/** What some transport of keys changes, by what it is. */
const special: readonly [name: string, keys: readonly string[]][] = [
  [
    'tabs, carriage returns and other control characters',
    ['tab\there', 'carriage\rreturn', 'next\u0085line', 'delete\u007f'],
  ],
  ['line feeds', ['line\nfeed', 'ends\n', 'segment\n/ends']],
  ['characters that XML has not', ['bell\u0007', 'escape\u001b[0m', 'noncharacter\ufffe']],
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
  7 as unknown as string,
];

/** Does everything that can be done with an object at a key, and nothing to others. */
async function useKey(store: ObjectStore, key: string): Promise<void> {
  await store.put(key, bytes(key));
  await assertStored(store, key, key);
  const { meta, stream } = await store.getStream(key);
  assert.equal(text(await readAll(stream)), key);
  assert.equal(meta.key, key);
  assert.equal((await store.head(key)).key, key);
  assert.deepEqual(await keys(store, key), [key], 'listed by its own prefix');
  assert.deepEqual(await keys(store, '', { startAfter: key }), [], 'and not behind itself');
  const copy = `copies/of ${key}`;
  await store.copy(key, copy);
  await assertStored(store, copy, key);
  await store.copy(copy, key);
  await store.delete(copy);
  assert.deepEqual(await keys(store, ''), [key]);
  assert.deepEqual(await store.deleteMany([key]), []);
  assert.deepEqual(await keys(store, ''), []);
}

/** Runs calls that may fail, as long as they fail with errors of the package. */
async function mayFail(call: () => Promise<unknown>): Promise<void> {
  await call().catch((error: unknown) => assert.ok(ObjectStoreError.is(error), String(error)));
}

/** Which keys work, literally, and which are refused by every method. */
export function keyCases(
  { flatKeys, maxKeyBytes = MAX_KEY_BYTES }: StoreCapabilities,
  { serverKeepsPaths }: ResolvedParameters,
): readonly ConformanceCase[] {
  return [
    {
      name: 'unusual keys are taken literally by every method',
      async run(store) {
        for (const key of unusual) await useKey(store, key);
      },
    },
    ...special.map(
      ([name, all]): ConformanceCase => ({
        name: `${name} in keys are taken literally by every method`,
        async run(store) {
          for (const key of all) await useKey(store, key);
        },
      }),
    ),
    {
      name: 'unusual keys do not get into each other’s way',
      async run(store) {
        await putKeys(store, unusual);
        for (const key of unusual) await assertStored(store, key, key);
        assert.deepEqual(new Set(await keys(store, '')), new Set(unusual));
        for (const key of ['percent/encoded', 'percent%2fencoded/and%00', 'with+space', 'with%20space']) {
          await assertFails('NOT_FOUND', () => store.get(key));
        }
        await assertFails('NOT_FOUND', () => store.get('\u00e9-decomposed'));
        const { commonPrefixes } = await grouped(store, '');
        assert.ok(commonPrefixes.includes('percent%2Fencoded/') && commonPrefixes.includes('ünïcödé/'));
        assert.deepEqual(await store.deleteMany(unusual), []);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'what is no key is INVALID_PATH for every method',
      async run(store) {
        await store.put('there', bytes('as it was'));
        for (const key of refused) {
          await assertFails('INVALID_PATH', () => store.put(key, bytes('x')));
          await assertFails('INVALID_PATH', () => store.get(key));
          await assertFails('INVALID_PATH', () => store.getStream(key));
          await assertFails('INVALID_PATH', () => store.head(key));
          await assertFails('INVALID_PATH', () => store.delete(key));
          await assertFails('INVALID_PATH', () => store.copy(key, 'there'));
          await assertFails('INVALID_PATH', () => store.copy('there', key));
        }
        await assertStored(store, 'there', 'as it was');
        assert.deepEqual(await keys(store, ''), ['there']);
      },
    },
    {
      name: 'the longest key works with every method, one byte more is INVALID_PATH',
      async run(store) {
        const segment = 'é'.repeat(100);
        const segments = Array(Math.floor(maxKeyBytes / 201) - 1).fill(segment);
        const rest = maxKeyBytes - 201 * segments.length;
        const key = [...segments, 'y'.repeat(199), 'y'.repeat(rest - 200)].join('/');
        assert.equal(Buffer.byteLength(key), maxKeyBytes);
        await assertFails('INVALID_PATH', () => store.put(`${key}y`, bytes('x')));
        await assertFails('INVALID_PATH', () => store.get(`${key}y`));
        await assertFails('INVALID_PATH', () => keys(store, `${key}y`));
        await store.put('short', bytes('long'));
        await store.copy('short', key);
        await store.copy(key, 'short');
        await assertStored(store, key, 'long');
        assert.equal((await store.head(key)).key, key);
        assert.deepEqual(await keys(store, `${segment}/`), [key]);
        assert.deepEqual(await store.deleteMany([key]), []);
        assert.deepEqual(await keys(store, ''), ['short']);
      },
    },
    {
      name: flatKeys ? 'a segment may fill the key' : 'a segment over 255 bytes is INVALID_PATH',
      async run(store) {
        await store.put('y'.repeat(255), bytes('x'));
        const put = () => store.put('z'.repeat(256), bytes('x'));
        if (serverKeepsPaths) await mayFail(put);
        else if (flatKeys) await put();
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
        for (const call of [
          () => store.put('a/b', bytes('a/b')),
          () => store.put('d', bytes('d')),
          () => store.copy('a', 'a/c'),
          () => store.copy('d/e', 'd'),
        ]) {
          if (serverKeepsPaths) await mayFail(call);
          else if (flatKeys) await call();
          else await assertFails('INVALID_PATH', call);
        }
        await assertStored(store, 'a', 'a');
        await assertStored(store, 'd/e', 'd/e');
        if (serverKeepsPaths) return;
        assert.deepEqual(await keys(store, ''), flatKeys ? ['a', 'a/b', 'a/c', 'd', 'd/e'] : ['a', 'd/e']);
      },
    },
  ];
}
