import { readFileSync } from 'node:fs';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConnectOptions } from '../src/index.ts';
import { ClientError, connect, parseTopicName } from '../src/index.ts';
import { TestBroker } from './support/test-broker.ts';
import { bytes } from './support/waiting.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const brokerWith = async (credentials?: ServerCredentials): Promise<TestBroker> => {
  const broker = await new TestBroker(credentials).start();
  closing.push(() => broker.stop());
  return broker;
};
const clientOf = (options: ConnectOptions) => {
  const client = connect(options);
  closing.push(() => client.close());
  return client;
};
const codeOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (ClientError.is(error)) return error.code;
  }
  return 'none';
};

describe('the service URL', () => {
  const good: [string, string][] = [
    ['http://127.0.0.1:7000', '127.0.0.1:7000'],
    ['http://localhost', 'localhost:6650'],
    ['http://broker:80', 'broker:80'],
    ['https://broker:443/', 'broker:443'],
    ['http://[::1]:6650', '[::1]:6650'],
  ];
  test.each(good)('%s dials %s', (serviceUrl) => {
    expect(codeOf(() => clientOf({ serviceUrl }))).toBe('none');
  });

  test('anything else is refused, and no password in it is repeated', () => {
    for (const serviceUrl of [
      'broker:6650',
      'grpc://a:1',
      'http://',
      'http://u:secret@a:1',
      'http://a:1/x',
      '',
    ]) {
      expect(
        codeOf(() => connect({ serviceUrl })),
        serviceUrl,
      ).toBe('INVALID_ARGUMENT');
    }
    expect(() => connect({ serviceUrl: 'http://u:secret@a:1' })).not.toThrow(/secret/);
  });
});

test('options that make no sense are refused by name', () => {
  const serviceUrl = 'http://127.0.0.1:1';
  const bad = [
    { serviceUrl, retries: 3 },
    { serviceUrl, retry: { maxRetries: -1 } },
    { serviceUrl, retry: { baseDelayMs: 10, maxDelayMs: 5 } },
    { serviceUrl, retry: { jitter: 1 } },
    { serviceUrl, requestTimeoutMs: Number.NaN },
    { serviceUrl, tls: { rootCertificates: new Uint8Array() } },
    { serviceUrl: 'https://a:1', tls: { clientKey: new Uint8Array() } },
  ] as ConnectOptions[];
  for (const options of bad)
    expect(
      codeOf(() => connect(options)),
      JSON.stringify(options),
    ).toBe('INVALID_ARGUMENT');
});

describe('the token', () => {
  test('goes with every call, asked for anew each time', async () => {
    const broker = await brokerWith();
    let count = 0;
    const client = clientOf({
      serviceUrl: broker.url,
      token: () => {
        count += 1;
        return `t${count}`;
      },
    });
    await client.createProducer({ topic: '/default/a', name: 'p' });
    const tokens = broker.metadata.map((metadata) => metadata.authorization);
    expect(tokens.slice(0, 2)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  test('does not travel unencrypted to another machine, also when a lookup points there', async () => {
    expect(codeOf(() => connect({ serviceUrl: 'http://broker:6650', token: 't' }))).toBe('INVALID_ARGUMENT');
    const allowed = { serviceUrl: 'http://broker:6650', token: 't', allowTokenOverHttp: true };
    expect(codeOf(() => clientOf(allowed))).toBe('none');
    expect(codeOf(() => clientOf({ serviceUrl: 'https://broker:6650', token: 't' }))).toBe('none');

    const broker = await brokerWith();
    broker.lookup = { connectUrl: 'http://192.0.2.1:6650' };
    const client = clientOf({ serviceUrl: broker.url, token: 'sesame' });
    const error: unknown = await client.createProducer({ topic: '/default/a', name: 'p' }).catch((e) => e);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).not.toContain('sesame');
  });
});

test('https:// with the broker’s certificate authority; without it the broker is not believed', async () => {
  const pem = (name: string) => readFileSync(new URL(`./fixtures/tls/${name}`, import.meta.url));
  const pair = { cert_chain: pem('broker.pem'), private_key: pem('broker.key') };
  const broker = await brokerWith(ServerCredentials.createSsl(null, [pair]));
  const serviceUrl = `https://localhost:${broker.port}`;
  broker.lookup = { connectUrl: serviceUrl, brokerUrl: serviceUrl };
  const retry = { maxRetries: 1, baseDelayMs: 1 };
  const trusting = clientOf({ serviceUrl, retry, token: 't', tls: { rootCertificates: pem('broker.pem') } });
  await (await trusting.createProducer({ topic: '/default/a', name: 'p' })).send(bytes('a'));
  expect(broker.topic('/default/a').log).toHaveLength(1);
  const stranger = clientOf({ serviceUrl, retry });
  await expect(stranger.createProducer({ topic: '/default/a', name: 'q' })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    outcome: 'refused',
  });
});

test('a lookup that names no usable URL is the broker’s error', async () => {
  const broker = await brokerWith();
  broker.lookup = { connectUrl: '127.0.0.1:6650' };
  const client = clientOf({ serviceUrl: broker.url });
  await expect(client.createProducer({ topic: '/default/a', name: 'p' })).rejects.toMatchObject({
    code: 'BROKER_ERROR',
  });
});

test('topic names: exactly /namespace/topic of letters, digits, _ and -', () => {
  expect(parseTopicName('/default/orders')).toEqual({ namespace: 'default', topic: 'orders' });
  expect(parseTopicName('/A-1/_x-part-0')).toEqual({ namespace: 'A-1', topic: '_x-part-0' });
  for (const bad of [
    '',
    '/',
    '//',
    '/a',
    '/a/',
    'a/b',
    '/a/b/',
    '/a/b/c',
    '/a/..',
    '/a/b c',
    '/a/b\n',
    '/ä/b',
  ]) {
    expect(parseTopicName(bad), JSON.stringify(bad)).toBeUndefined();
  }
});

test('errors are recognised across copies of the package', () => {
  const error = new ClientError('CLOSED', 'x', { context: { a: 1 } });
  expect(ClientError.is(error)).toBe(true);
  expect(ClientError.is(Object.assign(new Error('y'), { code: 'CLOSED' }))).toBe(false);
  expect(
    ClientError.is(Object.defineProperty({}, Symbol.for('@danube/client/ClientError'), { value: true })),
  ).toBe(true);
  expect(error.message).toBe('CLOSED: x');
});
