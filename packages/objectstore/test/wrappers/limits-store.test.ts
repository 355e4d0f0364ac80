import type { Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryObjectStore, ObjectStoreError, withLimits } from '../../src/index.ts';
import { bytes, outcome } from '../local/helpers.ts';
import { conformanceOverMemory, overriding, pagesOf, streamText } from './support.ts';

conformanceOverMemory((store) =>
  withLimits(store, { maxConcurrent: 3, maxQueued: 10_000, requestsPerSecond: 1e6, burst: 500 }),
);

afterEach(() => {
  vi.useRealTimers();
});

/** A store whose `head` hangs until it is let go, and says which keys have come. */
function hanging() {
  const memory = createMemoryObjectStore();
  const arrived: string[] = [];
  const waiting = new Map<string, () => void>();
  const inner = overriding(memory, {
    head: async (key) => {
      arrived.push(key);
      await new Promise<void>((resolve) => waiting.set(key, resolve));
      return { key, sizeBytes: 0, lastModifiedMs: 0, etag: 'e' };
    },
  });
  /** Lets a call go, and everything that follows from it happen. */
  const release = async (key: string) => {
    waiting.get(key)?.();
    await settled();
  };
  return { inner, arrived, release };
}

/** Everything that promises alone can bring about has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

/** The stream is closed, and what follows from it has happened. */
async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  await settled();
}

