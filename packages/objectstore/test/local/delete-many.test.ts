import nodeFs from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import type { DeleteFailure } from '../../src/object-store.ts';
import { bytes, join, keys, outcome, tempDir } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

async function opened() {
  const base = await tempDir();
  const root = join(base, 'root');
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  /** Makes objects without the store's syncs. */
  const fill = async (all: readonly string[]) => {
    for (const dir of new Set(all.map((key) => join(root, key, '..'))))
      await nodeFs.mkdir(dir, { recursive: true });
    for (const key of all) await nodeFs.writeFile(join(root, key), key);
    memory.calls.length = 0;
  };
  const atRisk = (all: readonly string[]) => all.flatMap((key) => memory.atRisk(join(root, key)));
  return { base, root, memory, store, fill, atRisk };
}

const told = (failures: readonly DeleteFailure[]) => failures.map(({ key, error }) => [key, error.code]);

test('100 keys of one directory: it is opened once, synced once, behind the last removal', async () => {
  const { root, memory, store, fill, atRisk } = await opened();
  const all = Array.from({ length: 100 }, (_, i) => `a/b/c/${i}`);
  await fill([...all, 'a/b/c/stays']);
  expect(await store.deleteMany(all)).toEqual([]);
  for (const dir of ['', 'a', 'a/b', 'a/b/c']) expect(memory.count('open', join(root, dir))).toBe(1);
  const syncs = memory.calls.filter((call) => call.startsWith('sync '));
  expect(syncs).toEqual([`sync ${join(root, 'a/b/c')}`]);
  expect(memory.calls.findLastIndex((call) => call.startsWith('unlink '))).toBeLessThan(
    memory.calls.indexOf(syncs[0] ?? ''),
  );
  expect(atRisk(all)).toEqual([]);
  expect(await keys(store, '')).toEqual(['a/b/c/stays']);
});

test('keys of many directories, mixed: each directory is opened and synced once', async () => {
  const { root, memory, store, fill, atRisk } = await opened();
  const all = Array.from({ length: 60 }, (_, i) => `d${i % 12}/x/${i}`);
  await fill([...all, 'top']);
  expect(await store.deleteMany([...all, 'top', 'none/at/all'])).toEqual([]);
  for (let i = 0; i < 12; i += 1) {
    expect(memory.count('open', join(root, `d${i}/x`))).toBe(1);
    expect(memory.count('sync', join(root, `d${i}/x`))).toBe(1);
  }
  expect(memory.count('sync', root)).toBe(1);
  expect(atRisk([...all, 'top'])).toEqual([]);
  expect(await keys(store, '')).toEqual([]);
});

test('what cannot be removed is told in the order given, each with its own error; the rest goes, durably', async () => {
  const { base, root, memory, store, fill, atRisk } = await opened();
  await fill(['d/a', 'd/b', 'd/c', 'd/file']);
  await nodeFs.writeFile(join(base, 'secret'), 'secret');
  await nodeFs.symlink(join(base, 'secret'), join(root, 'd/link'));
  await nodeFs.symlink(base, join(root, 'linked'));
  memory.fail = (call, path) => (call === 'unlink' && path === join(root, 'd/b') ? 'EACCES' : undefined);
  const failures = await store.deleteMany([
    'd/b',
    'd/link',
    'd/a',
    'd//',
    'linked/secret',
    'd/c',
    '.objectstore-tmp/x',
    'd/link',
    'd',
    'd/file/below',
    'd/a',
    'x'.repeat(256),
    7 as never,
  ]);
  expect(told(failures)).toEqual([
    ['d/b', 'PERMISSION_DENIED'],
    ['d/link', 'UNSAFE_PATH'],
    ['d//', 'INVALID_PATH'],
    ['linked/secret', 'UNSAFE_PATH'],
    ['.objectstore-tmp/x', 'INVALID_PATH'],
    ['d/link', 'UNSAFE_PATH'],
    ['x'.repeat(256), 'INVALID_PATH'],
    [7, 'INVALID_PATH'],
  ]);
  expect(atRisk(['d/a', 'd/c'])).toEqual([]);
  memory.fail = () => undefined;
  expect(await keys(store, '')).toEqual(['d/b', 'd/file']);
  expect(await nodeFs.readFile(join(base, 'secret'), 'utf8')).toBe('secret');
});

