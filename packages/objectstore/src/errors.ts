const brand: unique symbol = Symbol.for('@danube/objectstore/ObjectStoreError') as never;

/**
 * What went wrong, as a closed set. Codes are API; messages are for people and may change.
 *
 * - `NOT_FOUND`: there is no object at this key.
 * - `ALREADY_EXISTS`: a put with `ifAbsent` lost; the object that is there was not touched.
 * - `INVALID_KEY`: the key can never name an object in this store (see `parseKey`), or in the local store it
 *   collides with a directory. Change the key.
 * - `INVALID_RANGE`: the range is not a range, or starts behind the end of the object.
 * - `INVALID_ARGUMENT`: an option, a page token or a URI is not usable.
 * - `UNSAFE_PATH`: a symbolic link (or a device, pipe or socket) stands where the local store keeps a directory or an
 *   object. It was not followed. Remove it, or look at who put it there.
 * - `PERMISSION_DENIED`: the operating system refuses access, or the volume is read-only.
 * - `NO_SPACE`: volume or quota full. Nothing of the put is visible.
 * - `PUT_STATE_UNKNOWN`: the object became visible, complete, but that it survives a power loss could not be
 *   confirmed. Look again (`head`) or put again; delete nothing on the strength of this error.
 * - `IO_ERROR`: anything else the operating system reports. For a put: nothing of it is visible.
 */
export type ObjectStoreErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'INVALID_KEY'
  | 'INVALID_RANGE'
  | 'INVALID_ARGUMENT'
  | 'UNSAFE_PATH'
  | 'PERMISSION_DENIED'
  | 'NO_SPACE'
  | 'PUT_STATE_UNKNOWN'
  | 'IO_ERROR';

/** Facts about the failed call: key, path, operation, limit … Plain values only, fit for a log line. */
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
