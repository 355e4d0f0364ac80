import { type Attempt, type AttemptEnd, runAttempt } from './attempt.ts';
import { type Breaker, type BreakerChange, createBreaker, noBreaker } from './breaker.ts';
import type { Failure, ResolvedCall } from './call.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from './concurrency-limit.ts';
import { ResilienceError, type ResilienceErrorContext } from './errors.ts';
import type { ResolvedCallPolicy } from './options.ts';
import type { Outcome, Refused } from './outcome.ts';

/**
 * What all calls to one endpoint share: its breaker and its concurrency limit, and how one attempt passes them. The
 * breaker is asked before an attempt queues and again when its turn has come, for it may have opened meanwhile.
 */
export class Endpoint {
  readonly breaker: Breaker;
  readonly #options: ResolvedCallPolicy;
  readonly #limit: ConcurrencyLimit;

  constructor(options: ResolvedCallPolicy) {
    const { breaker, components, maxConcurrent, maxQueued } = options;
    this.#options = options;
    this.#limit = createConcurrencyLimit(maxConcurrent, maxQueued);
    this.breaker = breaker
      ? createBreaker(breaker, components.nowMs, (change) => this.#report(change))
      : noBreaker;
  }

  /** One attempt, if it is let through. Rejects only when `classify` throws or answers with no `Failure`. */
  async attempt<T>(
    call: (attempt: Attempt) => PromiseLike<T>,
    number: number,
    run: ResolvedCall,
  ): Promise<Outcome<T>> {
    if (run.signal?.aborted) return { kind: 'aborted', sent: false };
    if (this.breaker.refusedForMs() !== undefined) return this.#breakerOpen(run);
    try {
      return await this.#limit.run(() => this.#send(call, number, run), run.signal);
    } catch (error) {
      if (ResilienceError.is(error) && error.code === 'ABORTED') return { kind: 'aborted', sent: false };
      if (ResilienceError.is(error) && error.code === 'OVERLOADED') return this.#overloaded(run, error);
      throw error;
    }
  }

  async #send<T>(
    call: (attempt: Attempt) => PromiseLike<T>,
    number: number,
    run: ResolvedCall,
  ): Promise<Outcome<T>> {
    if (run.signal?.aborted) return { kind: 'aborted', sent: false };
    const permit = this.breaker.admit();
    if (permit === undefined) return this.#breakerOpen(run);
    try {
      // Again: becoming half-open is an event, whose listener may have fired the signal.
      if (run.signal?.aborted) return { kind: 'aborted', sent: false };
      const end = await runAttempt(call, number, run.timeoutMs, run.signal);
      if (end.kind === 'aborted') return { kind: 'aborted', sent: true };
      if (end.kind === 'value') {
        permit.settle({ kind: 'healthy' });
        return { kind: 'value', value: end.value };
      }
      const error = this.#errorOf(end, run);
      if (run.classify === undefined) return { kind: 'failed', error, failure: { retry: false } };
      const failure = classified(run.classify, error, end.attempt, this.#facts(run));
      if (failure.endpointFault !== undefined)
        permit.settle(failure.endpointFault ? { kind: 'fault', error } : { kind: 'healthy' });
      return { kind: 'failed', error, failure };
    } finally {
      // Whatever is not settled by now taught nothing. No effect on what is; a probe must never be left pending.
      permit.settle({ kind: 'unknown' });
    }
  }

  #errorOf(end: Extract<AttemptEnd<unknown>, { kind: 'error' | 'timed-out' }>, run: ResolvedCall): unknown {
    if (end.kind === 'error') return end.error;
    const { timeoutMs } = run;
    const facts = { ...this.#facts(run), attempt: end.attempt.number, timeoutMs };
    this.#options.emit({ kind: 'timed-out', ...facts });
    const message = `${run.operation} at ${this.#options.name} did not end within ${timeoutMs} ms; it may still take effect`;
    return new ResilienceError('TIMEOUT', message, { context: facts });
  }

  #breakerOpen(run: ResolvedCall): Refused {
    const retryAfterMs = Math.ceil(this.breaker.refusedForMs() ?? 0);
    const message = `${this.#options.name} failed too often; it is probed in ${retryAfterMs} ms`;
    const context = { ...this.#facts(run), retryAfterMs };
    const error = new ResilienceError('BREAKER_OPEN', message, { context, retryAfterMs });
    return { kind: 'refused', reason: 'breaker-open', error };
  }

  #overloaded(run: ResolvedCall, { context }: ResilienceError): Refused {
    const message = `${this.#options.name} has as many calls under way and waiting as it may have`;
    const error = new ResilienceError('OVERLOADED', message, {
      context: { ...this.#facts(run), ...context },
    });
    return { kind: 'refused', reason: 'overloaded', error };
  }

  #facts(run: ResolvedCall) {
    return { endpoint: this.#options.name, operation: run.operation };
  }

  #report(change: BreakerChange): void {
    const { name: endpoint, emit } = this.#options;
    if (change.state === 'open') {
      const { halfOpenAfterMs, error } = change;
      emit({ kind: 'breaker-opened', endpoint, halfOpenAfterMs, error });
    } else {
      emit({ kind: change.state === 'closed' ? 'breaker-closed' : 'breaker-half-open', endpoint });
    }
  }
}

function classified(
  classify: NonNullable<ResolvedCall['classify']>,
  error: unknown,
  attempt: Attempt,
  context: ResilienceErrorContext,
): Failure {
  try {
    return checkedFailure(classify(error, attempt));
  } catch (mistake) {
    const cause = new AggregateError(
      [mistake, error],
      'the mistake of classify, and what it was asked about',
    );
    throw new ResilienceError('INVALID_ARGUMENT', 'classify threw, or answered with no Failure', {
      cause,
      context,
    });
  }
}

/** TypeScript sees to it; without it a promise, say, would be taken for "all is well, but do not try again". */
function checkedFailure(failure: Failure): Failure {
  const { retry, endpointFault, retryAfterMs } = failure;
  const isOr = (value: unknown, type: string) => value === undefined || typeof value === type;
  if (typeof retry === 'boolean' && isOr(endpointFault, 'boolean') && isOr(retryAfterMs, 'number'))
    return failure;
  throw new TypeError('a Failure has retry (a boolean), endpointFault (too) and retryAfterMs (a number)');
}
