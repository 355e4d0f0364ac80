import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClientEvent, ConnectOptions, Consumer, DanubeClient, Producer } from '../src/index.ts';
import { ClientError, connect } from '../src/index.ts';
import { ClientStatus, ClientType, create, StreamMessageSchema } from '../src/protocol.ts';
import { openCuttableProxy } from './support/cuttable-proxy.ts';
import { TestBroker } from './support/test-broker.ts';
import { bytes, settled, take, text, until } from './support/waiting.ts';

const topic = '/default/orders';
const who = { topic, subscription: 's', consumerName: 'c' };
let broker: TestBroker;
let client: DanubeClient;
let events: ClientEvent[];

beforeEach(async () => {
  broker = await new TestBroker().start();
  events = [];
  client = clientWith();
});
afterEach(async () => {
  await client.close();
  broker.stop();
});

const clientWith = (options: Partial<ConnectOptions> = {}): DanubeClient =>
  connect({
    serviceUrl: broker.url,
    retry: { baseDelayMs: 5, maxDelayMs: 50 },
    onEvent: (event) => events.push(event),
    ...options,
  });
/** For the tests in which a health check decides something; elsewhere a busy machine must not miss one. */
const withQuickHealthChecks = async () => {
  await client.close();
  client = clientWith({ healthCheckIntervalMs: 20 });
};
const fill = (from: number, to: number, size = 0) => {
  for (let i = from; i < to; i += 1) {
    const payload = size === 0 ? bytes(String(i)) : new Uint8Array(size);
    broker.append(
      create(StreamMessageSchema, { requestId: BigInt(i), msgId: { topicName: topic }, payload }),
    );
  }
};
const subscribe = (): Promise<Consumer> => {
  broker.topic(topic);
  return client.subscribe(who);
};
const texts = (messages: readonly { payload: Uint8Array }[]) => messages.map(({ payload }) => text(payload));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));
const caught = (promise: Promise<unknown>): Promise<ClientError> =>
  promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error: unknown) => {
      if (ClientError.is(error)) return error;
      throw error;
    },
  );

test('subscribes as the official clients do: partitions, lookup, Subscribe, then the stream and health checks', async () => {
  await subscribe();
  await until(() => broker.healthChecks.length > 0);
  expect(broker.calls.slice(0, 3)).toEqual(['TopicPartitions', 'TopicLookup', 'Subscribe']);
  expect(broker.calls).toContain('ReceiveMessages');
  expect(broker.healthChecks[0]).toMatchObject({ client: ClientType.Consumer, id: 1n });
});

test('what was published arrives in order with all its fields, and is acknowledged under its own id', async () => {
  const producer: Producer = await client.createProducer({ topic, name: 'p', dispatch: 'reliable' });
  const consumer = await client.subscribe(who);
  for (let i = 0; i < 50; i += 1) {
    await producer.send(bytes(String(i)), {
      attributes: { i: String(i), '': 'x', ['__proto__']: 'y' },
      publishTimeMs: 1_700_000_000_000 + i,
      ...(i % 2 === 0 && { routingKey: '' }),
    });
  }
  const messages = await take(consumer, 50);
  expect(texts(messages)).toEqual(numbers(0, 50));
  expect(messages.map(({ offset }) => offset)).toEqual(numbers(0, 50).map(Number));
  const [first, second] = messages;
  expect(first).toMatchObject({
    topic,
    offset: 0,
    producerId: 1n,
    brokerAddr: broker.url,
    requestId: 1n,
    publishTimeMs: 1_700_000_000_000,
    producerName: 'p',
    subscription: 's',
    routingKey: '',
  });
  expect([...first!.attributes].sort()).toEqual([
    ['', 'x'],
    ['__proto__', 'y'],
    ['i', '0'],
  ]);
  expect('routingKey' in second!).toBe(false);
  expect('schemaId' in first!).toBe(false);
  // Out of order, and from a copy: an id is plain data.
  for (const message of [...messages].reverse()) await consumer.ack(structuredClone(message));
  expect(broker.topic(topic).subscriptions.get('s')!.cursor).toBe(50);
});

