/**
 * Why some pieces are our own (ADR 0040): each test shows what cockatiel does where we promise something else. When
 * one fails after an update, the piece it belongs to may have become superfluous.
 */
import { setTimeout as wait } from 'node:timers/promises';
import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  circuitBreaker,
  handleAll,
  retry,
} from 'cockatiel';
import { expect, test, vi } from 'vitest';
import { deferred } from './support/deferred.ts';
import { deaf, failureOf } from './support/policy.ts';

const down = () => Promise.reject(new Error('down'));
const openBreaker = async (halfOpenAfter: number) => {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter, breaker: new ConsecutiveBreaker(1) });
  await failureOf(breaker.execute(down));
  return breaker;
};

test('retry: an abort during the wait neither ends the wait nor prevents the next call', async () => {
  const policy = retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(300) });
  const controller = new AbortController();
  let calls = 0;
  const call = () => {
    calls += 1;
    return down();
  };
  const thrown = failureOf(policy.execute(call, controller.signal));
  await wait(5);
  controller.abort();
  const startMs = performance.now();
  await thrown;
  expect(performance.now() - startMs).toBeGreaterThan(150);
  expect(calls).toBe(2);
});

test('circuit breaker: calls wait for the probe instead of being refused', async () => {
  const breaker = await openBreaker(1);
  await wait(5);
  const answer = deferred<string>();
  const probe = breaker.execute(() => answer.promise);
  let settled = false;
  const other = breaker
    .execute(async () => 'other')
    .finally(() => {
      settled = true;
    });
  await wait(5);
  expect(settled).toBe(false);
  answer.resolve('up');
  expect(await Promise.all([probe, other])).toEqual(['up', 'other']);
});

test('circuit breaker: a probe that fails with an error which is not to count closes it', async () => {
  const breaker = circuitBreaker(
    {
      options: { errorFilter: (error: Error) => error.message === 'down', resultFilter: () => false },
    } as never,
    { halfOpenAfter: 1, breaker: new ConsecutiveBreaker(1) },
  );
  await failureOf(breaker.execute(down));
  await wait(5);
  await failureOf(breaker.execute(() => Promise.reject(new Error('aborted'))));
  expect(breaker.toJSON()).toMatchObject({ ownState: { value: CircuitState.Closed } });
});

test('circuit breaker: a failure of an attempt from before it opened ends the probe', async () => {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1, breaker: new ConsecutiveBreaker(1) });
  const early = deferred<string>();
  const straggler = failureOf(breaker.execute(() => early.promise));
  await failureOf(breaker.execute(down));
  await wait(5);
  const answer = deferred<string>();
  const probe = breaker.execute(() => answer.promise);
  early.reject(new Error('down since long'));
  await straggler;
  answer.resolve('up');
  await probe;
  expect(breaker.toJSON()).toMatchObject({ ownState: { value: CircuitState.Open } });
});

test('circuit breaker: when the clock is set back it stays open until the clock is there again', async () => {
  const breaker = await openBreaker(1);
  await wait(5);
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  try {
    expect(await failureOf(breaker.execute(async () => 'up'))).toMatchObject({ isBrokenCircuitError: true });
  } finally {
    now.mockRestore();
  }
});

test('bulkhead: an aborted waiter keeps its place and hears of it only when its turn comes', async () => {
  const limit = bulkhead(1, 1);
  void limit.execute(deaf);
  const controller = new AbortController();
  let settled = false;
  const waiting = limit
    .execute(async () => 'waited', controller.signal)
    .finally(() => {
      settled = true;
    });
  waiting.catch(() => {});
  controller.abort();
  await wait(5);
  expect([settled, limit.queueSlots]).toEqual([false, 0]);
});

test('bulkhead: a newcomer takes the turn of a waiter, which is refused though it was queued', async () => {
  const limit = bulkhead(1, 1);
  const order: string[] = [];
  const end = deferred<void>();
  const running = limit.execute(() => end.promise);
  const waiter = failureOf(limit.execute(async () => order.push('waiter')));
  const newcomer = end.promise.then(() => limit.execute(() => wait(5, order.push('newcomer'))));
  const third = end.promise.then(() => limit.execute(async () => order.push('third')));
  end.resolve();
  expect(await waiter).toMatchObject({ isBulkheadRejectedError: true });
  await Promise.all([running, newcomer, third]);
  expect(order).toEqual(['newcomer', 'third']);
});
