import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { GATHER_BYTES } from '../../src/local/write-chunks.ts';
import { bytes, join, keys, openBelow, outcome, tempDir, tempFiles, text } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

async function opened() {
  const root = join(await tempDir(), 'root');
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  const writes = () => memory.calls.filter((call) => call.startsWith('writeFile ')).length;
  return { root, memory, store, writes };
}

async function nothingLeft(root: string) {
  expect(await tempFiles(root)).toEqual([]);
  if (process.platform === 'linux') expect(await openBelow(root)).toBe(0);
}

/** A source of `count` chunks of 64 KiB, with what a test does before some of them. */
async function* source(count: number, before: (i: number) => unknown = () => {}) {
  for (let i = 0; i < count; i += 1) {
    await before(i);
    yield new Uint8Array(64 * 1024).fill(i);
  }
}

test('60,000 tiny chunks in a reused buffer are written in a few calls, and rightly', async () => {
  const { store, writes } = await opened();
  const line = new Uint8Array(11);
  async function* lines() {
    for (let i = 0; i < 60_000; i += 1) {
      line.set(bytes(`${String(i).padStart(10, '0')}\n`));
      yield line;
      line.fill(0);
    }
  }
  const { sizeBytes } = await store.put('lines', lines());
  expect(sizeBytes).toBe(660_000);
  expect(writes()).toBe(Math.ceil(660_000 / GATHER_BYTES));
  const whole = Array.from({ length: 60_000 }, (_, i) => `${String(i).padStart(10, '0')}\n`).join('');
  expect(text((await store.get('lines')).bytes) === whole).toBe(true);
});

test('chunks about as large as what is gathered come back in order, whatever their sizes', async () => {
  const { store } = await opened();
  const sizes = [
    1,
    GATHER_BYTES - 1,
    1,
    GATHER_BYTES,
    3,
    GATHER_BYTES + 1,
    GATHER_BYTES - 1,
    2,
    9 * GATHER_BYTES,
  ];
  const reused = new Uint8Array(9 * GATHER_BYTES);
  async function* chunks() {
    for (const [i, size] of sizes.entries()) yield reused.subarray(0, size).fill(i + 1);
  }
  await store.put('sizes', chunks());
  const expected = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i + 1)));
  expect(Buffer.compare((await store.get('sizes')).bytes, expected)).toBe(0);
});

test('a source is asked only for what was written: what is not in the file yet is bounded', async () => {
  const { root, memory, store } = await opened();
  let written = 0;
  let ahead = 0;
  memory.fail = (call) => {
    if (call === 'writeFile') written += 1;
    return undefined;
  };
  await store.put(
    'k',
    source(64, (i) => {
      ahead = Math.max(ahead, i * 64 * 1024 - written * GATHER_BYTES);
    }),
  );
  // Each write takes 256 KiB, so at most that much is gathered and not written.
  expect(ahead).toBeLessThanOrEqual(GATHER_BYTES);
  expect(written).toBe(16);
  await nothingLeft(root);
});

test('while the source is read nothing is visible; a body that breaks off leaves nothing, and its error is the cause', async () => {
  const { root, store } = await opened();
  await store.put('dir/k', bytes('old'));
  for (const [key, ifAbsent] of [
    ['dir/k', false],
    ['dir/new', true],
  ] as const) {
    const broken = new Error('the source broke');
    const put = store.put(
      key,
      source(9, async (i) => {
        expect(await keys(store, '')).toEqual(['dir/k']);
        expect(text((await store.get('dir/k')).bytes)).toBe('old');
        if (i === 8) throw broken;
      }),
      { ifAbsent },
    );
    const error = await put.catch((reason: unknown) => reason);
    expect(ObjectStoreError.is(error) && [error.code, error.cause]).toEqual(['IO_ERROR', broken]);
    expect(await keys(store, '')).toEqual(['dir/k']);
    expect(text((await store.get('dir/k')).bytes)).toBe('old');
    await nothingLeft(root);
  }
});

test('when writing fails the source is ended and nothing is left', async () => {
  const { root, memory, store } = await opened();
  let ended = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(GATHER_BYTES);
    } finally {
      ended = true;
    }
  }
  let writes = 0;
  memory.fail = (call) => {
    if (call !== 'writeFile') return undefined;
    writes += 1;
    return writes === 3 ? 'ENOSPC' : undefined;
  };
  expect(await outcome(store.put('k', endless()))).toBe('NO_SPACE');
  expect(ended).toBe(true);
  memory.fail = () => undefined;
  expect(await keys(store, '')).toEqual([]);
  await nothingLeft(root);
});

