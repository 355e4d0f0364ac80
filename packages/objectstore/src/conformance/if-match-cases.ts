import assert from 'node:assert/strict';
import { ObjectStoreError } from '../errors.ts';
import type { ObjectStore } from '../object-store.ts';
import { assertStored, bytes, chunked, pattern, text } from './bodies.ts';
import {
  assertFails,
  assertOneWins,
  type ConformanceCase,
  type ResolvedParameters,
} from './conformance-case.ts';
import { keys } from './listings.ts';

/** Adds 1 to the number at a key, however often others do the same meanwhile. */
async function increment(store: ObjectStore, key: string): Promise<void> {
  for (;;) {
    const { bytes: body, meta } = await store.get(key);
    try {
      await store.put(key, bytes(String(Number(text(body)) + 1)), { ifMatch: meta.etag });
      return;
    } catch (error) {
      if (!ObjectStoreError.is(error) || error.code !== 'PRECONDITION_FAILED') throw error;
    }
  }
}

const without: readonly ConformanceCase[] = [
  {
    name: 'put with ifMatch is NOT_SUPPORTED and changes nothing',
    async run(store) {
      const { etag } = await store.put('k', bytes('as it was'));
      await assertFails('NOT_SUPPORTED', () => store.put('k', bytes('x'), { ifMatch: etag }));
      await assertFails('NOT_SUPPORTED', () => store.put('k', chunked(bytes('x')), { ifMatch: etag }));
      await assertStored(store, 'k', 'as it was');
    },
  },
];

/** Puts that replace one version and no other. */
export function ifMatchCases(
  able: boolean,
  { multipartBytes }: ResolvedParameters,
): readonly ConformanceCase[] {
  if (!able) return without;
  return [
    {
      name: 'put with ifMatch replaces the version that it names, and no other',
      async run(store) {
        const first = await store.put('k', bytes('first'));
        const second = await store.put('k', bytes('second'), { ifMatch: first.etag });
        await assertStored(store, 'k', 'second');
        await assertFails('PRECONDITION_FAILED', () =>
          store.put('k', bytes('third'), { ifMatch: first.etag }),
        );
        await assertStored(store, 'k', 'second');
        assert.equal((await store.head('k')).etag, second.etag);
      },
    },
    {
      name: 'put with ifMatch of what is absent is PRECONDITION_FAILED, and nothing is there',
      async run(store) {
        const { etag } = await store.put('k', bytes('x'));
        const absent = () => store.put('absent', bytes('y'), { ifMatch: etag });
        await assertFails('PRECONDITION_FAILED', absent);
        await store.delete('k');
        await assertFails('PRECONDITION_FAILED', () => store.put('k', bytes('y'), { ifMatch: etag }));
        await assertFails('PRECONDITION_FAILED', () =>
          store.put('k', chunked(bytes('y')), { ifMatch: etag }),
        );
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'streams, also large ones, are put with ifMatch as bytes are',
      async run(store) {
        let { etag } = await store.put('k', bytes('first'));
        for (const sizeBytes of [100, multipartBytes]) {
          const stale = etag;
          const body = pattern(sizeBytes);
          ({ etag } = await store.put('k', chunked(body), { ifMatch: stale }));
          await assertFails('PRECONDITION_FAILED', () =>
            store.put('k', chunked(pattern(sizeBytes, 9)), { ifMatch: stale }),
          );
          await assertStored(store, 'k', body);
        }
      },
    },
    {
      name: 'of 8 simultaneous puts with ifMatch of one version exactly one wins',
      async run(store) {
        let { etag } = await store.put('k', bytes('first'));
        for (let round = 0; round < 10; round += 1) {
          const bodyOf = (i: number) => `round ${round}, body ${i}`;
          const ifMatch = etag;
          const puts = Array.from({ length: 8 }, (_, i) => store.put('k', bytes(bodyOf(i)), { ifMatch }));
          const winner = await assertOneWins('PRECONDITION_FAILED', puts);
          await assertStored(store, 'k', bodyOf(winner));
          etag = (await store.head('k')).etag;
        }
      },
    },
    {
      name: '8 writers that count with get and put ifMatch lose no count',
      async run(store) {
        await store.put('counter', bytes('0'));
        const writer = async () => {
          for (let i = 0; i < 5; i += 1) await increment(store, 'counter');
        };
        await Promise.all(Array.from({ length: 8 }, writer));
        await assertStored(store, 'counter', '40');
      },
    },
  ];
}