test('no more calls than allowed are under way; the others follow in their order', async () => {
  const { inner, arrived, release } = hanging();
  const store = withLimits(inner, { maxConcurrent: 2 });
  const calls = ['a', 'b', 'c', 'd', 'e'].map((key) => store.head(key));
  await settled();
  expect(arrived).toEqual(['a', 'b']);
  await release('b');
  expect(arrived).toEqual(['a', 'b', 'c']);
  await release('a');
  await release('c');
  expect(arrived).toEqual(['a', 'b', 'c', 'd', 'e']);
  await release('d');
  await release('e');
  expect((await Promise.all(calls)).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a full queue is THROTTLED at once and worth another try; a place in it counts only while it is waited in', async () => {
  const { inner, arrived, release } = hanging();
  const store = withLimits(inner, { maxConcurrent: 1, maxQueued: 1 });
  const first = store.head('a');
  const second = store.head('b');
  const error = await store.head('c').catch((thrown: unknown) => thrown);
  expect(ObjectStoreError.is(error) && [error.code, error.retryable]).toEqual(['THROTTLED', true]);
  await settled();
  await release('a');
  await first;
  const third = store.head('d');
  await release('b');
  await release('d');
  await Promise.all([second, third]);
  expect(arrived).toEqual(['a', 'b', 'd']);
});

test('a signal ends a call that waits with ABORTED, nothing is sent, and its place goes to the next', async () => {
  const { inner, arrived, release } = hanging();
  const store = withLimits(inner, { maxConcurrent: 1, maxQueued: 2 });
  const controller = new AbortController();
  const first = store.head('a');
  const put = store.put('k', bytes('x'), { signal: controller.signal });
  const last = store.head('b');
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(put).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  const again = store.head('c');
  await release('a');
  await release('b');
  await release('c');
  await Promise.all([first, last, again]);
  expect(arrived).toEqual(['a', 'b', 'c']);
  expect(await pagesOf(inner.list('', {}))).toEqual([]);
  expect(await outcome(store.put('k', bytes('x'), { signal: controller.signal }))).toBe('ABORTED');
});

test('a call that fails gives its place back', async () => {
  const store = withLimits(createMemoryObjectStore(), { maxConcurrent: 1, maxQueued: 0 });
  for (let i = 0; i < 3; i += 1) {
    expect(await outcome(store.get('none'))).toBe('NOT_FOUND');
    expect(await outcome(store.getStream('none'))).toBe('NOT_FOUND');
    expect(await outcome(pagesOf(store.list('//')))).toBe('INVALID_PATH');
  }
});

test('a stream keeps its place until its body has ended, was let go of, or aborted', async () => {
  const store = withLimits(createMemoryObjectStore(), { maxConcurrent: 1, maxQueued: 0 });
  await store.put('k', new Uint8Array(1_000_000));
  const full = () => outcome(store.head('k'));
  const read = await store.getStream('k');
  expect(await full()).toBe('THROTTLED');
  await Promise.all([streamText(read.stream), closed(read.stream)]);
  expect(await full()).toBe('done');
  const left = await store.getStream('k');
  expect(await full()).toBe('THROTTLED');
  left.stream.destroy();
  await closed(left.stream);
  expect(await full()).toBe('done');
  const controller = new AbortController();
  const aborted = await store.getStream('k', { signal: controller.signal });
  expect(await full()).toBe('THROTTLED');
  controller.abort();
  await closed(aborted.stream);
  expect(await full()).toBe('done');
});

test('a listing is a call for each page and keeps no place between them', async () => {
  const { inner, arrived, release } = hanging();
  for (let i = 0; i < 4; i += 1) await inner.put(`${i}`, bytes('x'));
  const store = withLimits(inner, { maxConcurrent: 1 });
  const listing = store.list('', { pageSize: 2 })[Symbol.asyncIterator]();
  expect((await listing.next()).value.objects).toHaveLength(2);
  const head = store.head('a');
  await settled();
  expect(arrived).toEqual(['a']);
  const page = listing.next();
  let came = false;
  void page.then(() => {
    came = true;
  });
  await settled();
  expect(came).toBe(false);
  await release('a');
  await head;
  expect((await page).value.objects).toHaveLength(2);
});

/** Starts calls of which each says when it was let through, by a clock that only the test moves. */
function timed(limits: Parameters<typeof withLimits>[1]) {
  vi.useFakeTimers();
  const startMs = performance.now();
  const times: Record<string, number> = {};
  const inner = overriding(createMemoryObjectStore(), {
    head: async (key) => {
      times[key] = performance.now() - startMs;
      return { key, sizeBytes: 0, lastModifiedMs: 0, etag: 'e' };
    },
  });
  return { store: withLimits(inner, limits), times };
}

test('calls begin at the rate in the long run, after a burst; the order is that in which they came', async () => {
  const { store, times } = timed({ requestsPerSecond: 10, burst: 3 });
  const calls = Array.from({ length: 8 }, (_, i) => store.head(`${i}`));
  await vi.advanceTimersByTimeAsync(10_000);
  await Promise.all(calls);
  expect(Object.values(times)).toEqual([0, 0, 0, 100, 200, 300, 400, 500]);
  expect(Object.keys(times)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  // A long quiet time fills up no more than the burst.
  const more = Array.from({ length: 5 }, (_, i) => store.head(`more ${i}`));
  await vi.advanceTimersByTimeAsync(1000);
  await Promise.all(more);
  const after = [0, 1, 2, 3, 4].map((i) => times[`more ${i}`]);
  expect(after).toEqual([10_000, 10_000, 10_000, 10_100, 10_200]);
  expect(vi.getTimerCount()).toBe(0);
});

test('who comes when the time of a waiting call has just come does not overtake it', async () => {
  const { store, times } = timed({ requestsPerSecond: 1000, burst: 1 });
  const calls = [store.head('a')];
  // Set before the timer of the call that waits, so that it runs first in the same millisecond.
  setTimeout(() => calls.push(store.head('late')), 1);
  calls.push(store.head('b'));
  await vi.advanceTimersByTimeAsync(10);
  await Promise.all(calls);
  expect(Object.keys(times)).toEqual(['a', 'b', 'late']);
});

test('one that gives up while waiting for its time leaves it to the next, and no timer behind', async () => {
  const { store, times } = timed({ requestsPerSecond: 1, burst: 1 });
  const controller = new AbortController();
  const first = store.head('a');
  const second = outcome(store.head('b', { signal: controller.signal }));
  const third = store.head('c');
  const fourth = outcome(store.head('d', { signal: controller.signal }));
  await vi.advanceTimersByTimeAsync(500);
  controller.abort();
  expect([await second, await fourth]).toEqual(['ABORTED', 'ABORTED']);
  await vi.advanceTimersByTimeAsync(500);
  await Promise.all([first, third]);
  expect(times).toEqual({ a: 0, c: 1000 });
  const impatient = new AbortController();
  const alone = outcome(store.head('e', { signal: impatient.signal }));
  expect(vi.getTimerCount()).toBe(1);
  impatient.abort();
  expect(await alone).toBe('ABORTED');
  expect(vi.getTimerCount()).toBe(0);
  expect(times).toEqual({ a: 0, c: 1000 });
});

test('those that wait for their time count against the queue', async () => {
  const { store, times } = timed({ requestsPerSecond: 1, burst: 1, maxQueued: 2 });
  const calls = ['a', 'b', 'c', 'd'].map((key) => outcome(store.head(key)));
  expect(await calls[3]).toBe('THROTTLED');
  await vi.advanceTimersByTimeAsync(2000);
  expect(await Promise.all(calls)).toEqual(['done', 'done', 'done', 'THROTTLED']);
  expect(times).toEqual({ a: 0, b: 1000, c: 2000 });
});

test('with both limits a call that waits for a place spends no time of others', async () => {
  const { store, times } = timed({ maxConcurrent: 1, requestsPerSecond: 2, burst: 1 });
  const calls = ['a', 'b', 'c'].map((key) => store.head(key));
  await vi.advanceTimersByTimeAsync(1000);
  await Promise.all(calls);
  expect(times).toEqual({ a: 0, b: 500, c: 1000 });
});

test('without a rate nobody waits for one, however little time has passed between two calls', async () => {
  const { store, times } = timed({ maxQueued: 0 });
  await Promise.all(['a', 'b', 'c'].map((key) => store.head(key)));
  await store.head('d');
  expect(times).toEqual({ a: 0, b: 0, c: 0, d: 0 });
});

test('limits that are none are refused', () => {
  for (const limits of [
    null as never,
    5 as never,
    { maxConcurrent: 0 },
    { maxConcurrent: 1.5 },
    { maxQueued: -1 },
    { requestsPerSecond: 0 },
    { requestsPerSecond: Number.NaN },
    { burst: 0 },
    { maxConcurrrent: 1 },
  ]) {
    expect(() => withLimits(createMemoryObjectStore(), limits), JSON.stringify(limits)).toThrow(
      /^INVALID_ARGUMENT/,
    );
  }
  withLimits(createMemoryObjectStore(), {});
});

test('closing closes the store', async () => {
  const inner = createMemoryObjectStore();
  await withLimits(inner, {}).close();
  expect(await outcome(inner.head('k'))).toBe('CLOSED');
});
