import { parseRetryAfter } from '@danube/resilience';
import { ObjectStoreError, type ObjectStoreErrorContext } from '../../errors.ts';
import { broken, byName, byStatus, denied, type Meaning, unusable } from './error-table.ts';

/** What a failed request means. */
export interface S3Failure {
  readonly error: ObjectStoreError;
  /** Whether another attempt may help, if it is safe. */
  readonly retry: boolean;
  /** Whether the server may have executed the request all the same. */
  readonly mayHaveHappened: boolean;
  /** Whether the server or the way to it is to blame. `undefined`: nothing was sent, so nothing is known. */
  readonly endpointFault: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly unless?: Meaning['unless'];
}

/** Statuses that are only believed from a server that answers as S3 does. */
const notOfObjects = new Set([304, 404, 409, 412, 416]);

/**
 * Codes of Node.js for what failed before anything was sent; unless it was a read or a write that failed so, as on a
 * connection whose route went away.
 */
const notSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
]);

/** Codes of Node.js and OpenSSL for a certificate that is not trusted: nobody would try that again. */
const untrusted = /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/;

/**
 * Says what an error of the SDK means, by HTTP status and error code, never by its text. The cause is a copy that holds
 * nothing of the request: neither headers nor keys.
 */
export function mapS3Error(error: unknown, facts: ObjectStoreErrorContext): S3Failure {
  if (ObjectStoreError.is(error)) {
    const silent = error.code === 'TIMEOUT';
    return { error, retry: error.retryable, mayHaveHappened: silent, endpointFault: silent };
  }
  const raw = (typeof error === 'object' && error !== null ? error : {}) as RawError;
  const status = raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode;
  return status === undefined ? withoutAnswer(raw, error, facts) : answered(status, raw, error, facts);
}

/** Says what an error code means that a server gives for one of the keys of a request. */
export function mapS3Code(s3Code: string, facts: ObjectStoreErrorContext): S3Failure {
  const meaning = Object.hasOwn(byName, s3Code) ? byName[s3Code] : undefined;
  const unknown: Meaning = { code: 'IO_ERROR', says: `answers with ${s3Code}` };
  const { says } = meaning ?? unknown;
  return failureOf(meaning ?? unknown, says, undefined, { ...facts, s3Code });
}

/** The fields of the SDK's and of Node.js's errors that say something. */
interface RawError {
  readonly name?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly $fault?: string;
  readonly $metadata?: { httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean };
  readonly $response?: { statusCode?: number; headers?: Readonly<Record<string, string>> };
}

function answered(status: number, raw: RawError, error: unknown, facts: ObjectStoreErrorContext): S3Failure {
  const headers = raw.$response?.headers ?? {};
  const meaning = meaningOf(status, raw);
  const region = meaning.code === 'INVALID_ARGUMENT' ? headers['x-amz-bucket-region'] : undefined;
  const requestId = raw.$metadata?.requestId;
  const context = {
    ...facts,
    status,
    ...(isCoded(raw) && { s3Code: raw.name as string }),
    ...(requestId !== undefined && { requestId }),
    ...(region !== undefined && { region }),
  };
  const says = region === undefined ? meaning.says : `${meaning.says}: ${region}`;
  const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now());
  return { ...failureOf(meaning, says, error, context), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function meaningOf(status: number, raw: RawError): Meaning {
  // The body of a good answer broke off, or was not what S3 answers.
  if (status < 300) return { ...broken, says: 'gave an answer that cannot be read' };
  const said = raw.name !== undefined && Object.hasOwn(byName, raw.name) ? byName[raw.name] : undefined;
  if (said !== undefined) return said;
  if (status >= 500) return byStatus[status] ?? broken;
  // Whoever answered with a page of their own knows nothing of objects and versions.
  if (raw.$fault === undefined && notOfObjects.has(status))
    return { code: 'IO_ERROR', says: 'is no S3 server' };
  if (isCoded(raw)) return byStatus[status] ?? { code: 'IO_ERROR', says: `answers with status ${status}` };
  if (status === 403 && raw.$metadata?.clockSkewCorrected) return { ...denied, unless: 'clock-corrected' };
  // What AWS answers to HEAD requests with a token that has expired.
  if (status === 400) return { ...unusable('cannot use this request'), retry: true, unless: 'keys-renewed' };
  return byStatus[status] ?? { code: 'IO_ERROR', says: `answers with status ${status}` };
}

/** Whether the answer said an error code. The SDK names the errors of answers without one itself. */
function isCoded({ name, $fault }: RawError): boolean {
  return $fault !== undefined && name !== undefined && name !== 'Unknown' && name !== 'NotFound';
}

function withoutAnswer(raw: RawError, error: unknown, facts: ObjectStoreErrorContext): S3Failure {
  const code = raw.code ?? '';
  const context = { ...facts, ...(code !== '' && { code }) };
  const fail = (meaning: Meaning) => failureOf(meaning, meaning.says, error, context);
  // The SDK's own name for a connection that was not made in time; its other time limits are off.
  if (raw.name === 'TimeoutError' && code === '') {
    return fail({ code: 'TIMEOUT', says: 'takes no connection', retry: true, endpointFault: true });
  }
  const connected = raw.syscall === 'read' || raw.syscall === 'write';
  if ((notSent.has(code) && !connected) || (raw.syscall === 'connect' && code !== '')) {
    return fail({ ...broken, says: 'cannot be reached', mayHaveHappened: false });
  }
  if (untrusted.test(code))
    return fail({ code: 'UNAVAILABLE', says: 'shows a certificate that is not trusted' });
  if (code !== '') return fail({ ...broken, says: 'broke the connection' });
  // Not of the network: the SDK could make no request of it.
  return fail({ code: 'IO_ERROR', says: 'could not be asked' });
}

function failureOf(
  meaning: Meaning,
  says: string,
  cause: unknown,
  context: ObjectStoreErrorContext,
): S3Failure {
  const { code, retry = false, mayHaveHappened = false, endpointFault = false, unless } = meaning;
  const { operation, endpoint } = context;
  const error = new ObjectStoreError(code, `${operation}: ${endpoint} ${says}`, {
    context,
    cause: safeCopy(cause),
    retryable: retry && unless === undefined,
  });
  return { error, retry, mayHaveHappened, endpointFault, unless };
}

/**
 * A copy of an error with its text and nothing else. The SDK's errors hold the answer, which leads to the request with
 * its signature and token, and what servers say of a wrong signature.
 */
export function safeCopy(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const copy = new Error(error.message);
  copy.name = error.name;
  copy.stack = error.stack ?? '';
  return copy;
}
