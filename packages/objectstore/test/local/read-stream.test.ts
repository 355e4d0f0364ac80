import nodeFs from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import type { GetOptions } from '../../src/object-store.ts';
import { join, openBelow, outcome, tempDir } from './helpers.ts';
import { VolatileMemory } from './volatile-memory.ts';

const CHUNK = 256 * 1024;
/** Several chunks and a rest, each byte telling its place. */
const body = Buffer.from(Uint8Array.from({ length: 5 * CHUNK + 77 }, (_, i) => (i * 31 + (i >> 13)) & 0xff));

async function opened() {
  const root = join(await tempDir(), 'root');
  const memory = new VolatileMemory();
  const store = await openLocalObjectStore({ root, fs: memory.fs });
  await store.put('dir/k', body);
  return { root, file: join(root, 'dir/k'), memory, store };
}

async function failure(reading: Promise<unknown>): Promise<unknown> {
  return reading.then(
    () => 'no error',
    (error: unknown) => (ObjectStoreError.is(error) ? error.code : error),
  );
}

test('ranges at and around chunk borders are streamed exactly', async () => {
  const { store } = await opened();
  const borders = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, body.length - 1, body.length];
  for (const start of borders) {
    for (const endExclusive of borders.filter((end) => end > start)) {
      const { stream, range } = await store.getStream('dir/k', { range: { start, endExclusive } });
      expect(range).toEqual({ start, endExclusive });
      const read = Buffer.concat(await stream.toArray());
      expect(read.equals(body.subarray(start, endExclusive)), `[${start}, ${endExclusive})`).toBe(true);
    }
  }
});

test('a stream reads no further than its reader', async () => {
  const { store, file, memory } = await opened();
  const { stream } = await store.getStream('dir/k');
  const before = memory.count('read', file);
  await new Promise((resolve) => stream.once('readable', resolve));
  for (let i = 0; i < 20; i += 1) await setImmediate();
  // What is buffered is bounded by one chunk beyond the mark.
  expect(memory.count('read', file) - before).toBeLessThanOrEqual(2);
  stream.destroy();
});

test('a file that is cut short underneath is an error of get, of the stream and of copy, and copies nothing', async () => {
  for (const cutTo of [0, CHUNK, 3 * CHUNK + 5]) {
    const { store, file, memory } = await opened();
    const { stream } = await store.getStream('dir/k');
    await nodeFs.truncate(file, cutTo);
    expect(await failure(stream.toArray())).toBe('IO_ERROR');
    for (const read of [() => store.get('dir/k'), () => store.copy('dir/k', 'copy')]) {
      await nodeFs.writeFile(file, body);
      // Behind the look at the size, before the first read.
      memory.beforeCall = async (call, path) => {
        if (call === 'read' && path === file) await nodeFs.truncate(file, cutTo);
      };
      expect(await outcome(read())).toBe('IO_ERROR');
      memory.beforeCall = async () => {};
    }
    expect(await outcome(store.head('copy'))).toBe('NOT_FOUND');
  }
});

describe.runIf(process.platform === 'linux')('the descriptor of a stream is closed', () => {
  const ways: Record<
    string,
    (options: {
      get: (options?: GetOptions) => ReturnType<Awaited<ReturnType<typeof opened>>['store']['getStream']>;
      memory: VolatileMemory;
      file: string;
    }) => Promise<void>
  > = {
    'when it is read to its end': async ({ get }) => {
      expect(Buffer.concat(await (await get()).stream.toArray()).equals(body)).toBe(true);
    },
    'when an empty range is read to its end': async ({ get }) => {
      const { stream } = await get({ range: { start: 5, endExclusive: 5 } });
      expect(await stream.toArray()).toEqual([]);
    },
    'when its reader stops early': async ({ get }) => {
      for await (const chunk of (await get()).stream) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    },
    'when it is destroyed unread': async ({ get }) => {
      (await get()).stream.destroy();
    },
    'when it is destroyed during a read': async ({ get }) => {
      const { stream } = await get();
      stream.read();
      stream.destroy();
    },
    'when a read fails': async ({ get, memory, file }) => {
      const { stream } = await get();
      memory.fail = (call, path) => (call === 'read' && path === file ? 'EIO' : undefined);
      expect(await failure(stream.toArray())).toBe('IO_ERROR');
    },
    'when its signal fires, read or not': async ({ get }) => {
      for (const read of [true, false]) {
        const abort = new AbortController();
        const { stream } = await get({ signal: abort.signal });
        const reading = read ? failure(stream.toArray()) : undefined;
        abort.abort();
        if (reading !== undefined) expect(await reading).toBe('ABORTED');
        expect(await failure(stream.toArray())).toBe('ABORTED');
      }
    },
    'when the range, the condition or the signal ends the call': async ({ get, memory, file }) => {
      const abort = new AbortController();
      expect(await failure(get({ range: { start: 9e9 } }))).toBe('INVALID_RANGE');
      expect(await failure(get({ ifMatch: 'other' }))).toBe('PRECONDITION_FAILED');
      memory.fail = (call, path) => {
        if (call === 'stat' && path === file) abort.abort();
        return undefined;
      };
      expect(await failure(get({ signal: abort.signal }))).toBe('ABORTED');
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    test(name, async () => {
      const { root, file, memory, store } = await opened();
      await way({ get: (options) => store.getStream('dir/k', options), memory, file });
      memory.fail = () => undefined;
      // Closing is under way when the reader is told; it takes no longer than a call that follows it.
      for (let i = 0; i < 200 && (await openBelow(root)) > 0; i += 1) await setImmediate();
      expect(await openBelow(root)).toBe(0);
    });
  }

  test('not before: one that is neither read nor destroyed holds it', async () => {
    const { root, store } = await opened();
    const { stream } = await store.getStream('dir/k');
    for (let i = 0; i < 20; i += 1) await setImmediate();
    expect(await openBelow(root)).toBe(1);
    stream.destroy();
  });

  test('when 200 readers of 200 streams stop at random places', async () => {
    const { root, store } = await opened();
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        let left = i % 8;
        for await (const _chunk of (await store.getStream('dir/k')).stream) {
          if (left === 0) break;
          left -= 1;
        }
      }),
    );
    for (let i = 0; i < 200 && (await openBelow(root)) > 0; i += 1) await setImmediate();
    expect(await openBelow(root)).toBe(0);
  });
});
