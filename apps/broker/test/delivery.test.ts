// Delivery on the real storage, through real sockets with @danube/client.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Consumer, Message } from '@danube/client';
import { expect, test } from 'vitest';
import { temporaryDirectory, until } from './support/clean-up.ts';
import { clientOf, startTestBroker } from './support/harness.ts';

const TOPIC = '/default/orders';

async function take(consumer: Consumer, count: number, ack = true): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const message = await consumer.receive();
    if (message === undefined) break;
    messages.push(message);
    if (ack) await consumer.ack(message);
  }
  return messages;
}

const textOf = (message: Message) => Buffer.from(message.payload).toString();
const offsetsOf = (messages: readonly Message[]) => messages.map(({ offset }) => offset);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function cursorOnDisk(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'broker.db'), { readOnly: true });
  try {
    return Number(database.prepare('SELECT acked_through FROM cursors').get()?.['acked_through']);
  } finally {
    database.close();
  }
}

async function publisher(
  broker: Parameters<typeof clientOf>[0],
  dispatch: 'reliable' | 'non-reliable' = 'reliable',
) {
  const producer = await clientOf(broker).createProducer({ topic: TOPIC, name: 'p', dispatch });
  let next = 0;
  return {
    producer,
    send: async (count: number, bytes = 0) => {
      for (let i = 0; i < count; i += 1) await producer.send(Buffer.from(`${next++}`.padEnd(bytes)));
    },
  };
}

test('a new subscription starts at the latest message, two subscriptions each get everything, in order', async () => {
  const broker = await startTestBroker(temporaryDirectory());
  const { producer, send } = await publisher(broker);
  await send(3);
  const client = clientOf(broker);
  const [a, b] = await Promise.all(
    ['a', 'b'].map((subscription) =>
      client.subscribe({ topic: TOPIC, subscription, consumerName: 'c', type: 'exclusive' }),
    ),
  );
  const publishTimeMs = 1_700_000_000_123;
  await producer.send(Buffer.from('with attributes'), {
    attributes: { k: 'v' },
    routingKey: 'r',
    publishTimeMs,
  });
  await send(20);
  for (const consumer of [a!, b!]) {
    const messages = await take(consumer, 21);
    expect(offsetsOf(messages)).toEqual(range(3, 24));
    expect(messages[0]).toMatchObject({
      publishTimeMs,
      producerName: 'p',
      routingKey: 'r',
      attributes: new Map([['k', 'v']]),
    });
  }
});

test('consumers of a shared subscription take turns and together get each message once', async () => {
  const broker = await startTestBroker(temporaryDirectory());
  const { send } = await publisher(broker);
  const client = clientOf(broker);
  const consumers = await Promise.all(
    ['c1', 'c2'].map((consumerName) =>
      client.subscribe({ topic: TOPIC, subscription: 's', consumerName, type: 'shared' }),
    ),
  );
  const got: Message[][] = [[], []];
  const reading = consumers.map(async (consumer, index) => {
    for await (const message of consumer) {
      got[index]!.push(message);
      await consumer.ack(message);
    }
  });
  await send(40);
  await until('all came', () => got[0]!.length + got[1]!.length === 40);
  expect(offsetsOf(got.flat()).sort((x, y) => x - y)).toEqual(range(0, 40));
  expect(Math.min(got[0]!.length, got[1]!.length)).toBeGreaterThan(0);
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await Promise.all(reading);
});

test('a subscriber that stops reading while thousands of messages pass loses none of them (upstream does)', async () => {
  const broker = await startTestBroker(temporaryDirectory(), {
    storage: { iceberg_config: { flush: { max_age_ms: 100 } } },
  });
  const { producer } = await publisher(broker);
  const consumer = await clientOf(broker).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'slow',
    type: 'exclusive',
  });
  await Promise.all(range(0, 3_000).map((i) => producer.send(Buffer.from(String(i)))));
  await broker.storage.flush(TOPIC); // All of it is in the table now, far behind the tail.
  const messages = await take(consumer, 3_000);
  expect(offsetsOf(messages)).toEqual(range(0, 3_000));
  expect(new Set(messages.map(textOf)).size).toBe(3_000);
});

