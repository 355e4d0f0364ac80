import type { S3Client } from '@aws-sdk/client-s3';
import { type CallPolicy, createCallPolicy, type Failure, ResilienceError } from '@danube/resilience';
import { ObjectStoreError, type ObjectStoreErrorContext } from '../errors.ts';
import { closedError, invalidArgument } from '../request-checks.ts';
import { mapS3Error, type S3Failure, safeCopy } from './error-mapping.ts';
import type { ResolvedS3Options } from './options.ts';
import { createS3Access, type S3Access, type S3Sdk } from './s3-client.ts';

/** A command of the SDK that is answered with `Output`. */
export interface S3Command<Output> {
  resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: Output }>;
}

/** What a request, or several that are one attempt, are for. */
export interface S3Call {
  /** As events and errors name it, such as `put`. */
  readonly operation: string;
  /** The object it is about, for errors. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether a request whose outcome is unknown may be sent again. `only-if-not-executed`: a lost reply, a time-out or a
   * 5xx is final; what surely was not executed is sent again all the same.
   */
  readonly retry: 'when-safe-to-repeat' | 'only-if-not-executed';
  /** Time limit of one attempt. Default: `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Default: that of the options. */
  readonly maxAttempts?: number | undefined;
}

/** One attempt of a call. */
export interface S3Attempt {
  /** From 1. */
  readonly number: number;
  /** Fires on time-out and abort while the attempt is under way, and never later. */
  readonly signal: AbortSignal;
  /**
   * One request. What it rejects with is safe to show. `limitMs` is the longest wait for the answer's head, where the
   * attempt has a longer time limit.
   */
  send<Output>(command: S3Command<Output>, limitMs?: number): Promise<Output>;
}

/** The way to one bucket: the SDK's client behind the call policy of its endpoint. Any number of calls may run at once. */
export interface S3Connection {
  readonly sdk: S3Sdk;
  readonly bucket: string;
  readonly options: ResolvedS3Options;
  /** One request, sent again as the policy and `call.retry` allow. Rejects with `ObjectStoreError` only. */
  send<Output>(command: S3Command<Output>, call: S3Call): Promise<Output>;
  /**
   * As `send`, for attempts of more than one step: reading the body of an answer, say. What `work` throws counts as the
   * failure of the attempt; an `ObjectStoreError` is tried again if it is `retryable`.
   */
  attempts<T>(call: S3Call, work: (attempt: S3Attempt) => Promise<T>): Promise<T>;
  /** Facts for an error of this call. */
  facts(call: Pick<S3Call, 'operation' | 'key'>): ObjectStoreErrorContext;
  /** Ends all connections; calls are `CLOSED` from now on. */
  close(): void;
}

/** Opens the way to a bucket. Sends nothing. Errors: `INVALID_ARGUMENT`, `NOT_SUPPORTED` if there is no SDK. */
export async function openS3Connection(options: ResolvedS3Options): Promise<S3Connection> {
  const endpoint = `${options.endpoint === undefined ? 's3' : new URL(options.endpoint).host}/${options.bucket}`;
  const { retry, breaker, maxQueued } = options.resilience;
  const { random } = options.components;
  try {
    const policy = createCallPolicy({
      name: endpoint,
      ...(retry && { retry }),
      ...(breaker !== undefined && { breaker }),
      ...(maxQueued !== undefined && { maxQueued }),
      maxConcurrent: options.maxConcurrent,
      timeoutMs: options.requestTimeoutMs,
      ...(options.onEvent && { onEvent: options.onEvent }),
      ...(random && { components: { random } }),
    });
    return new PolicyConnection(await createS3Access(options), options, endpoint, policy);
  } catch (error) {
    if (ResilienceError.is(error)) throw invalidArgument(error.message, {});
    throw error;
  }
}

/** Whether the failed request may have been executed by the server: its reply was lost, or it ended in a 5xx. */
export function mayHaveHappened(error: unknown): boolean {
  return ObjectStoreError.is(error) && outcomeUnknown.has(error);
}

/** The errors of calls of which an attempt may have been executed. */
const outcomeUnknown = new WeakSet<ObjectStoreError>();

class PolicyConnection implements S3Connection {
  readonly sdk: S3Sdk;
  readonly bucket: string;
  readonly options: ResolvedS3Options;
  readonly #access: S3Access;
  readonly #endpoint: string;
  readonly #policy: CallPolicy;
  #closed = false;