test('unsigned 64-bit ids survive', async () => {
  const consumer = await subscribe();
  const big = 2n ** 64n - 1n;
  broker.append(
    create(StreamMessageSchema, {
      requestId: big,
      msgId: { topicName: topic, producerId: big },
      schemaId: big,
      schemaVersion: 2 ** 32 - 1,
    }),
  );
  const [message] = await take(consumer, 1);
  expect(message).toMatchObject({
    requestId: big,
    producerId: big,
    schemaId: big,
    schemaVersion: 2 ** 32 - 1,
  });
});

describe('offsets', () => {
  test('up to 2^53 - 1 are exact, and acknowledged exactly', async () => {
    broker.firstOffset = BigInt(Number.MAX_SAFE_INTEGER);
    const consumer = await subscribe();
    fill(0, 1);
    const [message] = await take(consumer, 1);
    expect(message!.offset).toBe(Number.MAX_SAFE_INTEGER);
    await consumer.ack(message!);
    expect(broker.topic(topic).subscriptions.get('s')!.cursor).toBe(1);
  });

  test('beyond are an error, never another number', async () => {
    broker.firstOffset = BigInt(Number.MAX_SAFE_INTEGER);
    const consumer = await subscribe();
    fill(0, 2);
    expect((await consumer.receive())!.offset).toBe(Number.MAX_SAFE_INTEGER);
    const error = await caught(consumer.receive());
    expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', context: { offset: 2n ** 53n } });
    expect(await consumer.receive()).toBeUndefined();
  });
});

