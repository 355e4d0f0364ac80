import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { ClientErrorCode, ErrorContext, Outcome } from './errors.ts';
import { ClientError } from './errors.ts';

/** How far a call got, from facts rather than from message texts. */
export interface CallProgress {
  /** The call was given to a connection: from then on its bytes may have arrived. */
  readonly sent: boolean;
  /** The status came over the wire from a gRPC peer, not from our own transport. */
  readonly answered: boolean;
  /** A proxy stands between: it sends UNAVAILABLE on its own account. */
  readonly proxied: boolean;
  /** We cancelled the call ourselves. */
  readonly cancelled: boolean;
}

/** One failed gRPC call. */
export class CallFailure extends Error {
  readonly status: status;
  readonly details: string;
  readonly outcome: Outcome;
  /** Another try may fare better: the three codes of every Danube client, or a connection that broke. */
  readonly transient: boolean;
  readonly cancelled: boolean;

  readonly #error: Pick<ServiceError, 'code' | 'details'>;
  readonly #progress: CallProgress;

  constructor(error: Pick<ServiceError, 'code' | 'details'>, progress: CallProgress) {
    super(`${status[error.code] ?? error.code}: ${error.details}`, { cause: error });
    this.name = 'CallFailure';
    this.status = error.code;
    this.details = error.details;
    this.outcome = outcomeOf(error.code, progress);
    this.cancelled = progress.cancelled;
    this.transient = !progress.cancelled && isTransient(error.code, progress.answered);
    this.#error = error;
    this.#progress = progress;
  }

  /** The same failure of a call whose effect does not matter to the request it was made for. */
  withoutEffect(): CallFailure {
    const failure = new CallFailure(this.#error, this.#progress);
    return Object.defineProperty(failure, 'outcome', { value: 'refused' });
  }
}

function isTransient(code: status, answered: boolean): boolean {
  switch (code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.RESOURCE_EXHAUSTED:
      return true;
    // A stream that a dying peer resets ends with one of these, depending on how the peer dies.
    case status.CANCELLED:
    case status.INTERNAL:
    case status.UNKNOWN:
      return !answered;
    default:
      return false;
  }
}

/**
 * Whether a failed call certainly had no effect.
 *
 * `refused`: it never left, or the broker answered with a code that the protocol keeps for refusals. A broker's
 * own UNAVAILABLE ("look the topic up again") is a refusal, a proxy's is not. Everything else is `unknown`.
 */
export function outcomeOf(code: status, progress: CallProgress): Outcome {
  if (!progress.sent) return 'refused';
  if (!progress.answered) return 'unknown';
  switch (code) {
    case status.INVALID_ARGUMENT:
    case status.NOT_FOUND:
    case status.ALREADY_EXISTS:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
    case status.RESOURCE_EXHAUSTED:
    case status.UNIMPLEMENTED:
      return 'refused';
    case status.UNAVAILABLE:
      return progress.proxied ? 'unknown' : 'refused';
    default:
      return 'unknown';
  }
}

function codeOf(failure: CallFailure): ClientErrorCode {
  switch (failure.status) {
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return 'INVALID_ARGUMENT';
    case status.NOT_FOUND:
      return 'NOT_FOUND';
    case status.PERMISSION_DENIED:
      return 'PERMISSION_DENIED';
    case status.UNAUTHENTICATED:
      return 'UNAUTHENTICATED';
    case status.FAILED_PRECONDITION:
    case status.ALREADY_EXISTS:
      return 'FAILED_PRECONDITION';
    case status.RESOURCE_EXHAUSTED:
      return 'RESOURCE_EXHAUSTED';
    default:
      return failure.transient ? 'UNAVAILABLE' : 'BROKER_ERROR';
  }
}

/**
 * The error a caller sees for a failed call that may be repeated without harm; for a send see {@link sendError}.
 * `doing` says what was tried ("subscribe to /default/a").
 */
export function clientError(failure: unknown, doing: string, context: ErrorContext = {}): ClientError {
  if (ClientError.is(failure)) return failure;
  if (!(failure instanceof CallFailure)) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return new ClientError('BROKER_ERROR', `could not ${doing}: ${reason}`, { context, cause: failure });
  }
  const code = codeOf(failure);
  return new ClientError(code, `could not ${doing}: ${failure.details}`, {
    outcome: failure.outcome,
    retryable: code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED',
    context: { ...context, grpcStatus: status[failure.status] ?? failure.status },
    cause: failure,
  });
}

/** The error of a send that is given up. `outcome` is the worst over all its attempts. */
export function sendError(
  failure: unknown,
  outcome: Outcome,
  doing: string,
  context: ErrorContext,
): ClientError {
  const plain = clientError(failure, doing, context);
  const reason = plain.message.slice(plain.code.length + 2);
  const facts = { ...plain.context, ...context };
  const cause = plain.cause ?? plain;
  return outcome === 'refused'
    ? new ClientError(plain.code, reason, { outcome, retryable: plain.retryable, context: facts, cause })
    : new ClientError('OUTCOME_UNKNOWN', `the message may or may not have been stored: ${reason}`, {
        outcome,
        context: { ...facts, lastCode: plain.code },
        cause,
      });
}
