import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { onCleanUp, temporaryDirectory } from '../../test/support/clean-up.ts';
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
  await store.deleteSubscription(orders.name, 'a');
  await store.saveCursors([{ topic: orders.name, subscription: 'a', cursor: 5 }]); // Gone: ignored.
  expect((await store.listSubscriptions(orders.name)).map(({ name }) => name)).toEqual(['b']);
  await store.deleteTopic(orders.name);
  expect(await store.listSubscriptions(orders.name)).toEqual([]);
  await store.createTopic(orders);
  const fresh = await store.putSubscription({ topic: orders.name, name: 'b', type: 'shared', cursor: -1 });
  expect(fresh.cursor).toBe(-1);
});

test('a file of a newer layout, or that is no database, is refused', async () => {
  const { file, store } = open();
  await store.close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 2');
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
