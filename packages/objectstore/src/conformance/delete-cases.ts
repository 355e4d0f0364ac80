import assert from 'node:assert/strict';
import { ObjectStoreError } from '../errors.ts';
import { assertStored, bytes } from './bodies.ts';
import { assertFails, type ConformanceCase } from './conformance-case.ts';
import { keys, putKeys } from './listings.ts';

const MANY = 2500;

export const deleteCases: readonly ConformanceCase[] = [
  {
    name: 'delete removes one object and may be repeated',
    async run(store) {
      await putKeys(store, ['d/a', 'd/b']);
      await store.delete('d/a');
      await store.delete('d/a');
      await store.delete('never/was');
      await store.delete('d');
      await store.delete('d/b/below');
      await assertFails('NOT_FOUND', () => store.get('d/a'));
      await assertFails('NOT_FOUND', () => store.head('d/a'));
      await assertStored(store, 'd/b', 'd/b');
      assert.deepEqual(await keys(store, ''), ['d/b']);
    },
  },
  {
    name: 'an object that is put again after delete is there',
    async run(store) {
      await store.put('k', bytes('first'));
      await store.delete('k');
      await store.put('k', bytes('second'));
      await assertStored(store, 'k', 'second');
    },
  },
  {
    name: 'simultaneous deletes of one object all succeed',
    async run(store) {
      await store.put('k', bytes('x'));
      await Promise.all(Array.from({ length: 8 }, () => store.delete('k')));
      assert.deepEqual(await keys(store, ''), []);
    },
  },
  {
    name: `deleteMany of ${MANY.toLocaleString('en')} keys, most of them absent, removes these and no others`,
    async run(store) {
      const all = Array.from({ length: MANY }, (_, i) => `m/${i % 5}/${i}`);
      const others = ['m/0/x', 'm/1/10', 'n/0/0'];
      await putKeys(store, [...all.filter((_, i) => i % 4 === 0), ...others]);
      assert.deepEqual(await store.deleteMany(Object.freeze(all)), []);
      assert.deepEqual(await keys(store, ''), others);
    },
  },
  {
    name: 'deleteMany takes a key twice, an absent one, and none at all',
    async run(store) {
      await putKeys(store, ['a', 'b', 'd/e']);
      assert.deepEqual(await store.deleteMany(['a', 'absent', 'a', 'd', 'a']), []);
      assert.deepEqual(await store.deleteMany([]), []);
      assert.deepEqual(await keys(store, ''), ['b', 'd/e']);
    },
  },
  {
    name: 'deleteMany gives back what is no key, in order and as often, with the error of delete, and removes the rest',
    async run(store) {
      await putKeys(store, ['a', 'b', 'c', 'kept']);
      const wrong = ['', '../x', 'nul\0', 'a//b', '../x', '\ud800', 'y/'.repeat(600), 'a//b'];
      const failures = await store.deleteMany(['a', ...wrong.slice(0, 3), 'b', ...wrong.slice(3), 'c']);
      assert.deepEqual(
        failures.map(({ key }) => key),
        wrong,
      );
      for (const { key, error } of failures) {
        assert.ok(ObjectStoreError.is(error));
        const expected = await assertFails('INVALID_PATH', () => store.delete(key));
        assert.equal(error.message, expected.message);
      }
      assert.deepEqual(await keys(store, ''), ['kept']);
    },
  },
  {
    name: 'deleteMany of what is no array is INVALID_ARGUMENT, and deletes nothing',
    async run(store) {
      await putKeys(store, ['a', 'b']);
      for (const wrong of ['ab', new Set(['a']), { length: 1, 0: 'a' }, undefined, null, 7]) {
        await assertFails('INVALID_ARGUMENT', () => store.deleteMany(wrong as never));
      }
      assert.deepEqual(await keys(store, ''), ['a', 'b']);
    },
  },
];
