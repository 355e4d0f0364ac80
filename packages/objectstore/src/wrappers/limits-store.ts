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
import { endUnread } from '../unread-body.ts';
import { CallGate } from './call-gate.ts';
import { type LimitsOptions, resolveLimits } from './limits-options.ts';

/**
 * The store, with at most so many calls under way and begun in a second; the others wait in the order in which they
 * came. A signal that fires while a call waits ends it with `ABORTED`, and nothing was sent (also for a put); a full
 * queue is `THROTTLED` and `retryable`.
 *
 * A listing is a call for each page, and one to learn that there is none left. A `getStream` is under way until its body has ended or was destroyed: one that
 * nobody reads keeps its place, and a put that reads its body from the same limited store needs a second one. What a
 * store does for one call (the parts of a large put, its own retries, the requests of a `deleteMany`) is one call here.
 *
 * Capabilities are the store's. `close()` closes the store and does not wait; calls that wait then fail with `CLOSED` in
 * their turn. Errors: `INVALID_ARGUMENT` for options out of range.
 */
export function withLimits(store: ObjectStore, options: LimitsOptions): ObjectStore {
  return new LimitedStore(store, new CallGate(resolveLimits(options)));
}

class LimitedStore implements ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  readonly #gate: CallGate;

  constructor(store: ObjectStore, gate: CallGate) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#gate = gate;
  }

  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    return this.#limited(
      options,
      () => this.#store.put(key, body, options),
      () => endUnread(body),
    );
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#limited(options, () => this.#store.get(key, options));
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    const leave = await this.#gate.enter(signalOf(options));
    try {
      const result = await this.#store.getStream(key, options);
      if (result.stream.closed) await leave();
      else result.stream.once('close', leave);
      return result;
    } catch (error) {
      await leave();
      throw error;
    }
  }

  head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    return this.#limited(options, () => this.#store.head(key, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    const pages = this.#store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        // The place is free again while the caller works on the page.
        const next = await this.#limited(options, () => pages.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#limited(options, () => this.#store.delete(key, options));
  }

  deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    return this.#limited(options, () => this.#store.deleteMany(keys, options));
  }

  copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    return this.#limited(options, () => this.#store.copy(from, to, options));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #limited<T>(
    options: CallOptions | undefined,
    call: () => Promise<T>,
    refused = async () => {},
  ): Promise<T> {
    const leave = await this.#gate.enter(signalOf(options)).catch(async (error: unknown) => {
      await refused();
      throw error;
    });
    try {
      return await call();
    } finally {
      // Waited for, so that whoever calls in turn never finds the place of the last call taken.
      await leave();
    }
  }
}

/** What is no signal is left to the store, which refuses it. */
function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  return options?.signal instanceof AbortSignal ? options.signal : undefined;
}
