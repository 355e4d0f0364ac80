// Makes calls that end in every way, prints what they came to, and has to end by itself: no timer may be left.
import { createCallPolicy, createConcurrencyLimit, pause } from '@danube/resilience';

const options = { operation: 'get', classify: () => ({ retry: true, endpointFault: true }) };
const retry = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 };
const policy = createCallPolicy({ name: 'child', timeoutMs: 600_000, retry });
const codeOf = (error: { code?: string; message: string }) => error.code ?? error.message;
const deaf = () => new Promise<never>(() => {});
const soon = () => AbortSignal.timeout(20);

const results = await Promise.all([
  policy.execute(() => Promise.resolve('done'), options),
  policy.execute(() => Promise.reject(new Error('failed')), options).catch(codeOf),
  policy.execute(deaf, { ...options, timeoutMs: 10 }).catch(codeOf),
  policy.execute(deaf, { ...options, signal: soon() }).catch(codeOf),
  pause(600_000, soon()),
  createConcurrencyLimit(1).run(() => 'worked', soon()),
]);
console.log(results.join(' '));
// Nor is this pause a reason to stay.
void pause(600_000, undefined, { keepAlive: false });
