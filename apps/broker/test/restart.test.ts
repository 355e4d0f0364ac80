// Ids outlive the broker: the rules over real sockets, with restarts. The storage is in memory, broker.db is real.
import { join } from 'node:path';
import {
  AckRequestSchema,
  ClientStatus,
  ClientType,
  ConsumerRequestSchema,
  create,
  DispatchStrategy,
  HealthCheckRequestSchema,
  MsgIDSchema,
  ProducerAccessMode,
  ProducerRequestSchema,
  ReceiveRequestSchema,
  StreamMessageSchema,
  SubscriptionType,
} from '@danube/client/protocol';
import { StorageError } from '@danube/storage';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, test, vi } from 'vitest';
import type { Broker } from '../src/broker.ts';
import { Damper } from '../src/grpc/damper.ts';
import { openSqliteMetadataStore } from '../src/metadata/sqlite-metadata-store.ts';
import { BrokerProcess, freePort } from './crash/broker-process.ts';
import { onCleanUp, temporaryDirectory, until } from './support/clean-up.ts';
import { rawClient, startTestBroker } from './support/harness.ts';
import { MemoryStorage, type MemoryTopic } from './support/memory-storage.ts';

const TOPIC = '/default/orders';
const HOUR_MS = 3_600_000;

afterEach(() => void vi.useRealTimers());

/** The bare protocol on one broker. */
function protocol(broker: Pick<Broker, 'address'>) {
  const raw = rawClient(broker);
  return {
    raw,
    createProducer: async (producerName: string, extra: object = {}) =>
      (
        await raw.producer.createProducer(
          create(ProducerRequestSchema, {
            producerName,
            topicName: TOPIC,
            dispatchStrategy: DispatchStrategy.Reliable,
            ...extra,
          }),
        )
      ).producerId,
    subscribe: async (consumerName: string, extra: object = {}) =>
      (
        await raw.consumer.subscribe(
          create(ConsumerRequestSchema, {
            topicName: TOPIC,
            consumerName,
            subscription: 'sub',
            subscriptionType: SubscriptionType.Exclusive,
            ...extra,
          }),
        )
      ).consumerId,
    send: (producerId: bigint, text: string, topicName = TOPIC) =>
      raw.producer.sendMessage(
        create(StreamMessageSchema, {
          msgId: create(MsgIDSchema, { producerId, topicName }),
          payload: Buffer.from(text),
        }),
      ),
    stream: (consumerId: bigint) => raw.receive(create(ReceiveRequestSchema, { consumerId })),
    healthOf: async (client: ClientType, id: bigint) =>
      (await raw.health.healthCheck(create(HealthCheckRequestSchema, { client, id }))).status,
  };
}

/** Brokers one after the other on the same data directory and the same stored messages. */
function brokers() {
  const dataDir = temporaryDirectory();
  const topics = new Map<string, MemoryTopic>();
  let running: Broker | undefined;
  return {
    dataDir,
    /** Starts the next broker; `storage` may be set up to fail. */
    async next(storage = new MemoryStorage(topics), damper = new Damper()) {
      await running?.stop();
      running = await startTestBroker(dataDir, {}, { openStorage: async () => storage.asStorage(), damper });
      return { broker: running, ...protocol(running) };
    },
    stop: () => running?.stop(),
    topics,
  };
}

const exclusiveProducer = { producerAccessMode: ProducerAccessMode.Exclusive };
const shared = { subscriptionType: SubscriptionType.Shared };
const code = (expected: status) => ({ code: expected });

