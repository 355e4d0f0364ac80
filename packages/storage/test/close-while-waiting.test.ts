/**
 * Waits between attempts here take a minute. A storage that is closed, or an opening that runs out of time, in the
 * middle of one has to end all the same, and the wait with it: each of the loops that wait has to hear of it.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unavailable, unknownOutcome } from './support/faulty-catalog.ts';
import { createScenario, TOPIC } from './support/scenario.ts';

const slow = { retry: { minDelayMs: 60_000, maxDelayMs: 60_000 } };

beforeEach(() => {
  vi.spyOn(globalThis, 'setTimeout');
  vi.spyOn(globalThis, 'clearTimeout');
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Timers of waits between attempts, 50 to 100 % of a minute: those that began, and those that were not ended. */
function waits() {
  const { calls, results } = vi.mocked(setTimeout).mock;
  const begun = results.flatMap(({ value }, index) => {
    const ms = calls[index]?.[1] ?? 0;
    // `pause` adds one for what a timer drops.
    return ms >= 30_000 && ms <= 60_001 ? [value] : [];
  });
  const ended = new Set(vi.mocked(clearTimeout).mock.calls.map(([timer]) => timer));
  return { begun, left: begun.filter((timer) => !ended.has(timer)) };
}

async function untilOneWaits(): Promise<void> {
  while (waits().left.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

it('closing ends the wait for a commit whose outcome is unknown and cannot be looked up', async () => {
  await using scenario = await createScenario();
  const { storage, log } = await scenario.start(slow);
  await scenario.book.append(log, 3);
  scenario.faults.onCommit = () => Promise.reject(unknownOutcome());
  scenario.faults.onLoad = () => Promise.reject(unavailable());
  const flushed = log.flush().catch(() => undefined);
  await untilOneWaits();
  await storage.close();
  await flushed;
  expect(waits().left).toEqual([]);
});

it('closing ends the wait before a commit that did not land is sent again', async () => {
  await using scenario = await createScenario();
  const { storage, log } = await scenario.start(slow);
  await scenario.book.append(log, 3);
  scenario.faults.onCommit = () => Promise.reject(unavailable());
  const flushed = log.flush().catch(() => undefined);
  await untilOneWaits();
  await storage.close();
  await flushed;
  expect(waits().left).toEqual([]);
});

it('closing ends the wait after data files could not be written', async () => {
  await using scenario = await createScenario();
  const { catalog, io } = scenario.space;
  let full = false;
  const writeFile: typeof io.writeFile = (...args) =>
    full ? Promise.reject(new Error('no space (injected)')) : io.writeFile(...args);
  const resolve = () => ({ catalog, io: { ...io, writeFile } });
  const { storage, log } = await scenario.start({ ...slow, resolve });
  await scenario.book.append(log, 3);
  full = true;
  const flushed = log.flush().catch(() => undefined);
  await untilOneWaits();
  await storage.close();
  await flushed;
  expect(waits().left).toEqual([]);
});

it('an opening ends in its time, also while it waits to ask the catalog again', async () => {
  await using scenario = await createScenario();
  const storage = await scenario.open({ ...slow, openTimeoutMs: 500 });
  scenario.faults.onLoad = () => Promise.reject(unavailable());
  await expect(storage.openTopic(TOPIC)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
  expect(waits().begun).toHaveLength(1);
  expect(waits().left).toEqual([]);
});
