// The protocol's rules over real sockets, on a storage in memory that fails on demand. Statuses per v0.15.1.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import {
  AckRequestSchema,
  ClientStatus,
  ClientType,
  ConsumerRequestSchema,
  create,
  DispatchStrategy,
  HealthCheckRequestSchema,
  LookupType,
  MsgIDSchema,
  NackRequestSchema,
  ProducerAccessMode,
  ProducerRequestSchema,
  ReceiveRequestSchema,
  StreamMessageSchema,
  SubscriptionType,
  TopicLookupRequestSchema,
} from '@danube/client/protocol';
import { StorageError, type StorageErrorCode } from '@danube/storage';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { temporaryDirectory, until } from './support/clean-up.ts';
import { clientOf, rawClient, startTestBroker } from './support/harness.ts';
import { MemoryStorage } from './support/memory-storage.ts';

const TOPIC = '/default/orders';

async function setUp(config: object = {}) {
  const storage = new MemoryStorage();
  const broker = await startTestBroker(temporaryDirectory(), config, {
    openStorage: async () => storage.asStorage(),
  });
  const raw = rawClient(broker);
  const createProducer = (name: string, extra: object = {}) =>
    raw.producer.createProducer(
      create(ProducerRequestSchema, {
        requestId: 1n,
        producerName: name,
        topicName: TOPIC,
        dispatchStrategy: DispatchStrategy.Reliable,
        ...extra,
      }),
    );
  const send = (producerId: bigint, extra: object = {}) =>
    raw.producer.sendMessage(
      create(StreamMessageSchema, {
        requestId: 7n,
        msgId: create(MsgIDSchema, { producerId, topicName: TOPIC }),
        payload: Buffer.from('hello'),
        publishTime: BigInt(Date.now()),
        ...extra,
      }),
    );
  const subscribe = (consumerName: string, extra: object = {}) =>
    raw.consumer.subscribe(
      create(ConsumerRequestSchema, {
        requestId: 1n,
        topicName: TOPIC,
        consumerName,
        subscription: 'sub',
        subscriptionType: SubscriptionType.Exclusive,
        ...extra,
      }),
    );
  return { storage, broker, raw, createProducer, send, subscribe };
}

const refusal = (code: status, details: string | RegExp) => ({
  code,
  details: expect.stringMatching(details),
});

test('a lookup answers Connect with this broker, and the real port', async () => {
  const { broker, raw } = await setUp();
  const reply = await raw.discovery.topicLookup(
    create(TopicLookupRequestSchema, { requestId: 5n, topic: TOPIC }),
  );
  expect(reply).toMatchObject({
    requestId: 5n,
    responseType: LookupType.Connect,
    connectUrl: broker.url,
    brokerUrl: broker.url,
    proxy: false,
  });
});

test('a broker listening everywhere tells clients the address they dialled', async () => {
  const storage = new MemoryStorage();
  const { resolveConfig } = await import('../src/config/resolve-config.ts');
  const { startBroker } = await import('../src/broker.ts');
  const { silentLogger } = await import('../src/log.ts');
  const dataDir = temporaryDirectory();
  const settings = resolveConfig(
    {},
    { dataDir, brokerAddr: '0.0.0.0:0', promExporter: '127.0.0.1:0', insecure: true },
    { baseDir: dataDir },
  );
  const broker = await startBroker(settings, {
    logger: silentLogger(),
    openStorage: async () => storage.asStorage(),
  });
  const dialled = { host: '127.0.0.1', port: broker.address.port };
  const reply = await rawClient({ address: dialled }).discovery.topicLookup(
    create(TopicLookupRequestSchema, { topic: TOPIC }),
  );
  await broker.stop();
  expect(reply.connectUrl).toBe(`http://127.0.0.1:${dialled.port}`);
});

test('partitions are listed in order; a topic without any is its own', async () => {
  const { raw, createProducer } = await setUp();
  for (const part of [10, 0, 2]) await createProducer(`p-${part}`, { topicName: `${TOPIC}-part-${part}` });
  const partitionsOf = async (topic: string) =>
    (await raw.discovery.topicPartitions(create(TopicLookupRequestSchema, { topic }))).partitions;
  expect(await partitionsOf(TOPIC)).toEqual([0, 2, 10].map((part) => `${TOPIC}-part-${part}`));
  expect(await partitionsOf('/default/unknown')).toEqual(['/default/unknown']);
});

