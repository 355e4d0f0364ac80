import { getEventListeners } from 'node:events';
import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ObjectStoreError } from './errors.ts';
import { getRanges } from './get-ranges.ts';
import { createMemoryObjectStore } from './memory-store.ts';
import type { GetOptions, GetResult, ObjectStore } from './object-store.ts';

const KEY = 'data/file';
const body = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251);
const slice = (start: number, endExclusive: number) => body.slice(start, endExclusive);
const range = (start: number, endExclusive: number) => ({ start, endExclusive });

type Get = (key: string, options: GetOptions) => Promise<GetResult>;

/** A store with the object, its requests, and something that happens instead of each. */
async function opened(instead: (get: Get, request: number) => Get = (get) => get) {
  const store = createMemoryObjectStore();
  await store.put(KEY, body);
  const asked: string[] = [];
  const get = async (key: string, options: GetOptions = {}) => {
    const { start, endExclusive } = options.range ?? { start: 0 };
    const request = asked.push(`${start}-${endExclusive}`) - 1;
    return instead(store.get.bind(store), request)(key, options);
  };
  return { store, asked, reader: { get } as Pick<ObjectStore, 'get'> };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => 'done',
    (reason: unknown) => reason,
  );
  return ObjectStoreError.is(error) ? error.code : String(error);
}

test('ranges that overlap, repeat, are empty and in no order come back in the order asked for', async () => {
  const { reader, asked } = await opened();
  const ranges = [range(500, 510), range(0, 4), range(2, 9), range(0, 4), range(9, 9), range(505, 507)];
  const got = await getRanges(reader, KEY, ranges, { coalesceGapBytes: 0 });
  expect(got).toEqual(ranges.map(({ start, endExclusive }) => slice(start, endExclusive)));
  expect(asked).toEqual(['0-9', '500-510']);
});

test('a range inside an earlier longer one does not shorten what is read', async () => {
  const { reader, asked } = await opened();
  const got = await getRanges(reader, KEY, [range(0, 100), range(10, 20), range(99, 101)]);
  expect(got).toEqual([slice(0, 100), slice(10, 20), slice(99, 101)]);
  expect(asked).toEqual(['0-101']);
});

test('ranges are joined over a gap of the size allowed, and not over one more', async () => {
  const { reader, asked } = await opened();
  await getRanges(reader, KEY, [range(0, 10), range(20, 30), range(41, 50)], { coalesceGapBytes: 10 });
  expect(asked).toEqual(['0-30', '41-50']);
});

test('joined ranges stop at the longest span; a range longer than that is read whole', async () => {
  const { reader, asked } = await opened();
  const ranges = [range(0, 40), range(40, 80), range(80, 120), range(200, 400), range(210, 220)];
  const got = await getRanges(reader, KEY, ranges, { coalesceGapBytes: 5, maxSpanBytes: 80 });
  expect(got).toEqual(ranges.map(({ start, endExclusive }) => slice(start, endExclusive)));
  expect(asked).toEqual(['0-80', '80-120', '200-400']);
});

test('no ranges are no request', async () => {
  const { reader, asked } = await opened();
  expect(await getRanges(reader, KEY, [])).toEqual([]);
  expect(asked).toEqual([]);
});

test('an object replaced between two requests is PRECONDITION_FAILED, not bytes of both', async () => {
  const { store, reader } = await opened((get, request) => async (key, options) => {
    if (request === 1) await store.put(KEY, new Uint8Array(1000).fill(255));
    return get(key, options);
  });
  const call = getRanges(reader, KEY, [range(0, 1), range(500, 501)], { coalesceGapBytes: 0 });
  expect(await codeOf(call)).toBe('PRECONDITION_FAILED');
});

test('with ifMatch another version is PRECONDITION_FAILED, and no request waits for the first', async () => {
  const waiting: (() => void)[] = [];
  const { store, reader, asked } = await opened((get) => async (key, options) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return get(key, options);
  });
  const { etag } = await store.head(KEY);
  const ranges = [range(0, 1), range(500, 501), range(900, 901)];
  const call = getRanges(reader, KEY, ranges, { coalesceGapBytes: 0, ifMatch: etag });
  expect(asked).toHaveLength(3);
  for (const go of waiting) go();
  expect(await call).toEqual([slice(0, 1), slice(500, 501), slice(900, 901)]);
  await store.put(KEY, body);
  const late = getRanges(store, KEY, ranges, { ifMatch: etag });
  expect(await codeOf(late)).toBe('PRECONDITION_FAILED');
});

