import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { bytes, join, keys, openBelow, outcome, tempDir, tempFiles } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

async function opened() {
  const root = join(await tempDir(), 'root');
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  for (const key of ['d/a', 'd/b', 'd/c']) await store.put(key, new Uint8Array(2 * 1024 * 1024));
  const nothingOpen = async () => {
    if (process.platform === 'linux') expect(await openBelow(root)).toBe(0);
  };
  return { root, memory, store, nothingOpen };
}

async function code(reading: Promise<unknown>): Promise<unknown> {
  return reading.then(
    () => 'done',
    (error: unknown) => (ObjectStoreError.is(error) ? error.code : error),
  );
}

test('close ends streams with CLOSED, read or not, and resolves when their descriptors are closed', async () => {
  const { store, nothingOpen } = await opened();
  const { stream: unread } = await store.getStream('d/a');
  const { stream: begun } = await store.getStream('d/b');
  const { stream: ended } = await store.getStream('d/c');
  await ended.toArray();
  const reading = (async () => {
    for await (const _chunk of begun) await store.close();
  })();
  expect(await code(reading)).toBe('CLOSED');
  await nothingOpen();
  expect(await code(unread.toArray())).toBe('CLOSED');
  expect(ended.errored).toBe(null);
});

test('close waits for a descriptor that is slow to close', async () => {
  const { memory, store } = await opened();
  await store.getStream('d/a');
  let closed = false;
  memory.beforeCall = async (call) => {
    for (let i = 0; i < 20; i += 1) await setImmediate();
    if (call === 'close') closed = true;
  };
  await store.close();
  expect(closed).toBe(true);
});

test('a getStream under way at close is CLOSED and holds nothing; a listing ends at its next entry', async () => {
  const { root, memory, store, nothingOpen } = await opened();
  const listing = store.list('', { pageSize: 1 })[Symbol.asyncIterator]();
  await listing.next();
  memory.beforeCall = async (call, path) => {
    if (call === 'stat' && path === join(root, 'd/a')) await store.close();
  };
  expect(await code(store.getStream('d/a'))).toBe('CLOSED');
  expect(await code(listing.next())).toBe('CLOSED');
  await nothingOpen();
});

test('after close nothing is done, by any method, and wrong arguments make no difference', async () => {
  const { root, memory, store } = await opened();
  await store.close();
  memory.calls.length = 0;
  for (const call of [
    () => store.put('new', bytes('x')),
    () => store.put('//', bytes('x'), { ifMatch: 'x' }),
    () => store.get('d/a'),
    () => store.get('//', { range: { start: -1 } }),
    () => store.getStream('d/a'),
    () => store.head('//'),
    () => keys(store, ''),
    () => keys(store, '//', { pageSize: 0 }),
    () => store.delete('d/a'),
    () => store.deleteMany(['d/a']),
    () => store.copy('d/a', '//'),
  ]) {
    expect(await outcome(call())).toBe('CLOSED');
  }
  expect(memory.calls).toEqual([]);
  expect(await tempFiles(root)).toEqual([]);
});

test('a put under way at close is whole or not there', async () => {
  const { root, store } = await opened();
  async function* body() {
    yield bytes('first');
    await store.close();
    yield bytes('second');
  }
  const result = await outcome(store.put('new', body()));
  const again = await openLocalObjectStore({ root });
  const sizes = (await again.head('new').catch(() => undefined))?.sizeBytes;
  expect([result, sizes]).toEqual(result === 'done' ? ['done', 11] : ['CLOSED', undefined]);
});

test('options that open does not know, or a root that is none, are INVALID_ARGUMENT', async () => {
  const root = await tempDir();
  for (const options of [{ root, rot: 'x' }, { root: 7 }, {}, { root: 'relative' }]) {
    expect(await outcome(openLocalObjectStore(options as never))).toBe('INVALID_ARGUMENT');
  }
});
