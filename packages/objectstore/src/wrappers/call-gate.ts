import { type ConcurrencyLimit, createConcurrencyLimit, ResilienceError } from '@danube/resilience';
import { ObjectStoreError } from '../errors.ts';
import { abortedError, throwIfAborted } from '../request-checks.ts';
import type { ResolvedLimits } from './limits-options.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * Lets calls through: each first waits for a place among those under way, then for its time. In this order, since a
 * call that has its time and then waits for a place would go out together with those that follow.
 */
export class CallGate {
  readonly #limits: ResolvedLimits;
  readonly #places: ConcurrencyLimit;
  readonly #rate: TokenBucket;

  constructor(limits: ResolvedLimits) {
    this.#limits = limits;
    this.#places = createConcurrencyLimit(limits.maxConcurrent);
    this.#rate = new TokenBucket(limits.requestsPerSecond, limits.burst);
  }

  /**
   * Resolves when the call may go out, with what ends its place (once; more often is harmless) and resolves when it is
   * free for the next. Errors: `THROTTLED` if it would have to wait and as many wait as may, `ABORTED` if the signal
   * fires before.
   */
  enter(signal: AbortSignal | undefined): Promise<() => Promise<void>> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      this.#checkQueue();
      const underWay = async () => {
        await this.#rate.take(signal);
        await new Promise<void>((end) => {
          resolve(() => {
            end();
            return over;
          });
        });
      };
      const over = this.#places.run(underWay, signal);
      over.catch((error: unknown) => reject(gateError(error, signal)));
    });
  }

  #checkQueue(): void {
    const { maxConcurrent, maxQueued } = this.#limits;
    const waits = this.#places.active >= maxConcurrent || !this.#rate.ready;
    if (!waits || this.#places.queued + this.#rate.queued < maxQueued) return;
    throw new ObjectStoreError('THROTTLED', `${maxQueued} calls wait already, which is our own limit`, {
      context: { maxConcurrent, maxQueued },
      retryable: true,
    });
  }
}

function gateError(error: unknown, signal: AbortSignal | undefined): unknown {
  return ResilienceError.is(error) && error.code === 'ABORTED' && signal ? abortedError(signal) : error;
}
