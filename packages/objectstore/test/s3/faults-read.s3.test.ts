import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { ObjectStore } from '../../src/object-store.ts';
import { openS3ObjectStore } from '../../src/s3/s3-store.ts';
import type { Fault } from '../support/fault-proxy.ts';
import { internalError, slowDown } from '../support/fault-proxy.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import { type S3Server, startVersitygw } from '../support/s3-servers.ts';
import { body } from './put-harness.ts';
import { failure, KEYS, kinds, MIB, openFaulty, readAll } from './read-harness.ts';

const large = body(2 * MIB);
let server: S3Server;
beforeAll(async () => {
  server = await startVersitygw();
  await createBucket(server, 'reads');
  const { endpoint, region } = server;
  const store = await openS3ObjectStore({
    bucket: 'reads',
    endpoint,
    region,
    pathStyle: true,
    credentials: KEYS,
  });
  await store.put('large', large);
  await store.put('small', Buffer.from('small'));
  await store.close();
  return () => server.stop();
}, 60_000);

const ways: readonly (readonly [string, (store: ObjectStore) => Promise<Uint8Array>])[] = [
  ['get', async (store) => (await store.get('large')).bytes],
  ['getStream', async (store) => readAll((await store.getStream('large')).stream)],
];

describe.each(ways)('%s', (operation, read) => {
  test('a connection that is reset before the answer: asked again', async () => {
    const { store, proxy, events } = await openFaulty(server);
    proxy.rule('reset', { method: 'GET', fault: { kind: 'reset-before' } });
    expect(Buffer.compare(await read(store), large)).toBe(0);
    expect(proxy.fired('reset')).toBe(1);
    expect(proxy.count('GET')).toBe(2);
    expect(events).toMatchObject([{ kind: 'retry', operation, error: { code: 'UNAVAILABLE' } }]);
  });

  test.each([
    ['reset in mid-body', { kind: 'cut-response', afterBytes: MIB, by: 'rst' }],
    ['truncated body', { kind: 'cut-response', afterBytes: MIB + 1, by: 'fin' }],
    ['body cut before its first byte', { kind: 'cut-response', afterBytes: 0, by: 'fin' }],
  ] as const)('%s: the bytes are whole all the same', async (_, fault) => {
    const { store, proxy, events } = await openFaulty(server);
    proxy.rule('cut', { method: 'GET', times: 2, fault: fault as Fault });
    expect(Buffer.compare(await read(store), large)).toBe(0);
    expect(proxy.fired('cut')).toBeGreaterThan(0);
    expect(proxy.count('GET')).toBe(1 + proxy.fired('cut'));
    expect(kinds(events)).toEqual(Array(proxy.fired('cut')).fill('retry'));
    expect(events).toMatchObject(
      [{ error: { code: 'UNAVAILABLE', retryable: true } }, {}].slice(0, events.length),
    );
  });

  test('a body that is cut every time without progress: UNAVAILABLE after as many attempts as allowed', async () => {
    const { store, proxy, events } = await openFaulty(server);
    proxy.rule('cut', {
      method: 'GET',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'cut-response', afterBytes: 0, by: 'rst' },
    });
    expect(await failure(read(store))).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(proxy.count('GET')).toBe(4);
    expect(kinds(events)).toEqual(['retry', 'retry', 'retry', 'gave-up']);
  });

  test('wrong checksum once: get reads again, a stream fails before its end', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('flip', { method: 'GET', fault: { kind: 'flip-response-byte', at: 1_234_567 } });
    if (operation === 'get') expect(Buffer.compare(await read(store), large)).toBe(0);
    else expect(await failure(read(store))).toMatchObject({ code: 'CORRUPT' });
    expect(proxy.fired('flip')).toBe(1);
    expect(proxy.count('GET')).toBe(operation === 'get' ? 2 : 1);
  });

  test('wrong checksum every time: CORRUPT after at most one more read', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('flip', {
      method: 'GET',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'flip-response-byte', at: 0 },
    });
    expect(await failure(read(store))).toMatchObject({ code: 'CORRUPT', retryable: false });
    expect(proxy.count('GET')).toBe(operation === 'get' ? 2 : 1);
  });

  test('503 SlowDown with Retry-After: waits as long as told and no shorter', async () => {
    const { store, proxy, events } = await openFaulty(server);
    proxy.rule('slow down', { method: 'GET', fault: slowDown(1) });
    const before = performance.now();
    expect(Buffer.compare(await read(store), large)).toBe(0);
    expect(performance.now() - before).toBeGreaterThanOrEqual(990);
    expect(events).toMatchObject([
      {
        kind: 'retry',
        delayMs: 1000,
        error: { code: 'THROTTLED', context: { status: 503, s3Code: 'SlowDown' } },
      },
    ]);
    expect(proxy.fired('slow down')).toBe(1);
  });

  test('503 SlowDown with a Retry-After beyond patience: THROTTLED at once', async () => {
    const { store, proxy, events } = await openFaulty(server);
    proxy.rule('slow down', { method: 'GET', fault: slowDown(3600) });
    expect(await failure(read(store))).toMatchObject({ code: 'THROTTLED', retryable: true });
    expect(events).toMatchObject([{ kind: 'gave-up', reason: 'retry-after-too-long' }]);
    expect(proxy.count()).toBe(1);
  });

  test('500 once is passed over, 500 every time is UNAVAILABLE', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('once', { method: 'GET', fault: internalError() });
    expect(Buffer.compare(await read(store), large)).toBe(0);
    expect(proxy.count('GET')).toBe(2);
    proxy.rule('always', { method: 'GET', times: Number.POSITIVE_INFINITY, fault: internalError() });
    expect(await failure(read(store))).toMatchObject({ code: 'UNAVAILABLE', context: { status: 500 } });
    expect(proxy.count('GET')).toBe(6);
  });

  test('an answer that never comes: TIMEOUT, each attempt after its time', async () => {
    const { store, proxy, events } = await openFaulty(server, { requestTimeoutMs: 500 });
    proxy.rule('hang', { method: 'GET', times: Number.POSITIVE_INFINITY, fault: { kind: 'hold-reply' } });
    expect(await failure(read(store))).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(proxy.count('GET')).toBe(4);
    expect(events.filter(({ kind }) => kind === 'retry')).toHaveLength(3);
  });

  test('an answer that does not come once: asked again', async () => {
    const { store, proxy } = await openFaulty(server, { requestTimeoutMs: 1000 });
    proxy.rule('hang', { method: 'GET', fault: { kind: 'hold-reply' } });
    expect(Buffer.compare(await read(store), large)).toBe(0);
    expect(proxy.count('GET')).toBe(2);
  });
});

