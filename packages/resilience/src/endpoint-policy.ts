import { type Attempt, type AttemptEnd, runAttempt } from './attempt.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import { type Breaker, type BreakerChange, type BreakerState, createBreaker, noBreaker } from './breaker.ts';
import {
  type CallOptions,
  type CallPolicy,
  type Failure,
  type ResolvedCall,
  resolveCallOptions,
} from './call.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from './concurrency-limit.ts';
import { abortedError, ResilienceError, type ResilienceErrorCode } from './errors.ts';
import type { GiveUpReason } from './events.ts';
import type { ResolvedCallPolicy } from './options.ts';
import { pause } from './pause.ts';

type Call<T> = (attempt: Attempt) => PromiseLike<T>;

/** How an attempt ended, or that it was not made. */
type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown; readonly failure: Failure }
  | {
      readonly kind: 'refused';
      readonly reason: 'breaker-open' | 'overloaded';
      readonly error: ResilienceError;
    }
  | { readonly kind: 'aborted'; readonly sent: boolean };

type Failed = Extract<Outcome<never>, { kind: 'failed' }>;

/**
 * The loop of attempts. Not cockatiel's retry policy: that sleeps on when the caller's signal fires during a wait, and
 * then calls once more (ADR 0040). Each attempt passes breaker, concurrency limit and breaker again, for a breaker may
 * open while an attempt waits for its turn. A wait between attempts holds no turn.
 */
export class EndpointPolicy implements CallPolicy {
  readonly #options: ResolvedCallPolicy;
  readonly #breaker: Breaker;
  readonly #limit: ConcurrencyLimit;

  constructor(options: ResolvedCallPolicy) {
    const { breaker, components, maxConcurrent, maxQueued } = options;
    this.#options = options;
    this.#limit = createConcurrencyLimit(maxConcurrent, maxQueued);
    this.#breaker = breaker
      ? createBreaker(breaker, components.nowMs, (change) => this.#reportBreaker(change))
      : noBreaker;
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  async execute<T>(call: Call<T>, options: CallOptions): Promise<T> {
    const run = resolveCallOptions(options, this.#options);
    const backoff = createBackoff(this.#options.backoff, this.#options.components.random);
    let last: Failed | undefined;
    for (let number = 1; ; number += 1) {
      const outcome = await this.#attempt(call, number, run);
      if (outcome.kind === 'value') return outcome.value;
      if (outcome.kind === 'aborted')
        throw this.#aborted(run, outcome.sent ? number : number - 1, outcome.sent);
      if (outcome.kind === 'refused') throw this.#refused(run, outcome, number - 1, last);
      last = outcome;
      await this.#waitForNext(outcome, number, backoff, run);
    }
  }

  /** One attempt, if breaker and concurrency limit let it through. Rejects only for a mistake of the caller's. */
  async #attempt<T>(call: Call<T>, number: number, run: ResolvedCall): Promise<Outcome<T>> {
    if (run.signal?.aborted) return { kind: 'aborted', sent: false };
    if (this.#breaker.refusedForMs() !== undefined) return this.#breakerOpen(run);
    try {
      return await this.#limit.run(() => this.#send(call, number, run), run.signal);
    } catch (error) {
      if (!(error instanceof ResilienceError)) throw error;
      if (error.code === 'ABORTED') return { kind: 'aborted', sent: false };
      if (error.code !== 'OVERLOADED') throw error;
      const { name } = this.#options;
      const told = this.#error('OVERLOADED', `${name} has as many calls as it may have`, run, error.context);
      return { kind: 'refused', reason: 'overloaded', error: told };
    }
  }

  async #send<T>(call: Call<T>, number: number, run: ResolvedCall): Promise<Outcome<T>> {
    // Both may have changed while the attempt waited for its turn.
    if (run.signal?.aborted) return { kind: 'aborted', sent: false };
    const permit = this.#breaker.admit();
    if (permit === undefined) return this.#breakerOpen(run);
    try {
      const end = await runAttempt(call, number, run.timeoutMs, run.signal);
      if (end.kind === 'aborted') return { kind: 'aborted', sent: true };
      if (end.kind === 'value') {
        permit.settle({ kind: 'healthy' });
        return { kind: 'value', value: end.value };
      }
      const error = this.#errorOf(end, run);
      const failure = run.classify && this.#classified(run.classify, error, end.attempt, run);
      if (failure) permit.settle(failure.endpointFault ? { kind: 'fault', error } : { kind: 'healthy' });
      return { kind: 'failed', error, failure: failure ?? { retry: false, endpointFault: false } };
    } finally {
      // Whatever has not been settled by now taught nothing. A probe must never be left pending.
      permit.settle({ kind: 'unknown' });
    }
  }

  #errorOf(end: Exclude<AttemptEnd<unknown>, { kind: 'value' }>, run: ResolvedCall): unknown {
    if (end.kind === 'error') return end.error;
    const { timeoutMs, operation } = run;
    const attempt = end.attempt.number;
    this.#options.emit({ kind: 'timed-out', endpoint: this.#options.name, operation, attempt, timeoutMs });
    const message = `${operation} at ${this.#options.name} did not end within ${timeoutMs} ms; it may still take effect`;
    return this.#error('TIMEOUT', message, run, { attempt, timeoutMs });
  }

  #classified(
    classify: NonNullable<ResolvedCall['classify']>,
    error: unknown,
    attempt: Attempt,
    run: ResolvedCall,
  ): Failure {
    try {
      return classify(error, attempt);
    } catch (mistake) {
      throw new ResilienceError('INVALID_ARGUMENT', `classify of ${run.operation} threw`, {
        cause: new AggregateError(
          [mistake, error],
          'what classify threw, and the error that it was asked about',
        ),
        context: { endpoint: this.#options.name, operation: run.operation },
      });
    }
  }

  /** Waits until the next attempt is due, or throws the failure (or `ABORTED`) when there is to be none. */
  async #waitForNext(failed: Failed, number: number, backoff: Backoff, run: ResolvedCall): Promise<void> {
    const { error, failure } = failed;
    if (!failure.retry) throw error;
    const retryAfterMs = failure.retryAfterMs ?? 0;
    const reason = this.#whyGiveUp(retryAfterMs, number, run);
    if (reason !== undefined) throw this.#gaveUp(run, number, reason, error);
    const delayMs = Math.max(backoff.next(), retryAfterMs);
    const { name: endpoint, emit } = this.#options;
    emit({ kind: 'retry', endpoint, operation: run.operation, attempt: number, delayMs, error });
    if (!(await pause(delayMs, run.signal))) throw this.#aborted(run, number, false);
  }

  #whyGiveUp(retryAfterMs: number, number: number, run: ResolvedCall): GiveUpReason | undefined {
    if (number >= run.maxAttempts) return 'attempts-used-up';
    if (retryAfterMs > this.#options.maxRetryAfterMs) return 'retry-after-too-long';
    return this.#breaker.refusedForMs() === undefined ? undefined : 'breaker-open';
  }

  /** Reports that a failure that may be retried is not, and returns what to throw: the failure itself. */
  #gaveUp(run: ResolvedCall, attempts: number, reason: GiveUpReason, error: unknown): unknown {
    const { name: endpoint, emit } = this.#options;
    emit({ kind: 'gave-up', endpoint, operation: run.operation, attempts, reason, error });
    return error;
  }