describe('goes on without losing a message', () => {
  test('when the broker restarts on its port', async () => {
    const consumer = await subscribe();
    const got: string[] = [];
    let restarts = 0;
    fill(0, 40);
    for await (const message of consumer) {
      got.push(text(message.payload));
      await consumer.ack(message).catch(() => {}); // lost with the broker: it comes again
      if (got.length % 10 === 0 && restarts < 3) {
        restarts += 1;
        broker.stop();
        fill(restarts * 40, restarts * 40 + 40);
        await broker.start();
      }
      if (new Set(got).size === 160) break;
    }
    expect([...new Set(got)]).toEqual(numbers(0, 160));
    expect(events).toContainEqual(expect.objectContaining({ kind: 'reconnected', role: 'consumer' }));
  });

  test('when its connection is cut', async () => {
    const proxy = await openCuttableProxy(broker.port);
    broker.lookup = { connectUrl: proxy.url };
    const consumer = await subscribe();
    fill(0, 3);
    for (const message of await take(consumer, 3)) await consumer.ack(message);
    proxy.cut();
    fill(3, 6);
    expect(texts(await take(consumer, 3))).toEqual(numbers(3, 6));
    proxy.close();
  });

  test('when the broker is away for a while', async () => {
    const consumer = await subscribe();
    broker.stop();
    await until(() => events.filter(({ kind }) => kind === 'reconnecting').length > 8);
    fill(0, 5);
    await broker.start();
    expect(texts(await take(consumer, 5))).toEqual(numbers(0, 5));
  });

  for (const code of [undefined, status.UNAVAILABLE, status.INTERNAL, status.NOT_FOUND, status.CANCELLED]) {
    test(`when the stream ends with ${code === undefined ? 'OK' : status[code]}`, async () => {
      const consumer = await subscribe();
      fill(0, 3);
      const first = await take(consumer, 3);
      for (const message of first) await consumer.ack(message);
      broker.endStreams(topic, code);
      fill(3, 6);
      expect(texts(await take(consumer, 3))).toEqual(numbers(3, 6));
      expect(broker.calls.filter((call) => call === 'Subscribe')).toHaveLength(2);
    });
  }

  test('when a health check says CLOSE: it looks the topic up and subscribes anew', async () => {
    await withQuickHealthChecks();
    let moved = false;
    broker.health = () => (moved ? ClientStatus.OK : ClientStatus.CLOSE);
    const consumer = await subscribe();
    await until(() => events.some(({ kind }) => kind === 'reconnecting'));
    moved = true;
    fill(0, 3);
    expect(texts(await take(consumer, 3))).toEqual(numbers(0, 3));
    expect(events[0]).toMatchObject({ reason: 'the broker said CLOSE' });
  });

  test('when health checks go unanswered although the stream stands: the connection is given up', async () => {
    await withQuickHealthChecks();
    let deaf = true;
    broker.onCall = (name) => (name === 'HealthCheck' && deaf ? status.UNAVAILABLE : undefined);
    await subscribe();
    await until(() => events.some(({ kind }) => kind === 'reconnected'));
    deaf = false;
    expect(events[0]).toMatchObject({ kind: 'reconnecting', role: 'consumer' });
  });

  test('a broker without health service is left in peace', async () => {
    await withQuickHealthChecks();
    broker.onCall = (name) => (name === 'HealthCheck' ? status.UNIMPLEMENTED : undefined);
    const consumer = await subscribe();
    await until(() => broker.calls.includes('HealthCheck'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(broker.calls.filter((call) => call === 'HealthCheck')).toHaveLength(1);
    fill(0, 1);
    expect(texts(await take(consumer, 1))).toEqual(['0']);
  });
});

describe('a slow consumer', () => {
  test('holds back the broker instead of filling its memory, and then gets everything in order', async () => {
    const consumer = await subscribe();
    const size = 1_000;
    fill(0, 20_000, size);
    // 100 in our queue, 16 in the stream's, the rest in the windows of two sockets; by far not 20,000.
    expect(await settled(() => broker.delivered)).toBeLessThan(5_000);
    const offsets = (await take(consumer, 20_000)).map(({ offset }) => offset);
    expect(offsets).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  test('is bounded by bytes too', async () => {
    broker.topic(topic);
    const consumer = await client.subscribe({ ...who, bufferMessages: 1_000_000, bufferBytes: 1_000_000 });
    fill(0, 300, 100_000);
    expect(await settled(() => broker.delivered)).toBeLessThan(100);
    expect(await take(consumer, 300)).toHaveLength(300);
  });

  test('does not starve the acknowledgements that share its connection', async () => {
    const consumer = await subscribe();
    fill(0, 5_000, 10_000);
    await settled(() => broker.delivered);
    const message = await consumer.receive();
    await consumer.ack(message!);
    expect(broker.topic(topic).subscriptions.get('s')!.cursor).toBe(1);
  });
});

describe('close', () => {
  test('ends a loop that waits', async () => {
    const consumer = await subscribe();
    const loop = (async () => {
      for await (const message of consumer) throw new Error(`unexpected ${message.offset}`);
    })();
    await consumer.close();
    await loop;
  });

  test('during a busy stream ends the loop, and what was not acknowledged stays with the subscription', async () => {
    const consumer = await subscribe();
    fill(0, 1_000);
    let seen = 0;
    for await (const message of consumer) {
      seen += 1;
      if (seen === 10) await consumer.ack(message);
      if (seen === 20) await consumer.close();
    }
    expect(seen).toBe(20);
    expect(
      await caught(consumer.ack({ topic, offset: 0, producerId: 0n, brokerAddr: '', requestId: 0n })),
    ).toMatchObject({ code: 'CLOSED' });
    const next = await client.subscribe(who);
    expect(texts(await take(next, 20))).toEqual([...numbers(0, 9), ...numbers(10, 21)]);
  });

  test('while the broker is away ends the loop at once', async () => {
    const consumer = await subscribe();
    broker.stop();
    const loop = take(consumer, 1);
    await until(() => events.length > 2);
    await client.close();
    expect(await loop).toEqual([]);
  });

  test('break leaves the consumer open', async () => {
    const consumer = await subscribe();
    fill(0, 4);
    expect(texts(await take(consumer, 2))).toEqual(['0', '1']);
    expect(texts(await take(consumer, 2))).toEqual(['2', '3']);
  });
});

describe('refusals', () => {
  test('an unknown topic: NOT_FOUND', async () => {
    expect(await caught(client.subscribe(who))).toMatchObject({ code: 'NOT_FOUND', outcome: 'refused' });
  });

  test('a second exclusive consumer: PERMISSION_DENIED; the same name takes over', async () => {
    broker.topic(topic);
    const first = await client.subscribe({ ...who, type: 'exclusive' });
    expect(
      await caught(client.subscribe({ ...who, consumerName: 'other', type: 'exclusive' })),
    ).toMatchObject({ code: 'PERMISSION_DENIED' });
    await first.close();
    await client.subscribe({ ...who, type: 'exclusive' });
  });

  test('a refusal while reconnecting ends the iterator with the error, once', async () => {
    const consumer = await subscribe();
    fill(0, 1);
    expect(await take(consumer, 1)).toHaveLength(1);
    broker.onCall = (name) => (name === 'Subscribe' ? status.PERMISSION_DENIED : undefined);
    broker.endStreams(topic);
    expect(await caught(take(consumer, 1))).toMatchObject({ code: 'PERMISSION_DENIED', context: { topic } });
    expect(await consumer.receive()).toBeUndefined();
  });

  test('bad arguments', async () => {
    broker.topic(topic);
    const bad = [
      { ...who, topic: 'orders' },
      { ...who, subscription: '' },
      { ...who, consumerName: '\ud800' },
      { ...who, keyFilters: ['a*'] },
      { ...who, bufferMessages: 0 },
      { ...who, type: 'best' as 'shared' },
      { ...who, prefetch: 1 } as typeof who,
    ];
    for (const options of bad)
      expect((await caught(client.subscribe(options))).code).toBe('INVALID_ARGUMENT');
    const consumer = await client.subscribe(who);
    const stray = { topic: '/default/other', offset: 0, producerId: 0n, brokerAddr: '', requestId: 0n };
    expect((await caught(consumer.ack(stray))).code).toBe('INVALID_ARGUMENT');
    expect((await caught(consumer.ack({ ...stray, topic, offset: 2 ** 53 }))).code).toBe('INVALID_ARGUMENT');
    expect((await caught(consumer.nack({ ...stray, topic }, { delayMs: -1 }))).code).toBe('INVALID_ARGUMENT');
  });
});

test('ack is tried again on the three codes and only there', async () => {
  const consumer = await subscribe();
  fill(0, 1);
  const [message] = await take(consumer, 1);
  let refusals = 3;
  broker.onCall = (name) => (name === 'Ack' && refusals-- > 0 ? status.UNAVAILABLE : undefined);
  await consumer.ack(message!);
  expect(broker.topic(topic).subscriptions.get('s')!.cursor).toBe(1);
  broker.onCall = (name) => (name === 'Ack' ? status.INTERNAL : undefined);
  expect(await caught(consumer.ack(message!))).toMatchObject({
    code: 'BROKER_ERROR',
    context: { attempts: 1 },
  });
});

test('nack carries delay and reason only when given', async () => {
  const consumer = await subscribe();
  fill(0, 1);
  const [message] = await take(consumer, 1);
  await consumer.nack(message!);
  await consumer.nack(message!, { delayMs: 0, reason: '' });
  await consumer.nack(message!, { delayMs: 1_500, reason: 'not now' });
  const { nacks } = broker.topic(topic).subscriptions.get('s')!;
  expect(nacks.map(({ delayMs, reason }) => [delayMs, reason])).toEqual([
    [undefined, undefined],
    [0n, ''],
    [1_500n, 'not now'],
  ]);
  expect(nacks[0]).toMatchObject({ requestId: 0n, subscriptionName: 's', msgId: { topicOffset: 0n } });
});

test('a partitioned topic is one consumer over all partitions; acknowledgements find theirs', async () => {
  const parts = [0, 1, 2].map((i) => `${topic}-part-${i}`);
  broker.partitions.set(topic, parts);
  for (const part of parts) broker.topic(part);
  const consumer = await client.subscribe(who);
  expect(consumer.partitions).toEqual(parts);
  const producer = await client.createProducer({ topic, name: 'p', partitions: 3 });
  for (let i = 0; i < 30; i += 1) await producer.send(bytes(String(i)));
  const messages = await take(consumer, 30);
  for (const part of parts) {
    expect(messages.filter((message) => message.topic === part).map(({ offset }) => offset)).toEqual(
      numbers(0, 10).map(Number),
    );
  }
  for (const message of messages) await consumer.ack(message);
  expect(parts.map((part) => broker.topic(part).subscriptions.get('s')!.cursor)).toEqual([10, 10, 10]);
});
