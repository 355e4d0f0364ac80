// What a registry does at start while the catalog of the tables is away, with a storage that waits for it as the real one
// does: as long as it is told, or its own time.
import { join } from 'node:path';
import { type OpenTopicOptions, StorageError, type TopicLog } from '@danube/storage';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { onCleanUp, temporaryDirectory } from '../../test/support/clean-up.ts';
import { MemoryStorage } from '../../test/support/memory-storage.ts';
import { createTestRegistry } from '../../test/support/test-registry.ts';
import { openSqliteMetadataStore } from '../metadata/sqlite-metadata-store.ts';

const OPEN_TIMEOUT_MS = 10_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Its topics have tables that can be reached or not. */
class StorageOfTables extends MemoryStorage {
  isAway = true;
  /** Of topics that no catalog ever knew: they do not open without one. */
  readonly unclaimed = new Set<string>();
  reached = 0;

  override async openTopic(name: string, options: OpenTopicOptions = {}): Promise<TopicLog> {
    const isAway = this.isAway;
    await new Promise((resolve) => setTimeout(resolve, isAway ? (options.timeoutMs ?? OPEN_TIMEOUT_MS) : 20));
    if (isAway && this.unclaimed.has(name)) throw new StorageError('CATALOG_UNAVAILABLE', 'away');
    this.reached += isAway ? 0 : 1;
    const log = await super.openTopic(name);
    return Object.assign(log, { table: () => (isAway ? undefined : {}) }) as TopicLog;
  }
}

async function load(storage: StorageOfTables, topics: number) {
  const store = openSqliteMetadataStore(join(temporaryDirectory(), 'broker.db'));
  onCleanUp(() => store.close());
  const createdAtMs = Date.now();
  for (let i = 0; i < topics; i += 1)
    await store.createTopic({
      name: `/default/t${i}`,
      namespace: 'default',
      dispatch: 'reliable',
      createdAtMs,
    });
  const registry = createTestRegistry(storage, store);
  const startedMs = Date.now();
  const loading = registry.load().then(() => Date.now() - startedMs);
  return { registry, loading };
}

test('a thousand topics wait for a catalog that is away hardly longer than one', async () => {
  const { registry, loading } = await load(new StorageOfTables(), 1_000);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(await loading).toBeLessThan(3 * OPEN_TIMEOUT_MS);
  expect(registry.topics.filter(({ log }) => log === undefined)).toEqual([]);
});

test('topics that cannot open without it do not hold up the others either', async () => {
  const storage = new StorageOfTables();
  for (let i = 0; i < 500; i += 1) storage.unclaimed.add(`/default/t${i}`);
  const { registry, loading } = await load(storage, 1_000);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(await loading).toBeLessThan(3 * OPEN_TIMEOUT_MS);
  expect(registry.topics.filter(({ log }) => log !== undefined)).toHaveLength(500);
});

test('when it is back, the rest of the topics are looked for in their tables', async () => {
  const storage = new StorageOfTables();
  const { loading } = await load(storage, 100);
  await vi.advanceTimersByTimeAsync(OPEN_TIMEOUT_MS + 150);
  storage.isAway = false;
  await vi.advanceTimersByTimeAsync(600_000);
  await loading;
  expect(storage.reached).toBeGreaterThan(50);
});
