import { expect, test } from 'vitest';
import { type BackoffSettings, createBackoff } from './backoff.ts';

const take = (settings: BackoffSettings, random: () => number, count: number) => {
  const backoff = createBackoff(settings, random);
  return Array.from({ length: count }, () => backoff.next());
};
const settings = { initialDelayMs: 100, maxDelayMs: 1000 };

test.each([
  ['full', 0, [0, 0, 0, 0, 0]],
  ['full', 0.5, [50, 100, 200, 400, 500]],
  ['half', 0, [50, 100, 200, 400, 500]],
  ['half', 0.5, [75, 150, 300, 600, 750]],
  ['decorrelated', 0, [100, 100, 100, 100, 100]],
  ['decorrelated', 0.5, [200, 350, 575, 913, 1000]],
] as const)('%s jitter with the random number %d gives the waits of its formula', (jitter, number, waits) => {
  expect(take({ ...settings, jitter }, () => number, 5)).toEqual(waits);
});

test.each(['full', 'half', 'decorrelated'] as const)(
  '%s jitter never waits longer than maxDelayMs',
  (jitter) => {
    const waits = take({ ...settings, jitter }, () => 1 - 2 ** -53, 2000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    expect(waits.at(-1)).toBeGreaterThan(990);
  },
);

test.each(['full', 'decorrelated'] as const)(
  'after a reset %s jitter starts from the first step',
  (jitter) => {
    const backoff = createBackoff({ ...settings, jitter }, () => 0.5);
    const first = [backoff.next(), backoff.next(), backoff.next()];
    expect(backoff.count).toBe(3);
    backoff.reset();
    expect(backoff.count).toBe(0);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual(first);
  },
);

test.each([
  [{ initialDelayMs: 0 }, 'initialDelayMs must be a number from 1 to 2147483647, not 0'],
  [{ initialDelayMs: 100, maxDelayMs: 99 }, 'maxDelayMs must be a number from 100'],
  [{ maxDelayMs: 2 ** 31 }, 'maxDelayMs must be'],
  [{ initialDelayMs: Number.NaN }, 'initialDelayMs must be'],
  [{ jitter: 'none' as 'full' }, 'jitter is one of full, half, decorrelated'],
  [{ baseDelayMs: 1 } as BackoffSettings, 'has no option "baseDelayMs"'],
])('the settings %o are refused', (wrong, message) => {
  expect(() => createBackoff(wrong)).toThrow(message);
});

test.each(['full', 'half', 'decorrelated'] as const)(
  '%s jitter keeps to a maxDelayMs that is no whole number',
  (jitter) => {
    const waits = take({ initialDelayMs: 1.5, maxDelayMs: 2.6, jitter }, () => 1 - 2 ** -53, 20);
    expect(Math.max(...waits)).toBe(2);
  },
);

test('a first step above the default cap raises the cap', () => {
  expect(take({ initialDelayMs: 60_000, jitter: 'half' }, () => 0, 2)).toEqual([30_000, 30_000]);
});
