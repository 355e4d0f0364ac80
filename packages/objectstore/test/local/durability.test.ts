import nodeFs from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { basename, bytes, join, keys, openBelow, outcome, tempDir, text } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

async function opened(below = 'root') {
  const base = await tempDir();
  const root = join(base, below);
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  return { base, root, memory, store };
}

test('opening makes the root and the directories above it durable', async () => {
  const { root, memory } = await opened('several/new/levels');
  expect(memory.atRisk(root)).toEqual([]);
});

test('a root that somebody else has just made is durable when it is open', async () => {
  const base = await tempDir();
  const root = join(base, 'root');
  const memory = new VolatileMemory();
  await memory.fs.mkdir(root);
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  await store.put('k', bytes('x'));
  expect(memory.atRisk(join(root, 'k'))).toEqual([]);
});

test('a root below a directory that may not be opened is opened, if it is there', async () => {
  const base = await tempDir();
  const root = join(base, 'root');
  const memory = new VolatileMemory();
  memory.fail = (call, path) => (call === 'open' && path === base ? 'EACCES' : undefined);
  expect(await outcome(openLocalObjectStore({ root, fs: memory.fs }))).toBe('PERMISSION_DENIED');
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  await store.put('k', bytes('x'));
  memory.fail = (call, path) => (call === 'sync' && path === base ? 'EIO' : undefined);
  expect(await outcome(openLocalObjectStore({ root, fs: memory.fs }))).toBe('IO_ERROR');
});

test('a directory that was removed and made again, with its inode, is made durable again', async () => {
  const { root, memory, store } = await opened();
  memory.inodes = (stats) => (stats.isDirectory() ? 7 : stats.ino);
  await store.put('dir/sub/a', bytes('x'));
  await nodeFs.rm(join(root, 'dir'), { recursive: true });
  await store.put('dir/sub/a', bytes('y'));
  expect(memory.atRisk(join(root, 'dir/sub/a'))).toEqual([]);
});

for (const ifAbsent of [true, false]) {
  test(`a put (ifAbsent: ${ifAbsent}) is durable when it resolves: content, name and every new directory`, async () => {
    const { root, memory, store } = await opened();
    for (const key of ['top', 'new/dir/a', 'new/dir/b', 'new/other/c']) {
      await store.put(key, bytes('x'), { ifAbsent });
      expect(memory.atRisk(join(root, key))).toEqual([]);
    }
    if (!ifAbsent) {
      await store.put('new/dir/a', bytes('replaced'));
      expect(memory.atRisk(join(root, 'new/dir/a'))).toEqual([]);
    }
    expect(memory.unsyncedContent.size).toBe(0);
    expect(memory.exposedUnsynced).toEqual([]);
  });
}

test('a put of a stream and a copy are durable when they resolve, as a put of bytes', async () => {
  const { root, memory, store } = await opened();
  async function* body() {
    for (let i = 0; i < 30; i += 1) yield new Uint8Array(50_000).fill(i);
  }
  for (const [key, run] of [
    ['new/dir/stream', () => store.put('new/dir/stream', body())],
    ['new/dir/absent', () => store.put('new/dir/absent', body(), { ifAbsent: true })],
    ['new/dir/stream', () => store.put('new/dir/stream', body())],
    ['other/new/copy', () => store.copy('new/dir/stream', 'other/new/copy')],
    ['new/dir/stream', () => store.copy('new/dir/absent', 'new/dir/stream')],
    ['new/dir/stream', () => store.copy('new/dir/stream', 'new/dir/stream')],
  ] as const) {
    await run();
    expect(memory.atRisk(join(root, key))).toEqual([]);
    expect(memory.unsyncedContent.size).toBe(0);
  }
  expect(memory.exposedUnsynced).toEqual([]);
});

test('a directory that another process just made is not taken for durable', async () => {
  const { root, memory, store } = await opened();
  await memory.fs.mkdir(join(root, 'theirs'));
  await memory.fs.mkdir(join(root, 'theirs', 'too'));
  await store.put('theirs/too/mine', bytes('x'));
  expect(memory.atRisk(join(root, 'theirs/too/mine'))).toEqual([]);
});

test('simultaneous puts into one new directory are each durable when they resolve', async () => {
  const { root, memory, store } = await opened();
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await store.put(`shared/new/${i}`, bytes('x'), { ifAbsent: true });
      expect(memory.atRisk(join(root, `shared/new/${i}`))).toEqual([]);
    }),
  );
});

test('a delete is durable when it resolves', async () => {
  const { root, memory, store } = await opened();
  await store.put('a/b', bytes('x'));
  await store.delete('a/b');
  expect(memory.atRisk(join(root, 'a/b'))).toEqual([]);
});

test('a batch delete is durable for every key when it resolves', async () => {
  const { root, memory, store } = await opened();
  const all = ['top', 'a/1', 'a/2', 'a/b/3', 'c/4'];
  for (const key of all) await store.put(key, bytes('x'));
  await store.deleteMany([...all, 'a/none', 'none/at/all']);
  for (const key of all) expect(memory.atRisk(join(root, key))).toEqual([]);
});

