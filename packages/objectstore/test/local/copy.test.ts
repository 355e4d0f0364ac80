import nodeFs from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { bytes, join, keys, openBelow, outcome, tempDir, tempFiles, text } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

const MEBIBYTE = 1024 * 1024;

async function opened() {
  const root = join(await tempDir(), 'root');
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  const nothingLeft = async () => {
    expect(await tempFiles(root)).toEqual([]);
    if (process.platform === 'linux') expect(await openBelow(root)).toBe(0);
  };
  /** Does something once, at the n-th read of a file. */
  const atRead = (n: number, key: string, act: () => Promise<unknown>) => {
    let reads = 0;
    memory.beforeCall = async (call, path) => {
      if (call !== 'read' || path !== join(root, key)) return;
      reads += 1;
      if (reads === n) await act();
    };
  };
  return { root, memory, store, nothingLeft, atRead };
}

const large = Buffer.from(
  Uint8Array.from({ length: 3 * MEBIBYTE + 5 }, (_, i) => (i * 13 + (i >> 9)) & 0xff),
);

test('a copy is the bytes of one version, also when the source is replaced or deleted in the middle', async () => {
  const { store, atRead, nothingLeft } = await opened();
  for (const [to, act] of [
    ['replaced', () => store.put('from', bytes('another version'))],
    ['deleted', () => store.delete('from')],
  ] as const) {
    await store.put('from', large);
    atRead(2, 'from', act);
    const { sizeBytes, etag } = await store.copy('from', to);
    expect(sizeBytes).toBe(large.length);
    expect(etag).toBe((await store.head(to)).etag);
    expect(Buffer.compare((await store.get(to)).bytes, large)).toBe(0);
    await nothingLeft();
  }
});

test('a copy has a file and a time of its own', async () => {
  const { root, store } = await opened();
  await store.put('a', bytes('x'));
  const old = new Date(Date.now() - 3_600_000);
  await nodeFs.utimes(join(root, 'a'), old, old);
  await store.copy('a', 'b/c');
  expect((await store.head('b/c')).lastModifiedMs).toBeGreaterThan(Date.now() - 600_000);
  expect((await nodeFs.stat(join(root, 'a'))).nlink).toBe(1);
  await store.copy('a', 'a');
  expect(text((await store.get('a')).bytes)).toBe('x');
  expect((await store.head('a')).lastModifiedMs).toBeGreaterThan(Date.now() - 600_000);
});

test('a large object is copied in pieces, and a signal ends it between two of them', async () => {
  const { root, memory, store, atRead, nothingLeft } = await opened();
  await store.put('from', large);
  await store.put('to', bytes('old'));
  const abort = new AbortController();
  atRead(4, 'from', async () => abort.abort(new Error('enough')));
  const error = await store.copy('from', 'to', { signal: abort.signal }).catch((reason: unknown) => reason);
  expect(ObjectStoreError.is(error) && [error.code, error.cause]).toEqual(['ABORTED', abort.signal.reason]);
  expect(memory.count('read', join(root, 'from'))).toBe(4);
  expect(text((await store.get('to')).bytes)).toBe('old');
  await nothingLeft();
});

test('a copy that fails, at either end, leaves what was there and holds nothing', async () => {
  const { root, memory, store, nothingLeft } = await opened();
  await store.put('from', large);
  await store.put('dir/to', bytes('old'));
  for (const [call, path, expected] of [
    ['read', join(root, 'from'), 'IO_ERROR'],
    ['writeFile', '', 'NO_SPACE'],
    ['rename', join(root, 'dir/to'), 'IO_ERROR'],
    ['sync', join(root, 'dir'), 'PUT_STATE_UNKNOWN'],
  ] as const) {
    memory.fail = (made, at) => {
      if (made !== call || (path !== '' && at !== path)) return undefined;
      return expected === 'NO_SPACE' ? 'ENOSPC' : 'EIO';
    };
    expect(await outcome(store.copy('from', 'dir/to'))).toBe(expected);
    memory.fail = () => undefined;
    // Only the last has got beyond the commit point.
    const size = expected === 'PUT_STATE_UNKNOWN' ? large.length : 3;
    expect((await store.head('dir/to')).sizeBytes).toBe(size);
    await nothingLeft();
  }
});

test('what can not be copied is told before anything is made', async () => {
  const { root, store } = await opened();
  await store.put('a', bytes('x'));
  await store.put('d/e', bytes('x'));
  for (const [from, to, expected] of [
    ['none', 'new/to', 'NOT_FOUND'],
    ['d', 'new/to', 'NOT_FOUND'],
    ['a/below', 'new/to', 'NOT_FOUND'],
    ['.objectstore-tmp/x', 'new/to', 'INVALID_PATH'],
    ['a', '.objectstore-tmp/x', 'INVALID_PATH'],
    ['none', 'new//to', 'INVALID_PATH'],
    ['a', 'd', 'INVALID_PATH'],
    ['a', 'd/e/f', 'INVALID_PATH'],
  ] as const) {
    expect(await outcome(store.copy(from, to)), `${from} to ${to}`).toBe(expected);
  }
  expect(await keys(store, '')).toEqual(['a', 'd/e']);
  expect((await nodeFs.readdir(root)).sort()).toEqual(['.objectstore-tmp', 'a', 'd']);
});
