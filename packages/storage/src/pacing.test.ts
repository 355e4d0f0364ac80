import { expect, test } from 'vitest';
import { type IcebergStorageOptions, type RetrySettings, resolveOptions } from './options.ts';
import { createRetryBackoff } from './pacing.ts';

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