test('when writing or syncing the content fails nothing is visible and nothing is left', async () => {
  const { root, memory, store } = await opened();
  await store.put('k', bytes('old'));
  for (const [call, code, expected] of [
    ['writeFile', 'ENOSPC', 'NO_SPACE'],
    ['writeFile', 'EDQUOT', 'NO_SPACE'],
    ['sync', 'EIO', 'IO_ERROR'],
    ['link', 'EIO', 'IO_ERROR'],
    ['rename', 'EIO', 'IO_ERROR'],
    ['link', 'EPERM', 'IO_ERROR'],
    ['open', 'EACCES', 'PERMISSION_DENIED'],
    ['open', 'EMFILE', 'IO_ERROR'],
  ] as const) {
    memory.fail = (made, path) =>
      made === call && path !== root && basename(path) !== 'root' ? code : undefined;
    const ifAbsent = call !== 'rename';
    expect(await outcome(store.put(ifAbsent ? 'new' : 'k', bytes('new'), { ifAbsent }))).toBe(expected);
    memory.fail = () => undefined;
    expect(await keys(store, '')).toEqual(['k']);
    expect(text((await store.get('k')).bytes)).toBe('old');
    expect(await nodeFs.readdir(join(root, '.objectstore-tmp'))).toEqual([]);
  }
});

test('an object whose name becomes a directory during a put or delete is told as one that was there before', async () => {
  const { root, memory, store } = await opened();
  memory.fail = (call, path) => (call === 'rename' && path === join(root, 'k') ? 'EISDIR' : undefined);
  expect(await outcome(store.put('k', bytes('x')))).toBe('INVALID_PATH');
  expect(await nodeFs.readdir(join(root, '.objectstore-tmp'))).toEqual([]);
  memory.fail = () => undefined;
  await store.put('d', bytes('x'));
  memory.fail = (call, path) => (call === 'unlink' && path === join(root, 'd') ? 'EISDIR' : undefined);
  expect(await outcome(store.delete('d'))).toBe('done');
});

test('when the directory cannot be synced after the commit point the outcome is unknown, not failed', async () => {
  const { root, memory, store } = await opened();
  await store.put('d/old', bytes('x'));
  for (const ifAbsent of [true, false]) {
    memory.fail = (call, path) => (call === 'sync' && path === join(root, 'd') ? 'EIO' : undefined);
    expect(await outcome(store.put(`d/${ifAbsent}`, bytes('whole'), { ifAbsent }))).toBe('PUT_STATE_UNKNOWN');
    memory.fail = () => undefined;
    expect(text((await store.get(`d/${ifAbsent}`)).bytes)).toBe('whole');
  }
});

test('a directory whose parent could not be synced is not remembered as durable', async () => {
  const { root, memory, store } = await opened();
  memory.fail = (call, path) => (call === 'sync' && path === root ? 'EIO' : undefined);
  expect(await outcome(store.put('dir/a', bytes('x')))).toBe('IO_ERROR');
  expect(await outcome(store.get('dir/a'))).toBe('NOT_FOUND');
  memory.fail = () => undefined;
  await store.put('dir/a', bytes('x'));
  expect(memory.atRisk(join(root, 'dir/a'))).toEqual([]);
});

test('a root that cannot be opened for now is told with the reason, and whether it is worth another try', async () => {
  const { root, memory, store } = await opened();
  for (const [system, code, retryable] of [
    ['EMFILE', 'IO_ERROR', true],
    ['EACCES', 'PERMISSION_DENIED', false],
  ] as const) {
    memory.fail = (call, path) => (call === 'open' && path === root ? system : undefined);
    for (const call of [store.put('k', bytes('x')), store.get('k'), store.delete('k'), keys(store, '')]) {
      await expect(call).rejects.toMatchObject({ code, retryable, context: { systemCode: system } });
    }
  }
});

test('a root that is gone is an error of its own, not NOT_FOUND', async () => {
  const { root, store } = await opened();
  await nodeFs.rm(root, { recursive: true });
  expect(await outcome(store.get('a'))).toBe('IO_ERROR');
  expect(await outcome(keys(store, ''))).toBe('IO_ERROR');
  expect(await outcome(store.put('a', bytes('x')))).toBe('IO_ERROR');
});

test('a root that is no directory, or no absolute path, is refused', async () => {
  const base = await tempDir();
  await nodeFs.writeFile(join(base, 'file'), 'x');
  expect(await outcome(openLocalObjectStore({ root: join(base, 'file') }))).toBe('IO_ERROR');
  expect(await outcome(openLocalObjectStore({ root: 'relative' }))).toBe('INVALID_ARGUMENT');
  for (const wrong of [undefined, null, 'root', {}, { root: base, dir: base }])
    expect(await outcome(openLocalObjectStore(wrong as never))).toBe('INVALID_ARGUMENT');
  // Where nothing can be made although the parent is there.
  if (process.platform === 'linux')
    expect(await outcome(openLocalObjectStore({ root: '/proc/none/at/all' }))).toBe('IO_ERROR');
});

test.runIf(process.platform === 'linux')(
  'no descriptor stays open, whether calls succeed or fail',
  async () => {
    const { root, store } = await opened();
    for (let i = 0; i < 10; i += 1) {
      await store.put(`a/b/${i}`, bytes('x'));
      await outcome(store.put(`a/b/${i}`, bytes('x'), { ifAbsent: true }));
      await outcome(store.put(`a/b/${i}/below`, bytes('x')));
      await outcome(store.get('a/b/none'));
      await outcome(store.get(`a/b/${i}`, { range: { start: 9, endExclusive: 10 } }));
      await store.copy(`a/b/${i}`, `c/${i}`);
      await outcome(store.copy(`a/b/${i}`, 'a/b'));
      await keys(store, 'a/', { pageSize: 3 });
      await keys(store, '', { delimiter: '/' });
      await store.delete(`a/b/${i}`);
      await store.deleteMany([`c/${i}`, 'a/b', 'none/x', '//']);
      expect(await openBelow(root)).toBe(0);
    }
  },
);