test('no more requests than allowed run at a time, and as many as allowed do', async () => {
  let running = 0;
  let most = 0;
  const { reader, asked } = await opened((get) => async (key, options) => {
    running += 1;
    most = Math.max(most, running);
    await tick();
    running -= 1;
    return get(key, options);
  });
  const ranges = Array.from({ length: 40 }, (_, i) => range(i * 20, i * 20 + 3));
  const got = await getRanges(reader, KEY, ranges, { coalesceGapBytes: 0, concurrency: 3 });
  expect(got).toEqual(ranges.map(({ start, endExclusive }) => slice(start, endExclusive)));
  expect(asked).toHaveLength(40);
  expect(most).toBe(3);
});

test('the first failure aborts the requests under way, starts no other, and is what is thrown', async () => {
  const aborted: unknown[] = [];
  const boom = new ObjectStoreError('CORRUPT', 'planted');
  const { reader, asked } = await opened((get, request) => async (key, options) => {
    if (request === 0) return get(key, options);
    if (request === 3) throw boom;
    return new Promise((_, reject) => {
      options.signal?.addEventListener('abort', () => {
        aborted.push(options.signal?.reason);
        reject(new ObjectStoreError('ABORTED', 'as told'));
      });
    });
  });
  const ranges = Array.from({ length: 20 }, (_, i) => range(i * 20, i * 20 + 3));
  await expect(getRanges(reader, KEY, ranges, { coalesceGapBytes: 0, concurrency: 4 })).rejects.toBe(boom);
  expect(aborted).toEqual([boom, boom, boom]);
  expect(asked).toHaveLength(5);
});

test('the signal ends it with its reason as the cause, and nothing keeps listening', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const { reader } = await opened((get, request) => async (key, options) => {
    if (request === 2) controller.abort(reason);
    return get(key, options);
  });
  const ranges = [range(0, 1), range(100, 101), range(200, 201)];
  const options = { coalesceGapBytes: 0, concurrency: 1, signal: controller.signal };
  await expect(getRanges(reader, KEY, ranges, options)).rejects.toMatchObject({
    code: 'ABORTED',
    cause: reason,
  });
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('nothing keeps listening to a signal that never fires, whether it went well or not', async () => {
  const { reader } = await opened();
  const { signal } = new AbortController();
  const ranges = [range(0, 1), range(100, 101), range(200, 201)];
  await getRanges(reader, KEY, ranges, { coalesceGapBytes: 0, signal });
  const late = getRanges(reader, KEY, [...ranges, range(2000, 2001)], { coalesceGapBytes: 0, signal });
  expect(await codeOf(late)).toBe('INVALID_RANGE');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a range that ends or starts behind the object is INVALID_RANGE; an empty one at its end is not', async () => {
  const { reader } = await opened();
  for (const bad of [range(990, 1001), range(1000, 1001), range(1001, 1001), range(2000, 3000)]) {
    expect(await codeOf(getRanges(reader, KEY, [bad]))).toBe('INVALID_RANGE');
    expect(await codeOf(getRanges(reader, KEY, [range(5, 6), bad]))).toBe('INVALID_RANGE');
  }
  expect(await getRanges(reader, KEY, [range(1000, 1000)])).toEqual([new Uint8Array()]);
  expect(await codeOf(getRanges(reader, 'absent', [range(0, 1)]))).toBe('NOT_FOUND');
});

test('what is no range or no option is refused before any request', async () => {
  const { reader, asked } = await opened();
  for (const bad of [range(-1, 2), range(3, 2), range(0.5, 2), range(0, Number.NaN)]) {
    expect(await codeOf(getRanges(reader, KEY, [range(0, 1), bad]))).toBe('INVALID_RANGE');
  }
  const options = [{ concurrency: 0 }, { coalesceGapBytes: -1 }, { maxSpanBytes: 0 }, { coalesceGap: 1 }];
  for (const option of options) {
    expect(await codeOf(getRanges(reader, KEY, [range(0, 1)], option))).toBe('INVALID_ARGUMENT');
  }
  expect(asked).toEqual([]);
});
