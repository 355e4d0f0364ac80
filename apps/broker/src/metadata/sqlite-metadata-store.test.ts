import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { onCleanUp, temporaryDirectory } from '../../test/support/clean-up.ts';
import type { ConsumerRecord, ProducerRecord } from './client-records.ts';
import type { TopicRecord } from './metadata-store.ts';
import { openSqliteMetadataStore } from './sqlite-metadata-store.ts';

function open(file = join(temporaryDirectory(), 'broker.db')) {
  const store = openSqliteMetadataStore(file);
  onCleanUp(() => store.close());
  return { file, store };
}

const orders: TopicRecord = {
  name: '/default/orders',
  namespace: 'default',
  dispatch: 'reliable',
  createdAtMs: 1,
};

test('what was stored is there after the store was opened again', async () => {
  const { file, store } = open();
  await store.createNamespace('default');
  await store.createTopic(orders);
  await store.putSubscription({ topic: orders.name, name: 's', type: 'shared', cursor: 4 });
  await store.saveCursors([{ topic: orders.name, subscription: 's', cursor: 2 ** 40 }]);
  await store.close();
  const again = open(file).store;
  expect(await again.listNamespaces()).toEqual(['default']);
  expect(await again.listTopics()).toEqual([orders]);
  expect(await again.listSubscriptions(orders.name)).toEqual([
    { topic: orders.name, name: 's', type: 'shared', cursor: 2 ** 40 },
  ]);
});

test('a topic that exists keeps its dispatch strategy', async () => {
  const { store } = open();
  await store.createTopic(orders);
  expect(await store.createTopic({ ...orders, dispatch: 'non-reliable' })).toEqual(orders);
});

const producer: ProducerRecord = {
  id: 2n ** 62n - 1n, // As large as ids get: no double holds it.
  topic: orders.name,
  name: 'p',
  exclusive: false,
  lastSeenMs: 1_700_000_000_123,
};
const consumer: ConsumerRecord = {
  id: 2n ** 61n + 1n,
  topic: orders.name,
  subscription: 's',
  name: 'c',
  type: 'shared',
  left: false,
  lastSeenMs: 1_700_000_000_456,
};

test('producers and consumers are there with every bit of their ids after the store was opened again', async () => {
  const { file, store } = open();
  await store.createTopic(orders);
  await store.putProducer(producer);
  await store.putConsumer(consumer);
  await store.close();
  const again = open(file).store;
  expect(await again.listProducers()).toEqual([producer]);
  expect(await again.listConsumers()).toEqual([consumer]);
});

test('signs of life and changes of the same id are kept; ids that are gone are ignored', async () => {
  const { store } = open();
  await store.createTopic(orders);
  await store.putProducer(producer);
  await store.putConsumer(consumer);
  await store.saveSigns([
    { id: producer.id, lastSeenMs: 5, left: false },
    { id: consumer.id, lastSeenMs: 6, left: true },
    { id: 99n, lastSeenMs: 7, left: true },
  ]);
  expect(await store.listProducers()).toEqual([{ ...producer, lastSeenMs: 5 }]);
  expect(await store.listConsumers()).toEqual([{ ...consumer, lastSeenMs: 6, left: true }]);
  await store.putProducer({ ...producer, exclusive: true });
  await store.putConsumer(consumer);
  expect(await store.listProducers()).toEqual([{ ...producer, exclusive: true }]);
  expect(await store.listConsumers()).toEqual([consumer]);
  await store.removeClients([producer.id, 99n]);
  expect(await store.listProducers()).toEqual([]);
  expect(await store.listConsumers()).toEqual([consumer]);
});

test('nobody is stored beside an exclusive producer, and a name has one id', async () => {
  const { store } = open();
  await store.createTopic(orders);
  await store.createTopic({ ...orders, name: '/default/other' });
  const ids = async () => (await store.listProducers()).map(({ id }) => id).sort();
  await store.putProducer({ ...producer, id: 1n, name: 'a' });
  await store.putProducer({ ...producer, id: 2n, name: 'b' });
  await store.putProducer({ ...producer, id: 3n, name: 'elsewhere', topic: '/default/other' });
  await store.putProducer({ ...producer, id: 4n, name: 'b' });
  expect(await ids()).toEqual([1n, 3n, 4n]);
  await store.putProducer({ ...producer, id: 5n, name: 'x', exclusive: true });
  expect(await ids()).toEqual([3n, 5n]);
  await store.putProducer({ ...producer, id: 6n, name: 'a' });
  expect(await ids()).toEqual([3n, 6n]);
});

