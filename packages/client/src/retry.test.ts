import { expect, test } from 'vitest';
import { resolveRetryOptions } from './options.ts';
import { backoffOf } from './retry.ts';

test('waits double from baseDelayMs to maxDelayMs, each 50 to 100 % of its step', () => {
  const steps = [100, 200, 400, 800, 1000, 1000];
  const retry = resolveRetryOptions({ baseDelayMs: 100, maxDelayMs: 1000 });
  const waits = Array.from({ length: 200 }, () => {
    const backoff = backoffOf(retry);
    return steps.map(() => backoff.next());
  });
  for (const [index, step] of steps.entries()) {
    const ofStep = waits.map((each) => each[index] as number);
    expect(Math.min(...ofStep)).toBeGreaterThanOrEqual(step / 2);
    expect(Math.max(...ofStep)).toBeLessThanOrEqual(step);
    expect(new Set(ofStep).size).toBeGreaterThan(10);
  }
});

test('with the defaults five retries take 3 to 6 seconds of waiting', () => {
  const backoff = backoffOf(resolveRetryOptions());
  const total = [1, 2, 3, 4, 5].reduce((sum) => sum + backoff.next(), 0);
  expect(total).toBeGreaterThanOrEqual(3_100);
  expect(total).toBeLessThanOrEqual(6_200);
});
