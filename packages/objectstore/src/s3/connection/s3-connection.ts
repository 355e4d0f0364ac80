import type { S3Client } from '@aws-sdk/client-s3';
import { type CallPolicy, createCallPolicy, ResilienceError } from '@danube/resilience';
import { ObjectStoreError, type ObjectStoreErrorContext } from '../../errors.ts';
import { closedError, invalidArgument } from '../../request-checks.ts';
import type { ResolvedS3Options } from '../options.ts';
import { CallRun } from './call-run.ts';
import type { S3Call } from './s3-call.ts';
import { createS3Access, type S3Access, type S3Sdk } from './s3-client.ts';
import { noAnswer, TimeLimit } from './time-limit.ts';

export type { S3Call } from './s3-call.ts';

/** A command of the SDK that is answered with `Output`. */
export interface S3Command<Output> {
  resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: Output }>;
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
