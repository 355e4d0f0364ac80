import { parseRetryAfter } from '@danube/resilience';
import { ObjectStoreError, type ObjectStoreErrorCode, type ObjectStoreErrorContext } from '../errors.ts';

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
  /** What must be different for another attempt to help: new keys, or the server's time, which the SDK has noted. */
  readonly unless?: 'keys-renewed' | 'clock-corrected' | undefined;
}

/** What the code means for the next attempt. */
interface Meaning {
  readonly code: ObjectStoreErrorCode;
  readonly says: string;
  readonly retry?: boolean;
  readonly mayHaveHappened?: boolean;
  readonly endpointFault?: boolean;
  readonly unless?: S3Failure['unless'];
}

const badKeys = (says: string): Meaning => ({
  code: 'UNAUTHENTICATED',
  says,
  retry: true,
  unless: 'keys-renewed',
});
const slowDown: Meaning = {
  code: 'THROTTLED',
  says: 'asks for fewer requests',
  retry: true,
  endpointFault: true,
};
const damaged: Meaning = {
  code: 'CORRUPT',
  says: 'received other bytes than were sent; it kept nothing',
  retry: true,
};
const broken: Meaning = {
  code: 'UNAVAILABLE',
  says: 'failed',
  retry: true,
  mayHaveHappened: true,
  endpointFault: true,
};
const conflict: Meaning = {
  code: 'UNAVAILABLE',
  says: 'is busy with another write of this key',
  retry: true,
};
const clock: Meaning = {
  code: 'UNAUTHENTICATED',
  says: 'has another time than this machine; set its clock',
  retry: true,
  unless: 'clock-corrected',
};
const denied: Meaning = {
  code: 'PERMISSION_DENIED',
  says: 'does not allow this',
  retry: true,
  unless: 'keys-renewed',
};
const unusable = (says: string): Meaning => ({ code: 'INVALID_ARGUMENT', says });

/** By the error code in the answer's body: what S3 and its likes say. */
const byName: Readonly<Record<string, Meaning>> = {
  NoSuchKey: { code: 'NOT_FOUND', says: 'has no such object' },
  NoSuchBucket: { code: 'BUCKET_NOT_FOUND', says: 'has no such bucket' },
  NoSuchUpload: { code: 'NOT_FOUND', says: 'has no such multipart upload' },
  PreconditionFailed: { code: 'PRECONDITION_FAILED', says: 'has another version of the object' },
  ConditionalRequestConflict: conflict,
  OperationAborted: conflict,
  InvalidRange: { code: 'INVALID_RANGE', says: 'has no bytes there' },
  AccessDenied: { code: 'PERMISSION_DENIED', says: 'does not allow this' },
  AccountProblem: { code: 'PERMISSION_DENIED', says: 'does not allow this account anything' },
  AllAccessDisabled: { code: 'PERMISSION_DENIED', says: 'does not allow any access' },
  InvalidObjectState: { code: 'PERMISSION_DENIED', says: 'keeps the object in an archive; restore it first' },
  ExpiredToken: badKeys('says that the keys have expired'),
  TokenRefreshRequired: badKeys('says that the keys have expired'),
  InvalidToken: badKeys('does not know the session token'),
  InvalidAccessKeyId: badKeys('does not know the access key'),
  XAdminUserNotFound: badKeys('does not know the access key'),
  SignatureDoesNotMatch: badKeys(
    'refuses the signature: the secret key is wrong, or the request was changed on its way',
  ),
  UnauthorizedAccess: badKeys('refuses the keys'),
  NotSignedUp: badKeys('refuses the keys'),
  RequestTimeTooSkewed: clock,
  RequestExpired: clock,
  SlowDown: slowDown,
  SlowDownRead: slowDown,
  SlowDownWrite: slowDown,
  Throttling: slowDown,
  ThrottlingException: slowDown,
  TooManyRequests: slowDown,
  TooManyRequestsException: slowDown,
  RequestLimitExceeded: slowDown,
  RequestThrottled: slowDown,
  BandwidthLimitExceeded: slowDown,
  BadDigest: damaged,
  InvalidDigest: damaged,
  XAmzContentChecksumMismatch: damaged,
  XAmzContentSHA256Mismatch: damaged,
  IncompleteBody: {
    code: 'UNAVAILABLE',
    says: 'received only a part of the body; it kept nothing',
    retry: true,
  },
  RequestTimeout: { code: 'TIMEOUT', says: 'waited in vain for the body; it kept nothing', retry: true },
  InternalError: broken,
  NotImplemented: { code: 'NOT_SUPPORTED', says: 'does not know this request' },
  QuotaExceeded: { code: 'NO_SPACE', says: 'has no space left' },
  XMinioStorageFull: { code: 'NO_SPACE', says: 'has no space left' },
  KeyTooLongError: { code: 'INVALID_PATH', says: 'takes no key of this length' },
  PermanentRedirect: unusable('has this bucket in another region'),
  TemporaryRedirect: unusable('has this bucket at another endpoint'),
  AuthorizationHeaderMalformed: unusable('has this bucket in another region'),
  IllegalLocationConstraintException: unusable('has this bucket in another region'),
};

/** By status, where the answer has no known code: HEAD requests have none, proxies send pages of HTML. */
const byStatus: Readonly<Record<number, Meaning>> = {
  301: unusable('has this bucket in another region'),
  304: { code: 'NOT_MODIFIED', says: 'has the same version' },
  307: unusable('has this bucket at another endpoint'),
  400: unusable('cannot use this request'),
  401: badKeys('refuses the keys'),
  403: denied,
  404: { code: 'NOT_FOUND', says: 'has no such object' },
  408: { ...broken, code: 'TIMEOUT', says: 'waited in vain' },
  409: conflict,
  412: { code: 'PRECONDITION_FAILED', says: 'has another version of the object' },
  416: { code: 'INVALID_RANGE', says: 'has no bytes there' },
  429: slowDown,
  501: { code: 'NOT_SUPPORTED', says: 'does not know this request' },
  507: { code: 'NO_SPACE', says: 'has no space left' },
};

/** Statuses that are only believed from a server that answers as S3 does. */
const notOfObjects = new Set([304, 404, 409, 412, 416]);

/** Codes of Node.js for what failed before anything was sent. */
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
  if (notSent.has(code) || (raw.syscall === 'connect' && code !== '')) {
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
