import assert from 'node:assert/strict';
import type { ObjectStore } from '../object-store.ts';
import { assertStored, bytes, chunked, pattern, watched } from './bodies.ts';
import {
  assertFails,
  assertOneWins,
  type ConformanceCase,
  type ResolvedParameters,
  until,
} from './conformance-case.ts';
import { keys } from './listings.ts';

/** Puts of one key at once, each of its own body; the body of the one that wins must be there. */
async function race(store: ObjectStore, key: string, count: number, bodyOf: (i: number) => Uint8Array) {
  const streams = key.startsWith('stream');
  const puts = Array.from({ length: count }, (_, i) =>
    store.put(key, streams ? chunked(bodyOf(i)) : bodyOf(i), { ifAbsent: true }),
  );
  const winner = await assertOneWins('ALREADY_EXISTS', puts);
  await assertStored(store, key, bodyOf(winner));
}

const without: readonly ConformanceCase[] = [
  {
    name: 'put with ifAbsent is NOT_SUPPORTED and puts nothing',
    async run(store) {
      await assertFails('NOT_SUPPORTED', () => store.put('k', bytes('x'), { ifAbsent: true }));
      await assertFails('NOT_SUPPORTED', () => store.put('k', chunked(bytes('x')), { ifAbsent: true }));
      assert.deepEqual(await keys(store, ''), []);
      await store.put('k', bytes('x'), { ifAbsent: false });
    },
  },
];

/** Puts of what is not there yet. */
export function ifAbsentCases(
  able: boolean,
  { multipartBytes }: ResolvedParameters,
): readonly ConformanceCase[] {
  if (!able) return without;
  return [
    {
      name: 'put with ifAbsent leaves an existing object alone',
      async run(store) {
        const { etag } = await store.put('k', bytes('first'), { ifAbsent: true });
        await assertFails('ALREADY_EXISTS', () => store.put('k', bytes('second'), { ifAbsent: true }));
        await assertStored(store, 'k', 'first');
        assert.equal((await store.head('k')).etag, etag);
        await store.delete('k');
        await store.put('k', bytes('third'), { ifAbsent: true });
        await assertStored(store, 'k', 'third');
        await store.put('k', bytes('fourth'), { ifAbsent: false });
        await assertStored(store, 'k', 'fourth');
      },
    },
    {
      name: 'a stream put with ifAbsent leaves an existing object alone, and is ended',
      async run(store) {
        await store.put('k', bytes('first'));
        for (const sizeBytes of [100, multipartBytes]) {
          const source = watched(() => chunked(pattern(sizeBytes)));
          await assertFails('ALREADY_EXISTS', () => store.put('k', source.body, { ifAbsent: true }));
          await until('the source was ended', () => source.ended() || source.opened() === 0);
          await assertStored(store, 'k', 'first');
        }
      },
    },
    {
      name: '12 simultaneous ifAbsent puts of one key, 25 rounds: exactly one wins, and its body is there',
      async run(store) {
        for (let round = 0; round < 25; round += 1) {
          await race(store, `race/${round}`, 12, (i) => bytes(`body of ${i}`));
        }
      },
    },
    {
      name: '12 simultaneous ifAbsent puts of streams, 10 rounds: exactly one wins, and its body is there',
      async run(store) {
        for (let round = 0; round < 10; round += 1) {
          await race(store, `stream/${round}`, 12, (i) => bytes(`body of ${i}`));
        }
      },
    },
    {
      name: '4 simultaneous ifAbsent puts of large streams, 2 rounds: exactly one wins, and its body is there',
      async run(store) {
        for (let round = 0; round < 2; round += 1) {
          await race(store, `stream-large/${round}`, 4, (i) => pattern(multipartBytes + i, i));
        }
      },
    },
  ];
}
