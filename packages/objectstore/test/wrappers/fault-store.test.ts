import { expect, test } from 'vitest';
import { createMemoryObjectStore, type ObjectStore, ObjectStoreError } from '../../src/index.ts';
import { type FaultRule, type FaultyStore, withFaults } from '../../src/testing.ts';
import { bytes, outcome, text } from '../local/helpers.ts';
import { conformanceOverMemory, overriding, pagesOf, streamText } from './support.ts';

// Late calls break no promise; every other fault does, on purpose.
conformanceOverMemory((store) =>
  withFaults(store, { seed: 1, rules: [{ fault: 'delay', maxDelayMs: 2, probability: 0.05 }] }),
);

const one = (rule: FaultRule, inner: ObjectStore = createMemoryObjectStore()) => ({
  inner,
  store: withFaults(inner, { seed: 1, rules: [rule] }),
});

test('unavailable and throttled: nothing happens, and the call is worth another try', async () => {
  for (const [fault, code] of [
    ['unavailable', 'UNAVAILABLE'],
    ['throttled', 'THROTTLED'],
  ] as const) {
    const { inner, store } = one({ fault });
    await inner.put('there', bytes('x'));
    let read = false;
    const body = (async function* () {
      read = true;
      yield bytes('y');
    })();
    const error = await store.put('k', body).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, retryable: true, context: { injected: true, seed: 1, nth: 1 } });
    expect(read).toBe(false);
    for (const call of [
      store.put('there', bytes('y')),
      store.delete('there'),
      store.copy('there', 'k'),
      store.get('there'),
      store.getStream('there'),
      store.head('there'),
      pagesOf(store.list('')),
    ]) {
      expect(await outcome(call)).toBe(code);
    }
    expect((await store.deleteMany(['there', 'k'])).map(({ key, error }) => [key, error.code])).toEqual([
      ['there', code],
      ['k', code],
    ]);
    expect(text((await inner.get('there')).bytes)).toBe('x');
    expect(await outcome(inner.head('k'))).toBe('NOT_FOUND');
  }
});

test('reply-lost: it happened, and whoever asked does not know', async () => {
  const { inner, store } = one({ fault: 'reply-lost' });
  const put = await store.put('k', bytes('x'), { ifAbsent: true }).catch((thrown: unknown) => thrown);
  expect(ObjectStoreError.is(put) && [put.code, put.retryable]).toEqual(['PUT_STATE_UNKNOWN', false]);
  expect(text((await inner.get('k')).bytes)).toBe('x');
  // A refusal is lost just so.
  expect(await outcome(store.put('k', bytes('y'), { ifAbsent: true }))).toBe('PUT_STATE_UNKNOWN');
  expect(text((await inner.get('k')).bytes)).toBe('x');
  expect(await outcome(store.copy('k', 'l'))).toBe('PUT_STATE_UNKNOWN');
  expect(await outcome(inner.head('l'))).toBe('done');
  expect(await outcome(store.delete('k'))).toBe('TIMEOUT');
  expect(await outcome(inner.head('k'))).toBe('NOT_FOUND');
  expect(await outcome(store.get('k'))).toBe('TIMEOUT');
  expect((await store.deleteMany(['l', 'm'])).map(({ error }) => error.code)).toEqual(['TIMEOUT', 'TIMEOUT']);
  expect(await outcome(inner.head('l'))).toBe('NOT_FOUND');
  // What never went out has no reply to lose.
  expect(await outcome(store.put('', bytes('x')))).toBe('INVALID_PATH');
  expect(await outcome(store.head('k', { signal: AbortSignal.abort() }))).toBe('ABORTED');
});

test('body-cut: a stream gives the first bytes and then breaks off; a get fails; an empty body arrives', async () => {
  const { inner, store } = one({ fault: 'body-cut' });
  const body = Uint8Array.from({ length: 600_000 }, (_, i) => i % 251);
  await inner.put('k', body);
  await inner.put('empty', new Uint8Array());
  const { stream } = await store.getStream('k');
  const got: Buffer[] = [];
  const failed = await outcome(
    (async () => {
      for await (const chunk of stream as AsyncIterable<Buffer>) got.push(chunk);
    })(),
  );
  expect(failed).toBe('UNAVAILABLE');
  const { cutAtByte = -1 } = store.injected[0] ?? {};
  expect(cutAtByte).toBeGreaterThan(0);
  expect(Buffer.concat(got).equals(body.subarray(0, cutAtByte))).toBe(true);
  expect(await outcome(store.get('k'))).toBe('UNAVAILABLE');
  expect((await store.get('empty')).bytes.byteLength).toBe(0);
  expect(await streamText((await store.getStream('empty')).stream)).toBe('');
  expect(await outcome(store.head('k'))).toBe('done');
  expect(store.injected).toHaveLength(2);
});

test('a stream that was to be cut and is let go of before closes what is beneath it', async () => {
  const inner = createMemoryObjectStore();
  await inner.put('k', bytes('0123456789'));
  const opened: { stream: { destroyed: boolean } }[] = [];
  const watched = overriding(inner, {
    getStream: async (...args) => {
      const result = await inner.getStream(...args);
      opened.push(result);
      return result;
    },
  });
  for (const fault of ['body-cut', 'reply-lost'] as const) {
    const call = one({ fault }, watched).store.getStream('k');
    if (fault === 'body-cut') {
      const { stream } = await call;
      stream.destroy();
      await new Promise((resolve) => stream.once('close', resolve));
    } else expect(await outcome(call)).toBe('TIMEOUT');
  }
  expect(opened.map(({ stream }) => stream.destroyed)).toEqual([true, true]);
});

