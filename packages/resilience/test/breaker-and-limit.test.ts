import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deferred } from './support/deferred.ts';
import { deaf, failureOf, get, Oops, script, setUp } from './support/policy.ts';

const breaker = { opensAfter: { kind: 'consecutive', failures: 1 }, halfOpenAfterMs: 100 } as const;

test('an open breaker refuses before anything is sent, and says for how long', async () => {
  const { policy, clock, events, openBreaker } = setUp({ breaker });
  await openBreaker();
  clock.ms += 30.5;
  const { call, attempts } = script('done');
  expect(await failureOf(policy.execute(call, get))).toMatchObject({
    code: 'BREAKER_OPEN',
    retryAfterMs: 70,
    retryable: true,
    context: { endpoint: 'store', operation: 'get', retryAfterMs: 70 },
  });
  expect(attempts).toHaveLength(0);
  expect(events).toEqual([{ kind: 'refused', endpoint: 'store', operation: 'get', reason: 'breaker-open' }]);
});

test('a breaker that opens during the retries stops them, and the last error of the call is thrown', async () => {
  const { policy, events } = setUp({
    breaker: { ...breaker, opensAfter: { kind: 'consecutive', failures: 3 } },
  });
  const errors = [new Oops('one'), new Oops('two'), new Oops('three'), new Oops('four')];
  const { call, attempts } = script(...errors);
  expect(await failureOf(policy.execute(call, get))).toBe(errors[2]);
  expect(attempts).toHaveLength(3);
  expect(events.slice(-2)).toMatchObject([
    { kind: 'breaker-opened', endpoint: 'store', halfOpenAfterMs: 100, error: errors[2] },
    { kind: 'gave-up', reason: 'breaker-open', attempts: 3 },
  ]);
});

test('a breaker that another call opens during a wait stops the retries, too', async () => {
  const { policy, openBreaker, events, kinds } = setUp({ breaker });
  const error = new Oops('busy', { endpointFault: false, retryAfterMs: 20 });
  const { call, attempts } = script(error);
  const thrown = failureOf(policy.execute(call, get));
  while (!kinds().includes('retry')) await turn();
  await openBreaker();
  expect(await thrown).toBe(error);
  expect(attempts).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ kind: 'gave-up', reason: 'breaker-open', attempts: 1 });
});

test('half-open means one probe: others are refused while it runs, and its success opens the way for all', async () => {
  // With room for one the others would have to queue, if they were not refused at once.
  const { policy, clock, openBreaker, kinds } = setUp({ breaker, maxConcurrent: 1 });
  await openBreaker();
  clock.ms += 100;
  const answer = deferred<string>();
  const probe = policy.execute(() => answer.promise, get);
  expect(policy.breakerState).toBe('half-open');
  const { call, attempts } = script('done');
  for (let i = 0; i < 3; i += 1) {
    expect(await failureOf(policy.execute(call, get))).toMatchObject({
      code: 'BREAKER_OPEN',
      retryAfterMs: 0,
    });
  }
  expect(attempts).toHaveLength(0);
  answer.resolve('up again');
  expect(await probe).toBe('up again');
  expect(policy.breakerState).toBe('closed');
  expect(await policy.execute(call, get)).toBe('done');
  expect(kinds()).toEqual(['breaker-half-open', 'refused', 'refused', 'refused', 'breaker-closed']);
});

test('an answer such as "not found" closes the breaker: the endpoint is well', async () => {
  const { policy, clock, openBreaker } = setUp({ breaker });
  await openBreaker();
  clock.ms += 100;
  const { call } = script(new Oops('not found', { retry: false, endpointFault: false }));
  await failureOf(policy.execute(call, get));
  expect(policy.breakerState).toBe('closed');
});

test('a probe that times out opens the breaker again', async () => {
  const { policy, clock, openBreaker, kinds } = setUp({ breaker });
  await openBreaker();
  clock.ms += 100;
  const error = await failureOf(policy.execute(deaf, { ...get, timeoutMs: 10 }));
  expect(error).toMatchObject({ code: 'TIMEOUT' });
  expect(policy.breakerState).toBe('open');
  expect(kinds()).toEqual(['breaker-half-open', 'timed-out', 'breaker-opened', 'gave-up']);
});

test('an aborted probe neither closes the breaker nor leaves it half-open: the next call probes', async () => {
  const { policy, clock, openBreaker, kinds } = setUp({ breaker });
  await openBreaker();
  clock.ms += 100;
  const controller = new AbortController();
  const probe = failureOf(policy.execute(deaf, { ...get, signal: controller.signal }));
  controller.abort();
  expect(await probe).toMatchObject({ code: 'ABORTED' });
  expect(policy.breakerState).toBe('open');
  expect(await policy.execute(script('done').call, get)).toBe('done');
  expect(policy.breakerState).toBe('closed');
  expect(kinds()).toEqual(['breaker-half-open', 'breaker-opened', 'breaker-half-open', 'breaker-closed']);
});