describe('a stream that breaks', () => {
  test('goes on with the rest of the same version, and verifies the whole', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('cut', {
      method: 'GET',
      times: 3,
      fault: { kind: 'cut-response', afterBytes: 500_000, by: 'rst' },
    });
    const { stream, meta } = await store.getStream('large');
    expect(Buffer.compare(await readAll(stream), large)).toBe(0);
    const ranges = proxy.requests.map(({ headers }) => headers['range']);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=\d{5,}-\d*$/.test(range ?? ''))).toBe(true);
    const conditions = proxy.requests.slice(1).map(({ headers }) => headers['if-match']);
    expect(new Set(conditions)).toEqual(new Set([`"${meta.etag}"`]));
    expect(proxy.fired('cut')).toBe(3);
  });

  test('notices damage in what came after the break', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('cut', { method: 'GET', fault: { kind: 'cut-response', afterBytes: MIB, by: 'rst' } });
    proxy.rule('flip', { method: 'GET', nth: 2, fault: { kind: 'flip-response-byte', at: 100 } });
    expect(await failure(readAll((await store.getStream('large')).stream))).toMatchObject({
      code: 'CORRUPT',
    });
    expect([proxy.fired('cut'), proxy.fired('flip')]).toEqual([1, 1]);
  });

  test('of a range goes on to the end of the range', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('cut', { method: 'GET', fault: { kind: 'cut-response', afterBytes: 300_000, by: 'fin' } });
    const range = { start: 1000, endExclusive: MIB };
    const { stream, range: given } = await store.getStream('large', { range });
    expect(given).toEqual(range);
    expect(Buffer.compare(await readAll(stream), large.subarray(1000, MIB))).toBe(0);
    expect(proxy.requests[1]?.headers['range']).toMatch(new RegExp(`-${MIB - 1}$`));
  });

  test('of an object that was replaced meanwhile fails with PRECONDITION_FAILED, not with mixed bytes', async () => {
    const { store, proxy, events } = await openFaulty(server, {
      resilience: { retry: { initialDelayMs: 500 }, breaker: false },
      components: { random: () => 0.99 },
    });
    await store.put('replaced', large);
    proxy.rule('cut', { method: 'GET', fault: { kind: 'cut-response', afterBytes: MIB, by: 'rst' } });
    const { stream } = await store.getStream('replaced');
    const read = failure(readAll(stream));
    await vi.waitUntil(() => events.length > 0);
    await store.put('replaced', body(2 * MIB));
    expect(await read).toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect(proxy.fired('cut')).toBe(1);
  });

  test('with progress between the breaks goes on for longer than one call has attempts', async () => {
    const { store, proxy } = await openFaulty(server, {
      resilience: { retry: { maxAttempts: 2, initialDelayMs: 1 }, breaker: false },
    });
    const huge = body(12 * MIB);
    await store.put('huge', huge);
    proxy.rule('cut', {
      method: 'GET',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'cut-response', afterBytes: 2 * MIB, by: 'fin' },
    });
    expect(Buffer.compare(await readAll((await store.getStream('huge')).stream), huge)).toBe(0);
    expect(proxy.fired('cut')).toBeGreaterThan(2);
  });

  test('is destroyed while it waits for its next attempt: no request follows', async () => {
    const { store, proxy, events } = await openFaulty(server, {
      resilience: { retry: { maxAttempts: 4, initialDelayMs: 150 }, breaker: false },
      components: { random: () => 0.99 },
    });
    proxy.rule('cut', { method: 'GET', fault: { kind: 'cut-response', afterBytes: 0, by: 'rst' } });
    const { stream } = await store.getStream('large');
    stream.resume();
    await vi.waitUntil(() => kinds(events).includes('retry'));
    stream.destroy();
    await once(stream, 'close');
    await sleep(500);
    expect(proxy.count()).toBe(1);
  });
});

