/**
 * Many calls at once that succeed, fail, hang and are aborted at random, through one policy with everything switched
 * on. Whatever they do: the rules of breaker, limit and retries hold at every attempt, every call comes to an end it may
 * have, and afterwards nothing is left behind.
 */
import { getEventListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type Attempt, type CallEvent, createCallPolicy, ResilienceError } from '@danube/resilience';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { classify, deaf, Oops } from './support/policy.ts';

const CALLS = 120;
const MAX_CONCURRENT = 4;
const MAX_ATTEMPTS = 3;
/** Long after the time limit of 8 ms: when the process is held up, Node.js runs timers that end close together in any order. */
const LATE_MS = 100;
const baseSeed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const seeds = Array.from({ length: 6 }, (_, index) => baseSeed + index);

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => process.on('unhandledRejection', note));
afterAll(() => process.off('unhandledRejection', note));

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one attempt does, drawn by lot. */
function behave(random: () => number, { signal }: Attempt): Promise<string> {
  const lot = random();
  const soon = random() * 4;
  if (lot < 0.35) return wait(soon, 'ok');
  if (lot < 0.6) return wait(soon).then(() => Promise.reject(new Oops('down')));
  if (lot < 0.7) return Promise.reject(new Oops('busy', { retryAfterMs: soon * 2 }));
  if (lot < 0.8)
    return wait(soon).then(() => Promise.reject(new Oops('no', { retry: false, endpointFault: false })));
  if (lot < 0.87) return deaf();
  if (lot < 0.94) return wait(1000, 'late', { signal });
  return wait(LATE_MS).then(() => Promise.reject(new Oops('late')));
}

/** Notes what an attempt must not do: start while the breaker is open, be a second probe, or be one too many. */
class Referee {
  readonly wrongs: string[] = [];
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #probes = 0;
  #underWay = 0;

  event(event: CallEvent): void {
    if (!event.kind.startsWith('breaker-')) return;
    const to =
      event.kind === 'breaker-opened' ? 'open' : event.kind === 'breaker-closed' ? 'closed' : 'half-open';
    const legal = { closed: ['open'], open: ['half-open'], 'half-open': ['open', 'closed'] }[this.#state];
    if (!legal.includes(to)) this.wrongs.push(`${this.#state} to ${to}`);
    this.#state = to;
    this.#probes = 0;
  }

  async attempt<T>(attempt: Attempt, work: Promise<T>): Promise<T> {
    if (this.#state === 'open') this.wrongs.push('an attempt while the breaker was open');
    if (this.#state === 'half-open') this.#probes += 1;
    if (this.#probes > 1) this.wrongs.push('a second probe');
    this.#underWay += 1;
    if (this.#underWay > MAX_CONCURRENT) this.wrongs.push('too many at once');
    if (attempt.number > MAX_ATTEMPTS) this.wrongs.push('too many attempts');
    let over = false;
    const end = () => {
      if (!over) this.#underWay -= 1;
      over = true;
    };
    attempt.signal.addEventListener('abort', end);
    return work.finally(end);
  }
}

test.each(seeds)('whatever calls do, the rules hold and nothing is left behind (SEED=%d)', async (seed) => {
  const random = generator(seed);
  const referee = new Referee();
  const policy = createCallPolicy({
    name: 'store',
    retry: { maxAttempts: MAX_ATTEMPTS, initialDelayMs: 1, maxDelayMs: 3, maxRetryAfterMs: 6 },
    timeoutMs: 8,
    breaker: { opensAfter: { kind: 'consecutive', failures: 3 }, halfOpenAfterMs: 5 },
    maxConcurrent: MAX_CONCURRENT,
    maxQueued: 10,
    onEvent: (event) => referee.event(event),
    components: { random },
  });
  const ends = new Map<string, number>();
  const controllers: AbortController[] = [];

  const makeCall = async () => {
    await wait(random() * 150);
    const controller = new AbortController();
    controllers.push(controller);
    if (random() < 0.25) setTimeout(() => controller.abort(), random() * 15);
    let mayGoOn = true;
    let attempts = 0;
    const call = (attempt: Attempt) => {
      attempts += 1;
      if (!mayGoOn) referee.wrongs.push('an attempt after a final failure');
      return referee.attempt(attempt, behave(random, attempt));
    };
    const judge = (error: unknown) => {
      const failure = classify(error);
      mayGoOn = failure.retry;
      return failure;
    };
    const options = { operation: 'get', signal: controller.signal, classify: judge };
    const end = await policy.execute(call, options).catch((error: unknown) => {
      if (!ResilienceError.is(error)) return (error as Error).message;
      if (error.code === 'ABORTED' && !controller.signal.aborted) referee.wrongs.push('aborted by nobody');
      if (error.code === 'BREAKER_OPEN' && attempts > 0) referee.wrongs.push('refused after an attempt');
      if (error.code === 'OVERLOADED' && attempts > 0) referee.wrongs.push('overloaded after an attempt');
      if (error.code === 'ABORTED' && error.context['attempts'] !== attempts)
        referee.wrongs.push('wrong count');
      return error.code;
    });
    ends.set(end, (ends.get(end) ?? 0) + 1);
  };
  await Promise.all(Array.from({ length: CALLS }, makeCall));

  expect(referee.wrongs).toEqual([]);
  const possible = ['ok', 'down', 'busy', 'no', 'TIMEOUT', 'ABORTED', 'BREAKER_OPEN', 'OVERLOADED'];
  expect([...ends.keys()].filter((end) => !possible.includes(end))).toEqual([]);
  expect(ends.get('ok')).toBeGreaterThan(0);
  for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  // What came late came to nobody. All turns are free and the breaker is not stuck: a full set of calls gets through.
  await wait(LATE_MS + 10);
  expect(await policy.execute(async () => 'probe', { operation: 'get' })).toBe('probe');
  const last = Array.from({ length: MAX_CONCURRENT + 10 }, () =>
    policy.execute(() => wait(1, 'ok'), { operation: 'get', timeoutMs: 1000 }),
  );
  expect(new Set(await Promise.all(last))).toEqual(new Set(['ok']));
  expect([policy.breakerState, unhandled]).toEqual(['closed', []]);
});
