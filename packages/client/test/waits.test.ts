import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClientEvent, DanubeClient, RetryOptions } from '../src/index.ts';
import { ClientError, connect } from '../src/index.ts';
import { create, StreamMessageSchema } from '../src/protocol.ts';
import { TestBroker } from './support/test-broker.ts';
import { bytes, take, until } from './support/waiting.ts';

const topic = '/default/orders';
const who = { topic, subscription: 's', consumerName: 'c' };
/** Nobody waits for that long: a test that ends has shown that the wait was cut short. */
const forever = { baseDelayMs: 600_000, maxDelayMs: 600_000 };
let broker: TestBroker;
let client: DanubeClient;
let events: ClientEvent[];

beforeEach(async () => {
  broker = await new TestBroker().start();
  broker.topic(topic);
  events = [];
});
afterEach(async () => {
  await client.close();
  broker.stop();
});

const open = (retry: RetryOptions) => {
  client = connect({ serviceUrl: broker.url, retry, onEvent: (event) => events.push(event) });
  return client;
};
const caught = (promise: Promise<unknown>): Promise<ClientError> =>
  promise.then(
    () => Promise.reject(new Error('it did not reject')),
    (error: unknown) => (ClientError.is(error) ? error : Promise.reject(error)),
  );
const waits = () => events.flatMap((event) => (event.kind === 'reconnecting' ? [event] : []));
const returns = () => events.filter(({ kind }) => kind === 'reconnected').length;
/** Checks that the waits are numbered from 1 and double from 4 ms, each 50 to 100 % of its step. */
const expectDoubling = (found: { attempt: number; delayMs: number }[]) => {
  for (const [index, { attempt, delayMs }] of found.entries()) {
    expect(attempt).toBe(index + 1);
    expect(delayMs).toBeGreaterThanOrEqual(2 * 2 ** index);
    expect(delayMs).toBeLessThanOrEqual(4 * 2 ** index);
  }
};

test('the waits of a send that is refused for a while double', async () => {
  const producer = await open({ baseDelayMs: 4, maxDelayMs: 60_000 }).createProducer({ topic, name: 'p' });
  let refusals = 4;
  broker.onSend = () => (refusals-- > 0 ? { answer: status.RESOURCE_EXHAUSTED } : undefined);
  await producer.send(bytes('a'));
  expect(waits()).toHaveLength(4);
  expectDoubling(waits());
});

test('the waits of a consumer double while nothing comes, and start anew after a message', async () => {
  const consumer = await open({ baseDelayMs: 4, maxDelayMs: 60_000 }).subscribe(who);
  const endStream = async () => {
    const before = returns();
    await until(() => broker.topic(topic).subscriptions.get('s')!.streams.size > 0);
    broker.endStreams(topic);
    await until(() => returns() > before);
  };
  for (let i = 0; i < 4; i += 1) await endStream();
  expectDoubling(waits());
  broker.append(create(StreamMessageSchema, { msgId: { topicName: topic }, payload: bytes('a') }));
  // Acknowledged, so that it does not come with every new stream.
  await consumer.ack((await take(consumer, 1))[0]!);
  events.length = 0;
  for (let i = 0; i < 2; i += 1) await endStream();
  expectDoubling(waits());
});

test('maxRetries counts the lookups of partitions after the first', async () => {
  open({ maxRetries: 2, baseDelayMs: 1, maxDelayMs: 1 });
  broker.onCall = (name) => (name === 'TopicPartitions' ? status.UNAVAILABLE : undefined);
  expect(await caught(client.subscribe(who))).toMatchObject({ code: 'UNAVAILABLE' });
  expect(broker.calls).toEqual(['TopicPartitions', 'TopicPartitions', 'TopicPartitions']);
});

test('a producer that is closed while a send waits for the next try ends the wait', async () => {
  const producer = await open(forever).createProducer({ topic, name: 'p' });
  broker.onSend = () => ({ answer: status.RESOURCE_EXHAUSTED });
  const sending = caught(producer.send(bytes('a')));
  await until(() => waits().length > 0);
  await producer.close();
  expect(await sending).toMatchObject({ code: 'CLOSED', outcome: 'refused' });
});

test('a consumer that is closed while it waits to reconnect ends the wait', async () => {
  const consumer = await open(forever).subscribe(who);
  await until(() => broker.topic(topic).subscriptions.get('s')!.streams.size > 0);
  broker.endStreams(topic);
  await until(() => waits().length > 0);
  await consumer.close();
  expect(await take(consumer, 1)).toEqual([]);
});

test('a consumer that is closed while an acknowledgement waits for the next try ends the wait', async () => {
  const consumer = await open(forever).subscribe(who);
  broker.append(create(StreamMessageSchema, { msgId: { topicName: topic }, payload: bytes('a') }));
  const [message] = await take(consumer, 1);
  broker.onCall = (name) => (name === 'Ack' ? status.UNAVAILABLE : undefined);
  const acknowledged = caught(consumer.ack(message!));
  await until(() => broker.calls.includes('Ack'));
  await consumer.close();
  expect(await acknowledged).toMatchObject({ code: 'CLOSED' });
});

// The client knows neither of these yet, for they have not opened.
test.each([
  ['createProducer', 'CreateProducer', () => client.createProducer({ topic, name: 'p' })],
  ['subscribe', 'Subscribe', () => client.subscribe(who)],
  ['subscribe', 'TopicPartitions', () => client.subscribe(who)],
] as const)(
  'a client that is closed while %s waits to try %s again ends the wait',
  async (_, call, opening) => {
    open(forever);
    broker.onCall = (name) => (name === call ? status.UNAVAILABLE : undefined);
    const refused = caught(opening());
    await until(() => broker.calls.includes(call));
    // The answer, too, has come by then.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.close();
    expect(await refused).toMatchObject({ code: 'CLOSED' });
    expect(broker.calls.filter((name) => name === call)).toHaveLength(1);
  },
);
