import { parseKey } from '../key.ts';
import { type ListRequest, parseListRequest } from '../list-pages.ts';
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
import { checkGetOptions, checkKeys, checkOptions, checkPutOptions, closedError } from '../request-checks.ts';
import { openS3Connection, type S3Connection } from './connection/s3-connection.ts';
import { WritesUnderWay } from './connection/writes-under-way.ts';
import { resolveS3Options, type S3ObjectStoreOptions } from './options.ts';
import { listObjects } from './read/list-objects.ts';
import { getObject, getObjectStream, headObject } from './read/read-object.ts';
import { abortLeftOverUploads, removeStaleUploads, type StaleUploadOptions } from './upload/stale-uploads.ts';
import { copyObject } from './write/copy-object.ts';
import { deleteObject, deleteObjects } from './write/delete-objects.ts';
import { putObject } from './write/put-object.ts';

/** A store on S3, with what only S3 needs. */
export interface S3ObjectStore extends ObjectStore {
  /**
   * Aborts multipart uploads that nobody goes on with, of any process and program, and resolves with their number. Their
   * parts cost storage until then, but are never visible. **Dangerous for uploads under way that are older than
   * `olderThanMs`**, whoever is at them: their puts fail.
   *
   * Errors: `INVALID_ARGUMENT`, those of a listing, and the first failure of an abort, after all have been tried.
   */
  removeStaleUploads(options: StaleUploadOptions): Promise<number>;

  /**
   * As `ObjectStore.close`. Puts and copies under way end with `CLOSED` (with `PUT_STATE_UNKNOWN` if they may have happened)
   * and abort their uploads first: it takes up to 15 s if the server does not answer.
   */
  close(): Promise<void>;
}

/**
 * Opens a store on a bucket of S3 or a server like it. It needs the package `@aws-sdk/client-s3`, which is loaded here and
 * nowhere else, and sends nothing yet: whether bucket and keys are right is seen with the first call. (With an
 * `uploadJournal` that has notes of killed processes, their uploads are aborted first.)
 *
 * A put is durable and visible when the server has answered. Every request passes one call policy: what may be repeated
 * is, after a wait; the SDK repeats nothing itself. Whole objects are verified where the server gives a CRC-32, SHA-256
 * or SHA-1 of them.
 *
 * Errors: `INVALID_ARGUMENT`, `NOT_SUPPORTED` if the package is not installed.
 */
export async function openS3ObjectStore(options: S3ObjectStoreOptions): Promise<S3ObjectStore> {
  const connection = await openS3Connection(resolveS3Options(options));
  if (options.uploadJournal !== undefined) await abortLeftOverUploads(connection, options.uploadJournal);
  return new BucketStore(connection);
}

class BucketStore implements S3ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly #connection: S3Connection;
  readonly #writes = new WritesUnderWay();
  #closed = false;

  constructor(connection: S3Connection) {
    const { conditionalPuts } = connection.options;
    this.capabilities = Object.freeze({
      ifAbsent: conditionalPuts,
      ifMatch: conditionalPuts,
      attributes: true,
      flatKeys: true,
    });
    this.#connection = connection;
  }

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    this.#checkOpen();
    parseKey(key);
    checkPutOptions(options, this.capabilities);
    return this.#writes.run(options?.signal, (signal) =>
      putObject(this.#connection, key, body, { ...options, signal }),
    );
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    this.#checkRead(key, options);
    return getObject(this.#connection, key, options);
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    this.#checkRead(key, options);
    return getObjectStream(this.#connection, key, options);
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    this.#check(key, options);
    return headObject(this.#connection, key, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    this.#checkOpen();
    const request: ListRequest = parseListRequest(prefix, options);
    yield* listObjects(this.#connection, request, options?.signal);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    this.#check(key, options);
    return deleteObject(this.#connection, key, options);
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#checkOpen();
    checkOptions(options, []);
    checkKeys(keys);
    return deleteObjects(this.#connection, [...keys], options);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    this.#check(from, options);
    parseKey(to);
    return this.#writes.run(options?.signal, (signal) =>
      copyObject(this.#connection, from, to, { ...options, signal }),
    );
  }

  async removeStaleUploads(options: StaleUploadOptions): Promise<number> {
    this.#checkOpen();
    return removeStaleUploads(this.#connection, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.end();
    this.#connection.close();
  }

  #check(key: string, options: CallOptions | undefined): void {
    this.#checkOpen();
    checkOptions(options, []);
    parseKey(key);
  }

  #checkRead(key: string, options: GetOptions | undefined): void {
    this.#checkOpen();
    parseKey(key);
    checkGetOptions(key, options);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
