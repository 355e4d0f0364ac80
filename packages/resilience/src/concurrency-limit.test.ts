import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deferred } from '../test/support/deferred.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from './concurrency-limit.ts';

/** Work that is under way until it is told to end. */
function work(limit: ConcurrencyLimit, name: string, started: string[], signal?: AbortSignal) {
  const end = deferred<string>();
  const result = limit.run(() => {
    started.push(name);
    return end.promise;
  }, signal);
  result.catch(() => {});
  return {
    result,
    ended: end.promise,
    end: () => end.resolve(name),
    fail: (error: Error) => end.reject(error),
  };
}

test('no more than max run at once, and the others in the order in which they came', async () => {
  const limit = createConcurrencyLimit(2);
  const started: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => work(limit, name, started)) as [
    ReturnType<typeof work>,
    ReturnType<typeof work>,
    ReturnType<typeof work>,
    ReturnType<typeof work>,
  ];
  await turn();
  expect([started.join(''), limit.active, limit.queued]).toEqual(['ab', 2, 2]);
  b.end();
  await turn();
  expect(started.join('')).toBe('abc');
  a.fail(new Error('a broke'));
  await expect(a.result).rejects.toThrow('a broke');
  await turn();
  expect(started.join('')).toBe('abcd');
  c.end();
  d.end();
  expect(await Promise.all([b.result, c.result, d.result])).toEqual(['b', 'c', 'd']);
  expect([limit.active, limit.queued]).toEqual([0, 0]);
});

test('a newcomer does not overtake a waiter whose turn has just come', async () => {
  const limit = createConcurrencyLimit(1, 1);
  const started: string[] = [];
  const first = work(limit, 'first', started);
  const waiter = work(limit, 'waiter', started);
  // As soon as the first one is over, and before the waiter could go on, somebody else comes.
  const newcomer = first.ended.then(() => work(limit, 'newcomer', started));
  first.end();
  waiter.end();
  expect(await waiter.result).toBe('waiter');
  (await newcomer).end();
  expect(await (await newcomer).result).toBe('newcomer');
  expect(started).toEqual(['first', 'waiter', 'newcomer']);
});

test('with a full queue work is refused and never called', async () => {
  const limit = createConcurrencyLimit(1, 1);
  const started: string[] = [];
  const running = work(limit, 'running', started);
  const waiting = work(limit, 'waiting', started);
  const refused = work(limit, 'refused', started);
  await expect(refused.result).rejects.toMatchObject({
    code: 'OVERLOADED',
    context: { max: 1, maxQueued: 1 },
  });
  running.end();
  waiting.end();
  await waiting.result;
  expect(started).toEqual(['running', 'waiting']);
});

test('a waiter whose signal fires leaves at once, and its place in the queue is free', async () => {
  const limit = createConcurrencyLimit(1, 1);
  const started: string[] = [];
  const controller = new AbortController();
  const running = work(limit, 'running', started);
  const leaving = work(limit, 'leaving', started, controller.signal);
  controller.abort('enough');
  await expect(leaving.result).rejects.toMatchObject({
    code: 'ABORTED',
    cause: 'enough',
    context: { sent: false },
  });
  expect(limit.queued).toBe(0);
  const next = work(limit, 'next', started);
  running.end();
  next.end();
  await next.result;
  expect(started).toEqual(['running', 'next']);
  expect(limit.active).toBe(0);
});

test('no listener stays on the signal, however a waiter leaves the queue', async () => {
  const limit = createConcurrencyLimit(1);
  const controller = new AbortController();
  const works = ['a', 'b', 'c'].map((name) => work(limit, name, [], controller.signal));
  for (const { end } of works) end();
  await Promise.all(works.map(({ result }) => result));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  const last = [work(limit, 'd', []), work(limit, 'e', [], controller.signal)];
  controller.abort();
  await expect(last[1]?.result).rejects.toMatchObject({ code: 'ABORTED' });
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  last[0]?.end();
  await last[0]?.result;
});

// One that looks through those that left before takes 15 s for this, and blocks everything else meanwhile.
test('a turn costs the same however many wait and have waited', { timeout: 10_000 }, async () => {
  const limit = createConcurrencyLimit(1);
  const [leaving, done] = [new AbortController(), [] as number[]];
  const works = Array.from({ length: 200_000 }, (_, index) =>
    index % 4 === 3
      ? limit.run(() => done.push(-1), index % 1000 === 3 ? leaving.signal : undefined)
      : limit.run(() => done.push(index)),
  );
  leaving.abort();
  await Promise.allSettled(works);
  expect(done).toHaveLength(199_800);
  const order = done.filter((index) => index >= 0);
  expect(order.every((index, at) => at === 0 || index > (order[at - 1] as number))).toBe(true);
  expect([limit.active, limit.queued]).toEqual([0, 0]);
});

test('with a signal that has fired already work is never called, even if there is room', async () => {
  const started: string[] = [];
  const limit = createConcurrencyLimit(1);
  const { result } = work(limit, 'late', started, AbortSignal.abort());
  await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
  expect([started, limit.active]).toEqual([[], 0]);
});

test('work that throws at once gives its place back', async () => {
  const limit = createConcurrencyLimit(1);
  const broken = () => {
    throw new Error('at once');
  };
  await expect(limit.run(broken)).rejects.toThrow('at once');
  expect(limit.active).toBe(0);
});

test.each([[0], [1.5], [Number.NaN], [1, -1]])('the bounds %o are refused', (...bounds) => {
  expect(() => createConcurrencyLimit(...(bounds as [number]))).toThrow('INVALID_ARGUMENT');
});
