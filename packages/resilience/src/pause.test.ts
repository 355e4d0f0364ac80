import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { pause } from './pause.ts';

test('a pause ends after its time with true and leaves no listener behind', async () => {
  const { signal } = new AbortController();
  const startMs = performance.now();
  expect(await pause(20, signal)).toBe(true);
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(20);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test.each([3, 2.9])('a pause of %d ms is never shorter', async (ms) => {
  // Timers of Node.js count whole milliseconds of a clock that is cut to whole ones: each may be early.
  const took = Array.from({ length: 200 }, async (_, index) => {
    await pause(index / 7);
    const startMs = performance.now();
    await pause(ms);
    return performance.now() - startMs;
  });
  expect(Math.min(...(await Promise.all(took)))).toBeGreaterThanOrEqual(ms);
});

test('a signal ends a pause at once with false and leaves no listener behind', async () => {
  const controller = new AbortController();
  const paused = pause(600_000, controller.signal);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  controller.abort();
  expect(await paused).toBe(false);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('with a signal that has fired already there is no pause', async () => {
  expect(await pause(600_000, AbortSignal.abort())).toBe(false);
});

test.each([2 ** 31, Number.POSITIVE_INFINITY, Number.NaN, -1])(
  'a pause of %d ms is refused, not cut to nothing',
  async (ms) => {
    await expect(pause(ms)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  },
);
