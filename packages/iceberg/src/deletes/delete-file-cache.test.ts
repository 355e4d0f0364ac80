import { expect, test } from 'vitest';
import { createDeleteFileCache } from './delete-file-cache.ts';

function counted(maxBytes?: number) {
  const cache = createDeleteFileCache(maxBytes === undefined ? {} : { maxBytes });
  const reads: string[] = [];
  const load = (key: string, sizeBytes = 10) =>
    cache.load(key, async () => {
      reads.push(key);
      return { value: key.toUpperCase(), sizeBytes };
    });
  return { cache, reads, load };
}

test('what is kept is read once, and by all who ask at once', async () => {
  const { reads, load, cache } = counted();
  expect(await Promise.all([load('a'), load('a'), load('b')])).toEqual(['A', 'A', 'B']);
  expect(await load('a')).toBe('A');
  expect(reads).toEqual(['a', 'b']);
  expect(cache.maxBytes).toBe(64 * 1024 * 1024);
});

test('no more than the bound is kept; what was used longest ago goes first', async () => {
  const { reads, load } = counted(30);
  for (const key of ['a', 'b', 'c', 'a', 'd']) await load(key);
  // b made room for d.
  for (const key of ['a', 'c', 'd']) await load(key);
  expect(reads).toEqual(['a', 'b', 'c', 'd']);
  await load('b');
  expect(reads).toEqual(['a', 'b', 'c', 'd', 'b']);
});

test('what is larger than the bound is given and not kept, and pushes nothing out', async () => {
  const { reads, load } = counted(30);
  await load('small');
  expect(await load('large', 31)).toBe('LARGE');
  await load('small');
  await load('large', 31);
  expect(reads).toEqual(['small', 'large', 'large']);
});

test('a reading that fails is tried again by the next who asks', async () => {
  const cache = createDeleteFileCache();
  let attempts = 0;
  const load = () =>
    cache.load('a', async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('the store is away');
      return { value: attempts, sizeBytes: 1 };
    });
  const both = await Promise.allSettled([load(), load()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await load()).toBe(2);
});

test.each([Number.NaN, -1])('a bound of %s is INVALID_ARGUMENT', (maxBytes) => {
  expect(() => createDeleteFileCache({ maxBytes })).toThrow('INVALID_ARGUMENT');
});
