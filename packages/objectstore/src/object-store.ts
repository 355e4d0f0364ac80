import type { Readable } from 'node:stream';
import type { ObjectStoreError } from './errors.ts';

/**
 * A place for whole, named byte strings. The promises below hold for every implementation and are what the
 * conformance suite in `@danube/objectstore/testing` checks.
 *
 * All methods may be called at the same time, from any number of callers and processes. Failures are
 * `ObjectStoreError`s. Every call may fail with the codes that say that the store could not be asked or would not
 * answer: `UNAUTHENTICATED`, `PERMISSION_DENIED`, `BUCKET_NOT_FOUND`, `THROTTLED`, `TIMEOUT`, `UNAVAILABLE`,
 * `IO_ERROR`, `ABORTED`, `CLOSED`; only further ones are named at a method. Unknown options are `INVALID_ARGUMENT`.
 */
export interface ObjectStore {
  /** What this store can do beyond the rest of this contract. Asking for what it cannot is `NOT_SUPPORTED`. */
  readonly capabilities: StoreCapabilities;

  /**
   * Stores `body` as the whole object at `key`, replacing what is there unless a condition forbids it.
   *
   * When the promise resolves the object is complete and durable: it survives a power loss (the memory store: as long
   * as the process). No reader ever sees a part of it: before, it sees the old object or none, afterwards the new
   * one. Of any number of simultaneous puts with `ifAbsent` exactly one wins; the others get `ALREADY_EXISTS`.
   *
   * A stream is read once, with bounded memory, and only as fast as it can be stored; if it fails, nothing becomes
   * visible and its own error is the `cause` (of an `IO_ERROR`). One that is not read to its end is ended (`return`,
   * which destroys a Node.js stream and cancels a web stream); only a put that is refused at once may leave it
   * alone: for its arguments, a signal that has fired already, or a closed store. A chunk may be used anew as soon as the next one is asked for. Bytes that are given whole are not copied
   * first: leave them unchanged until the promise settles.
   *
   * Whatever the error, it says what became of the object: with `PUT_STATE_UNKNOWN` the object may be or become
   * visible, with every other code nothing of this put is or will be.
   *
   * Errors: `ALREADY_EXISTS`, `PRECONDITION_FAILED`, `INVALID_PATH`, `INVALID_ARGUMENT`, `NOT_SUPPORTED`,
   * `UNSAFE_PATH`, `NO_SPACE`, `CORRUPT`, `PUT_STATE_UNKNOWN`.
   */
  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult>;

  /**
   * Reads an object, or one range of it, into memory of the caller's own. All bytes come from one version of the
   * object, also while it is being replaced or deleted.
   *
   * Errors: `NOT_FOUND`, `PRECONDITION_FAILED`, `NOT_MODIFIED`, `INVALID_PATH`, `INVALID_RANGE`, `UNSAFE_PATH`,
   * `CORRUPT`.
   */
  get(key: string, options?: GetOptions): Promise<GetResult>;

  /**
   * As `get`, with the bytes as a stream. Read it to its end or `destroy()` it: it holds a descriptor or a
   * connection. It ends only after exactly the bytes of the range; a body that breaks off or is damaged is an
   * `ObjectStoreError` of the stream. Aborting the signal destroys it, which a process in which nobody reads it yet
   * survives.
   */
  getStream(key: string, options?: GetOptions): Promise<GetStreamResult>;

  /** Tells what is known about an object without reading it. Errors as `get`. */
  head(key: string, options?: CallOptions): Promise<ObjectMeta>;

  /**
   * Lists the objects whose key starts with `prefix` (any text, not only whole segments; `''` is everything), page by
   * page as they are taken, in the order of the keys' UTF-8 bytes.
   *
   * An object that exists from the first page to the last is listed exactly once; one that comes or goes meanwhile
   * may or may not be listed. Only complete objects are listed. A listing without any object has no page, or pages
   * without objects.
   *
   * Errors (of the first and every further page): `INVALID_PATH`, `INVALID_ARGUMENT`, `UNSAFE_PATH`.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListPage>;

  /**
   * Removes an object; it is not an error if there is none. Durable when the promise resolves. After an error the
   * object may be gone or not; deleting again is safe.
   *
   * Errors: `INVALID_PATH`, `UNSAFE_PATH`.
   */
  delete(key: string, options?: CallOptions): Promise<void>;

  /**
   * Removes any number of objects with as few requests as the store needs, and as `delete` for each of them. Resolves
   * with those that could not be removed, each with the error `delete` would have thrown, in the order given and as
   * often as given; all others are gone, durably. Rejects only if an argument is unusable (what is no array, too),
   * before anything is deleted.
   *
   * Errors: `INVALID_ARGUMENT`.
   */
  deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]>;

  /**
   * Makes `to` the same bytes, content type and metadata as `from`, replacing what is there, without sending them
   * through this process where the store can. Complete, durable and visible as a whole, as `put`; of one version of
   * `from`.
   *
   * Errors: `NOT_FOUND` (of `from`), `INVALID_PATH`, `UNSAFE_PATH`, `NO_SPACE`, `PUT_STATE_UNKNOWN`.
   */
  copy(from: string, to: string, options?: CallOptions): Promise<PutResult>;

  /**
   * Lets go of connections. Calls made afterwards are `CLOSED`, those under way may fail so. May be called again. A
   * process need not close a store to be able to end.
   */
  close(): Promise<void>;
}

