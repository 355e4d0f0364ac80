/**
 * What went wrong, as far as a caller would act differently. Codes are API, messages are for people.
 *
 * - `COMMIT_CONFLICT`: the commit did not happen, because the table is no longer what the request asserted.
 *   Reload and decide again.
 * - `COMMIT_STATE_UNKNOWN`: the commit (or creation, drop, rename) may or may not have happened. Reload until certain;
 *   delete nothing.
 * - `TABLE_NOT_FOUND`, `NAMESPACE_NOT_FOUND`, `SNAPSHOT_NOT_FOUND`: it is not there (or no longer).
 * - `ALREADY_EXISTS`: the table or namespace to be made is there already.
 * - `NAMESPACE_NOT_EMPTY`: drop the tables and namespaces in it first.
 * - `INVALID_METADATA`: a metadata file (or a catalog's metadata answer) breaks the format; it names file and field.
 * - `INVALID_MANIFEST`: a manifest or manifest list is damaged or breaks the format; it names the file.
 * - `INVALID_ARGUMENT`: the call cannot work whatever the table holds; fix the caller.
 * - `UNSUPPORTED_FORMAT_VERSION`: the table's format version cannot be read, or cannot be written, by this release.
 * - `UNSUPPORTED_FEATURE`: the format allows it, this release does not do it (data files in ORC, for example), or the
 *   catalog's server does not.
 * - `DATA_FILE_CORRUPT`: a data or delete file cannot be read or contradicts its manifest entry.
 * - `IO_ERROR`: the `FileIO` failed; `cause` is its own error, `retryable` is what that error says.
 * - `CATALOG_UNAVAILABLE`: the catalog did not answer, and nothing was changed.
 * - `ACCESS_DENIED`: the catalog or store refused these credentials.
 */
export type IcebergErrorCode =
  | 'COMMIT_CONFLICT'
  | 'COMMIT_STATE_UNKNOWN'
  | 'TABLE_NOT_FOUND'
  | 'NAMESPACE_NOT_FOUND'
  | 'SNAPSHOT_NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'NAMESPACE_NOT_EMPTY'
  | 'INVALID_METADATA'
  | 'INVALID_MANIFEST'
  | 'INVALID_ARGUMENT'
  | 'UNSUPPORTED_FORMAT_VERSION'
  | 'UNSUPPORTED_FEATURE'
  | 'DATA_FILE_CORRUPT'
  | 'IO_ERROR'
  | 'CATALOG_UNAVAILABLE'
  | 'ACCESS_DENIED';

/** What an {@link IcebergError} carries beside its code and message. */
export interface IcebergErrorOptions {
  /** The facts: table, location, field, requirement, expected, found. Never secrets. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** The original error, if another one caused this. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later. Default: true for `CATALOG_UNAVAILABLE`, else false. */
  readonly retryable?: boolean;
}

const brand = Symbol.for('@danube/iceberg/IcebergError');

/** The one error class of this package. Recognise it with {@link IcebergError.is}, not with `instanceof`. */
export class IcebergError extends Error {
  readonly code: IcebergErrorCode;
  /** The facts: table, location, field, requirement, expected, found. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Whether the same call may succeed later. A conflict is not: it needs a new base. */
  readonly retryable: boolean;

  constructor(code: IcebergErrorCode, message: string, options: IcebergErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'IcebergError';
    this.code = code;
    this.context = options.context ?? {};
    this.retryable = options.retryable ?? code === 'CATALOG_UNAVAILABLE';
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an IcebergError of any copy of this package, and of the given code if one is given. */
  static is(error: unknown, code?: IcebergErrorCode): error is IcebergError {
    return (
      typeof error === 'object' &&
      error !== null &&
      (error as Record<symbol, unknown>)[brand] === true &&
      (code === undefined || (error as IcebergError).code === code)
    );
  }
}

/**
 * Whether an error says that a table, or the namespace that it would be in, is not there. That is true of the moment at
 * which the catalog looked: of a commit that is answered so, see `commitTable` of `Catalog`.
 */
export function saysMissing(error: unknown): boolean {
  return IcebergError.is(error, 'TABLE_NOT_FOUND') || IcebergError.is(error, 'NAMESPACE_NOT_FOUND');
}