  #refused(
    run: ResolvedCall,
    refusal: Extract<Outcome<never>, { kind: 'refused' }>,
    attempts: number,
    last: Failed | undefined,
  ): unknown {
    if (last !== undefined) return this.#gaveUp(run, attempts, refusal.reason, last.error);
    const { name: endpoint, emit } = this.#options;
    emit({ kind: 'refused', endpoint, operation: run.operation, reason: refusal.reason });
    return refusal.error;
  }

  #breakerOpen(run: ResolvedCall): Extract<Outcome<never>, { kind: 'refused' }> {
    const retryAfterMs = Math.ceil(this.#breaker.refusedForMs() ?? 0);
    const message = `${this.#options.name} failed too often; it is probed in ${retryAfterMs} ms`;
    const error = this.#error('BREAKER_OPEN', message, run, { retryAfterMs }, retryAfterMs);
    return { kind: 'refused', reason: 'breaker-open', error };
  }

  #aborted(run: ResolvedCall, attempts: number, sent: boolean): ResilienceError {
    const { name: endpoint } = this.#options;
    const context = { endpoint, operation: run.operation, sent, attempts };
    return abortedError(run.signal as AbortSignal, `${run.operation} at ${endpoint}`, context);
  }

  #error(
    code: ResilienceErrorCode,
    message: string,
    run: ResolvedCall,
    facts: ResilienceError['context'],
    retryAfterMs?: number,
  ): ResilienceError {
    const context = { endpoint: this.#options.name, operation: run.operation, ...facts };
    return new ResilienceError(
      code,
      message,
      retryAfterMs === undefined ? { context } : { context, retryAfterMs },
    );
  }

  #reportBreaker(change: BreakerChange): void {
    const { name: endpoint, emit } = this.#options;
    if (change.state === 'open') {
      const { halfOpenAfterMs, error } = change;
      emit({ kind: 'breaker-opened', endpoint, halfOpenAfterMs, error });
    } else {
      emit({ kind: change.state === 'closed' ? 'breaker-closed' : 'breaker-half-open', endpoint });
    }
  }
}
