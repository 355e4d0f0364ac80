import assert from 'node:assert/strict';
import type { ByteRange } from '../object-store.ts';
import { assertBytes, bytes, pattern, readers, text } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';

const digits = '0123456789';

/** Parts of ten digits: what is asked for, what it gives, which bytes these are. */
const parts: readonly [start: number, endExclusive: number | undefined, expected: string][] = [
  [0, 10, digits],
  [0, 1, '0'],
  [3, 6, '345'],
  [9, 10, '9'],
  [0, undefined, digits],
  [7, undefined, '789'],
  [8, 11, '89'],
  [8, 5_000_000_000, '89'],
  [0, Number.MAX_SAFE_INTEGER, digits],
  // Nothing: somewhere, at the start, at the end, and all that is behind the end.
  [4, 4, ''],
  [0, 0, ''],
  [10, 10, ''],
  [10, undefined, ''],
];

const behind: readonly ByteRange[] = [
  { start: 10, endExclusive: 11 },
  { start: 11, endExclusive: 11 },
  { start: 11, endExclusive: 20 },
  { start: 11 },
  { start: Number.MAX_SAFE_INTEGER },
];

const wrong: readonly ByteRange[] = [
  { start: -1, endExclusive: 2 },
  { start: 5, endExclusive: 4 },
  { start: 0.5, endExclusive: 2 },
  { start: 0, endExclusive: Number.NaN },
  { start: 0, endExclusive: Number.POSITIVE_INFINITY },
  { start: Number.NaN },
];

/** Parts of objects, by both ways to read. */
export function rangeCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return readers.flatMap(({ name, read }): ConformanceCase[] => [
    {
      name: `${name}: ranges give their bytes and are cut at the end of the object`,
      async run(store) {
        await store.put('k', bytes(digits));
        for (const [start, endExclusive, expected] of parts) {
          const got = await read(store, 'k', { range: { start, endExclusive } });
          assert.equal(text(got.bytes), expected, `[${start}, ${endExclusive})`);
          assert.deepEqual({ ...got.range }, { start, endExclusive: start + expected.length });
          assert.equal(got.meta.sizeBytes, 10);
        }
      },
    },
    {
      name: `${name}: a range that starts behind the end is INVALID_RANGE`,
      async run(store) {
        await store.put('k', bytes(digits));
        for (const range of behind) await assertFails('INVALID_RANGE', () => read(store, 'k', { range }));
      },
    },
    {
      name: `${name}: what is no range is INVALID_RANGE, also of what is absent`,
      async run(store) {
        await store.put('k', bytes(digits));
        for (const range of wrong) {
          await assertFails('INVALID_RANGE', () => read(store, 'k', { range }));
          await assertFails('INVALID_RANGE', () => read(store, 'absent', { range }));
        }
      },
    },
    {
      name: `${name}: a range with a misspelt bound is INVALID_ARGUMENT`,
      async run(store) {
        await store.put('k', bytes(digits));
        const range = { start: 0, end: 5 } as ByteRange;
        await assertFails('INVALID_ARGUMENT', () => read(store, 'k', { range }));
      },
    },
    {
      name: `${name}: a range of what is absent is NOT_FOUND, an empty one too`,
      async run(store) {
        for (const range of [{ start: 0, endExclusive: 1 }, { start: 0, endExclusive: 0 }, { start: 7 }]) {
          await assertFails('NOT_FOUND', () => read(store, 'absent', { range }));
        }
      },
    },
    {
      name: `${name}: an empty object has its empty ranges and no other`,
      async run(store) {
        await store.put('empty', bytes(''));
        for (const range of [{ start: 0 }, { start: 0, endExclusive: 0 }]) {
          const got = await read(store, 'empty', { range });
          assert.equal(got.bytes.byteLength, 0);
          assert.deepEqual({ ...got.range }, { start: 0, endExclusive: 0 });
          assert.equal(got.meta.key, 'empty');
        }
        for (const range of [{ start: 0, endExclusive: 1 }, { start: 1 }, { start: 1, endExclusive: 1 }]) {
          await assertFails('INVALID_RANGE', () => read(store, 'empty', { range }));
        }
      },
    },
    {
      name: `${name}: ranges of a large object give their bytes`,
      async run(store) {
        const body = pattern(multipartBytes);
        await store.put('large', body);
        const half = multipartBytes >> 1;
        for (const [start, endExclusive] of [
          [half >> 1, half + 9],
          [multipartBytes - 9, multipartBytes],
          [1, multipartBytes - 1],
        ] as const) {
          const got = await read(store, 'large', { range: { start, endExclusive } });
          assertBytes(got.bytes, body.subarray(start, endExclusive));
        }
      },
    },
  ]);
}
