import { expect, test } from 'vitest';
import { type IcebergStorageOptions, type RetrySettings, resolveOptions } from './options.ts';
import { CommitPacer, createRetryBackoff } from './pacing.ts';

const resolved = (retry: RetrySettings, random = () => 0) =>
  resolveOptions({
    wal: { dir: 'log' },
    resolve: () => ({}) as never,
    brokerAddr: '',
    retry,
    random,
  } satisfies IcebergStorageOptions);

test.each([
  [0, [50, 100, 200, 200]],
  [1, [100, 200, 400, 400]],
])('waits double from minDelayMs to maxDelayMs; with the random number %d they are %o', (number, waits) => {
  const backoff = createRetryBackoff(resolved({ minDelayMs: 100, maxDelayMs: 400 }, () => number));
  expect(waits.map(() => backoff.next())).toEqual(waits);
});

test.each([
  [{}, { minDelayMs: 100, maxDelayMs: 10_000 }],
  [{ maxDelayMs: 20 }, { minDelayMs: 20, maxDelayMs: 20 }],
  [{ minDelayMs: 20_000 }, { minDelayMs: 20_000, maxDelayMs: 20_000 }],
])('of the two waits the one that is left out fits the one that is given: %o', (retry, expected) => {
  expect(resolved(retry).retry).toEqual(expected);
});

test('a longest wait below the first is refused', () => {
  expect(() => resolved({ minDelayMs: 50, maxDelayMs: 20 })).toThrow('retry.maxDelayMs');
});

test('a commit that waits for its time leaves the budget when its signal fires, and no timer stays behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const pacer = new CommitPacer({ perSecond: 0.01, concurrency: 2 }, Date.now);
  const [one, two] = [new AbortController(), new AbortController()];
  const done: string[] = [];
  const work = (name: string, signal: AbortSignal) => pacer.run(async () => void done.push(name), signal);
  await work('at once', one.signal);
  const waiting = [work('first', one.signal), work('second', two.signal), work('third', one.signal)];
  const ends = Promise.allSettled(waiting);
  expect(timers()).toBe(before + 1);
  one.abort('closing');
  await expect(waiting[0]).rejects.toBe('closing');
  expect(timers()).toBe(before + 1);
  two.abort('closing, too');
  await expect(work('late', two.signal)).rejects.toBe('closing, too');
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect([timers(), done, pacer.inFlight]).toEqual([before, ['at once'], 0]);
});
