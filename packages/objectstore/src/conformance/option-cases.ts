import assert from 'node:assert/strict';
import type { StoreCapabilities } from '../object-store.ts';
import { assertStored, bytes } from './bodies.ts';
import { assertFails, type ConformanceCase } from './conformance-case.ts';
import { assertUntouched, everyMethod, prepare } from './every-method.ts';

/** What no call takes: that it is refused rather than passed over. */
export function optionCases(capabilities: StoreCapabilities): readonly ConformanceCase[] {
  return [
    {
      name: 'the store declares the capabilities that it is tested for',
      async run(store) {
        assert.deepEqual({ ...store.capabilities }, { ...capabilities });
      },
    },
    {
      name: 'an option that a method does not know is INVALID_ARGUMENT, and nothing happens',
      async run(store) {
        await prepare(store);
        for (const { call } of everyMethod(store)) {
          await assertFails('INVALID_ARGUMENT', () => call({ ifAbsend: true } as object));
        }
        await assertUntouched(store);
      },
    },
    {
      name: 'a signal that is none is INVALID_ARGUMENT, and nothing happens',
      async run(store) {
        await prepare(store);
        for (const { call } of everyMethod(store)) {
          await assertFails('INVALID_ARGUMENT', () => call({ signal: new AbortController() } as object));
        }
        await assertUntouched(store);
      },
    },
    {
      name: 'options that are undefined are as if they were not there',
      async run(store) {
        const none = undefined;
        await store.put('k', bytes('x'), {
          ifAbsent: none,
          ifMatch: none,
          contentType: none,
          metadata: none,
          signal: none,
        });
        const options = { range: none, ifMatch: none, ifNoneMatch: none, signal: none };
        assert.equal((await store.get('k', options)).bytes.byteLength, 1);
        await store.delete('k', { signal: none });
      },
    },
    {
      name: 'ifAbsent and ifMatch together are INVALID_ARGUMENT, and nothing is put',
      async run(store) {
        const { etag } = await store.put('k', bytes('as it was'));
        for (const key of ['k', 'absent']) {
          const options = { ifAbsent: true, ifMatch: etag };
          await assertFails('INVALID_ARGUMENT', () => store.put(key, bytes('x'), options));
        }
        await assertStored(store, 'k', 'as it was');
        await assertFails('NOT_FOUND', () => store.head('absent'));
      },
    },
    {
      name: 'what HTTP takes for any version or for several is no etag: INVALID_ARGUMENT',
      async run(store) {
        const { etag } = await store.put('k', bytes('as it was'));
        for (const wrong of ['', '*', `${etag}, ${etag}`, `${etag}\r\nx: y`, 7 as unknown as string]) {
          await assertFails('INVALID_ARGUMENT', () => store.get('k', { ifMatch: wrong }));
          await assertFails('INVALID_ARGUMENT', () => store.getStream('k', { ifNoneMatch: wrong }));
          if (!capabilities.ifMatch) continue;
          await assertFails('INVALID_ARGUMENT', () => store.put('k', bytes('x'), { ifMatch: wrong }));
        }
        await assertStored(store, 'k', 'as it was');
      },
    },
  ];
}
