import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type {
  CallOptions,
  DeleteFailure,
  GetOptions,
  GetResult,
  GetStreamResult,
  ListOptions,
  ListPage,
  ObjectMeta,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoreCapabilities,
} from '../object-store.ts';
import { isBytes } from '../put-body.ts';
import { relayStream } from './relay-stream.ts';
import { watchedBody } from './watched-body.ts';

/** The methods of a store that are calls to it. */
export type StoreOperation = 'put' | 'get' | 'getStream' | 'head' | 'list' | 'delete' | 'deleteMany' | 'copy';

/** One call that is over. Plain values of small sets, fit for the labels and values of a metric; no keys. */
export interface StoreCall {
  readonly operation: StoreOperation;
  /** `ok`, or the code of the error. An error that is not the store's counts as `IO_ERROR`. */
  readonly outcome: 'ok' | ObjectStoreErrorCode;
  /** From the call to its end: with `getStream` the end of the body, which waits for its reader. */
  readonly durationMs: number;
  /**
   * Bytes of the body of a `put`: of a stream those that were taken from it, also by a put that failed; of one given
   * whole its size, 0 if it was not put. 0 with other operations.
   */
  readonly bytesIn: number;
  /** Bytes handed out by `get` and `getStream`, also of a body that broke off. 0 with other operations. */
  readonly bytesOut: number;
  /** Objects that a `deleteMany` could not remove. 0 with other operations. */
  readonly failedKeys: number;
}

/** Options of {@link withMetrics}. */
export interface MetricsOptions {
  /**
   * Told of each call when it is over, on the way to the caller, so be quick. What it throws, or rejects with, is
   * dropped: measuring breaks no call.
   */
  readonly onCall: (call: StoreCall) => void;
}

/**
 * The store, with one event for each call that ends. A listing is one call a page (and one if it has none); a `getStream`
 * ends with its body, and counts as `ok` if the reader let go of it before its end. Calls that are refused for their
 * arguments count, too.
 *
 * Capabilities are the store's. `close()` closes the store and is not counted.
 */
export function withMetrics(store: ObjectStore, options: MetricsOptions): ObjectStore {
  if (typeof options?.onCall !== 'function') {
    throw new ObjectStoreError('INVALID_ARGUMENT', 'withMetrics needs onCall, a function');
  }
  return new MetricsStore(store, options.onCall);
}

class MetricsStore implements ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  readonly #onCall: (call: StoreCall) => void;

  constructor(store: ObjectStore, onCall: (call: StoreCall) => void) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#onCall = onCall;
  }

  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    return this.#measured('put', async (call) => {
      const whole = isBytes(body);
      const watched = watchedBody(body, ({ byteLength }) => {
        call.bytesIn += byteLength;
      });
      const result = await this.#store.put(key, watched, options);
      if (whole) call.bytesIn = result.sizeBytes;
      return result;
    });
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#measured('get', async (call) => {
      const result = await this.#store.get(key, options);
      call.bytesOut = result.bytes.byteLength;
      return result;
    });
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    const call = this.#begin('getStream');
    try {
      const result = await this.#store.getStream(key, options);
      const stream = relayStream(result.stream, options?.signal, {
        onChunk: ({ byteLength }) => {
          call.bytesOut += byteLength;
        },
        onOver: (error) => call.end(error),
      });
      return { ...result, stream };
    } catch (error) {
      call.end(error);
      throw error;
    }
  }

  head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    return this.#measured('head', () => this.#store.head(key, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    const pages = this.#store.list(prefix, options)[Symbol.asyncIterator]();
    let any = false;
    try {
      for (;;) {
        const call = this.#begin('list');
        const next = await pages.next().catch((error: unknown) => {
          call.end(error);
          throw error;
        });
        // That there are no more pages was known with the last one.
        if (!next.done || !any) call.end();
        if (next.done) return;
        any = true;
        yield next.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#measured('delete', () => this.#store.delete(key, options));
  }

  deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    return this.#measured('deleteMany', async (call) => {
      const failures = await this.#store.deleteMany(keys, options);
      call.failedKeys = failures.length;
      return failures;
    });
  }

  copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    return this.#measured('copy', () => this.#store.copy(from, to, options));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #measured<T>(operation: StoreOperation, run: (call: OpenCall) => Promise<T>): Promise<T> {
    const call = this.#begin(operation);
    try {
      const result = await run(call);
      call.end();
      return result;
    } catch (error) {
      call.end(error);
      throw error;
    }
  }

  #begin(operation: StoreOperation): OpenCall {
    const startedMs = performance.now();
    const call: OpenCall = {
      bytesIn: 0,
      bytesOut: 0,
      failedKeys: 0,
      end: (error) => {
        const outcome = error === undefined ? 'ok' : ObjectStoreError.is(error) ? error.code : 'IO_ERROR';
        const { bytesIn, bytesOut, failedKeys } = call;
        const durationMs = performance.now() - startedMs;
        this.#tell({ operation, outcome, durationMs, bytesIn, bytesOut, failedKeys });
      },
    };
    return call;
  }

  #tell(call: StoreCall): void {
    try {
      const told: unknown = this.#onCall(call);
      // An async listener is not asked for, but must not end the process either.
      if (told instanceof Promise) told.catch(() => {});
    } catch {
      // Said in MetricsOptions: the caller's read or write matters more than its measurement.
    }
  }
}

/** A call under way: what is known of it so far. */
interface OpenCall {
  bytesIn: number;
  bytesOut: number;
  failedKeys: number;
  end(error?: unknown): void;
}
