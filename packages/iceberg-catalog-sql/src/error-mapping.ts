import { IcebergError } from '@danube/iceberg';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html */
const ERROR = 1;
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CANTOPEN = 14;
/** Others kept taking the locks that a transaction begins with. */
const PROTOCOL = 15;
const CONSTRAINT = 19;
const AUTH = 23;
const NOTADB = 26;

const accessCodes: ReadonlySet<number> = new Set([PERM, READONLY, AUTH]);
/** A statement that fails with one of these has changed nothing: it never got as far as writing. */
const definiteCodes: ReadonlySet<number> = new Set([
  ERROR,
  BUSY,
  LOCKED,
  CANTOPEN,
  PROTOCOL,
  CONSTRAINT,
  NOTADB,
  ...accessCodes,
]);

/** The primary result code of an error that SQLite reported, or undefined. */
export function sqliteCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  // Extended codes (517 BUSY_SNAPSHOT, 1555 CONSTRAINT_PRIMARYKEY) keep the primary one in their low byte.
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Whether another connection's lock was in the way: nothing happened, and later it may work. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED || code === PROTOCOL;
}

/**
 * Translates a failure of the database. `effect` says whether the failed step could have changed the file: if so, and
 * the code does not prove that it did not, the outcome is `COMMIT_STATE_UNKNOWN`.
 */
export function toCatalogError(
  error: unknown,
  what: string,
  file: string,
  effect: 'none' | 'possible',
): IcebergError {
  if (IcebergError.is(error)) return error;
  const code = sqliteCode(error);
  const context = { file, sqliteCode: code };
  const detail = error instanceof Error ? error.message : String(error);
  const details = { context, cause: error };
  if (code !== undefined && accessCodes.has(code)) {
    return new IcebergError('ACCESS_DENIED', `${what}: SQLite refuses to write ${file} (${detail})`, details);
  }
  if (effect === 'possible' && (code === undefined || !definiteCodes.has(code))) {
    return new IcebergError(
      'COMMIT_STATE_UNKNOWN',
      `${what}: ${file} may or may not hold it (${detail})`,
      details,
    );
  }
  if (code === NOTADB) return new IcebergError('INVALID_ARGUMENT', `${file} is not a SQLite file`, details);
  const retryable = isBusy(error);
  return new IcebergError('CATALOG_UNAVAILABLE', `${what}: nothing was changed in ${file} (${detail})`, {
    ...details,
    retryable,
  });
}
