import type { ObjectStoreErrorCode } from '../../errors.ts';

/** What the code means for the next attempt. */
export interface Meaning {
  readonly code: ObjectStoreErrorCode;
  readonly says: string;
  readonly retry?: boolean;
  readonly mayHaveHappened?: boolean;
  readonly endpointFault?: boolean;
  /** What must be different for another attempt to help: new keys, or the server's time, which the SDK has noted. */
  readonly unless?: 'keys-renewed' | 'clock-corrected' | undefined;
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
const lostPart: Meaning = {
  code: 'CORRUPT',
  says: 'has not the parts of the upload that it was sent; it made no object of them',
};
/** A server that failed, or a connection that did, perhaps after the request was executed. */
export const broken: Meaning = {
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
/** Refused without a reason. */
export const denied: Meaning = {
  code: 'PERMISSION_DENIED',
  says: 'does not allow this',
  retry: true,
  unless: 'keys-renewed',
};
/** A request that will never be good there. */
export const unusable = (says: string): Meaning => ({ code: 'INVALID_ARGUMENT', says });

/** By the error code in the answer's body: what S3 and its likes say. */
export const byName: Readonly<Record<string, Meaning>> = {
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
  // Of completing an upload: the parts that the server has are not those that it answered for.
  InvalidPart: lostPart,
  InvalidPartOrder: lostPart,
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
export const byStatus: Readonly<Record<number, Meaning>> = {
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
