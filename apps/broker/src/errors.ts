/**
 * What went wrong in the broker, as a closed set. The code is API, the message is for people.
 *
 * Starting (the process prints one line and exits non-zero):
 * - `CONFIG_INVALID`: a key, value or flag is wrong. Correct the configuration.
 * - `UNSUPPORTED`: understood, but not offered by this version. Choose what the message names.
 * - `ADDRESS_REFUSED`: an address outside this machine without `--insecure`.
 * - `ADDRESS_IN_USE`: another process listens there. Stop it or choose another port.
 * - `DATA_DIR_HELD`: another broker runs on this data directory.
 * - `DATA_DIR_UNUSABLE`: the directory cannot be used (not ours, not writable, written by a newer version).
 * - `METADATA_STORE_FAILED`: `broker.db` cannot be opened, read or written.
 * - `OBJECT_STORE_UNUSABLE`: the bucket is not there, the credentials are not accepted, or the server breaks a promise
 *   that tables rely on. The message says which.
 * - `CATALOG_UNUSABLE`: the catalog refuses these credentials, knows no such warehouse, or is no catalog. The message
 *   says which.
 *
 * Answering a request (each has one gRPC status, see `grpc/status.ts`):
 * - `INVALID_REQUEST`: the request can never be accepted as it is.
 * - `NOT_FOUND`: the topic, subscription, producer or consumer named does not exist.
 * - `CONFLICT`: it contradicts what exists (dispatch strategy of a topic).
 * - `REFUSED`: somebody else holds what was asked for (exclusive subscription or producer).
 * - `UNSUPPORTED`: as above.
 * - `LIMIT_REACHED`: nothing was done; trying later can help.
 * - `SHUTTING_DOWN`: nothing was done; the broker is stopping.
 * - `TAKEN_OVER`: another consumer of the same name has taken this stream's place.
 */
export type BrokerErrorCode =
  | 'CONFIG_INVALID'
  | 'UNSUPPORTED'
  | 'ADDRESS_REFUSED'
  | 'ADDRESS_IN_USE'
  | 'DATA_DIR_HELD'
  | 'DATA_DIR_UNUSABLE'
  | 'METADATA_STORE_FAILED'
  | 'OBJECT_STORE_UNUSABLE'
  | 'CATALOG_UNUSABLE'
  | 'INVALID_REQUEST'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'REFUSED'
  | 'LIMIT_REACHED'
  | 'SHUTTING_DOWN'
  | 'TAKEN_OVER';

const brand = Symbol.for('@danube/broker/BrokerError');
const retryableCodes: ReadonlySet<BrokerErrorCode> = new Set(['LIMIT_REACHED', 'SHUTTING_DOWN']);

/** Facts and the original error behind a {@link BrokerError}. */
export interface BrokerErrorOptions {
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error class of the broker. The message starts with the code; {@link sentence} is without it. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;
  /** The message without the code: what a person at a terminal or behind a client library reads. */
  readonly sentence: string;
  /** The facts, for logs. Never holds a secret. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Whether the same request can succeed later without anyone changing it. */
  readonly retryable: boolean;

  constructor(code: BrokerErrorCode, sentence: string, options: BrokerErrorOptions = {}) {
    super(`${code}: ${sentence}`, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'BrokerError';
    this.code = code;
    this.sentence = sentence;
    this.context = options.context ?? {};
    this.retryable = retryableCodes.has(code);
    Object.defineProperty(this, brand, { value: true });
  }

  /** Recognises a BrokerError of any copy of this package. */
  static is(error: unknown): error is BrokerError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/** The message of anything thrown, for one line in a log or on a terminal. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` property of a system or library error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
