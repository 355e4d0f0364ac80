import type { Attempt } from './attempt.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import type { BreakerState } from './breaker.ts';
import { type CallOptions, type CallPolicy, type ResolvedCall, resolveCallOptions } from './call.ts';
import { Endpoint } from './endpoint.ts';
import { abortedError, type ResilienceError } from './errors.ts';
import type { GiveUpReason } from './events.ts';
import type { ResolvedCallPolicy } from './options.ts';
import type { Failed, Refused } from './outcome.ts';
import { pause } from './pause.ts';

/**
 * The loop of attempts. Not cockatiel's retry policy: that sleeps on when the caller's signal fires during a wait, and
 * then calls once more (ADR 0040). A wait between attempts holds no place of the concurrency limit.
 */
export class EndpointPolicy implements CallPolicy {
  readonly #options: ResolvedCallPolicy;
  readonly #endpoint: Endpoint;

  constructor(options: ResolvedCallPolicy) {
    this.#options = options;
    this.#endpoint = new Endpoint(options);
  }

  get breakerState(): BreakerState {
    return this.#endpoint.breaker.state;
  }

  async execute<T>(call: (attempt: Attempt) => PromiseLike<T>, options: CallOptions): Promise<T> {
    const run = resolveCallOptions(options, this.#options);
    const backoff = createBackoff(this.#options.backoff, this.#options.components.random);
    let last: Failed | undefined;
    for (let number = 1; ; number += 1) {
      const outcome = await this.#endpoint.attempt(call, number, run);
      if (outcome.kind === 'value') return outcome.value;
      if (outcome.kind === 'aborted')
        throw this.#aborted(run, outcome.sent ? number : number - 1, outcome.sent);
      if (outcome.kind === 'refused') throw this.#refused(run, outcome, number - 1, last);
      last = outcome;
      await this.#waitForNext(outcome, number, backoff, run);
    }
  }

  /** Waits until the next attempt is due, or throws the failure (or `ABORTED`) when there is to be none. */
  async #waitForNext(
    { error, failure }: Failed,
    number: number,
    backoff: Backoff,
    run: ResolvedCall,
  ): Promise<void> {
    if (!failure.retry) throw error;
    // A wait that is NaN or negative asks for nothing.
    const retryAfterMs = Math.ceil(Math.max(0, failure.retryAfterMs || 0));
    const reason = this.#whyGiveUp(retryAfterMs, number, run);
    if (reason !== undefined) throw this.#gaveUp(run, number, reason, error);
    const delayMs = Math.max(backoff.next(), retryAfterMs);
    this.#options.emit({ kind: 'retry', ...this.#facts(run), attempt: number, delayMs, error });
    if (!(await pause(delayMs, run.signal))) throw this.#aborted(run, number, false);
  }

  #whyGiveUp(retryAfterMs: number, number: number, run: ResolvedCall): GiveUpReason | undefined {
    if (number >= run.maxAttempts) return 'attempts-used-up';
    if (retryAfterMs > this.#options.maxRetryAfterMs) return 'retry-after-too-long';
    return this.#endpoint.breaker.refusedForMs() === undefined ? undefined : 'breaker-open';
  }

  /** Reports that a failure that may be retried is not, and returns what to throw: the failure itself. */
  #gaveUp(run: ResolvedCall, attempts: number, reason: GiveUpReason, error: unknown): unknown {
    this.#options.emit({ kind: 'gave-up', ...this.#facts(run), attempts, reason, error });
    return error;
  }

  /** What to throw when an attempt is refused: the last failure says more than the refusal, if there is one. */
  #refused(run: ResolvedCall, { reason, error }: Refused, attempts: number, last?: Failed): unknown {
    if (last !== undefined) return this.#gaveUp(run, attempts, reason, last.error);
    this.#options.emit({ kind: 'refused', ...this.#facts(run), reason });
    return error;
  }

  #aborted(run: ResolvedCall, attempts: number, sent: boolean): ResilienceError {
    const context = { ...this.#facts(run), sent, attempts };
    return abortedError(run.signal as AbortSignal, `${run.operation} at ${this.#options.name}`, context);
  }

  #facts(run: ResolvedCall) {
    return { endpoint: this.#options.name, operation: run.operation };
  }
}