  constructor(access: S3Access, options: ResolvedS3Options, endpoint: string, policy: CallPolicy) {
    this.sdk = access.sdk;
    this.bucket = options.bucket;
    this.options = options;
    this.#access = access;
    this.#endpoint = endpoint;
    this.#policy = policy;
  }

  send<Output>(command: S3Command<Output>, call: S3Call): Promise<Output> {
    return this.attempts(call, (attempt) => attempt.send(command));
  }

  async attempts<T>(call: S3Call, work: (attempt: S3Attempt) => Promise<T>): Promise<T> {
    const run = new CallRun(call, this.facts(call), this.#access);
    try {
      return await this.#policy.execute(
        async ({ number, signal }) => {
          if (this.#closed) throw run.failed(closedError());
          run.begins();
          try {
            const send = <Output>(command: S3Command<Output>, limitMs?: number) =>
              this.#send(command, run, signal, limitMs);
            return await work({ number, signal, send });
          } catch (error) {
            throw this.#closed ? run.closed(error) : run.failed(error);
          }
        },
        {
          operation: call.operation,
          signal: call.signal,
          timeoutMs: call.timeoutMs,
          maxAttempts: call.maxAttempts,
          classify: (error) => run.classify(error),
        },
      );
    } catch (error) {
      const thrown = run.toObjectStoreError(error);
      if (run.mayHaveHappened) outcomeUnknown.add(thrown);
      throw thrown;
    }
  }

  facts({ operation, key }: Pick<S3Call, 'operation' | 'key'>): ObjectStoreErrorContext {
    return { operation, endpoint: this.#endpoint, ...(key !== undefined && { key }) };
  }

  close(): void {
    this.#closed = true;
    this.#access.close();
  }

  async #send<Output>(
    command: S3Command<Output>,
    run: CallRun,
    signal: AbortSignal,
    limitMs: number | undefined,
  ): Promise<Output> {
    await run.fetchKeys();
    const limit = new TimeLimit(signal, limitMs);
    try {
      // Fetching keys, or the step before this one, may have outlasted attempt or store: what is over sends nothing.
      signal.throwIfAborted();
      if (this.#closed) throw closedError();
      run.sends();
      const sent = this.#access.client.send(command as unknown as Parameters<S3Client['send']>[0], {
        abortSignal: limit.signal,
      });
      return (await sent) as Output;
    } catch (error) {
      if (this.#closed) throw run.closed(error);
      throw run.failed(limit.isUp ? noAnswer(this.facts(run.call), limitMs) : error);
    } finally {
      limit.clear();
    }
  }
}

/** A signal that fires with another one, and once its time is up if it is not cleared before. */
class TimeLimit {
  readonly #limit = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  isUp = false;

  constructor(signal: AbortSignal, limitMs: number | undefined) {
    signal.addEventListener('abort', () => this.#limit.abort(), { once: true });
    if (limitMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.isUp = true;
      this.#limit.abort();
    }, limitMs);
  }

  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function noAnswer(facts: ObjectStoreErrorContext, timeoutMs: number | undefined): ObjectStoreError {
  const { operation, endpoint } = facts;
  return new ObjectStoreError('TIMEOUT', `${operation}: ${endpoint} gave no answer in time`, {
    context: { ...facts, ...(timeoutMs !== undefined && { timeoutMs }) },
    retryable: true,
  });
}

/** What is known of one call over its attempts. */
class CallRun {
  readonly call: S3Call;
  readonly #facts: ObjectStoreErrorContext;
  readonly #access: S3Access;
  readonly #failures = new WeakMap<ObjectStoreError, S3Failure>();
  #generation = 0;
  #keysRenewed = false;
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
      const error = new ObjectStoreError('UNAUTHENTICATED', 'there are no keys to sign with', {
        context: this.#facts,
        cause: safeCopy(cause),
      });
      // The server was not asked.
      this.#failures.set(error, { error, retry: false, mayHaveHappened: false, endpointFault: undefined });
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
      if (this.#keysRenewed || !this.#access.credentials?.refuse(this.#generation)) return false;
      this.#keysRenewed = true;
    }
    if (unless === 'clock-corrected') {
      if (this.#clockCorrected) return false;
      this.#clockCorrected = true;
    }
    return true;
  }
}