test('a source that hangs is ended by the signal, and nothing is left', async () => {
  const { root, memory, store } = await opened();
  const abort = new AbortController();
  const put = store.put(
    'k',
    source(9, (i) => (i === 5 ? new Promise(() => {}) : undefined)),
    { signal: abort.signal },
  );
  while (memory.calls.every((call) => !call.startsWith('writeFile '))) await setImmediate();
  expect(await tempFiles(root)).toHaveLength(1);
  abort.abort(new Error('enough'));
  const error = await put.catch((reason: unknown) => reason);
  expect(ObjectStoreError.is(error) && error.code).toBe('ABORTED');
  expect(ObjectStoreError.is(error) && error.cause).toBe(abort.signal.reason);
  expect(await keys(store, '')).toEqual([]);
  await nothingLeft(root);
});

test('the signal counts up to the commit point and not behind it', async () => {
  const { root, memory, store } = await opened();
  await store.put('dir/warm', bytes('x'));
  let count = 0;
  const calls = async (ifAbsent: boolean, abortAt: string | undefined) => {
    const abort = new AbortController();
    count += 1;
    const key = `dir/${count}`;
    memory.fail = (call, path) => {
      const what = path.endsWith('.tmp')
        ? 'temp'
        : path === join(root, key)
          ? 'name'
          : path.slice(root.length);
      if (`${call} ${what}` === abortAt) abort.abort();
      return undefined;
    };
    const result = await outcome(store.put(key, source(2), { ifAbsent, signal: abort.signal }));
    memory.fail = () => undefined;
    const isThere = (await keys(store, key)).length === 1;
    await nothingLeft(root);
    return { result, isThere, sprung: abort.signal.aborted };
  };
  const ended = { result: 'ABORTED', isThere: false, sprung: true };
  const finished = { result: 'done', isThere: true, sprung: true };
  for (const ifAbsent of [true, false]) {
    expect(await calls(ifAbsent, undefined)).toEqual({ ...finished, sprung: false });
    // Before: while the content is written and synced.
    for (const before of ['open temp', 'writeFile temp', 'sync temp', 'stat temp']) {
      expect(await calls(ifAbsent, before), before).toEqual(ended);
    }
    // At the commit point and behind it: the name, and the sync that makes it durable.
    for (const behind of [ifAbsent ? 'link name' : 'rename name', 'sync /dir']) {
      expect(await calls(ifAbsent, behind), behind).toEqual(finished);
    }
  }
});

test('a file that cannot be closed is not put, and none is left; a directory that cannot be is of no matter', async () => {
  const { root, memory, store } = await opened();
  const failing = (wanted: (path: string) => boolean) => (call: string, path: string) =>
    call === 'close' && wanted(path) ? 'EIO' : undefined;
  for (const ifAbsent of [true, false]) {
    memory.fail = failing((path) => path.endsWith('.tmp'));
    expect(await outcome(store.put(`dir/${ifAbsent}`, source(1), { ifAbsent }))).toBe('IO_ERROR');
    expect(await keys(store, '')).toEqual([]);
    await nothingLeft(root);
  }
  for (const ifAbsent of [true, false]) {
    memory.fail = failing((path) => !path.endsWith('.tmp'));
    expect(await outcome(store.put(`dir/${ifAbsent}`, source(1), { ifAbsent }))).toBe('done');
  }
});

test('a body given whole is written where it lies, and a signal ends it between two writes', async () => {
  const { root, memory, store, writes } = await opened();
  const body = new Uint8Array(12 * 1024 * 1024).fill(7);
  const abort = new AbortController();
  memory.fail = (call) => {
    if (call === 'writeFile') abort.abort();
    return undefined;
  };
  expect(await outcome(store.put('k', body, { signal: abort.signal }))).toBe('ABORTED');
  expect(writes()).toBe(1);
  expect(await keys(store, '')).toEqual([]);
  await nothingLeft(root);
});

test('a key that cannot be put is refused without reading the source', async () => {
  const { root, store } = await opened();
  await store.put('a', bytes('x'));
  let asked = 0;
  const body = () => source(3, () => (asked += 1));
  for (const key of ['a/below', '.objectstore-tmp/x', 'x'.repeat(256)]) {
    expect(await outcome(store.put(key, body()))).toBe('INVALID_PATH');
  }
  for (const options of [{ ifMatch: 'etag' }, { contentType: 'text/plain' }, { metadata: { a: 'b' } }]) {
    expect(await outcome(store.put('k', body(), options))).toBe('NOT_SUPPORTED');
  }
  expect(asked).toBe(0);
  await nothingLeft(root);
});
