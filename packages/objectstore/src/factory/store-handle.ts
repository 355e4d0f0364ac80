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
import { closedError } from '../request-checks.ts';

/**
 * One caller's way to a store that others use, too: `close()` ends this way alone, and what is under way on it comes to
 * its own end.
 */
export class StoreHandle implements ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  #closed = false;

  constructor(store: ObjectStore) {
    this.capabilities = store.capabilities;
    this.#store = store;
  }

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    return this.#open().put(key, body, options);
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#open().get(key, options);
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    return this.#open().getStream(key, options);
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    return this.#open().head(key, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    for await (const page of this.#open().list(prefix, options)) {
      yield page;
      this.#open();
    }
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    return this.#open().delete(key, options);
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    return this.#open().deleteMany(keys, options);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    return this.#open().copy(from, to, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #open(): ObjectStore {
    if (this.#closed) throw closedError();
    return this.#store;
  }
}
