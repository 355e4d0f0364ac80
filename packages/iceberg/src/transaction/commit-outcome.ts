import { IcebergError, type IcebergErrorCode } from '../errors.ts';

/**
 * Codes with which a catalog says that nothing happened, now or later. That there is no table is true of now, and not of
 * the moment of the commit: a server that reads the table again before it replies finds it renamed or dropped after it
 * committed. Apache's REST server does (RESTCatalogAdapter of Iceberg 1.12), and so may a client that repeats a request
 * by itself. So who commits looks, with `saysMissing`, before believing those two.
 */
const definiteCodes: ReadonlySet<IcebergErrorCode> = new Set<IcebergErrorCode>([
  'ACCESS_DENIED',
  'ALREADY_EXISTS',
  'COMMIT_CONFLICT',
  'INVALID_ARGUMENT',
  'INVALID_METADATA',
  'NAMESPACE_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'TABLE_NOT_FOUND',
  'UNSUPPORTED_FEATURE',
  'UNSUPPORTED_FORMAT_VERSION',
]);

/** Whether a failed commit is over: nothing of it lands later. Anything not known to say so leaves it open. */
export function isDefinite(error: unknown): boolean {
  return IcebergError.is(error) && definiteCodes.has(error.code);
}

/** Whether a call did nothing and may succeed when made again. */
export function isTransient(error: unknown): boolean {
  return IcebergError.is(error, 'CATALOG_UNAVAILABLE');
}