test('after kill -9 and a restart the same ids go on, and nobody else has got in', async () => {
  const options = { dataDir: temporaryDirectory(), port: await freePort(), httpPort: await freePort() };
  let broker = await BrokerProcess.start(options);
  onCleanUp(() => broker.kill());
  const address = { host: '127.0.0.1', port: options.port };
  const live = { topicName: '/default/live', dispatchStrategy: DispatchStrategy.NonReliable };

  const before = protocol({ address });
  const producer = await before.createProducer('p', exclusiveProducer);
  const consumer = await before.subscribe('c');
  const liveProducer = await before.createProducer('lp', live);
  const liveConsumer = await before.subscribe('lc', { topicName: live.topicName });
  await before.send(producer, 'first');
  await broker.kill();
  broker = await BrokerProcess.start(options);

  const after = protocol({ address });
  for (const [client, id] of [
    [ClientType.Producer, producer],
    [ClientType.Producer, liveProducer],
    [ClientType.Consumer, consumer],
    [ClientType.Consumer, liveConsumer],
  ] as const)
    expect(await after.healthOf(client, id)).toBe(ClientStatus.OK);
  await expect(after.createProducer('q')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await expect(after.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  // Also as shared: the type of a non-reliable topic's subscription is kept with its consumer.
  await expect(after.subscribe('ld', { topicName: live.topicName, ...shared })).rejects.toMatchObject(
    code(status.PERMISSION_DENIED),
  );
  await after.send(producer, 'second');
  const stream = after.stream(consumer);
  await until('both came', () => stream.messages.length === 2);
  expect(stream.messages.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['first', 'second']);
  await after.raw.consumer.ack(
    create(AckRequestSchema, { msgId: stream.messages[0]!.msgId!, subscriptionName: 'sub' }),
  );
  const liveStream = after.stream(liveConsumer);
  await liveStream.headers;
  await after.send(liveProducer, 'now', live.topicName);
  await until('it came', () => liveStream.messages.length === 1);
  // Names lead to the same ids as before.
  expect(await after.createProducer('p', exclusiveProducer)).toBe(producer);
  expect(await after.subscribe('c')).toBe(consumer);
});

test('a restored holder that stays silent gives way when the presence rule says so, and is then unknown', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { next } = brokers();
  const first = await next();
  const producer = await first.createProducer('p', exclusiveProducer);
  const consumer = await first.subscribe('c');
  vi.setSystemTime(Date.now() + 10 * 60_000); // The broker was away for ten minutes.
  const second = await next();
  vi.setSystemTime(Date.now() + 14_000);
  await expect(second.createProducer('q')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await expect(second.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  vi.setSystemTime(Date.now() + 1_000);
  const heir = await second.createProducer('q');
  const heiress = await second.subscribe('d');

  const check = async ({ healthOf, send, stream }: Awaited<ReturnType<typeof next>>) => {
    expect(await healthOf(ClientType.Producer, producer)).toBe(ClientStatus.CLOSE);
    expect(await healthOf(ClientType.Consumer, consumer)).toBe(ClientStatus.CLOSE);
    expect(await healthOf(ClientType.Producer, heir)).toBe(ClientStatus.OK);
    expect(await healthOf(ClientType.Consumer, heiress)).toBe(ClientStatus.OK);
    await expect(send(producer, 'late')).rejects.toMatchObject(code(status.NOT_FOUND));
    expect(await stream(consumer).ended).toMatchObject(code(status.NOT_FOUND));
  };
  await check(second);
  await check(await next());
});

test('a clock set back over the restart gives no longer claim, a slow start no shorter one', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { next, topics } = brokers();
  const first = await next();
  await first.createProducer('p', exclusiveProducer);
  await first.subscribe('c');
  vi.setSystemTime(Date.now() - HOUR_MS / 2);
  const slow = new MemoryStorage(topics);
  const open = slow.openTopic.bind(slow);
  slow.openTopic = (...args) => {
    vi.setSystemTime(Date.now() + 60_000);
    return open(...args);
  };
  const second = await next(slow);
  await expect(second.createProducer('q')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await expect(second.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  vi.setSystemTime(Date.now() + 15_000);
  await second.createProducer('q');
  await second.subscribe('d');
});

test('a health check keeps a restored holder in its place', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { next } = brokers();
  const first = await next();
  const producer = await first.createProducer('p', exclusiveProducer);
  const consumer = await first.subscribe('c');
  const second = await next();
  vi.setSystemTime(Date.now() + 14_000);
  expect(await second.healthOf(ClientType.Producer, producer)).toBe(ClientStatus.OK);
  expect(await second.healthOf(ClientType.Consumer, consumer)).toBe(ClientStatus.OK);
  vi.setSystemTime(Date.now() + 14_000);
  await expect(second.createProducer('q')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await expect(second.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
});

test('who had left before the restart holds no place after it, but may come back', async () => {
  const { next, dataDir, stop } = brokers();
  const first = await next();
  await first.createProducer('p');
  const consumer = await first.subscribe('c');
  const stream = first.stream(consumer);
  await stream.headers;
  stream.cancel();
  await until('it is written that it left', () => leftOf(first.broker, consumer));
  const second = await next();
  const back = second.stream(consumer);
  await back.headers;
  await expect(second.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await until('it is written that it is back', async () => !(await leftOf(second.broker, consumer)));
  back.cancel();
  await until('it is written that it left again', () => leftOf(second.broker, consumer));
  const third = await next();
  const heir = await third.subscribe('d');
  await stop();
  const store = openSqliteMetadataStore(join(dataDir, 'broker.db'));
  onCleanUp(() => store.close());
  const ids = (await store.listConsumers()).filter(({ subscription }) => subscription === 'sub');
  expect(ids.map(({ id }) => id)).toEqual([heir]);
});

/** Whether broker.db says that the consumer left. */
async function leftOf(broker: Broker, id: bigint): Promise<boolean> {
  const store = openSqliteMetadataStore(join(broker.settings.dataDir, 'broker.db'));
  try {
    return (await store.listConsumers()).find((record) => record.id === id)?.left ?? false;
  } finally {
    await store.close();
  }
}

test('an hour of silence counts over restarts, from the last sign of life', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { next } = brokers();
  let broker = await next();
  const silent = await broker.createProducer('silent');
  const lively = await broker.createProducer('lively');
  const consumer = await broker.subscribe('c', shared);
  for (let restart = 0; restart < 4; restart += 1) {
    vi.setSystemTime(Date.now() + HOUR_MS / 4 + 1_000);
    broker = await next();
    await broker.send(lively, 'here');
  }
  expect(await broker.healthOf(ClientType.Producer, lively)).toBe(ClientStatus.OK);
  expect(await broker.healthOf(ClientType.Producer, silent)).toBe(ClientStatus.CLOSE);
  expect(await broker.healthOf(ClientType.Consumer, consumer)).toBe(ClientStatus.CLOSE);
  await expect(broker.send(silent, 'late')).rejects.toMatchObject(code(status.NOT_FOUND));
});

test('shared consumers are all restored, with the type the subscription has', async () => {
  const { next } = brokers();
  const first = await next();
  await first.createProducer('p');
  const ids = [await first.subscribe('a', shared), await first.subscribe('b', shared)];
  const second = await next();
  for (const id of ids) expect(await second.healthOf(ClientType.Consumer, id)).toBe(ClientStatus.OK);
  await expect(second.subscribe('c')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
  await second.subscribe('c', shared);
});

test('while a topic cannot be opened its consumers stay known, and go on when it can', async () => {
  const { next, topics } = brokers();
  const first = await next();
  const producer = await first.createProducer('p');
  const consumer = await first.subscribe('c');
  await first.send(producer, 'kept');
  const storage = new MemoryStorage(topics);
  storage.openError = new StorageError('CATALOG_UNAVAILABLE', 'on demand');
  const second = await next(storage);
  expect(await second.stream(consumer).ended).toMatchObject(code(status.UNAVAILABLE));
  expect(await second.healthOf(ClientType.Consumer, consumer)).toBe(ClientStatus.OK);
  storage.openError = undefined;
  const stream = second.stream(consumer);
  await until('it came', () => stream.messages.length === 1);
  await expect(second.subscribe('d')).rejects.toMatchObject(code(status.PERMISSION_DENIED));
});

test('the refusal of a stream is held back, and given when the broker stops', async () => {
  const { next, stop } = brokers();
  const damper = new Damper(3_600_000);
  const { stream, healthOf } = await next(undefined, damper);
  const refused = stream(99n);
  let ended = false;
  void refused.ended.then(() => {
    ended = true;
  });
  await until('it waits', () => damper.waiting === 1);
  await healthOf(ClientType.Consumer, 99n);
  expect(ended).toBe(false);
  const given = stream(98n);
  await until('both wait', () => damper.waiting === 2);
  given.cancel();
  await until('who went away waits no more', () => damper.waiting === 1);
  const stopped = stop();
  expect(await refused.ended).toMatchObject(code(status.NOT_FOUND));
  await stopped;
});
