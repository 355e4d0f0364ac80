import assert from 'node:assert/strict';
import { bytes, readers, text } from './bodies.ts';
import { assertFails, type ConformanceCase } from './conformance-case.ts';

/** Reads of one version, or of any but one, by both ways to read. */
export const getConditionCases: readonly ConformanceCase[] = readers.flatMap(
  ({ name, read }) =>
    [
      {
        name: `${name} with ifMatch reads that version, and no other`,
        async run(store) {
          const { etag: first } = await store.put('k', bytes('first'));
          assert.equal(text((await read(store, 'k', { ifMatch: first })).bytes), 'first');
          const { etag: second } = await store.put('k', bytes('second'));
          await assertFails('PRECONDITION_FAILED', () => read(store, 'k', { ifMatch: first }));
          assert.equal(text((await read(store, 'k', { ifMatch: second })).bytes), 'second');
        },
      },
      {
        name: `${name} with ifNoneMatch reads any other version, and says NOT_MODIFIED of that one`,
        async run(store) {
          const { etag: first } = await store.put('k', bytes('first'));
          await assertFails('NOT_MODIFIED', () => read(store, 'k', { ifNoneMatch: first }));
          const { etag: second } = await store.put('k', bytes('second'));
          assert.equal(text((await read(store, 'k', { ifNoneMatch: first })).bytes), 'second');
          await assertFails('NOT_MODIFIED', () => read(store, 'k', { ifNoneMatch: second }));
        },
      },
      {
        name: `${name} with a condition and a range checks both`,
        async run(store) {
          const { etag: stale } = await store.put('k', bytes('stale'));
          const { etag } = await store.put('k', bytes('0123456789'));
          for (const range of [{ start: 2, endExclusive: 5 }, { start: 7 }, { start: 3, endExclusive: 3 }]) {
            const expected = '0123456789'.slice(range.start, range.endExclusive);
            assert.equal(text((await read(store, 'k', { range, ifMatch: etag })).bytes), expected);
            assert.equal(text((await read(store, 'k', { range, ifNoneMatch: stale })).bytes), expected);
            await assertFails('PRECONDITION_FAILED', () => read(store, 'k', { range, ifMatch: stale }));
            await assertFails('NOT_MODIFIED', () => read(store, 'k', { range, ifNoneMatch: etag }));
          }
          const range = { start: 11, endExclusive: 12 };
          await assertFails('INVALID_RANGE', () => read(store, 'k', { range, ifMatch: etag }));
        },
      },
      {
        name: `${name} with a condition on what is absent is NOT_FOUND`,
        async run(store) {
          const { etag } = await store.put('k', bytes('x'));
          await store.delete('k');
          await assertFails('NOT_FOUND', () => read(store, 'k', { ifMatch: etag }));
          await assertFails('NOT_FOUND', () => read(store, 'k', { ifNoneMatch: etag }));
        },
      },
    ] satisfies readonly ConformanceCase[],
);