// Goal: the clock of this machine is 20 minutes off, which versitygw, like S3, refuses.
describe('clock skew', () => {
  test.each([
    ['get', (store: ObjectStore) => store.get('small')],
    ['head', (store: ObjectStore) => store.head('small')],
    ['list', async (store: ObjectStore) => store.list('')[Symbol.asyncIterator]().next()],
  ])(
    '%s: the second attempt is signed with the time of the server, and later calls need no other',
    async (_, call) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * 60_000 });
      try {
        const { store, proxy, events } = await openFaulty(server);
        await call(store);
        expect(proxy.requests.map(({ status }) => status)).toEqual([403, 200]);
        expect(events).toMatchObject([{ kind: 'retry', attempt: 1 }]);
        await call(store);
        await call(store);
        expect(proxy.count()).toBe(4);
      } finally {
        vi.useRealTimers();
      }
    },
  );
});

test('listings, heads and deletes are asked again, too', async () => {
  const { store, proxy } = await openFaulty(server);
  await store.put('gone', Buffer.from('x'));
  await store.put('gone too', Buffer.from('x'));
  proxy.rule('HEAD', { method: 'HEAD', fault: { kind: 'lose-reply' } });
  proxy.rule('DELETE', { method: 'DELETE', fault: { kind: 'lose-reply' } });
  proxy.rule('POST', { method: 'POST', fault: { kind: 'lose-reply', by: 'fin' } });
  proxy.rule('list', {
    method: 'GET',
    query: /list-type=2/,
    fault: { kind: 'cut-response', afterBytes: 50, by: 'fin' },
  });
  expect((await store.head('large')).sizeBytes).toBe(large.byteLength);
  await store.delete('gone');
  expect(await store.deleteMany(['gone too'])).toEqual([]);
  const keys: string[] = [];
  for await (const page of store.list('gone')) keys.push(...page.objects.map(({ key }) => key));
  expect(keys).toEqual([]);
  for (const name of ['HEAD', 'DELETE', 'POST', 'list']) expect(proxy.fired(name)).toBe(1);
});