test('after a restart a subscription goes on behind its last acknowledgement', async () => {
  const dataDir = temporaryDirectory();
  const first = await startTestBroker(dataDir);
  const { send } = await publisher(first);
  const consumer = await clientOf(first).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  await send(30);
  await take(consumer, 12);
  await first.stop();
  expect(cursorOnDisk(dataDir)).toBe(11);

  const second = await startTestBroker(dataDir);
  const again = await clientOf(second).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  const messages = await take(again, 18);
  expect(offsetsOf(messages)).toEqual(range(12, 30));
  expect(messages.map(textOf)).toEqual(range(12, 30).map(String));
});

test('the cursor is on disk as soon as the consumer has left, and within the flush interval while it stays', async () => {
  const dataDir = temporaryDirectory();
  const broker = await startTestBroker(dataDir, { dispatch: { cursor_flush_interval_ms: 5_000 } });
  const { send } = await publisher(broker);
  const consumer = await clientOf(broker).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  await send(5);
  await take(consumer, 5);
  expect(cursorOnDisk(dataDir)).toBeLessThan(4);
  await consumer.close();
  await until('it is on disk', () => cursorOnDisk(dataDir) === 4);
});

test('no cursor on disk is above what the log has synced, whatever was acknowledged', async () => {
  const dataDir = temporaryDirectory();
  const broker = await startTestBroker(dataDir, {
    dispatch: { cursor_flush_interval_ms: 10 },
    storage: { iceberg_config: { wal: { sync_mode: 'periodic', sync_interval_ms: 60_000 } } },
  });
  const { send } = await publisher(broker);
  const consumer = await clientOf(broker).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  await send(20);
  await take(consumer, 20);
  await new Promise((resolve) => setTimeout(resolve, 100)); // Several flush intervals.
  expect(cursorOnDisk(dataDir)).toBeLessThanOrEqual(broker.storage.topic(TOPIC)!.durableOffset);
  await broker.stop();
  expect(cursorOnDisk(dataDir)).toBe(19); // Closing synced the log, and the cursor followed.
});

test('a refused message comes again; one not acknowledged in time too', async () => {
  const broker = await startTestBroker(temporaryDirectory(), { dispatch: { ack_timeout_ms: 300 } });
  const { send } = await publisher(broker);
  const consumer = await clientOf(broker).subscribe({
    topic: TOPIC,
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  await send(2);
  const [first, second] = await take(consumer, 2, false);
  await consumer.nack(first!, { delayMs: 0 });
  const [again] = await take(consumer, 1);
  expect(again!.offset).toBe(0);
  const [late] = await take(consumer, 1);
  expect(late!.offset).toBe(second!.offset);
});

test('a non-reliable topic delivers to who is there, drops for who does not read, and stores nothing', async () => {
  const broker = await startTestBroker(temporaryDirectory());
  const { producer, send } = await publisher(broker, 'non-reliable');
  await send(2); // Nobody is there.
  const client = clientOf(broker);
  const reading = await client.subscribe({
    topic: TOPIC,
    subscription: 'reads',
    consumerName: 'c',
    type: 'exclusive',
  });
  const seen: string[] = [];
  const loop = (async () => {
    for await (const message of reading) {
      expect(message.offset).toBe(0);
      seen.push(textOf(message));
    }
  })();
  await until('a stream is open', async () => {
    await producer.send(Buffer.from('ping'));
    return seen.includes('ping');
  });
  await send(100);
  await until('the last came', () => seen.includes('101'));
  expect(seen.filter((text) => text !== 'ping')).toEqual(range(2, 102).map(String));

  // A consumer that never reads: its stream fills up, the producer goes on, the other subscription misses nothing.
  await client.subscribe({
    topic: TOPIC,
    subscription: 'sleeps',
    consumerName: 'c',
    type: 'exclusive',
    bufferMessages: 1,
  });
  await until('messages are dropped', async () => {
    await producer.send(Buffer.alloc(100_000, 'x'));
    return /danube_dropped_messages_total\{topic="\/default\/orders"\} ([3-9]|\d\d)/.test(
      await (await fetch(`${broker.httpUrl}/metrics`)).text(),
    );
  });
  await send(10);
  await until('the reader still gets all', () => seen.includes('111'));
  expect(broker.storage.listTopics()).toEqual([]);
  await reading.close();
  await loop;
});
