import { AttemptError } from './attempt-error.ts';

/**
 * What is done when an attempt is in doubt: it may have taken effect, and no reply says so.
 *
 * - `repeat`: it is sent again. It has no effect, or the same one however often it is made.
 * - `look`: what there is now is looked at. It is sent again only if that shows that it has not happened.
 * - `caller`: nothing, unless the server asks for it again; the outcome is unknown, and who commits knows what to look for
 *   in the table.
 *
 * With an idempotency key that the server honours, all are sent again.
 */
export type InDoubt = 'repeat' | 'look' | 'caller';

/** One operation of the REST specification: its request, and how it is retried. */
export interface OperationRule {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Below `/v1/{prefix}/`; the configuration is below `/v1/`. */
  readonly path: string;
  readonly inDoubt: InDoubt;
  /** Sent with an idempotency key where the server advertises them. */
  readonly takesKey: boolean;
  /** Taken for there when the server does not list its endpoints. */
  readonly isBasic: boolean;
}

const read = { inDoubt: 'repeat', takesKey: false, isBasic: true } as const;
const change = { inDoubt: 'look', takesKey: true, isBasic: true } as const;
const commit = { inDoubt: 'caller', takesKey: true, isBasic: true } as const;
const namespace = 'namespaces/{namespace}';
const tables = `${namespace}/tables`;
const table = `${tables}/{table}`;

/** The one table of what is retried; README.md has the same for people, and a test compares both. */
export const operationRules = {
  getConfig: { method: 'GET', path: 'config', ...read },
  listNamespaces: { method: 'GET', path: 'namespaces', ...read },
  loadNamespace: { method: 'GET', path: namespace, ...read },
  namespaceExists: { method: 'HEAD', path: namespace, ...read, isBasic: false },
  createNamespace: { method: 'POST', path: 'namespaces', ...change },
  updateNamespaceProperties: {
    method: 'POST',
    path: `${namespace}/properties`,
    ...change,
    inDoubt: 'repeat',
  },
  dropNamespace: { method: 'DELETE', path: namespace, ...change },
  listTables: { method: 'GET', path: tables, ...read },
  loadTable: { method: 'GET', path: table, ...read },
  tableExists: { method: 'HEAD', path: table, ...read, isBasic: false },
  loadCredentials: { method: 'GET', path: `${table}/credentials`, ...read, isBasic: false },
  createTable: { method: 'POST', path: tables, ...change },
  stageTable: { method: 'POST', path: tables, ...read },
  registerTable: { method: 'POST', path: `${namespace}/register`, ...change },
  renameTable: { method: 'POST', path: 'tables/rename', ...change },
  dropTable: { method: 'DELETE', path: table, ...change },
  commitTable: { method: 'POST', path: table, ...commit },
  commitTransaction: { method: 'POST', path: 'transactions/commit', ...commit },
} as const satisfies Readonly<Record<string, OperationRule>>;

/** The operations of the REST specification that this package makes. */
export type OperationName = keyof typeof operationRules;

/** Whether a failed attempt of an operation may be followed by another one without looking. */
export function maySendAgain(operation: OperationName, failure: unknown, hasKey: boolean): boolean {
  const asksForMore = AttemptError.is(failure) && isNotNow(failure);
  if (!isInDoubt(failure)) return asksForMore;
  if (AttemptError.is(failure) && failure.kind === 'unreadable') return false;
  const { inDoubt } = operationRules[operation];
  // A 503 that says when to come back asks for the same request, and a commit asserts what it is made for: the second of
  // two is refused. Who is looked for is looked for here, too, lest a drop hits a successor.
  return hasKey || inDoubt === 'repeat' || (inDoubt === 'caller' && asksForMore);
}

/**
 * Whether an attempt that failed this way may have taken effect. A 503 may come from a proxy after the server did it,
 * whatever else it says; a 303 directs to the result of what was done (RFC 9110 section 15.4.4); and a server may say
 * that it does not know with a status that means something else.
 */
export function isInDoubt(failure: unknown): boolean {
  if (!AttemptError.is(failure)) return true;
  if (failure.kind === 'refused') {
    if (failure.isUnderWay || failure.model?.type === 'CommitStateUnknownException') return true;
    return [303, 408].includes(failure.status) || (failure.status >= 500 && failure.status !== 501);
  }
  return failure.kind === 'lost' || failure.kind === 'unreadable';
}

/** Whether a failure says something about the server's health: it counts towards the circuit breaker. */
export function isEndpointFault(failure: unknown): boolean {
  if (!AttemptError.is(failure)) return true;
  if (failure.kind === 'refused') return failure.status >= 500 && failure.status !== 501;
  return failure.kind === 'lost' || (failure.kind === 'not-sent' && !failure.isFinal);
}

/** It did not get through, or the server asks to come back later. */
function isNotNow(failure: AttemptError): boolean {
  const { kind, status, retryAfterMs, isFinal } = failure;
  if (kind === 'not-sent') return !isFinal;
  return kind === 'refused' && (isThrottled(failure) || (status === 503 && retryAfterMs !== undefined));
}

/**
 * Whether the server refused a request because there are too many. The specification's status is 429; AWS Glue answers 400
 * (August 2026), and says it by the name of the error.
 */
export function isThrottled({ status, model }: AttemptError): boolean {
  if (status === 429) return true;
  const isRefusal = status >= 400 && status < 500;
  return (
    isRefusal &&
    /^(Throttl|RequestThrottl|RequestLimitExceeded|TooManyRequests|SlowDown)/.test(model?.type ?? '')
  );
}
