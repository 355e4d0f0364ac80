import { type Failure, ResilienceError } from '@danube/resilience';
import { ObjectStoreError, type ObjectStoreErrorContext } from '../../errors.ts';
import { closedError } from '../../request-checks.ts';
import { mapS3Error, type S3Failure, safeCopy } from './error-mapping.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Access } from './s3-client.ts';

/** What is known of one call over its attempts. */
export class CallRun {
  readonly call: S3Call;
  readonly #facts: ObjectStoreErrorContext;
  readonly #access: S3Access;
  readonly #failures = new WeakMap<ObjectStoreError, S3Failure>();
  #generation = 0;
  #clockCorrected = false;
  #mayHaveHappened = false;
  #sent = false;

  constructor(call: S3Call, facts: ObjectStoreErrorContext, access: S3Access) {
    this.call = call;
    this.#facts = facts;
    this.#access = access;
  }

  /** Whether an attempt may have been executed though it failed. */
  get mayHaveHappened(): boolean {
    return this.#mayHaveHappened;
  }

  /** An attempt begins, of which nothing is sent yet. */
  begins(): void {
    this.#sent = false;
  }

  /** A request of the attempt is handed to the SDK: from now on the server may execute it. */
  sends(): void {
    this.#sent = true;
  }

  /** Makes sure that there are keys before the SDK asks for them, so that their failure is told from a request's. */
  async fetchKeys(): Promise<void> {
    const { credentials } = this.#access;
    if (credentials === undefined) return;
    try {
      await credentials.current();
    } catch (cause) {
      const isLate = ObjectStoreError.is(cause) && cause.code === 'TIMEOUT';
      const error = new ObjectStoreError(
        isLate ? 'TIMEOUT' : 'UNAUTHENTICATED',
        isLate ? 'no keys to sign with came in time' : 'there are no keys to sign with',
        { context: this.#facts, cause: safeCopy(cause), retryable: isLate },
      );
      // The server was not asked.
      this.#failures.set(error, { error, retry: isLate, mayHaveHappened: false, endpointFault: undefined });
      throw error;
    }
    this.#generation = credentials.generation;
  }

  /** Notes the failure of an attempt and gives the error that may be shown of it. */
  failed(error: unknown): ObjectStoreError {
    if (ObjectStoreError.is(error) && this.#failures.has(error)) return error;
    const failure = mapS3Error(error, this.#facts);
    this.#failures.set(failure.error, failure);
    return failure.error;
  }

  /** As `failed`, of an attempt that found the store closed: `CLOSED`, though the server may have executed it. */
  closed(error: unknown): ObjectStoreError {
    const failure = ObjectStoreError.is(error) ? this.#failures.get(error) : undefined;
    if (failure?.error.code === 'CLOSED') return failure.error;
    const { mayHaveHappened } = failure ?? mapS3Error(error, this.#facts);
    const closed = closedError();
    this.#failures.set(closed, { error: closed, retry: false, endpointFault: false, mayHaveHappened });
    return closed;
  }

  /** What a failure means for the next attempt. */
  classify(error: unknown): Failure {
    const repeatable = this.call.retry === 'when-safe-to-repeat';
    const failure = ObjectStoreError.is(error) ? this.#failures.get(error) : undefined;
    if (failure === undefined) {
      // Only a time-out is not ours.
      if (!this.#sent) return { retry: true };
      this.#mayHaveHappened = true;
      return { retry: repeatable, endpointFault: true };
    }
    if (failure.mayHaveHappened) this.#mayHaveHappened = true;
    const safe = repeatable || !failure.mayHaveHappened;
    const { endpointFault, retryAfterMs } = failure;
    return { retry: safe && failure.retry && this.#mayHelp(failure), endpointFault, retryAfterMs };
  }

  /** The error of the call, for whatever the policy rejected with. */
  toObjectStoreError(error: unknown): ObjectStoreError {
    if (ObjectStoreError.is(error)) return error;
    if (!ResilienceError.is(error)) return this.failed(error);
    const context = { ...this.#facts, ...error.context };
    const { operation, endpoint } = this.#facts;
    if (error.code === 'ABORTED') {
      if (error.context['sent'] === true && this.#sent) this.#mayHaveHappened = true;
      const cause = error.cause;
      return new ObjectStoreError('ABORTED', `${operation} was ended by its signal`, { context, cause });
    }
    const [code, says] = {
      TIMEOUT: ['TIMEOUT', 'gave no answer in time'],
      BREAKER_OPEN: ['UNAVAILABLE', 'failed too often and is left alone for a while'],
      OVERLOADED: ['THROTTLED', 'has as many requests of ours as it may have'],
      INVALID_ARGUMENT: ['INVALID_ARGUMENT', 'could not be asked'],
    }[error.code] as [ObjectStoreError['code'], string];
    const retryable = code !== 'INVALID_ARGUMENT';
    return new ObjectStoreError(code, `${operation}: ${endpoint} ${says}`, {
      context,
      cause: error,
      retryable,
    });
  }

  #mayHelp({ unless }: S3Failure): boolean {
    if (unless === 'keys-renewed') {
      return this.#access.credentials?.refuse(this.#generation) ?? false;
    }
    if (unless === 'clock-corrected') {
      if (this.#clockCorrected) return false;
      this.#clockCorrected = true;
    }
    return true;
  }
}