test('a delay waits, and ends with its signal', async () => {
  const { inner, store } = one({ fault: 'delay', maxDelayMs: 600_000 });
  const controller = new AbortController();
  const put = outcome(store.put('k', bytes('x'), { signal: controller.signal }));
  controller.abort();
  expect(await put).toBe('ABORTED');
  expect(await outcome(inner.head('k'))).toBe('NOT_FOUND');
  expect(store.injected[0]?.delayMs).toBeGreaterThan(0);
});

test('a rule may name calls, keys and which call of a key; the first that hits is injected', async () => {
  const store = withFaults(createMemoryObjectStore(), {
    seed: 1,
    rules: [
      { fault: 'reply-lost', operations: ['put'], nth: 2 },
      { fault: 'throttled', keys: (key) => key.startsWith('t/') },
      { fault: 'unavailable', operations: ['put'], keys: (key) => key === 't/x' },
    ],
  });
  expect(await outcome(store.put('k', bytes('1')))).toBe('done');
  expect(await outcome(store.put('l', bytes('1')))).toBe('done');
  expect(await outcome(store.head('k'))).toBe('done');
  expect(await outcome(store.put('k', bytes('2')))).toBe('PUT_STATE_UNKNOWN');
  expect(await outcome(store.put('k', bytes('3')))).toBe('done');
  expect(await outcome(store.put('t/x', bytes('1')))).toBe('THROTTLED');
  expect(store.injected).toEqual([
    { operation: 'put', key: 'k', nth: 2, fault: 'reply-lost' },
    { operation: 'put', key: 't/x', nth: 1, fault: 'throttled' },
  ]);
});

const some: readonly FaultRule[] = [
  { fault: 'unavailable', probability: 0.2 },
  { fault: 'reply-lost', probability: 0.2 },
  { fault: 'delay', probability: 0.3, maxDelayMs: 3 },
];

/** Five calls on each of twenty keys: those of one key in turn, the keys in the order given or all at once. */
async function exercise(seed: number, keys: readonly string[], atOnce: boolean): Promise<FaultyStore> {
  const store = withFaults(createMemoryObjectStore(), { seed, rules: some });
  const ofKey = async (key: string) => {
    for (let i = 0; i < 5; i += 1) await outcome(i % 2 ? store.delete(key) : store.put(key, bytes('x')));
  };
  if (atOnce) await Promise.all(keys.map(ofKey));
  else for (const key of keys) await ofKey(key);
  return store;
}

test('a seed meets the same faults again, in whatever order the keys run; another seed meets others', async () => {
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  const byCall = (store: FaultyStore) => store.injected.map((fault) => JSON.stringify(fault)).sort();
  const first = await exercise(7, keys, false);
  expect(first.injected.length).toBeGreaterThan(20);
  expect(first.injected.length).toBeLessThan(80);
  expect((await exercise(7, keys, false)).injected).toEqual(first.injected);
  expect(byCall(await exercise(7, keys.toReversed(), false))).toEqual(byCall(first));
  expect(byCall(await exercise(7, keys, true))).toEqual(byCall(first));
  expect(byCall(await exercise(8, keys, false))).not.toEqual(byCall(first));
});

test('a probability holds in the long run, for the calls of one key as well as for many keys', async () => {
  const { store } = one({ fault: 'unavailable', probability: 0.25 });
  for (let i = 0; i < 2000; i += 1) await outcome(store.head('one key'));
  const ofOneKey = store.injected.length;
  for (let i = 0; i < 2000; i += 1) await outcome(store.head(`key ${i}`));
  // More than six standard deviations; and the seed is fixed.
  expect(Math.abs(ofOneKey - 500)).toBeLessThan(120);
  expect(Math.abs(store.injected.length - ofOneKey - 500)).toBeLessThan(120);
});

test('after stop nothing more is injected, and the record stays', async () => {
  const { store } = one({ fault: 'unavailable' });
  expect(await outcome(store.head('k'))).toBe('UNAVAILABLE');
  store.stop();
  expect(await outcome(store.head('k'))).toBe('NOT_FOUND');
  expect(await store.deleteMany(['k'])).toEqual([]);
  expect(store.injected).toEqual([{ operation: 'head', key: 'k', nth: 1, fault: 'unavailable' }]);
});

test('rules that are none are refused; closing meets no fault', async () => {
  const memory = createMemoryObjectStore();
  for (const rule of [
    { fault: 'nonsense' },
    { fault: 'delay', probability: 1.5 },
    { fault: 'delay', probability: Number.NaN },
    { fault: 'delay', nth: 0 },
    { fault: 'delay', maxDelayMs: -1 },
    { fault: 'delay', probabilty: 0.5 },
  ]) {
    const rules = [rule] as never;
    expect(() => withFaults(memory, { seed: 1, rules }), JSON.stringify(rule)).toThrow(/^INVALID_ARGUMENT/);
  }
  for (const options of [null, 5, { seed: 0.5, rules: [] }, { seed: 1 }, { seed: 1, rules: [], rule: 1 }]) {
    expect(() => withFaults(memory, options as never), JSON.stringify(options)).toThrow(/^INVALID_ARGUMENT/);
  }
  await one({ fault: 'unavailable' }, memory).store.close();
  expect(await outcome(memory.head('k'))).toBe('CLOSED');
});