test('nobody is stored beside an exclusive consumer, and the subscription has its type', async () => {
  const { store } = open();
  await store.createTopic(orders);
  await store.putSubscription({ topic: orders.name, name: 's', type: 'shared', cursor: 4 });
  const typesById = async () =>
    Object.fromEntries((await store.listConsumers()).map(({ id, type }) => [String(id), type]));
  await store.putConsumer({ ...consumer, id: 1n, name: 'a' });
  await store.putConsumer({ ...consumer, id: 2n, name: 'b' });
  await store.putConsumer({ ...consumer, id: 3n, name: 'a', subscription: 'other' });
  await store.putConsumer({ ...consumer, id: 4n, name: 'x', type: 'exclusive' });
  expect(await typesById()).toEqual({ 3: 'shared', 4: 'exclusive' });
  expect(await store.listSubscriptions(orders.name)).toEqual([
    { topic: orders.name, name: 's', type: 'exclusive', cursor: 4 },
  ]);
  await store.putConsumer({ ...consumer, id: 5n, name: 'y' });
  expect(await typesById()).toEqual({ 3: 'shared', 4: 'shared', 5: 'shared' });
});

test('a file of layout 1 keeps what it holds and gets the tables of clients', async () => {
  const { file, store } = open();
  await store.createTopic(orders);
  await store.putSubscription({ topic: orders.name, name: 's', type: 'shared', cursor: 4 });
  await store.close();
  const database = new DatabaseSync(file); // What layout 1 had and nothing else.
  database.exec('DROP TABLE producers; DROP TABLE consumers; PRAGMA user_version = 1');
  database.close();
  const migrated = open(file).store;
  expect(await migrated.listTopics()).toEqual([orders]);
  expect((await migrated.listSubscriptions(orders.name)).map(({ cursor }) => cursor)).toEqual([4]);
  await migrated.putProducer(producer);
  await migrated.close();
  expect(await open(file).store.listProducers()).toEqual([producer]);
});

test('a cursor never moves back, and a type change leaves it alone', async () => {
  const { store } = open();
  await store.createTopic(orders);
  await store.putSubscription({ topic: orders.name, name: 's', type: 'shared', cursor: 9 });
  await store.saveCursors([{ topic: orders.name, subscription: 's', cursor: 3 }]);
  const changed = await store.putSubscription({
    topic: orders.name,
    name: 's',
    type: 'exclusive',
    cursor: -1,
  });
  expect(changed).toEqual({ topic: orders.name, name: 's', type: 'exclusive', cursor: 9 });
});

test('deleting a topic or subscription takes what hangs on it', async () => {
  const { store } = open();
  await store.createTopic(orders);
  for (const name of ['a', 'b'])
    await store.putSubscription({ topic: orders.name, name, type: 'shared', cursor: 1 });
  await store.putConsumer({ ...consumer, id: 1n, subscription: 'a' });
  await store.putConsumer({ ...consumer, id: 2n, subscription: 'b' });
  await store.putProducer(producer);
  await store.deleteSubscription(orders.name, 'a');
  expect((await store.listConsumers()).map(({ id }) => id)).toEqual([2n]);
  await store.saveCursors([{ topic: orders.name, subscription: 'a', cursor: 5 }]); // Gone: ignored.
  expect((await store.listSubscriptions(orders.name)).map(({ name }) => name)).toEqual(['b']);
  await store.deleteTopic(orders.name);
  expect(await store.listSubscriptions(orders.name)).toEqual([]);
  expect([await store.listConsumers(), await store.listProducers()]).toEqual([[], []]);
  await store.createTopic(orders);
  const fresh = await store.putSubscription({ topic: orders.name, name: 'b', type: 'shared', cursor: -1 });
  expect(fresh.cursor).toBe(-1);
});

test('a file of a newer layout, or that is no database, is refused', async () => {
  const { file, store } = open();
  await store.close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 3');
  database.close();
  expect(() => openSqliteMetadataStore(file)).toThrow(/METADATA_STORE_FAILED: .*newer broker/);
  writeFileSync(file, 'not a database, but long enough to be looked at as one');
  expect(() => openSqliteMetadataStore(file)).toThrow(/METADATA_STORE_FAILED/);
});

test('writes are synced: the file says synchronous FULL in WAL mode', () => {
  const { file } = open();
  const other = new DatabaseSync(file);
  expect(Object.values(other.prepare('PRAGMA journal_mode').get() ?? {})).toEqual(['wal']);
  other.close();
});
