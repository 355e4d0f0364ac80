import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ObjectStore } from '../../src/object-store.ts';
import type { S3VendedCredentials } from '../../src/s3/connection/credentials.ts';
import { openS3ObjectStore } from '../../src/s3/s3-store.ts';
import { keys } from '../local/helpers.ts';
import { answerError, type Fault, internalError } from '../support/fault-proxy.ts';
import { createBucket } from '../support/s3-client.ts';
import { type S3Server, startVersitygw } from '../support/s3-servers.ts';
import { failure, KEYS, openFaulty, openStore, readAll, type Settings } from './read-harness.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startVersitygw({ virtualDomain: 'localhost' });
  await createBucket(server, 'reads');
  const { endpoint, region } = server;
  const store = await openS3ObjectStore({
    bucket: 'reads',
    endpoint,
    region,
    pathStyle: true,
    credentials: KEYS,
  });
  await store.put('k', Buffer.from('body'));
  await store.close();
  return () => server.stop();
}, 60_000);

const WRONG = { accessKeyId: 'judge', secretAccessKey: 'a-wrong-secret' };
const calls: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['get', (store) => store.get('k')],
  ['getStream', async (store) => readAll((await store.getStream('k')).stream)],
  ['list', async (store) => store.list('')[Symbol.asyncIterator]().next()],
  ['delete', (store) => store.delete('other')],
  ['put', (store) => store.put('other', Buffer.from('x'))],
];