test('a probe with a classify that throws, or without one, does not leave the breaker half-open', async () => {
  const { policy, clock, openBreaker } = setUp({ breaker });
  await openBreaker();
  clock.ms += 100;
  const classify = () => {
    throw new Error('a mistake');
  };
  for (const options of [{ operation: 'get', classify }, { operation: 'get' }]) {
    await failureOf(policy.execute(script(new Oops('no')).call, options));
    expect(policy.breakerState).toBe('open');
  }
  expect(await policy.execute(script('done').call, get)).toBe('done');
});

test('a failure that says nothing of the endpoint neither opens nor closes the breaker, and may be tried again', async () => {
  const { policy, clock, openBreaker, kinds } = setUp({ breaker });
  const silent = new Oops('no keys', { endpointFault: undefined });
  const before = script<string>(silent, 'done');
  expect(await policy.execute(before.call, get)).toBe('done');
  await openBreaker();
  clock.ms += 100;
  const probe = script(silent);
  expect(await failureOf(policy.execute(probe.call, { ...get, maxAttempts: 1 }))).toBe(silent);
  expect([policy.breakerState, kinds().at(-1)]).toEqual(['open', 'gave-up']);
  expect(await policy.execute(script('done').call, get)).toBe('done');
  expect(policy.breakerState).toBe('closed');
});

test('aborted calls do not open the breaker', async () => {
  const { policy } = setUp({ breaker });
  const controller = new AbortController();
  const calls = Array.from({ length: 5 }, () =>
    failureOf(policy.execute(deaf, { ...get, signal: controller.signal })),
  );
  controller.abort();
  await Promise.all(calls);
  expect(policy.breakerState).toBe('closed');
});

test('a breaker that opens while attempts wait for their turn lets none of them through', async () => {
  const { policy } = setUp({ breaker, maxConcurrent: 1 });
  const answer = deferred<string>();
  const running = failureOf(policy.execute(() => answer.promise, get));
  const { call, attempts } = script('done');
  const waiting = [1, 2, 3].map(() => failureOf(policy.execute(call, get)));
  answer.reject(new Oops('down', { retry: false }));
  await running;
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'BREAKER_OPEN' });
  expect(attempts).toHaveLength(0);
});

test('without a breaker an endpoint is called however often it fails', async () => {
  const { policy } = setUp({ breaker: false });
  const { call, attempts } = script(new Oops('no'));
  await failureOf(policy.execute(call, { ...get, maxAttempts: 30 }));
  expect([attempts.length, policy.breakerState]).toEqual([30, 'closed']);
});

test('calls above maxConcurrent wait, calls above maxQueued are refused', async () => {
  const { policy, events } = setUp({ maxConcurrent: 2, maxQueued: 1 });
  const answer = deferred<string>();
  const { call, attempts } = script(() => answer.promise);
  const calls = [1, 2, 3].map(() => policy.execute(call, get));
  const refused = await failureOf(policy.execute(call, get));
  expect(refused).toMatchObject({
    code: 'OVERLOADED',
    retryable: true,
    context: { endpoint: 'store', operation: 'get', max: 2, maxQueued: 1 },
  });
  expect(events).toEqual([{ kind: 'refused', endpoint: 'store', operation: 'get', reason: 'overloaded' }]);
  expect(attempts).toHaveLength(2);
  answer.resolve('done');
  expect(await Promise.all(calls)).toEqual(['done', 'done', 'done']);
});

test('a call that waits for its next attempt does not keep others from theirs', async () => {
  const { policy } = setUp({ maxConcurrent: 1, retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } });
  const controller = new AbortController();
  const waiting = failureOf(
    policy.execute(script(new Oops('no')).call, { ...get, signal: controller.signal }),
  );
  expect(await policy.execute(script('done').call, get)).toBe('done');
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'ABORTED', context: { attempts: 1 } });
});

test('a queue that is full when a retry is due ends the call with its own last error', async () => {
  const { policy, events } = setUp({ maxConcurrent: 1, maxQueued: 0 });
  const error = new Oops('no');
  const thrown = failureOf(policy.execute(script(error).call, get));
  const answer = deferred<string>();
  // The first attempt fails at once and gives its turn to this one, which holds it when the retry is due.
  await turn();
  const other = policy.execute(() => answer.promise, get);
  expect(await thrown).toBe(error);
  expect(events.at(-1)).toMatchObject({ kind: 'gave-up', reason: 'overloaded' });
  answer.resolve('done');
  await other;
});

test('the time limit of an attempt does not run while it waits for its turn', async () => {
  const { policy } = setUp({ maxConcurrent: 1 });
  const answer = deferred<string>();
  const running = policy.execute(() => answer.promise, get);
  const waiting = policy.execute(script('done').call, { ...get, timeoutMs: 10 });
  setTimeout(() => answer.resolve('first'), 30);
  expect(await Promise.all([running, waiting])).toEqual(['first', 'done']);
});
