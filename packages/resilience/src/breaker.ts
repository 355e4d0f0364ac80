import { CircuitState, ConsecutiveBreaker, CountBreaker, type IBreaker } from 'cockatiel';
import type { OpensAfter, ResolvedBreaker } from './breaker-settings.ts';

/** `closed`: attempts pass. `open`: they are refused. `half-open`: one attempt is under way to find out. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * What an attempt says about the endpoint: `healthy` when it answered, even if the answer was no; `fault` when it is
 * to blame; `unknown` when the attempt was cut short.
 */
export type Verdict =
  | { readonly kind: 'healthy' | 'unknown' }
  | { readonly kind: 'fault'; readonly error: unknown };

/** Leave for one attempt. `settle` must be called once it has ended; calls after the first do nothing. */
export interface Permit {
  settle(verdict: Verdict): void;
}

/** How the breaker reports a change. */
export type BreakerChange =
  | { readonly state: 'open'; readonly halfOpenAfterMs: number; readonly error: unknown }
  | { readonly state: 'half-open' | 'closed' };

/** The gate before an endpoint. */
export interface Breaker {
  readonly state: BreakerState;
  /** Milliseconds for which an attempt would be refused (0 while a probe is under way); `undefined` if it may go. */
  refusedForMs(): number | undefined;
  /** Leave for an attempt now; `undefined` if it is refused. */
  admit(): Permit | undefined;
}

const anyAttempt: Permit = { settle: () => {} };

/** The gate of an endpoint that has no breaker: always open to everybody. */
export const noBreaker: Breaker = { state: 'closed', refusedForMs: () => undefined, admit: () => anyAttempt };

/** Creates a breaker. `nowMs` must not jump, `onChange` must not throw. */
export function createBreaker(
  settings: ResolvedBreaker,
  nowMs: () => number,
  onChange: (change: BreakerChange) => void,
): Breaker {
  return new EndpointBreaker(settings, nowMs, onChange);
}

/**
 * cockatiel decides when failures are enough; the states are our own, because its circuit breaker lets calls wait for
 * the probe instead of refusing them, takes an aborted probe for a success, lets attempts from before it opened open
 * it again, and goes by the wall clock (ADR 0040).
 */
class EndpointBreaker implements Breaker {
  readonly #settings: ResolvedBreaker;
  readonly #nowMs: () => number;
  readonly #onChange: (change: BreakerChange) => void;
  readonly #failures: IBreaker;
  #state: BreakerState = 'closed';
  #opensUntilMs = 0;
  /** Counts changes of state, so that an attempt that began in another state is known and not listened to. */
  #era = 0;

  constructor(settings: ResolvedBreaker, nowMs: () => number, onChange: (change: BreakerChange) => void) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#onChange = onChange;
    this.#failures = failureCounter(settings.opensAfter);
  }

  get state(): BreakerState {
    return this.#state;
  }

  refusedForMs(): number | undefined {
    if (this.#state === 'closed') return undefined;
    if (this.#state === 'half-open') return 0;
    const restMs = this.#opensUntilMs - this.#nowMs();
    return restMs > 0 ? restMs : undefined;
  }

  admit(): Permit | undefined {
    if (this.refusedForMs() !== undefined) return undefined;
    const probe = this.#state === 'open';
    if (probe) this.#change({ state: 'half-open' });
    const era = this.#era;
    let settled = false;
    return {
      settle: (verdict) => {
        if (settled || era !== this.#era) return;
        settled = true;
        if (probe) this.#probed(verdict);
        else this.#answered(verdict);
      },
    };
  }

  #answered(verdict: Verdict): void {
    if (verdict.kind === 'healthy') this.#failures.success(CircuitState.Closed);
    if (verdict.kind === 'fault' && this.#failures.failure(CircuitState.Closed)) this.#open(verdict.error);
  }

  #probed(verdict: Verdict): void {
    if (verdict.kind === 'fault') {
      this.#failures.failure(CircuitState.HalfOpen);
      this.#open(verdict.error);
    } else if (verdict.kind === 'healthy') {
      this.#failures.success(CircuitState.HalfOpen);
      this.#change({ state: 'closed' });
    } else {
      // Nothing was learnt: as before the probe, the next attempt may be one.
      this.#change({ state: 'open', halfOpenAfterMs: 0, error: undefined });
    }
  }

  #open(error: unknown): void {
    const { halfOpenAfterMs } = this.#settings;
    this.#opensUntilMs = this.#nowMs() + halfOpenAfterMs;
    this.#change({ state: 'open', halfOpenAfterMs, error });
  }

  #change(change: BreakerChange): void {
    this.#state = change.state;
    this.#era += 1;
    this.#onChange(change);
  }
}

function failureCounter(opensAfter: OpensAfter): IBreaker {
  if (opensAfter.kind === 'consecutive') return new ConsecutiveBreaker(opensAfter.failures);
  return new CountBreaker({ threshold: opensAfter.failureRatio, size: opensAfter.attempts });
}
