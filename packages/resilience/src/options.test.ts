import { expect, test } from 'vitest';
import { type CallOptions, type CallPolicyOptions, createCallPolicy } from './index.ts';

test.each([
  [{}, 'name must say'],
  [{ name: '' }, 'name must say'],
  [{ name: 'a', timeout: 1 }, 'createCallPolicy has no option "timeout"; there are name, retry,'],
  [{ name: 'a', timeoutMs: 0 }, 'timeoutMs must be a number from 1 to 2147483647'],
  [{ name: 'a', timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs must be'],
  [{ name: 'a', maxConcurrent: 0 }, 'maxConcurrent must be'],
  [{ name: 'a', maxConcurrent: Number.NaN }, 'maxConcurrent must be'],
  [{ name: 'a', maxConcurrent: 1, maxQueued: -1 }, 'maxQueued must be'],
  [{ name: 'a', retry: { retries: 3 } }, 'retry has no option "retries"'],
  [{ name: 'a', retry: { maxAttempts: 0 } }, 'maxAttempts must be'],
  [{ name: 'a', retry: { maxAttempts: 2.5 } }, 'maxAttempts must be a whole number'],
  [{ name: 'a', retry: { maxRetryAfterMs: -1 } }, 'retry.maxRetryAfterMs must be'],
  [{ name: 'a', retry: { initialDelayMs: 20, maxDelayMs: 10 } }, 'retry.maxDelayMs must be'],
  [{ name: 'a', breaker: { threshold: 3 } }, 'breaker has no option "threshold"'],
  [{ name: 'a', components: { clock: Date } }, 'components has no option "clock"'],
  [undefined, 'createCallPolicy takes an object of options, not undefined'],
  [{ name: 'a', retry: false }, 'retry takes an object of options, not false'],
  [{ name: 'a', breaker: true }, 'breaker takes an object of options, not true'],
  [{ name: 'a', breaker: { opensAfter: null } }, 'breaker.opensAfter.kind is consecutive or ratio'],
])('createCallPolicy refuses %o', (options, message) => {
  expect(() => createCallPolicy(options as CallPolicyOptions)).toThrow(message);
});

test.each([
  [{ operation: 'get', retries: 1 }, 'execute has no option "retries"'],
  [{ operation: 'get', timeoutMs: 2 ** 31 }, 'timeoutMs must be'],
  [{ operation: 'get', maxAttempts: 0 }, 'maxAttempts must be'],
  [undefined, 'execute takes an object of options, not undefined'],
])('execute refuses %o and calls nothing', async (options, message) => {
  const policy = createCallPolicy({ name: 'a' });
  const call = () => expect.unreachable();
  await expect(policy.execute(call, options as CallOptions)).rejects.toThrow(message);
});

test('options that are undefined are as good as left out', async () => {
  const nothing = { signal: undefined, timeoutMs: undefined, maxAttempts: undefined, classify: undefined };
  const policy = createCallPolicy({
    name: 'a',
    retry: {
      maxAttempts: undefined,
      maxRetryAfterMs: undefined,
      initialDelayMs: undefined,
      maxDelayMs: undefined,
      jitter: undefined,
    },
    timeoutMs: undefined,
    breaker: undefined,
    maxConcurrent: undefined,
    maxQueued: undefined,
    onEvent: undefined,
    components: { random: undefined, nowMs: undefined },
  });
  expect(await policy.execute(async ({ number }) => number, { operation: 'get', ...nothing })).toBe(1);
});
