import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import {
  createMemoryObjectStore,
  type ObjectStore,
  openLocalObjectStore,
  type PutBody,
  type PutOptions,
  withLimits,
  withMetrics,
  withPrefix,
} from '../src/index.ts';
import { withFaults } from '../src/testing.ts';
import { bytes, join, outcome, tempDir } from './local/helpers.ts';
import { VolatileMemory } from './local/volatile-memory.ts';

// Goal: a put that fails before it has asked its stream for anything ends it, so that no descriptor or connection behind
// it stays open. Method: each kind of stream is put where no put can succeed.

/** Streams that hold something until they are told that nobody reads them. */
const kinds: Readonly<Record<string, () => { body: PutBody; ended: () => boolean }>> = {
  'a Node.js stream': () => {
    const stream = new Readable({ read() {} });
    stream.push('x');
    return { body: stream, ended: () => stream.destroyed };
  },
  'a web stream': () => {
    let cancelled = false;
    const cancel = () => {
      cancelled = true;
    };
    return {
      body: new ReadableStream<Uint8Array>({ cancel }) as unknown as PutBody,
      ended: () => cancelled,
    };
  },
  'an iterator': () => {
    let returned = false;
    const iterator = {
      next: async () => ({ done: false as const, value: bytes('x') }),
      return: async () => {
        returned = true;
        return { done: true as const, value: undefined };
      },
    };
    return { body: { [Symbol.asyncIterator]: () => iterator }, ended: () => returned };
  },
};

/** A store on a directory with an object `file` and a link `link`, of which a call may be made to fail. */
async function local() {
  const memory = new VolatileMemory();
  const root = join(await tempDir(), 'root');
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  await store.put('file', bytes('x'));
  await symlink('/tmp', join(root, 'link'));
  return { store, memory };
}

const unavailable = (store: ObjectStore) =>
  withFaults(store, { seed: 1, rules: [{ fault: 'unavailable', operations: ['put'] }] });

/** A store with one place, which a stream that nobody reads has. */
async function full(maxQueued: number): Promise<ObjectStore> {
  const store = withLimits(createMemoryObjectStore(), { maxConcurrent: 1, maxQueued });
  await store.put('large', new Uint8Array(1_000_000));
  await store.getStream('large');
  return store;
}

type Place = { store: ObjectStore; key?: string; options?: PutOptions; meanwhile?: () => void };
const places: readonly [string, string, () => Promise<Place>][] = [
  ['below an object', 'INVALID_PATH', async () => ({ ...(await local()), key: 'file/below' })],
  ['behind a link', 'UNSAFE_PATH', async () => ({ ...(await local()), key: 'link/k' })],
  [
    'on a full disk',
    'NO_SPACE',
    async () => {
      const { store, memory } = await local();
      memory.fail = (call) => (call === 'mkdir' ? 'ENOSPC' : undefined);
      return { store, key: 'new/k' };
    },
  ],
  [
    'when its signal fires while the directory is made',
    'ABORTED',
    async () => {
      const { store, memory } = await local();
      const controller = new AbortController();
      memory.fail = (call) => {
        if (call === 'mkdir') controller.abort();
        return undefined;
      };
      return { store, key: 'new/k', options: { signal: controller.signal } };
    },
  ],
  [
    'where a fault is injected',
    'UNAVAILABLE',
    async () => ({ store: unavailable(createMemoryObjectStore()) }),
  ],
  [
    'where a fault is injected, through other wrappers',
    'UNAVAILABLE',
    async () => ({
      store: withMetrics(
        withPrefix(withMetrics(unavailable(createMemoryObjectStore()), { onCall() {} }), 'p'),
        {
          onCall() {},
        },
      ),
    }),
  ],
  ['behind a full queue', 'THROTTLED', async () => ({ store: await full(0) })],
  [
    'when its signal fires in the queue',
    'ABORTED',
    async () => {
      const controller = new AbortController();
      const meanwhile = () => controller.abort();
      return { store: await full(1), options: { signal: controller.signal }, meanwhile };
    },
  ],
];

for (const [where, code, make] of places) {
  test.each(Object.keys(kinds))(`put ${where}, %s is ended`, async (kind) => {
    const { store, key = 'k', options, meanwhile } = await make();
    const { body, ended } = kinds[kind]?.() ?? expect.fail();
    const put = outcome(store.put(key, body, options));
    meanwhile?.();
    expect(await put).toBe(code);
    expect(ended()).toBe(true);
  });
}

test('what ends a stream that somebody else reads is not the outcome of the put', async () => {
  const { store } = await local();
  const stream = new Blob(['x']).stream();
  stream.getReader();
  expect(await outcome(store.put('file/below', stream as unknown as PutBody))).toBe('INVALID_PATH');
});

test('a put that is refused for its key leaves the stream to its owner', async () => {
  const { store } = await local();
  const stream = Readable.from([bytes('x')], { objectMode: false });
  expect(await outcome(store.put('../k', stream))).toBe('INVALID_PATH');
  expect(stream.destroyed).toBe(false);
  await store.put('k', stream);
  if (!stream.closed) await once(stream, 'close');
});
