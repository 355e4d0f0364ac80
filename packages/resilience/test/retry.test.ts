import type { Failure } from '@danube/resilience';
import { expect, test } from 'vitest';
import { failureOf, get, Oops, script, setUp } from './support/policy.ts';

test('a failure that may be retried is retried with growing waits, until the call succeeds', async () => {
  const { policy, events } = setUp();
  const [one, two] = [new Oops('one'), new Oops('two')];
  const { call, attempts } = script<string>(one, two, 'done');
  expect(await policy.execute(call, get)).toBe('done');
  expect(attempts.map(({ number }) => number)).toEqual([1, 2, 3]);
  const facts = { kind: 'retry', endpoint: 'store', operation: 'get' };
  expect(events).toEqual([
    { ...facts, attempt: 1, delayMs: 2, error: one },
    { ...facts, attempt: 2, delayMs: 4, error: two },
  ]);
});

test('when the attempts are used up, the last error itself is thrown', async () => {
  const { policy, events } = setUp({ retry: { maxAttempts: 3 }, breaker: false });
  const errors = [new Oops('one'), new Oops('two'), new Oops('three'), new Oops('four')];
  const { call, attempts } = script(...errors);
  expect(await failureOf(policy.execute(call, get))).toBe(errors[2]);
  expect(attempts).toHaveLength(3);
  expect(events.at(-1)).toEqual({
    kind: 'gave-up',
    endpoint: 'store',
    operation: 'get',
    attempts: 3,
    reason: 'attempts-used-up',
    error: errors[2],
  });
});

test('a failure that may not be retried is thrown after one attempt and is no event', async () => {
  const { policy, events } = setUp();
  const error = new Oops('not found', { retry: false, endpointFault: false });
  const { call, attempts } = script(error);
  expect(await failureOf(policy.execute(call, get))).toBe(error);
  expect([attempts.length, events]).toEqual([1, []]);
});

test('without classify nothing is retried, and nothing counts for or against the endpoint', async () => {
  const { policy } = setUp({ breaker: { opensAfter: { kind: 'consecutive', failures: 2 } } });
  const { call, attempts } = script(new Oops('one'));
  await failureOf(policy.execute(call, { ...get, maxAttempts: 1 }));
  expect(await failureOf(policy.execute(call, { operation: 'put' }))).toMatchObject({ message: 'one' });
  expect([attempts.length, policy.breakerState]).toEqual([2, 'closed']);
  await failureOf(policy.execute(call, { ...get, maxAttempts: 1 }));
  expect(policy.breakerState).toBe('open');
});

test('one call may ask for fewer or more attempts', async () => {
  const { policy } = setUp({ breaker: false });
  const once = script(new Oops('no'));
  await failureOf(policy.execute(once.call, { ...get, maxAttempts: 1 }));
  const often = script(new Oops('no'));
  await failureOf(policy.execute(often.call, { ...get, maxAttempts: 8 }));
  expect([once.attempts.length, often.attempts.length]).toEqual([1, 8]);
});

test('classify is asked with the attempt that failed, and may change its mind with it', async () => {
  const { policy } = setUp({ breaker: false });
  const { call, attempts } = script(new Oops('no'));
  const classify = (_error: unknown, { number }: { number: number }) => ({
    retry: number < 3,
    endpointFault: true,
  });
  await failureOf(policy.execute(call, { operation: 'get', classify }));
  expect(attempts).toHaveLength(3);
});

test('the wait is what the endpoint asks for when that is longer, and the backoff when it is not', async () => {
  const { policy, events } = setUp();
  const { call } = script<string>(
    new Oops('busy', { retryAfterMs: 30.2 }),
    new Oops('busy', { retryAfterMs: 1 }),
    new Oops('busy', { retryAfterMs: Number.NaN }),
    'done',
  );
  const startMs = performance.now();
  await policy.execute(call, get);
  expect(performance.now() - startMs).toBeGreaterThan(30.2);
  expect(events).toMatchObject([{ delayMs: 31 }, { delayMs: 4 }, { delayMs: 8 }]);
});

test('an endpoint that asks for more than maxRetryAfterMs gets its failure thrown at once', async () => {
  const { policy, events } = setUp({ retry: { maxRetryAfterMs: 1000 } });
  const error = new Oops('busy', { retryAfterMs: 1001 });
  const { call, attempts } = script(error);
  expect(await failureOf(policy.execute(call, get))).toBe(error);
  expect(attempts).toHaveLength(1);
  expect(events).toMatchObject([{ kind: 'gave-up', reason: 'retry-after-too-long', attempts: 1 }]);
});

test('a call that throws instead of rejecting is a failure like any other', async () => {
  const { policy } = setUp();
  let calls = 0;
  const call = () => {
    calls += 1;
    if (calls < 2) throw new Oops('at once');
    return Promise.resolve('done');
  };
  expect(await policy.execute(call, get)).toBe('done');
});

test.each([
  () => {
    throw new Error('the listener broke');
  },
  async () => {
    throw new Error('the listener broke later');
  },
])('a listener that throws does not break the call', async (onEvent) => {
  const { policy } = setUp({
    onEvent: onEvent as () => void,
    breaker: { opensAfter: { kind: 'consecutive', failures: 1 } },
  });
  const { call } = script(new Oops('one'));
  await expect(policy.execute(call, get)).rejects.toThrow('one');
  expect(policy.breakerState).toBe('open');
});

test('a classify that throws is named as the mistake, with both errors', async () => {
  const { policy } = setUp();
  const mistake = new TypeError('status of undefined');
  const error = new Oops('one');
  const classify = () => {
    throw mistake;
  };
  const thrown = await failureOf(policy.execute(script(error).call, { operation: 'get', classify }));
  expect(thrown).toMatchObject({ code: 'INVALID_ARGUMENT', cause: { errors: [mistake, error] } });
});

test.each([
  undefined,
  null,
  true,
  {},
  { endpointFault: true },
  { retry: true, endpointFault: 1 },
  { retry: 'yes', endpointFault: true },
  { retry: true, endpointFault: true, retryAfterMs: '20' },
  Promise.resolve({ retry: true, endpointFault: true }),
])(
  'a classify that answers %o is named as the mistake, and the error it was asked about is kept',
  async (answer) => {
    const { policy } = setUp();
    const error = new Oops('one');
    const { call, attempts } = script(error);
    const classify = () => answer as Failure;
    const thrown = await failureOf(policy.execute(call, { operation: 'get', classify }));
    expect(thrown).toMatchObject({
      code: 'INVALID_ARGUMENT',
      cause: { errors: [expect.any(TypeError), error] },
    });
    expect(attempts).toHaveLength(1);
  },
);
