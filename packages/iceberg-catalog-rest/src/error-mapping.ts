import { IcebergError, type IcebergErrorCode } from '@danube/iceberg';
import { AttemptError } from './attempt-error.ts';
import { CallFailure, isUnsent } from './call-failure.ts';
import { isThrottled, type OperationName, operationRules } from './retry-rules.ts';

/** What an error of the catalog is about. */
export interface ErrorSubject {
  /** For people: `table a.b`. */
  readonly what: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What servers call their failures; the name of an exception of Iceberg Java, or AWS's. */
const codeByType: Readonly<Record<string, IcebergErrorCode>> = {
  NoSuchTableException: 'TABLE_NOT_FOUND',
  NoSuchIcebergTableException: 'TABLE_NOT_FOUND',
  NoSuchViewException: 'TABLE_NOT_FOUND',
  NoSuchNamespaceException: 'NAMESPACE_NOT_FOUND',
  NamespaceNotEmptyException: 'NAMESPACE_NOT_EMPTY',
  AlreadyExistsException: 'ALREADY_EXISTS',
  CommitFailedException: 'COMMIT_CONFLICT',
  UnsupportedOperationException: 'UNSUPPORTED_FEATURE',
  RuntimeIOException: 'IO_ERROR',
  UncheckedIOException: 'IO_ERROR',
};

/** Statuses that say the same of every operation; the type of the error goes first, except for a commit's 409. */
const codeByStatus: Readonly<Record<number, IcebergErrorCode>> = {
  401: 'ACCESS_DENIED',
  403: 'ACCESS_DENIED',
  405: 'UNSUPPORTED_FEATURE',
  406: 'UNSUPPORTED_FEATURE',
  407: 'ACCESS_DENIED',
  419: 'ACCESS_DENIED',
  501: 'UNSUPPORTED_FEATURE',
};

/** What 404 and 409 mean where the type of the error does not say it. */
const codesByOperation: Readonly<
  Record<OperationName, readonly [on404: IcebergErrorCode, on409: IcebergErrorCode]>
> = {
  getConfig: ['INVALID_ARGUMENT', 'CATALOG_UNAVAILABLE'],
  listNamespaces: ['NAMESPACE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  loadNamespace: ['NAMESPACE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  namespaceExists: ['NAMESPACE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  createNamespace: ['NAMESPACE_NOT_FOUND', 'ALREADY_EXISTS'],
  updateNamespaceProperties: ['NAMESPACE_NOT_FOUND', 'COMMIT_CONFLICT'],
  dropNamespace: ['NAMESPACE_NOT_FOUND', 'NAMESPACE_NOT_EMPTY'],
  listTables: ['NAMESPACE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  loadTable: ['TABLE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  tableExists: ['TABLE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  loadCredentials: ['TABLE_NOT_FOUND', 'CATALOG_UNAVAILABLE'],
  createTable: ['NAMESPACE_NOT_FOUND', 'ALREADY_EXISTS'],
  stageTable: ['NAMESPACE_NOT_FOUND', 'ALREADY_EXISTS'],
  registerTable: ['NAMESPACE_NOT_FOUND', 'ALREADY_EXISTS'],
  renameTable: ['TABLE_NOT_FOUND', 'ALREADY_EXISTS'],
  dropTable: ['TABLE_NOT_FOUND', 'COMMIT_CONFLICT'],
  commitTable: ['TABLE_NOT_FOUND', 'COMMIT_CONFLICT'],
  commitTransaction: ['TABLE_NOT_FOUND', 'COMMIT_CONFLICT'],
};

/**
 * Translates a failed call. `isUnknown` says that the call may have taken effect and looking did not help: then it is
 * `COMMIT_STATE_UNKNOWN`, whatever the last attempt ended with. Errors that are one already stay what they are.
 */
export function toCatalogError(
  error: unknown,
  subject: ErrorSubject,
  isUnknown = hasUnknownEffect(error),
): IcebergError {
  if (IcebergError.is(error)) return error;
  if (!CallFailure.is(error)) {
    return new IcebergError('CATALOG_UNAVAILABLE', `${subject.what}: ${String(error)}`, {
      context: subject.context,
      cause: error,
    });
  }
  const { last, record } = error;
  const { operation, attempts } = record;
  const detail = describe(last);
  const context = { ...subject.context, operation, attempts, ...factsOf(last) };
  if (isUnknown) {
    const message = `whether ${operation} of ${subject.what} happened is unknown: ${detail}`;
    return new IcebergError('COMMIT_STATE_UNKNOWN', message, { context, cause: last });
  }
  const nested = AttemptError.is(last) ? last.cause : last;
  if (IcebergError.is(nested)) return nested;
  const code = codeOf(last, operation);
  const retryable = code === 'CATALOG_UNAVAILABLE' && isTransient(last);
  return new IcebergError(code, `${operation} of ${subject.what}: ${detail}`, {
    context,
    cause: last,
    retryable,
  });
}

/** Runs a call whose outcome nobody looks up. */
export async function translating<T>(subject: ErrorSubject, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toCatalogError(error, subject);
  }
}

/** Whether a call whose outcome nobody looked up may have changed something. */
export function hasUnknownEffect(error: unknown): boolean {
  return CallFailure.is(error) && error.isInDoubt && operationRules[error.record.operation].takesKey;
}

/** The code of a refusal, by type and status; `CATALOG_UNAVAILABLE` for everything that is no refusal. */
export function codeOf(failure: unknown, operation: OperationName): IcebergErrorCode {
  if (!AttemptError.is(failure) || failure.kind !== 'refused') return 'CATALOG_UNAVAILABLE';
  const { status, model, isPage } = failure;
  if (isThrottled(failure)) return 'CATALOG_UNAVAILABLE';
  if (status === 409 && operation.startsWith('commit')) return 'COMMIT_CONFLICT';
  const byType =
    model !== undefined && Object.hasOwn(codeByType, model.type) ? codeByType[model.type] : undefined;
  if (byType !== undefined) return byType;
  const [on404, on409] = codesByOperation[operation];
  const isHead = operationRules[operation].method === 'HEAD';
  // Of a file: the metadata file of a table, or the one that is to be registered. Polaris says it of warehouses, too.
  const readsFile = on404 === 'TABLE_NOT_FOUND' || operation === 'registerTable';
  if (model?.type === 'NotFoundException' && model.form === 'iceberg' && readsFile) return 'IO_ERROR';
  // A proxy, or another server than a catalog, knows nothing of tables.
  const isOfCatalog = model === undefined ? isHead && !isPage : model.form !== 'none';
  if (status === 404) return isOfCatalog ? on404 : 'CATALOG_UNAVAILABLE';
  if (status === 409) return on409;
  if (status >= 500 || status < 400) return codeByStatus[status] ?? 'CATALOG_UNAVAILABLE';
  // What is wrong with a registration is the metadata file: the name was checked before.
  return codeByStatus[status] ?? (operation === 'registerTable' ? 'INVALID_METADATA' : 'INVALID_ARGUMENT');
}

function isTransient(failure: unknown): boolean {
  if (!AttemptError.is(failure)) return true;
  if (failure.kind === 'refused')
    return failure.status >= 500 || failure.status === 408 || isThrottled(failure);
  return !failure.isFinal && failure.kind !== 'unreadable';
}

function factsOf(failure: unknown): Readonly<Record<string, unknown>> {
  if (!AttemptError.is(failure) || failure.kind !== 'refused') return {};
  const { status, model, retryAfterMs } = failure;
  return {
    status,
    ...(model !== undefined && { errorType: model.type }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function describe(failure: unknown): string {
  if (!AttemptError.is(failure))
    return isUnsent(failure) ? `nothing was sent (${text(failure)})` : text(failure);
  const { message, model } = failure;
  return model === undefined ? message : `${message}, ${model.type}: ${model.message}`;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
