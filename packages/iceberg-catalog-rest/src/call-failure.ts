import { ResilienceError } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import { isInDoubt, type OperationName } from './retry-rules.ts';

/** What is known of a call from its attempts. */
export interface CallRecord {
  readonly operation: OperationName;
  /** Attempts that may have taken effect, in order: what made each of them doubtful. */
  readonly doubts: readonly unknown[];
  /** Attempts begun. */
  readonly attempts: number;
}

const brand = Symbol('CallFailure');

/** A call whose attempts all failed. Inside this package only: callers get an `IcebergError`. */
export class CallFailure extends Error {
  readonly record: CallRecord;
  /** What the call ended with: an `AttemptError`, an error of who proves the caller, or a `ResilienceError`. */
  readonly last: unknown;
  readonly [brand] = true;

  constructor(last: unknown, record: CallRecord) {
    super(`${record.operation} failed`, { cause: last });
    this.name = 'CallFailure';
    this.last = last;
    this.record = record;
  }

  /** Whether the call may have taken effect, as far as its attempts tell. */
  get isInDoubt(): boolean {
    return this.record.doubts.length > 0;
  }

  /** Whether the last attempt ended with a definite refusal; an earlier one may be in doubt nevertheless. */
  get endsRefused(): boolean {
    return AttemptError.is(this.last) && this.last.kind === 'refused' && !isInDoubt(this.last);
  }

  static is(error: unknown): error is CallFailure {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/** Whether the caller was kept from sending: by an open breaker, a full queue, or a wait that `close` ended. */
export function isUnsent(error: unknown): boolean {
  if (!ResilienceError.is(error)) return false;
  if (error.code === 'ABORTED') return error.context['sent'] !== true;
  return error.code === 'BREAKER_OPEN' || error.code === 'OVERLOADED';
}
