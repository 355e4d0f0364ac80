// The hour of silence within one run, on a real metadata store and a clock in the test's hands.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { onCleanUp, temporaryDirectory } from '../../test/support/clean-up.ts';
import { MemoryStorage } from '../../test/support/memory-storage.ts';
import { createTestRegistry } from '../../test/support/test-registry.ts';
import { openSqliteMetadataStore } from '../metadata/sqlite-metadata-store.ts';
import { FORGET_AFTER_MS } from './producer.ts';

const TOPIC = '/default/orders';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function setUp() {
  const store = openSqliteMetadataStore(join(temporaryDirectory(), 'broker.db'));
  onCleanUp(() => store.close());
  const registry = createTestRegistry(new MemoryStorage(), store);
  await registry.load();
  const producer = await registry.createProducer('p', TOPIC, 'reliable', false);
  const silent = await registry.subscribe('silent', TOPIC, 's', 'shared');
  const streaming = await registry.subscribe('streaming', TOPIC, 's', 'shared');
  const sink = { ready: true, deliver: () => {}, end: () => {} };
  streaming.subscription.open(streaming, sink);
  return { store, registry, producer, silent, streaming, sink };
}

test('who is silent for an hour is forgotten, in memory and on disk; an open stream is no silence', async () => {
  const { store, registry, producer, silent, streaming } = await setUp();
  const startMs = Date.now();
  await vi.advanceTimersByTimeAsync(FORGET_AFTER_MS - 60_000);
  expect(registry.clientCounts).toEqual({ producers: 1, consumers: 2 });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(registry.clientCounts).toEqual({ producers: 0, consumers: 1 });
  expect(registry.touch('producer', producer.id)).toBe(false);
  await expect(registry.consumer(silent.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await store.listProducers()).toEqual([]);
  const [kept, ...others] = await store.listConsumers();
  expect([kept?.id, others]).toEqual([streaming.id, []]);
  expect(kept?.lastSeenMs).toBeGreaterThan(startMs + FORGET_AFTER_MS - 60_000);
});

test('the hour of a consumer begins when its stream ends', async () => {
  const { registry, streaming, sink } = await setUp();
  await vi.advanceTimersByTimeAsync(2 * FORGET_AFTER_MS);
  streaming.subscription.closed(streaming, sink);
  await registry.consumerLeft(streaming);
  await vi.advanceTimersByTimeAsync(FORGET_AFTER_MS - 60_000);
  expect(registry.touch('consumer', streaming.id)).toBe(true);
});
