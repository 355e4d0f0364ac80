import { StorageError, type StorageErrorCode } from '@danube/storage';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BrokerError, type BrokerErrorCode, messageOf } from '../errors.ts';

/*
 * Danube clients retry UNAVAILABLE, DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED by themselves. So these are used
 * only where nothing was done. An outcome nobody knows is UNKNOWN, which no client repeats by itself: a
 * repetition could store the message twice, and that decision is the application's.
 */
const brokerStatus: Readonly<Record<BrokerErrorCode, status>> = {
  INVALID_REQUEST: status.INVALID_ARGUMENT,
  NOT_FOUND: status.NOT_FOUND,
  CONFLICT: status.FAILED_PRECONDITION,
  REFUSED: status.PERMISSION_DENIED,
  UNSUPPORTED: status.UNIMPLEMENTED,
  LIMIT_REACHED: status.RESOURCE_EXHAUSTED,
  SHUTTING_DOWN: status.UNAVAILABLE,
  // Not a code that clients retry: two consumers of one name would otherwise push each other out for ever.
  TAKEN_OVER: status.CANCELLED,
  METADATA_STORE_FAILED: status.INTERNAL,
  OBJECT_STORE_UNUSABLE: status.INTERNAL,
  CATALOG_UNUSABLE: status.INTERNAL,
  CONFIG_INVALID: status.INTERNAL,
  ADDRESS_REFUSED: status.INTERNAL,
  ADDRESS_IN_USE: status.INTERNAL,
  DATA_DIR_HELD: status.INTERNAL,
  DATA_DIR_UNUSABLE: status.INTERNAL,
};

const storageStatus: Readonly<Record<StorageErrorCode, status>> = {
  INVALID_TOPIC: status.INVALID_ARGUMENT,
  MESSAGE_INVALID: status.INVALID_ARGUMENT,
  BACKLOG_FULL: status.RESOURCE_EXHAUSTED,
  TOPIC_NOT_FOUND: status.NOT_FOUND,
  CATALOG_UNAVAILABLE: status.UNAVAILABLE,
  // The topic or the storage closed before the append: nothing was written.
  CLOSED: status.UNAVAILABLE,
  LOG_FAILED: status.UNKNOWN,
  OWNED_ELSEWHERE: status.FAILED_PRECONDITION,
  FENCED: status.FAILED_PRECONDITION,
  LOG_COPIED: status.FAILED_PRECONDITION,
  LEDGER_LOST: status.FAILED_PRECONDITION,
  LEDGER_UNSUPPORTED: status.FAILED_PRECONDITION,
  LEDGER_BEHIND_LOG: status.FAILED_PRECONDITION,
  ROLLED_BACK: status.FAILED_PRECONDITION,
  TABLE_REPLACED: status.FAILED_PRECONDITION,
  TOPIC_COLLISION: status.FAILED_PRECONDITION,
  TABLE_INCOMPATIBLE: status.FAILED_PRECONDITION,
  LOG_INVALID: status.DATA_LOSS,
  GAP: status.DATA_LOSS,
  UNREADABLE: status.DATA_LOSS,
  INVALID_ARGUMENT: status.INTERNAL,
};

/**
 * The gRPC status of anything thrown while answering a request. The details are one sentence for people; the
 * code of the original error travels in the metadata key `danube-code`.
 */
export function toServiceError(error: unknown): ServiceError {
  const [code, danubeCode, details] = describe(error);
  const metadata = new Metadata();
  if (danubeCode !== undefined) metadata.set('danube-code', danubeCode);
  return Object.assign(new Error(details), { code, details, metadata });
}

function describe(error: unknown): [status, string | undefined, string] {
  if (BrokerError.is(error)) return [brokerStatus[error.code], error.code, error.sentence];
  if (StorageError.is(error)) {
    const details =
      error.code === 'LOG_FAILED'
        ? `The outcome is unknown: the log failed, and the message may or may not be stored. ${error.message}`
        : error.message;
    return [storageStatus[error.code] ?? status.UNKNOWN, error.code, details];
  }
  return [
    status.UNKNOWN,
    undefined,
    `The outcome is unknown: an unexpected error occurred in the broker. ${messageOf(error)}`,
  ];
}
