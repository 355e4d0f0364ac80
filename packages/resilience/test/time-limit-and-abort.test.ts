import { getEventListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Attempt } from '@danube/resilience';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deaf, failureOf, get, Oops, script, setUp } from './support/policy.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('an attempt that is not done in time ends with TIMEOUT though it ignores its signal', async () => {
  const { policy, events } = setUp();
  const error = await failureOf(policy.execute(deaf, { operation: 'put', timeoutMs: 15 }));
  const facts = { endpoint: 'store', operation: 'put', attempt: 1, timeoutMs: 15 };
  expect(error).toMatchObject({ code: 'TIMEOUT', context: facts, retryable: true });
  expect(events).toEqual([{ kind: 'timed-out', ...facts }]);
});

test('the signal of an attempt fires when its time is up', async () => {
  const { policy } = setUp({ timeoutMs: 15 });
  const { call, attempts } = script(deaf);
  await failureOf(policy.execute(call, { ...get, maxAttempts: 1 }));
  expect(attempts[0]?.signal.aborted).toBe(true);
});

test('a time-out is retried where classify says so, each attempt with the full time and a signal of its own', async () => {
  const { policy, kinds } = setUp({ timeoutMs: 120 });
  const { call, attempts } = script<string>(deaf, async () => {
    await wait(70);
    return 'done';
  });
  expect(await policy.execute(call, get)).toBe('done');
  expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  expect(kinds()).toEqual(['timed-out', 'retry']);
});

test('what a call does after its time is dropped: a result, and a rejection that nobody else handles', async () => {
  const { policy } = setUp({ breaker: { opensAfter: { kind: 'consecutive', failures: 1 } } });
  const late = [
    () => wait(100, 'too late'),
    async () => {
      await wait(100);
      throw new Error('too late');
    },
  ];
  for (const call of late) {
    const error = await failureOf(policy.execute(call, { operation: 'get', timeoutMs: 10 }));
    expect(error).toMatchObject({ code: 'TIMEOUT' });
  }
  await wait(110);
  expect(unhandled).toEqual([]);
});

test('a call that answers its signal with half a result, or an error of its own, has timed out all the same', async () => {
  const { policy } = setUp();
  // The answer comes in the same turn as the abort: whoever looks for a result first would find it.
  const half = ({ signal }: Attempt) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve('half')));
  const angry = ({ signal }: Attempt) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Oops('aborted'))));
  for (const call of [half, angry]) {
    const error = await failureOf(policy.execute(call, { operation: 'get', timeoutMs: 10 }));
    expect(error).toMatchObject({ code: 'TIMEOUT' });
  }
});

test('a result may still be read through the signal of its attempt', async () => {
  const { policy } = setUp({ timeoutMs: 10 });
  const { call, attempts } = script('done');
  await policy.execute(call, get);
  await wait(20);
  expect(attempts[0]?.signal.aborted).toBe(false);
});

test('with a signal that has fired already nothing is called', async () => {
  const { policy } = setUp();
  const { call, attempts } = script('done');
  const error = await failureOf(policy.execute(call, { ...get, signal: AbortSignal.abort('no need') }));
  expect(error).toMatchObject({ code: 'ABORTED', cause: 'no need', context: { sent: false, attempts: 0 } });
  expect(attempts).toHaveLength(0);
});

test('with a signal that has fired already ABORTED is the answer of an open breaker, too', async () => {
  const { policy, openBreaker, events } = setUp({
    breaker: { opensAfter: { kind: 'consecutive', failures: 1 } },
  });
  await openBreaker();
  const signal = AbortSignal.abort();
  expect(await failureOf(policy.execute(deaf, { ...get, signal }))).toMatchObject({ code: 'ABORTED' });
  expect(events).toEqual([]);
});

test('a signal that a listener fires when the breaker lets a probe through stops the probe before it is sent', async () => {
  const controller = new AbortController();
  const kinds: string[] = [];
  const { policy, clock, openBreaker } = setUp({
    breaker: { opensAfter: { kind: 'consecutive', failures: 1 }, halfOpenAfterMs: 100 },
    onEvent: ({ kind }) => {
      kinds.push(kind);
      if (kind === 'breaker-half-open') controller.abort();
    },
  });
  await openBreaker();
  clock.ms += 100;
  const { call, attempts } = script('done');
  expect(await failureOf(policy.execute(call, { ...get, signal: controller.signal }))).toMatchObject({
    code: 'ABORTED',
    context: { sent: false, attempts: 0 },
  });
  expect([attempts.length, policy.breakerState]).toEqual([0, 'open']);
  expect(kinds.slice(-2)).toEqual(['breaker-half-open', 'breaker-opened']);
});

test('an abort ends an attempt at once though the call ignores its signal, and says that it was sent', async () => {
  const { policy, events } = setUp();
  const controller = new AbortController();
  const { call, attempts } = script(deaf);
  const thrown = failureOf(policy.execute(call, { ...get, signal: controller.signal }));
  await wait(5);
  const reason = new Error('the user left');
  controller.abort(reason);
  expect(await thrown).toMatchObject({
    code: 'ABORTED',
    cause: reason,
    retryable: false,
    context: { endpoint: 'store', operation: 'get', sent: true, attempts: 1 },
  });
  expect(attempts[0]?.signal.reason).toBe(reason);
  expect(events).toEqual([]);
});

test('an abort ends a wait between attempts at once, and there is no further attempt', async () => {
  const { policy } = setUp({ retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } });
  const controller = new AbortController();
  const { call, attempts } = script(new Oops('one'));
  const thrown = failureOf(policy.execute(call, { ...get, signal: controller.signal }));
  await wait(5);
  controller.abort();
  expect(await thrown).toMatchObject({ code: 'ABORTED', context: { sent: false, attempts: 1 } });
  await wait(5);
  expect(attempts).toHaveLength(1);
});

test('an abort ends the wait for a turn at once, and nothing was sent', async () => {
  const { policy } = setUp({ maxConcurrent: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const running = failureOf(policy.execute(deaf, { ...get, signal: first.signal }));
  const { call, attempts } = script('done');
  const waiting = failureOf(policy.execute(call, { ...get, signal: second.signal }));
  second.abort();
  expect(await waiting).toMatchObject({
    code: 'ABORTED',
    context: { sent: false, attempts: 0, operation: 'get' },
  });
  first.abort();
  await running;
  expect(attempts).toHaveLength(0);
});

test('no listener stays on the signal of the caller, whatever happened', async () => {
  const { policy } = setUp({ retry: { maxAttempts: 2 }, breaker: false, maxConcurrent: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const options = { ...get, signal };
  await Promise.all([
    policy.execute(script('done').call, options),
    policy.execute(script<string>(new Oops('one'), 'done').call, options),
    failureOf(policy.execute(script(new Oops('one')).call, options)),
    failureOf(policy.execute(deaf, { ...options, timeoutMs: 10 })),
  ]);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const ended = [policy.execute(deaf, options), policy.execute(deaf, options)].map(failureOf);
  await wait(2);
  controller.abort();
  await Promise.all(ended);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