test.each(['orders', '/orders', '/default/', '/a/b/c', '/default/o!', `/default/${'x'.repeat(201)}`])(
  'the topic name %s is refused everywhere with the expected format',
  async (topicName) => {
    const { raw, createProducer, subscribe } = await setUp();
    const expected = refusal(status.INVALID_ARGUMENT, '/namespace_name/topic_name');
    await expect(createProducer('p', { topicName })).rejects.toMatchObject(expected);
    await expect(subscribe('c', { topicName })).rejects.toMatchObject(expected);
    await expect(
      raw.discovery.topicLookup(create(TopicLookupRequestSchema, { topic: topicName })),
    ).rejects.toMatchObject(expected);
  },
);

test('only producers create topics', async () => {
  const { subscribe, createProducer } = await setUp();
  await expect(subscribe('c')).rejects.toMatchObject(
    refusal(status.NOT_FOUND, 'created by its first producer'),
  );
  await createProducer('p');
  expect((await subscribe('c')).consumerName).toBe('c');
});

test('with auto_create_topics off, producers do not either', async () => {
  const { createProducer } = await setUp({ auto_create_topics: false });
  await expect(createProducer('p')).rejects.toMatchObject(refusal(status.NOT_FOUND, 'auto_create_topics'));
});

test('a producer with another dispatch strategy is refused', async () => {
  const { createProducer } = await setUp();
  await createProducer('p');
  await expect(createProducer('q', { dispatchStrategy: DispatchStrategy.NonReliable })).rejects.toMatchObject(
    refusal(status.FAILED_PRECONDITION, 'created reliable'),
  );
});

test('the same producer name is the same producer; another name is another', async () => {
  const { createProducer } = await setUp();
  const first = await createProducer('p');
  expect((await createProducer('p')).producerId).toBe(first.producerId);
  expect((await createProducer('q')).producerId).not.toBe(first.producerId);
});

test('an exclusive producer keeps others out while it shows signs of life', async () => {
  const { createProducer } = await setUp();
  await createProducer('p', { producerAccessMode: ProducerAccessMode.Exclusive });
  await expect(createProducer('q')).rejects.toMatchObject(
    refusal(status.PERMISSION_DENIED, 'exclusive producer p'),
  );
});

test('what cannot be accepted is refused before anything is stored, and the broker stays up', async () => {
  const { storage, createProducer, send, raw } = await setUp({ policies: { max_message_size: 1000 } });
  const { producerId } = await createProducer('p');
  await expect(send(producerId, { msgId: undefined })).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'msg_id is missing'),
  );
  await expect(send(12345n)).rejects.toMatchObject(refusal(status.NOT_FOUND, 'no producer 12345'));
  await expect(send(producerId, { payload: Buffer.alloc(1001) })).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, '1001 bytes.*maximum of 1000'),
  );
  await expect(send(producerId, { publishTime: 2n ** 63n })).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'year 9999'),
  );
  await expect(send(producerId, { payload: Buffer.alloc(4 << 20) })).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
  });
  await expect(raw.consumer.ack(create(AckRequestSchema, {}))).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'msg_id'),
  );
  await expect(raw.consumer.nack(create(NackRequestSchema, {}))).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'msg_id'),
  );
  expect(storage.memoryTopic(TOPIC).messages).toEqual([]);
  expect((await send(producerId, { payload: Buffer.alloc(1000) })).requestId).toBe(7n);
});

test.each<[StorageErrorCode, status, boolean]>([
  ['BACKLOG_FULL', status.RESOURCE_EXHAUSTED, true],
  ['MESSAGE_INVALID', status.INVALID_ARGUMENT, false],
  ['FENCED', status.FAILED_PRECONDITION, false],
  ['CLOSED', status.UNAVAILABLE, true],
  ['LOG_FAILED', status.UNKNOWN, false],
])('an append that fails with %s is answered %s', async (code, expected, clientsRetry) => {
  const { storage, createProducer, send } = await setUp();
  const { producerId } = await createProducer('p');
  storage.memoryTopic(TOPIC).appendError = code;
  await expect(send(producerId)).rejects.toMatchObject({ code: expected });
  // A status that clients retry by themselves may be used only where certainly nothing was stored.
  const retried = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED].includes(
    expected,
  );
  expect(retried).toBe(clientsRetry);
});

