import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createMemoryObjectStore } from './memory-store.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a put that is under way at close is CLOSED and puts nothing', async () => {
  const store = createMemoryObjectStore();
  let go = () => {};
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  const put = store.put(
    'k',
    (async function* () {
      yield bytes('x');
      await going;
    })(),
  );
  await store.close();
  go();
  await expect(put).rejects.toMatchObject({ code: 'CLOSED' });
});

test('a listing that is under way at close is CLOSED at its next page', async () => {
  const store = createMemoryObjectStore();
  await store.put('a', bytes('x'));
  await store.put('b', bytes('x'));
  const pages = store.list('', { pageSize: 1 })[Symbol.asyncIterator]();
  await pages.next();
  await store.close();
  await expect(pages.next()).rejects.toMatchObject({ code: 'CLOSED' });
});

test('a stream that is read slowly holds a little of the object, not a second copy', async () => {
  const store = createMemoryObjectStore();
  await store.put('k', new Uint8Array(64 * 1024 * 1024));
  const before = process.memoryUsage().arrayBuffers;
  const { stream } = await store.getStream('k');
  await once(stream, 'readable');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  stream.destroy();
});

test('what a store tells of an object is frozen, as it tells everybody the same', async () => {
  const store = createMemoryObjectStore();
  await store.put('k', bytes('x'), { metadata: { a: 'b' } });
  const meta = await store.head('k');
  expect(Object.isFrozen(meta)).toBe(true);
  expect(Object.isFrozen(meta.metadata)).toBe(true);
});

test('two stores share nothing', async () => {
  const [one, other] = [createMemoryObjectStore(), createMemoryObjectStore()];
  await one.put('k', bytes('x'));
  await expect(other.head('k')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
