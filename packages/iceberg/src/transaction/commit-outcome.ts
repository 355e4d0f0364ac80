import { IcebergError, type IcebergErrorCode } from '../errors.ts';

/** Codes with which a catalog says that nothing happened, now or later. */
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

/** Whether a failed commit certainly did not happen. Anything not known to say so leaves it open. */
export function isDefinite(error: unknown): boolean {
  return IcebergError.is(error) && definiteCodes.has(error.code);
}

/** Whether a call did nothing and may succeed when made again. */
export function isTransient(error: unknown): boolean {
  return IcebergError.is(error, 'CATALOG_UNAVAILABLE');
}
