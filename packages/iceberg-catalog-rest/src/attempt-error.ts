import type { ErrorModel } from './error-model.ts';

/**
 * How an attempt failed:
 *
 * - `not-sent`: no connection, no proof of who calls, or nothing that HTTP can carry. The server knows nothing of it.
 * - `refused`: it answered with a status that is no success.
 * - `lost`: the request was sent, and no whole reply came back.
 * - `unreadable`: it answered with success and a body that breaks the specification, or with a body that is too long.
 */
export type AttemptFailureKind = 'not-sent' | 'refused' | 'lost' | 'unreadable';

/** Facts of an {@link AttemptError}. */
export interface AttemptErrorOptions {
  readonly cause?: unknown;
  readonly status?: number;
  readonly retryAfterMs?: number | undefined;
  readonly model?: ErrorModel | undefined;
  readonly isPage?: boolean;
  readonly isFinal?: boolean;
  readonly isUnderWay?: boolean;
}

const brand = Symbol('AttemptError');

/** One attempt that failed. Inside this package only: callers get an `IcebergError`. Holds no headers and no bodies. */
export class AttemptError extends Error {
  readonly kind: AttemptFailureKind;
  /** 0 unless `refused`. */
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** What the server said in the form of the specification, if it did. */
  readonly model: ErrorModel | undefined;
  /** With `refused`: it was a page or other text than JSON, so hardly the catalog that answered. */
  readonly isPage: boolean;
  /** With `not-sent`: trying again will not help. */
  readonly isFinal: boolean;
  /** With `refused`: the server is still busy with an earlier sending under the same idempotency key. */
  readonly isUnderWay: boolean;
  readonly [brand] = true;

  constructor(kind: AttemptFailureKind, message: string, options: AttemptErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AttemptError';
    this.kind = kind;
    this.status = options.status ?? 0;
    this.retryAfterMs = options.retryAfterMs;
    this.model = options.model;
    this.isPage = options.isPage ?? false;
    this.isFinal = options.isFinal ?? false;
    this.isUnderWay = options.isUnderWay ?? false;
  }

  static is(error: unknown): error is AttemptError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}
