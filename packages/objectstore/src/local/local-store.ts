import type { Readable } from 'node:stream';
import { pagesOf, parseListRequest } from '../list-pages.ts';
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
} from '../object-store.ts';
import { isBytes, withChunks } from '../put-body.ts';
import {
  checkGetOptions,
  checkKeys,
  checkOptions,
  checkPutOptions,
  closedError,
  resolveRange,
  throwIfAborted,
} from '../request-checks.ts';
import { destroyOnAbort } from '../stream-abort.ts';
import { copyObject } from './copy-object.ts';
import { deleteObjects } from './delete-objects.ts';
import { release } from './descriptors.ts';
import { translated } from './error-mapping.ts';
import { readRange, streamRange } from './file-range.ts';
import { pageReader } from './list-walk.ts';
import { type LocalRoot, openLocalRoot } from './local-root.ts';
import { locate } from './object-path.ts';
import { openObject } from './open-object.ts';
import { type LocalObjectStoreOptions, resolveLocalOptions } from './options.ts';
import { putObject } from './put-object.ts';

/**
 * Opens a directory as an object store: one file per object, the key is the path below the root.
 *
 * A put writes a temporary file in a hidden directory of the root, syncs it, gives it its name (link with `ifAbsent`,
 * else rename: **this is the moment it becomes visible**), and syncs the directory (**durable from here**, when the
 * promise resolves); directories above that are new were synced into their parents before. A batch delete opens and
 * syncs each directory once. Any number of processes may use one root at the same time.
 *
 * No descriptor stays open between calls but those of streams that are neither read to their end nor destroyed;
 * `close` destroys them with `CLOSED`.
 *
 * Local files set limits beyond those of `parseKey`: a segment has at most 255 bytes; one key cannot be both an object
 * and the start of another's path (`a` and `a/b`); on file systems that ignore case, keys that differ only in case
 * are one. The root and the files in it must be on one file system that has hard links. Directories that become empty
 * are left.
 *
 * Errors: `INVALID_ARGUMENT`, `UNSAFE_PATH`, `PERMISSION_DENIED`, `NO_SPACE`, `IO_ERROR`.
 */
export async function openLocalObjectStore(options: LocalObjectStoreOptions): Promise<ObjectStore> {
  const { root, fs } = resolveLocalOptions(options);
  const opened = await translated('open the local object store', { root }, () => openLocalRoot(fs, root));
  return new LocalObjectStore(opened);
}

class LocalObjectStore implements ObjectStore {
  readonly capabilities = { ifAbsent: true, ifMatch: false, attributes: false, flatKeys: false } as const;
  readonly #root: LocalRoot;
  readonly #streams = new Set<Readable>();
  #closed = false;

  constructor(root: LocalRoot) {
    this.#root = root;
  }

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    this.#checkOpen();
    checkPutOptions(options, this.capabilities);
    const { ifAbsent = false, signal } = options ?? {};
    const mode = { ifAbsent, signal };
    if (isBytes(body)) return putObject(this.#root, key, body, mode);
    locate(key);
    return withChunks(body, signal, (chunks) => putObject(this.#root, key, chunks, mode));
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    this.#checkOpen();
    checkGetOptions(key, options);
    const { handle, meta } = await openObject(this.#root, 'get', key, options);
    try {
      const range = resolveRange(key, options?.range, meta.sizeBytes);
      const read = () => readRange(handle, key, range, options?.signal);
      return { meta, range, bytes: await translated(`get "${key}"`, { key }, read) };
    } finally {
      await release(handle);
    }
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    this.#checkOpen();
    checkGetOptions(key, options);
    const { handle, meta } = await openObject(this.#root, 'get', key, options);
    try {
      // Both may have happened since the call began.
      this.#checkOpen();
      throwIfAborted(options?.signal);
      const range = resolveRange(key, options?.range, meta.sizeBytes);
      const stream = streamRange(handle, key, range);
      this.#streams.add(stream);
      stream.once('close', () => this.#streams.delete(stream));
      destroyOnAbort(stream, options?.signal);
      return { meta, range, stream };
    } catch (error) {
      await release(handle);
      throw error;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    this.#checkOpen();
    checkOptions(options, []);
    const { handle, meta } = await openObject(this.#root, 'head', key);
    await release(handle);
    return meta;
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    this.#checkOpen();
    const request = parseListRequest(prefix, options);
    const proceed = () => {
      this.#checkOpen();
      throwIfAborted(options?.signal);
    };
    yield* pagesOf(request, options?.signal, pageReader(this.#root, request, proceed));
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const [failure] = await this.deleteMany([key], options);
    if (failure !== undefined) throw failure.error;
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#checkOpen();
    checkOptions(options, []);
    checkKeys(keys);
    return deleteObjects(this.#root, [...keys], options?.signal);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    this.#checkOpen();
    checkOptions(options, []);
    return copyObject(this.#root, from, to, options?.signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams].map(destroyClosed));
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

/** Resolves when the stream's descriptor is closed. Whoever reads the stream later still gets the error. */
function destroyClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    // A stream that nobody listens to yet must not end the process with an uncaught error.
    stream.on('error', () => {});
    stream.once('close', resolve);
    stream.destroy(closedError());
  });
}