test('an unknown outcome says so', async () => {
  const { storage, createProducer, send } = await setUp();
  const { producerId } = await createProducer('p');
  storage.memoryTopic(TOPIC).appendError = 'LOG_FAILED';
  await expect(send(producerId)).rejects.toMatchObject(refusal(status.UNKNOWN, 'The outcome is unknown'));
});

test('a topic whose catalog does not answer cannot be created now: UNAVAILABLE, and nothing remains of it', async () => {
  const { storage, createProducer, subscribe } = await setUp();
  storage.openError = new StorageError('CATALOG_UNAVAILABLE', 'on demand');
  await expect(createProducer('p')).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await expect(subscribe('c')).rejects.toMatchObject({ code: status.NOT_FOUND });
  storage.openError = undefined;
  await createProducer('p');
});

test.each([
  ['Failover', SubscriptionType.Failover],
  ['KeyShared', SubscriptionType.KeyShared],
])('%s subscriptions are refused with a sentence', async (name, subscriptionType) => {
  const { createProducer, subscribe } = await setUp();
  await createProducer('p');
  await expect(subscribe('c', { subscriptionType })).rejects.toMatchObject(
    refusal(status.UNIMPLEMENTED, `${name} subscriptions are not supported`),
  );
});

test('a second consumer of an exclusive subscription is refused, the same name is not', async () => {
  const { createProducer, subscribe } = await setUp();
  await createProducer('p');
  const first = await subscribe('a');
  await expect(subscribe('b')).rejects.toMatchObject(refusal(status.PERMISSION_DENIED, 'cannot be shared'));
  await expect(subscribe('b', { subscriptionType: SubscriptionType.Shared })).rejects.toMatchObject({
    code: status.PERMISSION_DENIED,
  });
  expect((await subscribe('a')).consumerId).toBe(first.consumerId);
});

test('when the exclusive consumer has left, another takes over, and the first is told to subscribe again', async () => {
  const { broker, raw, createProducer, subscribe } = await setUp();
  await createProducer('p');
  const client = clientOf(broker);
  const gone = await client.subscribe({
    topic: TOPIC,
    subscription: 'sub',
    consumerName: 'gone',
    type: 'exclusive',
  });
  await until('its stream is open', async () => (await metrics(broker)).includes('danube_consumers 1'));
  await gone.close();
  await until('the next one gets in', () =>
    subscribe('next').then(
      () => true,
      () => false,
    ),
  );
  const close = await raw.health.healthCheck(
    create(HealthCheckRequestSchema, { client: ClientType.Consumer, id: 1n }),
  );
  expect(close.status).toBe(ClientStatus.CLOSE);
});

test('health checks know producers and consumers by id', async () => {
  const { raw, createProducer } = await setUp();
  const { producerId } = await createProducer('p');
  const check = async (client: ClientType, id: bigint) =>
    (await raw.health.healthCheck(create(HealthCheckRequestSchema, { client, id }))).status;
  expect(await check(ClientType.Producer, producerId)).toBe(ClientStatus.OK);
  expect(await check(ClientType.Producer, producerId + 1n)).toBe(ClientStatus.CLOSE);
  expect(await check(ClientType.Consumer, producerId)).toBe(ClientStatus.CLOSE);
});

test('unknown ids and names on the consumer side are NOT_FOUND', async () => {
  const { broker, raw, createProducer } = await setUp();
  await createProducer('p');
  const ack = (topicName: string) =>
    raw.consumer.ack(
      create(AckRequestSchema, { msgId: create(MsgIDSchema, { topicName }), subscriptionName: 'nobody' }),
    );
  await expect(ack(TOPIC)).rejects.toMatchObject(refusal(status.NOT_FOUND, 'no subscription nobody'));
  await expect(ack('/default/none')).rejects.toMatchObject(refusal(status.NOT_FOUND, 'does not exist'));
  expect(await streamOf(broker, 99n).ended).toMatchObject(refusal(status.NOT_FOUND, 'subscribe again'));
});

test('a consumer that subscribes again takes its old stream’s place', async () => {
  const { broker, createProducer, send, subscribe } = await setUp();
  const { producerId } = await createProducer('p');
  const { consumerId } = await subscribe('a');
  const old = streamOf(broker, consumerId);
  await send(producerId);
  await until('the old stream has it', () => old.offsets.length === 1);
  await subscribe('a');
  expect(await old.ended).toMatchObject({ code: status.CANCELLED });
  const fresh = streamOf(broker, consumerId);
  await until('the new stream has it again', () => fresh.offsets.length === 1);
  fresh.cancel();
});