/** What a store can do beyond the contract that all keep. Plain facts, the same for the life of the store. */
export interface StoreCapabilities {
  /** `put` with `ifAbsent`. */
  readonly ifAbsent: boolean;
  /** `put` with `ifMatch`. */
  readonly ifMatch: boolean;
  /** `contentType` and `metadata` are kept and given back by `head` and `get`. */
  readonly attributes: boolean;
  /**
   * Keys are only names: `a` and `a/b` can both be objects, and one segment may be as long as a key. False where keys
   * are paths of files.
   */
  readonly flatKeys: boolean;
  /**
   * The longest key, in bytes of UTF-8; a longer one is `INVALID_PATH`. Default: 1,024 (`MAX_KEY_BYTES`). Less where
   * the store keeps its keys below a prefix of its own.
   */
  readonly maxKeyBytes?: number | undefined;
}

/**
 * The bytes of an object: all at once, or as anything that yields them in turn (a Node.js or web stream, a
 * generator). Chunks may have any size; empty ones are passed over.
 */
export type PutBody = Uint8Array | AsyncIterable<Uint8Array>;

/** What every call takes. */
export interface CallOptions {
  /**
   * Ends the call. It then rejects with `ABORTED` and the signal's reason as `cause`; a put that could have happened
   * already with `PUT_STATE_UNKNOWN` instead. Nothing is left behind. Default: none.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface PutOptions extends CallOptions {
  /** Refuse with `ALREADY_EXISTS` if there is an object at the key. Default: false, replace it. */
  readonly ifAbsent?: boolean | undefined;
  /**
   * Refuse with `PRECONDITION_FAILED` unless the object that is there has this etag (one etag, not `*`). Not together
   * with `ifAbsent`. Needs the capability `ifMatch`. Default: none.
   */
  readonly ifMatch?: string | undefined;
  /** A media type such as `application/json`. Needs the capability `attributes`. Default: none said. */
  readonly contentType?: string | undefined;
  /**
   * Facts kept with the object: names of lower-case letters, digits and hyphens, values of printable ASCII without
   * spaces at either end, 2,000 bytes in all. Needs the capability `attributes`. Default: none.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface GetOptions extends CallOptions {
  /** Read only this part. Default: the whole object. */
  readonly range?: ByteRange | undefined;
  /** Read only this version; `PRECONDITION_FAILED` if the object has another etag. One etag, not `*`. Default: any. */
  readonly ifMatch?: string | undefined;
  /** Read only another version than this; `NOT_MODIFIED` if the object still has this etag. Default: any. */
  readonly ifNoneMatch?: string | undefined;
}

/**
 * Bytes from `start` up to, not including, `endExclusive` (default: the object's end); whole numbers from 0,
 * `start` ≤ `endExclusive`.
 *
 * An end behind the object's end is cut there, so fewer bytes may come back. A start behind the object's end, or at
 * its end when at least one byte is asked for, is `INVALID_RANGE`. An empty range up to the object's end gives no
 * bytes.
 */
export interface ByteRange {
  readonly start: number;
  readonly endExclusive?: number | undefined;
}

/** The bytes of a range that was cut to the object, which they come from. */
export interface ResolvedRange {
  readonly start: number;
  readonly endExclusive: number;
}

/** What a put made. */
export interface PutResult {
  readonly sizeBytes: number;
  /** See `ObjectMeta.etag`. */
  readonly etag: string;
  /** Where the store keeps several versions: the one this put made. */
  readonly versionId?: string;
}

/** An object, or a part of it, in memory. */
export interface GetResult {
  readonly meta: ObjectMeta;
  /** Which bytes of the object these are. */
  readonly range: ResolvedRange;
  /** The caller's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An object, or a part of it, as a stream. */
export interface GetStreamResult {
  readonly meta: ObjectMeta;
  /** Which bytes of the object these will be. */
  readonly range: ResolvedRange;
  /** Yields `Buffer`s. Read it to its end or destroy it. */
  readonly stream: Readable;
}

export interface ListOptions extends CallOptions {
  /**
   * Group keys that have a slash behind the prefix: instead of them, the text up to and including that slash is
   * listed once, in `commonPrefixes`. Default: none, all keys.
   */
  readonly delimiter?: '/' | undefined;
  /** Only keys after this one, which need not exist. With `delimiter`: groups that hold such a key. Default: all. */
  readonly startAfter?: string | undefined;
  /** The most entries (objects and common prefixes) in a page, 1 to 1,000. Default: 1,000. */
  readonly pageSize?: number | undefined;
}

/** One page of a listing. */
export interface ListPage {
  /** Without `contentType` and `metadata`; ask `head`. */
  readonly objects: readonly ObjectMeta[];
  /** With `delimiter`: the groups, each with its slash at the end. Else empty. */
  readonly commonPrefixes: readonly string[];
}

/** What is known about an object without reading it. */
export interface ObjectMeta {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was put, in milliseconds since the epoch, by the store's clock; S3 says whole seconds. */
  readonly lastModifiedMs: number;
  /** Differs between two versions of one key that differ in content. Opaque; compare for equality only. */
  readonly etag: string;
  /** Where the store keeps several versions of a key. */
  readonly versionId?: string;
  readonly contentType?: string;
  /** Empty where the store keeps such facts and there are none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An object that `deleteMany` could not remove. */
export interface DeleteFailure {
  readonly key: string;
  readonly error: ObjectStoreError;
}