test('a sync that fails is told for every key of that directory and for no other', async () => {
  const { root, memory, store, fill } = await opened();
  await fill(['d/a', 'd/b', 'e/a']);
  memory.fail = (call, path) => (call === 'sync' && path === join(root, 'd') ? 'EIO' : undefined);
  expect(told(await store.deleteMany(['e/a', 'd/b', 'd/absent', 'd/a']))).toEqual([
    ['d/b', 'IO_ERROR'],
    ['d/absent', 'IO_ERROR'],
    ['d/a', 'IO_ERROR'],
  ]);
});

test('a delete that is made again after its sync failed, or beside one that has not synced yet, is durable too', async () => {
  const { root, memory, store, fill, atRisk } = await opened();
  await fill(['d/a']);
  memory.fail = (call) => (call === 'sync' ? 'EIO' : undefined);
  expect(await outcome(store.delete('d/a'))).toBe('IO_ERROR');
  memory.fail = () => undefined;
  expect(atRisk(['d/a'])).toEqual([join(root, 'd/a')]);
  await store.delete('d/a');
  expect(atRisk(['d/a'])).toEqual([]);

  await fill(['d/b']);
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      await store.delete('d/b');
      expect(atRisk(['d/b'])).toEqual([]);
    }),
  );
});

test('a signal stops between keys: those that are gone are durable, the others are told ABORTED and are there', async () => {
  const { memory, store, fill, atRisk } = await opened();
  const all = Array.from({ length: 200 }, (_, i) => `d${i % 2}/${i}`);
  await fill(all);
  const abort = new AbortController();
  let removed = 0;
  memory.fail = (call) => {
    if (call === 'unlink' && ++removed === 30) abort.abort();
    return undefined;
  };
  const failures = await store.deleteMany(all, { signal: abort.signal });
  expect(new Set(failures.map(({ error }) => error.code))).toEqual(new Set(['ABORTED']));
  expect(failures[0]?.error.cause).toBe(abort.signal.reason);
  const left = await keys(store, '');
  expect(failures.map(({ key }) => key).sort()).toEqual([...left].sort());
  // What was under way when the signal fired may still be done.
  expect(left.length).toBeGreaterThan(200 - 30 - 16);
  expect(left.length).toBeLessThanOrEqual(170);
  expect(atRisk(all.filter((key) => !left.includes(key)))).toEqual([]);
});

test('10,000 keys, some twice, most absent: few calls at a time, and the event loop turns meanwhile', async () => {
  const { root, fill } = await opened();
  const all = Array.from({ length: 10_000 }, (_, i) => `d${i % 20}/${i}`);
  await fill(all.slice(0, 1500));
  let now = 0;
  let most = 0;
  const counted = <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      now += 1;
      most = Math.max(most, now);
      return call(...args).finally(() => {
        now -= 1;
      });
    };
  };
  const fs = { ...nodeFs, unlink: counted(nodeFs.unlink), lstat: counted(nodeFs.lstat as never) };
  const store = await openLocalObjectStore({ root, fs: fs as never });
  let turns = 0;
  let running = true;
  const turning = (async () => {
    for (; running; turns += 1) await setImmediate();
  })();
  expect(await store.deleteMany([...all, ...all.slice(0, 500)])).toEqual([]);
  running = false;
  await turning;
  expect(await keys(store, '')).toEqual([]);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(16);
  expect(turns).toBeGreaterThan(500);
});

test('keys may be none, and the array may be changed during the call', async () => {
  const { store } = await opened();
  expect(await store.deleteMany([])).toEqual([]);
  for (const key of ['a', 'b', 'c']) await store.put(key, bytes('x'));
  const given = ['//', 'a', 'b'];
  const deleting = store.deleteMany(given);
  given[0] = 'changed';
  given[2] = 'c';
  given.push('c');
  expect(told(await deleting)).toEqual([['//', 'INVALID_PATH']]);
  expect(await keys(store, '')).toEqual(['c']);
  for (const wrong of ['a', undefined, { length: 1 }]) {
    expect(await outcome(store.deleteMany(wrong as never))).toBe('INVALID_ARGUMENT');
  }
});