test('the headers of a stream come before its first message', async () => {
  const { broker, createProducer, subscribe } = await setUp();
  await createProducer('p');
  const { consumerId } = await subscribe('a');
  const stream = streamOf(broker, consumerId);
  await stream.headers; // tonic hands the stream to the application only then.
  stream.cancel();
});

test('everything on the wire arrives as it was sent', async () => {
  const { broker, createProducer, send, subscribe } = await setUp();
  const { producerId } = await createProducer('p');
  const { consumerId } = await subscribe('a');
  const stream = streamOf(broker, consumerId);
  const publishTime = BigInt(Date.now());
  const attributes = { ключ: 'värde', empty: '', constructor: 'x' };
  await send(producerId, {
    publishTime,
    attributes,
    schemaId: 2n ** 63n,
    schemaVersion: 4_000_000_000,
    routingKey: '',
    producerName: 'p',
  });
  await until('it came', () => stream.messages.length === 1);
  stream.cancel();
  expect(stream.messages[0]).toMatchObject({
    requestId: 7n,
    msgId: { producerId, topicName: TOPIC, brokerAddr: broker.url, topicOffset: 0n },
    publishTime,
    producerName: 'p',
    subscriptionName: 'sub',
    attributes,
    schemaId: 2n ** 63n,
    schemaVersion: 4_000_000_000,
    routingKey: '',
  });
  expect(Buffer.from(stream.messages[0]!.payload).toString()).toBe('hello');
});

test('a stopping broker refuses new work with a status that clients retry elsewhere', async () => {
  const { storage, broker, createProducer, send } = await setUp();
  const { producerId } = await createProducer('p');
  await send(producerId); // The connection is up, so the refusal comes from the broker.
  const topic = storage.memoryTopic(TOPIC);
  const append = topic.append.bind(topic);
  let release: (() => void) | undefined;
  topic.append = async (message) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return append(message);
  };
  const underWay = send(producerId);
  await until('it is under way', () => release !== undefined);
  const stopping = broker.stop();
  await expect(send(producerId)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  release?.();
  expect((await underWay).requestId).toBe(7n); // What was under way is answered.
  await stopping;
  expect(storage.closed).toBe(true);
});

test('metrics and health are served', async () => {
  const { broker, createProducer, send, subscribe } = await setUp();
  const { producerId } = await createProducer('p');
  await subscribe('a');
  for (let i = 0; i < 3; i += 1) await send(producerId);
  const text = await metrics(broker);
  expect(text).toContain(`danube_producer_acks_total{topic="${TOPIC}",dispatch="reliable"} 3`);
  expect(text).toContain('danube_producer_ack_seconds_count{dispatch="reliable"} 3');
  expect(text).toContain(`danube_subscription_lag_messages{topic="${TOPIC}",subscription="sub"} 3`);
  expect(text.split('\n').filter((line) => line !== '' && !/^(#|danube_)/.test(line))).toEqual([]);
  for (const path of ['healthz', 'readyz'])
    expect((await fetch(`${broker.httpUrl}/${path}`)).status).toBe(200);
  for (const path of ['/else', '//', '/%']) expect(await statusOf(broker.httpUrl, path)).toBe(404);
});

/** Sends the path as it is; fetch would tidy it up. */
async function statusOf(url: string, path: string): Promise<number | undefined> {
  const { hostname: host, port } = new URL(url);
  const [response] = (await once(get({ host, port, path }), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

async function metrics(broker: { httpUrl: string }): Promise<string> {
  return (await fetch(`${broker.httpUrl}/metrics`)).text();
}

function streamOf(broker: Parameters<typeof rawClient>[0], consumerId: bigint) {
  return rawClient(broker).receive(create(ReceiveRequestSchema, { requestId: 1n, consumerId }));
}

test.each([
  ['dispatch strategy', { dispatchStrategy: 7 }],
  ['access mode', { producerAccessMode: 7 }],
])('an unknown %s is refused and creates no topic', async (what, extra) => {
  const { broker, createProducer } = await setUp();
  await expect(createProducer('p', extra)).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, new RegExp(`no ${what} 7`)),
  );
  expect(broker.storage.listTopics()).toEqual([]);
  // Were the topic there now, as non-reliable, this would be refused.
  await expect(createProducer('p')).resolves.toMatchObject({ producerName: 'p' });
});
