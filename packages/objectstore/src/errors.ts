const brand: unique symbol = Symbol.for('@danube/objectstore/ObjectStoreError') as never;

/**
 * What went wrong, as a closed set. Codes are API; messages are for people and may change.
 *
 * Of the object:
 * - `NOT_FOUND`: there is no object at this key.
 * - `ALREADY_EXISTS`: a put with `ifAbsent` lost; the object that is there was not touched.
 * - `PRECONDITION_FAILED`: the object at the key is not the version that `ifMatch` names, or there is none for a put.
 *   Read it again and decide anew.
 * - `NOT_MODIFIED`: the object still is the version that `ifNoneMatch` names.
 * - `PUT_STATE_UNKNOWN`: the put may have happened or may still happen: its reply was lost, or the object is visible
 *   but not known to survive a power loss. Look (`head`) or put again; delete nothing on the strength of this error.
 * - `CORRUPT`: bytes changed or went missing on the way (a checksum, a length). Nothing of a put is visible.
 *
 * Of the call:
 * - `INVALID_PATH`: the key or prefix can never name an object in this store (see `parseKey`), or in the local store
 *   it collides with a directory. Change the key.
 * - `INVALID_RANGE`: the range is not a range, or starts behind the end of the object.
 * - `INVALID_ARGUMENT`: an option, a configuration or a URL is not usable.
 * - `NOT_SUPPORTED`: this store lacks the capability (see `StoreCapabilities`), the server does not know the request,
 *   or an optional package is not installed; the message says which.
 * - `ABORTED`: the caller's signal ended the call; `cause` is its reason.
 * - `CLOSED`: the store was closed.
 *
 * Of the store:
 * - `UNAUTHENTICATED`: no credentials, or the store does not know or no longer accepts them. Renew them.
 * - `PERMISSION_DENIED`: the credentials, the operating system or a read-only volume do not allow this.
 * - `BUCKET_NOT_FOUND`: the bucket itself does not exist.
 * - `UNSAFE_PATH`: a symbolic link (or a device, pipe or socket) stands where the local store keeps a directory or an
 *   object. It was not followed. Remove it, or look at who put it there.
 * - `NO_SPACE`: volume or quota full. Nothing of the put is visible.
 * - `THROTTLED`: the store asks for fewer requests (429, 503 SlowDown), or our own limit is full. Retried already.
 * - `TIMEOUT`: no answer in time. Retried already where that was safe.
 * - `UNAVAILABLE`: the store cannot be reached or answers 5xx, or the circuit breaker holds calls back. Retried
 *   already where that was safe.
 * - `IO_ERROR`: anything else that the operating system or the store reports; see `cause`.
 */
export type ObjectStoreErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PRECONDITION_FAILED'
  | 'NOT_MODIFIED'
  | 'PUT_STATE_UNKNOWN'
  | 'CORRUPT'
  | 'INVALID_PATH'
  | 'INVALID_RANGE'
  | 'INVALID_ARGUMENT'
  | 'NOT_SUPPORTED'
  | 'ABORTED'
  | 'CLOSED'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'BUCKET_NOT_FOUND'
  | 'UNSAFE_PATH'
  | 'NO_SPACE'
  | 'THROTTLED'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'IO_ERROR';

/** Facts about the failed call: key, path, operation, status, limit … Plain values only, fit for a log line. */
export type ObjectStoreErrorContext = Readonly<Record<string, string | number | boolean>>;

/** The one error class of this package. Recognise it with `ObjectStoreError.is`, not `instanceof`. */
export class ObjectStoreError extends Error {
  readonly code: ObjectStoreErrorCode;
  readonly context: ObjectStoreErrorContext;
  /** Whether the same call, made again later, can succeed without anybody changing anything. */
  readonly retryable: boolean;
  readonly [brand] = true;

  constructor(
    code: ObjectStoreErrorCode,
    message: string,
    options: { context?: ObjectStoreErrorContext; cause?: unknown; retryable?: boolean } = {},
  ) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ObjectStoreError';
    this.code = code;
    this.context = options.context ?? {};
    this.retryable = options.retryable ?? false;
  }

  /** True for an error of this class, also when it comes from another installed copy of the package. */
  static is(error: unknown): error is ObjectStoreError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}