test('of one failing request the SDK sends exactly one, whatever the environment says', async () => {
  vi.stubEnv('AWS_MAX_ATTEMPTS', '7');
  vi.stubEnv('AWS_RETRY_MODE', 'adaptive');
  try {
    const { store, proxy, events } = await openFaulty(server, {
      resilience: { retry: { maxAttempts: 1 }, breaker: false },
    });
    proxy.rule('fail', { times: Number.POSITIVE_INFINITY, fault: internalError() });
    const calls = [
      () => store.get('large'),
      () => store.head('large'),
      () => store.delete('x'),
      () => store.copy('large', 'y'),
    ];
    for (const call of calls) expect(await failure(call())).toMatchObject({ code: 'UNAVAILABLE' });
    expect(proxy.count()).toBe(calls.length);
    expect(kinds(events)).toEqual(Array(calls.length).fill('gave-up'));
  } finally {
    vi.unstubAllEnvs();
  }
});

test('the breaker opens after repeated failures, refuses without a request, and closes again', async () => {
  const { store, proxy, events } = await openFaulty(server, {
    resilience: {
      retry: { maxAttempts: 1 },
      breaker: { opensAfter: { kind: 'consecutive', failures: 3 }, halfOpenAfterMs: 100 },
    },
  });
  proxy.rule('fail', { method: 'GET', times: 3, fault: internalError() });
  for (let i = 0; i < 3; i += 1)
    expect(await failure(store.get('large'))).toMatchObject({ code: 'UNAVAILABLE' });
  const refused = await failure(store.get('large'));
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  expect(proxy.count()).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect((await store.get('large')).bytes.byteLength).toBe(large.byteLength);
  expect(kinds(events)).toEqual([
    ...['gave-up', 'gave-up', 'breaker-opened', 'gave-up', 'refused'],
    ...['breaker-half-open', 'breaker-closed'],
  ]);
});

test('what is absent is an answer, not a fault: it keeps the breaker closed', async () => {
  const { store } = await openFaulty(server, {
    resilience: { breaker: { opensAfter: { kind: 'consecutive', failures: 2 } } },
  });
  for (let i = 0; i < 5; i += 1)
    expect(await failure(store.get('absent'))).toMatchObject({ code: 'NOT_FOUND' });
  expect((await store.get('small')).bytes.byteLength).toBe(5);
});

test('an object without a checksum of the server is read as it comes', async () => {
  const client = s3Client(server, { requestChecksumCalculation: 'WHEN_REQUIRED' });
  await client.send(new PutObjectCommand({ Bucket: 'reads', Key: 'unchecked', Body: large }));
  client.destroy();
  const { store, proxy } = await openFaulty(server);
  const { bytes } = await store.get('unchecked');
  expect(crc32(bytes)).toBe(crc32(large));
  expect(proxy.requests[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED');
});

describe('a limit of requests at once', () => {
  test('does not count streams that are read: what is read from one object can be put to another', async () => {
    const { store } = await openFaulty(server, {
      resilience: { maxConcurrent: 1 },
      partSizeBytes: 5 * MIB,
      multipartThresholdBytes: 5 * MIB,
    });
    // More than is read before the first part is sent.
    const parts = body(16 * MIB);
    await store.put('parts', parts);
    const { stream } = await store.getStream('parts');
    await store.put('again', stream);
    expect(Buffer.compare((await store.get('again')).bytes, parts)).toBe(0);
  });

  test('with no room to wait is THROTTLED beyond it, before anything is sent', async () => {
    const { store, proxy } = await openFaulty(server, { resilience: { maxConcurrent: 1, maxQueued: 0 } });
    const first = store.get('large');
    expect(await failure(store.get('small'))).toMatchObject({ code: 'THROTTLED', retryable: true });
    expect((await first).bytes.byteLength).toBe(large.byteLength);
    expect(proxy.count()).toBe(1);
  });
});
