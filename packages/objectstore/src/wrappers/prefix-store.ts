import { ObjectStoreError } from '../errors.ts';
import { MAX_KEY_BYTES, parseKey } from '../key.ts';
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
import { relayStream } from './relay-stream.ts';

/**
 * The part of a store below a prefix as a store of its own: `prefix/` is put before every key on the way in and taken
 * off on the way out, also in listings and errors. `prefix` is a key (`a/b`), with or without a slash at its end.
 * Nothing outside can be named: `..` is no segment of a key.
 *
 * Keys are shorter by the prefix (`capabilities.maxKeyBytes`); other capabilities are the store's own. `close()` closes
 * the store beneath.
 *
 * Errors: `INVALID_PATH` for what is no prefix.
 */
export function withPrefix(store: ObjectStore, prefix: string): ObjectStore {
  const trimmed = typeof prefix === 'string' && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  parseKey(trimmed);
  return new PrefixStore(store, `${trimmed}/`);
}

class PrefixStore implements ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  /** With its slash. */
  readonly #prefix: string;
  readonly #maxKeyBytes: number;

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
    this.#maxKeyBytes = (store.capabilities.maxKeyBytes ?? MAX_KEY_BYTES) - Buffer.byteLength(prefix);
    if (this.#maxKeyBytes < 1) {
      throw new ObjectStoreError('INVALID_PATH', 'the prefix leaves no room for a key', {
        context: { prefix },
      });
    }
    this.capabilities = { ...store.capabilities, maxKeyBytes: this.#maxKeyBytes };
  }

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    const full = this.#full(key);
    return this.#shown(() => this.#store.put(full, body, options));
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const full = this.#full(key);
    const got = await this.#shown(() => this.#store.get(full, options));
    return { ...got, meta: this.#below(got.meta) };
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    const full = this.#full(key);
    const got = await this.#shown(() => this.#store.getStream(full, options));
    const stream = relayStream(got.stream, options?.signal, { mapError: (error) => this.#unprefixed(error) });
    return { ...got, meta: this.#below(got.meta), stream };
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    const full = this.#full(key);
    return this.#below(await this.#shown(() => this.#store.head(full, options)));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    this.#checkLength('prefix', prefix);
    const startAfter = options?.startAfter;
    if (startAfter !== undefined) this.#checkLength('startAfter', startAfter);
    const below = startAfter === undefined ? options : { ...options, startAfter: this.#joined(startAfter) };
    try {
      for await (const { objects, commonPrefixes } of this.#store.list(this.#joined(prefix), below)) {
        yield {
          objects: objects.map((meta) => this.#below(meta)),
          commonPrefixes: commonPrefixes.map((common) => common.slice(this.#prefix.length)),
        };
      }
    } catch (error) {
      throw this.#unprefixed(error);
    }
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const full = this.#full(key);
    return this.#shown(() => this.#store.delete(full, options));
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    if (!Array.isArray(keys)) return this.#store.deleteMany(keys, options);
    const failures = new Map<number, DeleteFailure>();
    const asked: { readonly index: number; readonly full: string }[] = [];
    for (const [index, key] of keys.entries()) {
      try {
        asked.push({ index, full: this.#full(key) });
      } catch (error) {
        failures.set(index, { key, error: error as ObjectStoreError });
      }
    }
    const full = asked.map((one) => one.full);
    const failed = await this.#shown(() => this.#store.deleteMany(full, options));
    let next = 0;
    for (const { key, error } of failed) {
      // The store's failures are in our order: the next place that asked for the key is the one that failed.
      while (next < asked.length && asked[next]?.full !== key) next += 1;
      const index = asked[next]?.index ?? keys.length;
      failures.set(index, { key: this.#stripped(key), error: this.#unprefixed(error) as ObjectStoreError });
      next += 1;
    }
    return [...failures].sort(([a], [b]) => a - b).map(([, failure]) => failure);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    const [fullFrom, fullTo] = [this.#full(from), this.#full(to)];
    return this.#shown(() => this.#store.copy(fullFrom, fullTo, options));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** The key in the store beneath. Checked here, so that what is refused is shown as the caller wrote it. */
  #full(key: string): string {
    parseKey(key);
    this.#checkLength('key', key);
    return this.#joined(key);
  }

  /** What is no text stays as it is, for the store to refuse: joined, `undefined` would become a key. */
  #joined(key: string): string {
    return typeof key === 'string' ? this.#prefix + key : key;
  }

  #stripped(key: string): string {
    return typeof key === 'string' && key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : key;
  }

  #below(meta: ObjectMeta): ObjectMeta {
    return { ...meta, key: this.#stripped(meta.key) };
  }

  #checkLength(what: string, text: string): void {
    if (typeof text !== 'string' || Buffer.byteLength(text) <= this.#maxKeyBytes) return;
    const why = `is longer than ${this.#maxKeyBytes} bytes, what the store's own prefix leaves`;
    throw new ObjectStoreError('INVALID_PATH', `${what} "${text.slice(0, 200)}…" ${why}`, {
      context: { [what]: text.slice(0, 200), maxKeyBytes: this.#maxKeyBytes },
    });
  }

  async #shown<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#unprefixed(error);
    }
  }

  /** The same error about the key that the caller knows. What was taken off is kept in `context.belowPrefix`. */
  #unprefixed(error: unknown): Error {
    if (!ObjectStoreError.is(error)) return error as Error;
    const context = Object.fromEntries(
      Object.entries(error.context).map(([name, value]) => [
        name,
        keyFields.has(name) && typeof value === 'string' ? this.#stripped(value) : value,
      ]),
    );
    const message = error.message
      .slice(`${error.code}: `.length)
      .replaceAll(`"${this.#prefix}`, '"')
      .replaceAll(JSON.stringify(this.#prefix).slice(0, -1), '"');
    return new ObjectStoreError(error.code, message, {
      context: { ...context, belowPrefix: this.#prefix },
      retryable: error.retryable,
      ...('cause' in error && { cause: error.cause }),
    });
  }
}

/** The fields of an error's context that hold keys. */
const keyFields = new Set(['key', 'prefix', 'from', 'to', 'startAfter']);
