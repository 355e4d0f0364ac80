import { Readable } from 'node:stream';
import { ObjectStoreError } from './errors.ts';
import { compareKeys, parseKey } from './key.ts';
import {
  groupOf,
  isFrom,
  type ListEntry,
  type ListRequest,
  type ListStart,
  pagesOf,
  parseListRequest,
} from './list-pages.ts';
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
} from './object-store.ts';
import { chunksOf } from './put-body.ts';
import {
  alreadyExists,
  checkConditions,
  checkGetOptions,
  checkKeys,
  checkOptions,
  checkPutOptions,
  closedError,
  notFound,
  resolveRange,
  throwIfAborted,
} from './request-checks.ts';
import { destroyOnAbort } from './stream-abort.ts';

/** Yielded chunk by chunk, so that a slow reader does not hold a second copy of the object. */
const STREAM_CHUNK_BYTES = 256 * 1024;

/**
 * Creates an empty store in this process's memory: for tests and for data that may vanish. It keeps every promise of
 * `ObjectStore` except that nothing outlives the process, and has every capability. Bodies are copied on the way in
 * and out. A listing sorts all matching keys, so it is meant for thousands of objects, not millions.
 */
export function createMemoryObjectStore(): ObjectStore {
  return new MemoryObjectStore();
}

interface StoredObject {
  readonly body: Uint8Array;
  readonly meta: ObjectMeta;
}

class MemoryObjectStore implements ObjectStore {
  readonly capabilities = { ifAbsent: true, ifMatch: true, attributes: true, flatKeys: true } as const;
  readonly #objects = new Map<string, StoredObject>();
  #version = 0;
  #closed = false;

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    this.#checkOpen();
    parseKey(key);
    checkPutOptions(options, this.capabilities);
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(body, options?.signal)) chunks.push(new Uint8Array(chunk));
    // From here to the end nothing waits: the commit point is the one assignment, and conditions hold when it is made.
    throwIfAborted(options?.signal);
    this.#checkConditionsOfPut(key, options);
    return this.#store(key, Buffer.concat(chunks), options?.contentType, options?.metadata);
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const { meta, range, body } = this.#read(key, options);
    return { meta, range, bytes: new Uint8Array(body) };
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    const { meta, range, body } = this.#read(key, options);
    const stream = Readable.from(piecesOf(body), { objectMode: false });
    destroyOnAbort(stream, options?.signal);
    return { meta, range, stream };
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    this.#checkOpen();
    checkOptions(options, []);
    return this.#find(key).meta;
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    this.#checkOpen();
    const request = parseListRequest(prefix, options);
    yield* pagesOf(request, options?.signal, async (start, most) => this.#entries(request, start, most));
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    this.#checkOpen();
    checkOptions(options, []);
    parseKey(key);
    this.#objects.delete(key);
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#checkOpen();
    checkOptions(options, []);
    checkKeys(keys);
    const failures: DeleteFailure[] = [];
    for (const key of keys) {
      try {
        parseKey(key);
        this.#objects.delete(key);
      } catch (error) {
        if (!ObjectStoreError.is(error)) throw error;
        failures.push({ key, error });
      }
    }
    return failures;
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    this.#checkOpen();
    checkOptions(options, []);
    parseKey(to);
    const { body, meta } = this.#find(from);
    return this.#store(to, body, meta.contentType, meta.metadata);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #find(key: string): StoredObject {
    parseKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) throw notFound(key);
    return object;
  }

  #read(key: string, options: GetOptions | undefined) {
    this.#checkOpen();
    checkGetOptions(key, options);
    const { body, meta } = this.#find(key);
    checkConditions(meta, options);
    const range = resolveRange(key, options?.range, body.byteLength);
    return { meta, range, body: body.subarray(range.start, range.endExclusive) };
  }

  #checkConditionsOfPut(key: string, options: PutOptions | undefined): void {
    this.#checkOpen();
    const there = this.#objects.get(key);
    if (options?.ifAbsent && there !== undefined) throw alreadyExists(key);
    if (options?.ifMatch !== undefined && options.ifMatch !== there?.meta.etag) {
      const what = there === undefined ? 'there is no object' : 'another version is there';
      throw new ObjectStoreError('PRECONDITION_FAILED', `"${key}" was not replaced: ${what}`, {
        context: { key, ifMatch: options.ifMatch },
      });
    }
  }

  #store(
    key: string,
    body: Uint8Array,
    contentType: string | undefined,
    metadata: Readonly<Record<string, string>> | undefined,
  ): PutResult {
    this.#version += 1;
    const etag = `m${this.#version}`;
    const sizeBytes = body.byteLength;
    // Frozen, as every reader gets this one.
    const meta: ObjectMeta = Object.freeze({
      key,
      sizeBytes,
      lastModifiedMs: Date.now(),
      etag,
      ...(contentType !== undefined && { contentType }),
      metadata: Object.freeze({ ...metadata }),
    });
    this.#objects.set(key, { body, meta });
    return { sizeBytes, etag };
  }

  #entries(request: ListRequest, start: ListStart | undefined, most: number): ListEntry[] {
    this.#checkOpen();
    const { prefix, delimiter } = request;
    const matching = [...this.#objects.keys()]
      .filter((key) => key.startsWith(prefix) && isFrom(key, start))
      .sort(compareKeys);
    const entries: ListEntry[] = [];
    for (const key of matching) {
      if (entries.length === most) break;
      const group = delimiter ? groupOf(key, prefix) : undefined;
      if (group === undefined) entries.push({ name: key, object: this.#listed(key) });
      else if (entries.at(-1)?.name !== group) entries.push({ name: group });
    }
    return entries;
  }

  #listed(key: string): ObjectMeta {
    const { contentType: _type, metadata: _metadata, ...meta } = this.#find(key).meta;
    return meta;
  }
}

function* piecesOf(body: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < body.byteLength; at += STREAM_CHUNK_BYTES) {
    yield Buffer.from(body.subarray(at, at + STREAM_CHUNK_BYTES));
  }
}
