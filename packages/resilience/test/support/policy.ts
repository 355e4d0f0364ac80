import {
  type Attempt,
  type CallEvent,
  type CallOptions,
  type CallPolicyOptions,
  createCallPolicy,
  type Failure,
} from '@danube/resilience';

/** An error that says itself what it means. */
export class Oops extends Error {
  readonly failure: Failure;
  constructor(message: string, failure: Partial<Failure> = {}) {
    super(message);
    this.failure = { retry: true, endpointFault: true, ...failure };
  }
}

/** Oops as it says; anything else (a time-out) may be retried and is the endpoint's fault. */
export const classify = (error: unknown): Failure =>
  error instanceof Oops ? error.failure : { retry: true, endpointFault: true };

/** Options of a call named `get`. */
export const get: CallOptions = { operation: 'get', classify };

/** A policy with short waits, a clock of its own for the breaker, and a record of its events. */
export function setUp(options: Partial<CallPolicyOptions> = {}) {
  const clock = { ms: 0 };
  const events: CallEvent[] = [];
  const policy = createCallPolicy({
    name: 'store',
    onEvent: (event) => events.push(event),
    components: { random: () => 0.5, nowMs: () => clock.ms },
    ...options,
    retry: { initialDelayMs: 4, maxDelayMs: 16, ...options.retry },
  });
  const kinds = () => events.map(({ kind }) => kind);
  /** Opens the breaker of a policy whose breaker opens at the first failure. */
  const openBreaker = () =>
    policy
      .execute(() => Promise.reject(new Oops('down')), { ...get, maxAttempts: 1 })
      .catch(() => events.splice(0));
  return { policy, clock, events, kinds, openBreaker };
}

/** A call that does one thing after another, and how often it was made. */
export function script<T>(...steps: (T | Error | ((attempt: Attempt) => Promise<T>))[]) {
  const attempts: Attempt[] = [];
  const call = async (attempt: Attempt): Promise<T> => {
    attempts.push(attempt);
    const step = steps[Math.min(attempts.length, steps.length) - 1];
    if (step instanceof Error) throw step;
    return step instanceof Function ? step(attempt) : (step as T);
  };
  return { call, attempts };
}

/** What a promise rejects with. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`it did not fail, it gave ${value}`);
    },
    (error: unknown) => error,
  );

/** A call that pays no heed to its signal and never ends. */
export const deaf = () => new Promise<never>(() => {});
