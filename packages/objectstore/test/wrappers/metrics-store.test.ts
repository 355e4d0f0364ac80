import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryObjectStore, type ObjectStore, type StoreCall, withMetrics } from '../../src/index.ts';
import { withFaults } from '../../src/testing.ts';
import { bytes, outcome } from '../local/helpers.ts';
import { conformanceOverMemory, pagesOf, streamText } from './support.ts';

conformanceOverMemory((store) => withMetrics(store, { onCall: () => {} }));

function measured(inner: ObjectStore = createMemoryObjectStore()) {
  const calls: StoreCall[] = [];
  const store = withMetrics(inner, { onCall: (call) => calls.push(call) });
  /** The events since it was last asked, without their durations. */
  const told = () => calls.splice(0).map(({ durationMs: _, ...call }) => call);
  return { store, calls, told };
}

const nothing = { outcome: 'ok', bytesIn: 0, bytesOut: 0, failedKeys: 0 };

test('one event for each call, with its outcome and the bytes that it moved', async () => {
  const { store, told } = measured();
  await store.put('k', bytes('12345'));
  expect(told()).toEqual([{ ...nothing, operation: 'put', bytesIn: 5 }]);
  await store.get('k', { range: { start: 1, endExclusive: 3 } });
  expect(told()).toEqual([{ ...nothing, operation: 'get', bytesOut: 2 }]);
  await store.head('k');
  await store.copy('k', 'l');
  await store.delete('l');
  expect(told()).toEqual(['head', 'copy', 'delete'].map((operation) => ({ ...nothing, operation })));
  expect(await store.deleteMany(['a', '', 'b', '//'])).toHaveLength(2);
  expect(told()).toEqual([{ ...nothing, operation: 'deleteMany', failedKeys: 2 }]);
  await outcome(store.get('none'));
  await outcome(store.put('k', bytes('123'), { ifAbsent: true }));
  await outcome(store.put('', bytes('123')));
  expect(told()).toEqual([
    { ...nothing, operation: 'get', outcome: 'NOT_FOUND' },
    { ...nothing, operation: 'put', outcome: 'ALREADY_EXISTS' },
    { ...nothing, operation: 'put', outcome: 'INVALID_PATH' },
  ]);
});

test('a listing is a call a page, and one if it is empty; the time of the caller is not counted', async () => {
  const { store, calls, told } = measured();
  await pagesOf(store.list(''));
  expect(told()).toEqual([{ ...nothing, operation: 'list' }]);
  for (let i = 0; i < 5; i += 1) await store.put(`${i}`, bytes('x'));
  told();
  const startedMs = performance.now();
  for await (const _ of store.list('', { pageSize: 2 })) await sleep(20);
  const ofCalls = calls.reduce((sum, { durationMs }) => sum + durationMs, 0);
  expect(ofCalls).toBeLessThan(performance.now() - startedMs - 50);
  expect(told()).toEqual(Array(3).fill({ ...nothing, operation: 'list' }));
  for await (const _ of store.list('', { pageSize: 2 })) break;
  expect(told()).toHaveLength(1);
  await outcome(pagesOf(store.list('//')));
  expect(told()).toEqual([{ ...nothing, operation: 'list', outcome: 'INVALID_PATH' }]);
});

test('a stream that is read is counted when it ends, with all its bytes and the time until then', async () => {
  const { store, calls, told } = measured();
  await store.put('k', new Uint8Array(700_000));
  told();
  const { stream } = await store.getStream('k');
  await sleep(30);
  expect(calls).toEqual([]);
  expect((await streamText(stream)).length).toBe(700_000);
  expect(calls[0]?.durationMs).toBeGreaterThan(25);
  expect(told()).toEqual([{ ...nothing, operation: 'getStream', bytesOut: 700_000 }]);
});

test('a stream that its reader lets go of is ok, with the bytes until then; it is counted once', async () => {
  const { store, told } = measured();
  await store.put('k', new Uint8Array(3_000_000));
  told();
  const { stream } = await store.getStream('k');
  for await (const chunk of stream) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  const [call, ...more] = told();
  expect(more).toEqual([]);
  expect(call).toMatchObject({ operation: 'getStream', outcome: 'ok' });
  expect(call?.bytesOut).toBeGreaterThan(0);
  expect(call?.bytesOut).toBeLessThan(3_000_000);
  (await store.getStream('k')).stream.destroy();
  expect(told()).toEqual([{ ...nothing, operation: 'getStream' }]);
});

test('a body that breaks off counts with its error and the bytes that came; an abort as ABORTED', async () => {
  const faulty = withFaults(createMemoryObjectStore(), {
    seed: 5,
    rules: [{ fault: 'body-cut', operations: ['getStream'], nth: 1 }],
  });
  const { store, told } = measured(faulty);
  await store.put('k', new Uint8Array(2_000_000));
  told();
  expect(await outcome(streamText((await store.getStream('k')).stream))).toBe('UNAVAILABLE');
  const bytesOut = faulty.injected[0]?.cutAtByte;
  expect(bytesOut).toBeGreaterThan(0);
  expect(told()).toEqual([{ ...nothing, operation: 'getStream', outcome: 'UNAVAILABLE', bytesOut }]);
  const controller = new AbortController();
  const { stream } = await store.getStream('k', { signal: controller.signal });
  controller.abort();
  expect(await outcome(streamText(stream))).toBe('ABORTED');
  expect(told()).toMatchObject([{ operation: 'getStream', outcome: 'ABORTED' }]);
});

test('the bytes of a put stream are those that were taken from it, also when it fails', async () => {
  const { store, told } = measured();
  const body = async function* (fail: boolean) {
    yield new Uint8Array(1000);
    yield new Uint8Array(500);
    if (fail) throw new Error('source');
  };
  await store.put('k', body(false));
  expect(told()).toEqual([{ ...nothing, operation: 'put', bytesIn: 1500 }]);
  expect(await outcome(store.put('k', body(true)))).toBe('IO_ERROR');
  expect(told()).toEqual([{ ...nothing, operation: 'put', outcome: 'IO_ERROR', bytesIn: 1500 }]);
});

test('a put that does not read its stream to the end still ends the source', async () => {
  const { store } = measured();
  let ended = false;
  const controller = new AbortController();
  const body = (async function* () {
    try {
      yield new Uint8Array(10);
      controller.abort();
      yield new Uint8Array(10);
      yield new Uint8Array(10);
    } finally {
      ended = true;
    }
  })();
  expect(await outcome(store.put('k', body, { signal: controller.signal }))).toBe('ABORTED');
  await sleep(5);
  expect(ended).toBe(true);
});

test('a listener that throws, or rejects, breaks no call and does not end the process', async () => {
  const store = withMetrics(createMemoryObjectStore(), {
    onCall: (call) => {
      if (call.operation === 'put') throw new Error('listener');
      return Promise.reject(new Error('async listener')) as never;
    },
  });
  await store.put('k', bytes('x'));
  await store.head('k');
  expect(await streamText((await store.getStream('k')).stream)).toBe('x');
  expect(await outcome(store.head('none'))).toBe('NOT_FOUND');
  await sleep(5);
});

test('without a listener it is refused', () => {
  expect(() => withMetrics(createMemoryObjectStore(), {} as never)).toThrow(/^INVALID_ARGUMENT/);
});
