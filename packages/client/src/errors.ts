/**
 * What went wrong, as far as a caller would act differently.
 *
 * - `INVALID_ARGUMENT` — the call itself is wrong (topic name, size, option), here or by the broker's judgement.
 *   Correct it; repeating it cannot help.
 * - `NOT_FOUND` — no such topic to consume. Topics are created by producers: create one, or wait and try again.
 * - `PERMISSION_DENIED` — the broker forbids it: missing right, or the exclusive subscription has a consumer.
 * - `UNAUTHENTICATED` — the token is missing, expired or wrong.
 * - `FAILED_PRECONDITION` — the topic is not what the call assumes (its dispatch mode, its schema).
 * - `RESOURCE_EXHAUSTED` — the broker refuses for now (limit, backlog full). Slow down and try again.
 * - `UNAVAILABLE` — no broker answered in time, also after the retries. Try again later.
 * - `OUTCOME_UNKNOWN` — a send left this process and no answer says whether it was stored. Sending it again may
 *   store it twice; not sending it again may lose it. Only the caller knows which is worse.
 * - `OFFSET_OUT_OF_RANGE` — the broker delivered an offset above 2^53 − 1, which a JavaScript number cannot name.
 * - `BROKER_ERROR` — the broker failed, or answered what the protocol does not allow. Look at its log.
 * - `ABORTED` — the caller's `signal` fired before the message left this process.
 * - `CLOSED` — the client, producer or consumer is closed.
 */
export type ClientErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'FAILED_PRECONDITION'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'OFFSET_OUT_OF_RANGE'
  | 'BROKER_ERROR'
  | 'ABORTED'
  | 'CLOSED';

/**
 * What is known about a request that failed: `refused` — it had no effect; `unknown` — it may have had its effect,
 * now or still to come.
 */
export type Outcome = 'refused' | 'unknown';

/** Facts about a failure: topic, gRPC status, number of attempts … */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean>>;

export interface ClientErrorInit {
  readonly outcome?: Outcome;
  readonly retryable?: boolean;
  readonly context?: ErrorContext;
  readonly cause?: unknown;
}

const brand = Symbol.for('@danube/client/ClientError');

/**
 * The one error class of this package. `message` starts with `code` and is for people; `code`, `outcome` and
 * `retryable` are for programs.
 */
export class ClientError extends Error {
  static readonly #brand = brand;
  readonly code: ClientErrorCode;
  /** Set where it matters (sends, acknowledgements, requests that reach a broker). */
  readonly outcome: Outcome | undefined;
  /** Whether the same call may succeed later *and* cannot do its work twice. Never true for `OUTCOME_UNKNOWN`. */
  readonly retryable: boolean;
  readonly context: ErrorContext;

  constructor(code: ClientErrorCode, message: string, init: ClientErrorInit = {}) {
    super(`${code}: ${message}`, 'cause' in init ? { cause: init.cause } : undefined);
    this.name = 'ClientError';
    this.code = code;
    this.outcome = init.outcome;
    this.retryable = init.retryable ?? false;
    this.context = init.context ?? {};
    Object.defineProperty(this, ClientError.#brand, { value: true });
  }

  /** Recognises the class across several installed copies of this package; use it rather than `instanceof`. */
  static is(value: unknown): value is ClientError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
