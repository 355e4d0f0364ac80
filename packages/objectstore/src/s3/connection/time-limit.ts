import { ObjectStoreError, type ObjectStoreErrorContext } from '../../errors.ts';

/** A signal that fires with another one, and once its time is up if it is not cleared before. */
export class TimeLimit {
  readonly #limit = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  /** Whether its time was up. */
  isUp = false;

  constructor(signal: AbortSignal, limitMs: number | undefined) {
    signal.addEventListener('abort', () => this.#limit.abort(), { once: true });
    if (limitMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.isUp = true;
      this.#limit.abort();
    }, limitMs);
  }

  /** What the request is to end with. */
  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  /** The answer has come: only the other signal counts from now on. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** `TIMEOUT`: a request to which no answer came. */
export function noAnswer(facts: ObjectStoreErrorContext, timeoutMs: number | undefined): ObjectStoreError {
  const { operation, endpoint } = facts;
  return new ObjectStoreError('TIMEOUT', `${operation}: ${endpoint} gave no answer in time`, {
    context: { ...facts, ...(timeoutMs !== undefined && { timeoutMs }) },
    retryable: true,
  });
}