describe.each(calls)('%s', (_, call) => {
  test('with a wrong secret is UNAUTHENTICATED, and not tried again', async () => {
    const { store, proxy } = await openFaulty(server, { credentials: WRONG });
    expect(await failure(call(store))).toMatchObject({
      code: 'UNAUTHENTICATED',
      retryable: false,
      context: { s3Code: 'SignatureDoesNotMatch' },
    });
    expect(proxy.count()).toBe(1);
  });

  test('with a key that the server does not know is UNAUTHENTICATED, though versitygw says 404', async () => {
    const { store, proxy } = await openFaulty(server, { credentials: { ...KEYS, accessKeyId: 'nobody' } });
    expect(await failure(call(store))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(proxy.count()).toBe(1);
  });

  test('with keys that expired and a provider of new ones goes on with those', async () => {
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockResolvedValueOnce(WRONG).mockResolvedValue(KEYS);
    const { store, proxy, events } = await openFaulty(server, { credentials: provider });
    await call(store);
    await call(store);
    expect(provider).toHaveBeenCalledTimes(2);
    expect(proxy.requests.map(({ status }) => Number(status) < 300)).toEqual([false, true, true]);
    expect(events).toMatchObject([{ kind: 'retry', error: { code: 'UNAUTHENTICATED' } }]);
  });

  test('with keys that expired and no others is UNAUTHENTICATED', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('expired', { fault: answerError(400, 'ExpiredToken') });
    expect(await failure(call(store))).toMatchObject({ code: 'UNAUTHENTICATED', context: { status: 400 } });
    expect(proxy.count()).toBe(1);
  });

  test('with a provider whose new keys are refused, too, asks it once more and no oftener', async () => {
    let issued = 0;
    const provider = async () => {
      issued += 1;
      return { ...WRONG, accessKeyId: 'judge', sessionToken: undefined, secretAccessKey: `wrong-${issued}` };
    };
    const { store, proxy } = await openFaulty(server, { credentials: provider });
    expect(await failure(call(store))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect([issued, proxy.count()]).toEqual([2, 2]);
  });

  test('in a bucket that does not exist is BUCKET_NOT_FOUND', async () => {
    const { store } = await openFaulty(server, { bucket: 'not-there' });
    expect(await failure(call(store))).toMatchObject({ code: 'BUCKET_NOT_FOUND' });
  });

  test('without keys at all is UNAUTHENTICATED before anything is sent', async () => {
    const { store, proxy } = await openFaulty(server, {
      credentials: () => Promise.reject(new Error('the vault is sealed')),
    });
    expect(await failure(call(store))).toMatchObject({
      code: 'UNAUTHENTICATED',
      cause: { message: 'the vault is sealed' },
    });
    expect(proxy.count()).toBe(0);
  });
});

describe('a provider of keys', () => {
  test('is asked again before its keys end, without a failed request', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const provider = vi.fn(async () => ({ ...KEYS, expiresAtMs: Date.now() + 20 * 60_000 }));
    const { store, events } = await openFaulty(server, { credentials: provider });
    await store.get('k');
    vi.setSystemTime(Date.now() + 14 * 60_000);
    await store.get('k');
    expect(provider).toHaveBeenCalledTimes(1);
    vi.setSystemTime(Date.now() + 60_000);
    await store.get('k');
    expect(provider).toHaveBeenCalledTimes(2);
    // The clock of this test runs ahead of the server's, which the SDK has noted without a refusal.
    expect(events).toEqual([]);
  });

  test('is asked once by many calls at the same time, and once more when all are refused', async () => {
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockResolvedValueOnce(WRONG).mockResolvedValue(KEYS);
    const { store } = await openFaulty(server, { credentials: provider });
    const bodies = await Promise.all(Array.from({ length: 12 }, () => store.get('k')));
    expect(bodies).toHaveLength(12);
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test('that fails before its keys end leaves them in use, and fails the calls after their end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockResolvedValueOnce({ ...KEYS, expiresAtMs: Date.now() + 20 * 60_000 });
    provider.mockRejectedValue(new Error('not now'));
    const { store } = await openFaulty(server, { credentials: provider });
    await store.get('k');
    vi.setSystemTime(Date.now() + 16 * 60_000);
    await store.get('k');
    await store.get('k');
    expect(provider).toHaveBeenCalledTimes(2);
    vi.setSystemTime(Date.now() + 5 * 60_000);
    expect(await failure(store.get('k'))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test.each([
    ['get', (store: ObjectStore) => store.get('k')],
    ['getStream', (store: ObjectStore) => store.getStream('k')],
    ['head', (store: ObjectStore) => store.head('k')],
  ] as const)('that does not answer %s: TIMEOUT; asked anew, it answers', async (_, call) => {
    let asked = 0;
    const credentials = () => {
      asked += 1;
      return asked === 1 ? new Promise<never>(() => {}) : Promise.resolve(KEYS);
    };
    const resilience = { retry: { maxAttempts: 1 }, breaker: false } as const;
    const settings = { credentials, requestTimeoutMs: 300, resilience };
    const { store, proxy } = await openFaulty(server, settings);
    expect(await failure(call(store))).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(proxy.count()).toBe(0);
    // The time limits of attempt and provider end at the same moment, in any order.
    await sleep(50);
    await call(store);
    expect(asked).toBe(2);
  });

  test('that does not answer while its keys are good holds up nobody', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockResolvedValueOnce({ ...KEYS, expiresAtMs: Date.now() + 20 * 60_000 });
    provider.mockReturnValue(new Promise<never>(() => {}));
    const { store } = await openFaulty(server, { credentials: provider });
    await store.get('k');
    vi.setSystemTime(Date.now() + 16 * 60_000);
    await store.get('k');
    await store.get('k');
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test('whose keys have ended by the clock of this machine is not asked twice for each request', async () => {
    const provider = vi.fn(async () => ({ ...KEYS, expiresAtMs: Date.now() - 60_000 }));
    const { store } = await openFaulty(server, { credentials: provider });
    await store.get('k');
    await store.get('k');
    expect(provider).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['nothing', undefined],
    ['no secret', { accessKeyId: 'judge' }],
    ['a line feed', { ...KEYS, accessKeyId: 'judge\n' }],
    ['a token that is null', { ...KEYS, sessionToken: null }],
    ['a time that is a text', { ...KEYS, expiresAtMs: '2026-11-25' }],
  ])('that hands out %s is UNAUTHENTICATED, and nothing is sent', async (_, keys) => {
    const { store, proxy, events } = await openFaulty(server, { credentials: async () => keys as never });
    const error = await failure(store.get('k'));
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    expect(inspect(error)).not.toContain(KEYS.secretAccessKey);
    expect([proxy.count(), events]).toEqual([0, []]);
  });

  test('that does not answer: TIMEOUT, and a put that waited for it has not happened', async () => {
    const credentials = () => new Promise<never>(() => {});
    const { store, proxy } = await openFaulty(server, { credentials, requestTimeoutMs: 100 });
    expect(await failure(store.put('k3', Buffer.from('x')))).toMatchObject({ code: 'TIMEOUT' });
    expect(proxy.count()).toBe(0);
  });

  test('is not asked all the time for a server that refuses whatever it is shown', async () => {
    const provider = vi.fn(async () => ({ ...WRONG }));
    const { store, proxy } = await openFaulty(server, { credentials: provider });
    for (let i = 0; i < 10; i += 1) {
      expect(await failure(store.get('k'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect([provider.mock.calls.length, proxy.count()]).toEqual([2, 11]);
  });

  test('that fails is asked again by the next call', async () => {
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockRejectedValueOnce(new Error('not now')).mockResolvedValue(KEYS);
    const { store } = await openFaulty(server, { credentials: provider });
    expect(await failure(store.get('k'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await store.get('k')).bytes.byteLength).toBe(4);
  });
});

// Goal: answers to HEAD have no body. Whoever takes NOT_FOUND for "not there" must not be told so for another reason.
describe('head', () => {
  test.each([
    ['a wrong secret', { credentials: WRONG }, 'UNAUTHENTICATED', 'SignatureDoesNotMatch'],
    ['an unknown key', { credentials: { ...KEYS, accessKeyId: 'nobody' } }, 'UNAUTHENTICATED', undefined],
    ['a bucket that does not exist', { bucket: 'not-there' }, 'BUCKET_NOT_FOUND', 'NoSuchBucket'],
    ['no object', { key: 'absent' }, 'NOT_FOUND', 'NoSuchKey'],
  ])(
    'with %s asks a GET for the reason',
    async (_, { key = 'k', ...settings }: Settings & { key?: string }, code, s3Code) => {
      const { store, proxy } = await openFaulty(server, settings);
      expect(await failure(store.head(key))).toMatchObject({
        code,
        context: { operation: 'head', key, ...(s3Code && { s3Code }) },
      });
      expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
    },
  );

  test('behind a proxy that knows nothing of it is not NOT_FOUND', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('lost its way', { times: 2, fault: { kind: 'answer', status: 404 } });
    expect(await failure(store.head('k'))).toMatchObject({ code: 'IO_ERROR' });
    expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('of an object that comes into being meanwhile tells of it', async () => {
    const { store, proxy } = await openFaulty(server);
    proxy.rule('not yet', { method: 'HEAD', fault: { kind: 'answer', status: 404 } });
    expect(await store.head('k')).toMatchObject({ key: 'k', sizeBytes: 4 });
  });

  test('with keys that expired goes on with new ones', async () => {
    const provider = vi.fn<() => Promise<S3VendedCredentials>>();
    provider.mockResolvedValueOnce(WRONG).mockResolvedValue(KEYS);
    const { store, proxy } = await openFaulty(server, { credentials: provider });
    expect((await store.head('k')).sizeBytes).toBe(4);
    expect(proxy.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });
});

test('anonymous requests carry no signature', async () => {
  const { store, proxy } = await openFaulty(server, { credentials: 'anonymous' });
  expect(await failure(store.get('k'))).toMatchObject({ code: 'PERMISSION_DENIED' });
  expect(
    Object.keys(proxy.requests[0]?.headers ?? {}).filter((name) => /auth|security|content-sha/.test(name)),
  ).toEqual([]);
});

describe('the default chain', () => {
  test('takes keys and region from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = await openStore(server.endpoint, { credentials: undefined, region: undefined });
    expect((await store.get('k')).bytes.byteLength).toBe(4);
  });

  test('is all that the example of the README needs', async () => {
    await createBucket(server, 'warehouse');
    vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
    onTestFinished(() => void vi.unstubAllEnvs());
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    await import('../../examples/s3.ts');
    expect(said.mock.calls).toEqual([[11]]);
  });

  test('takes keys from a profile', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'profile-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    const file = join(dir, 'credentials');
    await writeFile(
      file,
      `[default]\naws_access_key_id=${KEYS.accessKeyId}\naws_secret_access_key=${KEYS.secretAccessKey}\n`,
    );
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    vi.stubEnv('AWS_CONFIG_FILE', join(dir, 'none'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = await openStore(server.endpoint, { credentials: 'default-chain' });
    expect((await store.get('k')).bytes.byteLength).toBe(4);
  });

  test('that finds nothing is UNAUTHENTICATED', async () => {
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { store, proxy } = await openFaulty(server, { credentials: undefined });
    expect(await failure(store.get('k'))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(proxy.count()).toBe(0);
  });
});

test('virtual hosts: the bucket is in the host name, and every kind of call works', async () => {
  const hosts = new Set<string>();
  const store = await openStore(server.endpoint.replace('127.0.0.1', 'localhost'), {
    pathStyle: false,
    components: {
      // Not every machine resolves names below localhost.
      lookup: (host, options, callback) => {
        hosts.add(host);
        if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      },
    },
  });
  const key = 'virtual/with space+plus%2F';
  await store.put(key, Buffer.from('there'));
  expect(Buffer.from((await store.get(key)).bytes).toString()).toBe('there');
  await store.copy(key, 'virtual/copy');
  expect(await keys(store, 'virtual/')).toEqual(['virtual/copy', key]);
  expect(await store.deleteMany([key, 'virtual/copy'])).toEqual([]);
  expect([...hosts]).toEqual(['reads.localhost']);
});

// Goal: nothing that somebody logs, an error with its causes or an event, holds what a request is signed with.
describe('secrets', () => {
  const token = 'session-token-that-nobody-may-see';
  const faults: readonly (readonly [string, Fault | undefined])[] = [
    ['a wrong secret', undefined],
    ['an expired token', answerError(400, 'ExpiredToken')],
    ['an internal error', internalError()],
    ['a reset connection', { kind: 'reset-before' }],
    ['a cut body', { kind: 'cut-response', afterBytes: 2, by: 'rst' }],
    ['a wrong checksum', { kind: 'flip-response-byte' }],
    ['a page of HTML', { kind: 'answer', status: 502, body: '<html><body>Bad gateway</body></html>' }],
    ['no answer', { kind: 'hold-reply' }],
  ];

  test.each(faults)('do not leak through %s', async (_, fault) => {
    const secretAccessKey = 'secret-that-nobody-may-see';
    const credentials = { accessKeyId: 'judge', secretAccessKey, sessionToken: token };
    const used = fault?.kind === 'cut-response' || fault?.kind === 'flip-response-byte' ? KEYS : credentials;
    const { store, proxy, events } = await openFaulty(server, { credentials: used, requestTimeoutMs: 300 });
    if (fault !== undefined) proxy.rule('fault', { times: Number.POSITIVE_INFINITY, fault });
    const errors = [
      await failure(store.get('k')),
      await failure(store.getStream('k').then(({ stream }) => readAll(stream))),
      await failure(store.put('k2', Buffer.from('x'))),
      await failure(store.head('k')),
    ];
    const signatures = proxy.requests.map(
      ({ headers }) => headers['authorization']?.split('Signature=')[1] ?? '?',
    );
    expect(errors.some((error) => 'code' in error)).toBe(true);
    expect(signatures.every((signature) => /^[0-9a-f]{64}$/.test(signature))).toBe(true);
    const seen = [...errors, ...events].flatMap(everything).join('\n');
    for (const secret of [used.secretAccessKey, token, 'AWS4-HMAC-SHA256', ...signatures]) {
      expect(seen).not.toContain(secret);
    }
  });

  function everything(value: object): string[] {
    const options = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true } as const;
    return [inspect(value, options), JSON.stringify(value), String((value as Error).stack)];
  }

  test('the search finds what is hidden in an error', () => {
    const error = new Error('outer', {
      cause: Object.defineProperty(new Error('inner'), '$response', { value: { a: [token] } }),
    });
    expect(everything(error).join()).toContain(token);
  });
});
