/**
 * A place for whole, named byte strings. The promises below hold for every implementation and are what the
 * conformance suite in `@danube/objectstore/testing` checks.
 *
 * All methods may be called at the same time, from any number of callers and processes. Failures are
 * `ObjectStoreError`s.
 */
export interface ObjectStore {
  /**
   * Stores `body` as the whole object at `key`, replacing what is there unless `ifAbsent`.
   *
   * When the promise resolves the object is complete and durable: it survives a power loss (the memory store: as long
   * as the process). No reader ever sees a part of it: before, it sees the old object or none, afterwards the new
   * one. With `ifAbsent` exactly one of any number of simultaneous puts wins; the others get `ALREADY_EXISTS`.
   *
   * `body` is not copied first: leave it unchanged until the promise settles.
   *
   * Errors: `ALREADY_EXISTS`, `INVALID_KEY`, `UNSAFE_PATH`, `NO_SPACE`, `PUT_STATE_UNKNOWN`, `PERMISSION_DENIED`,
   * `IO_ERROR`.
   */
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectMeta>;

  /**
   * Reads an object, or one range of it, into memory of the caller's own. All bytes come from one version of the
   * object, also while it is being replaced or deleted.
   *
   * Errors: `NOT_FOUND`, `INVALID_KEY`, `INVALID_RANGE`, `UNSAFE_PATH`, `PERMISSION_DENIED`, `IO_ERROR`.
   */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;

  /** Tells size and age of an object without reading it. Errors as `get`. */
  head(key: string): Promise<ObjectMeta>;

  /**
   * Lists the objects whose key starts with `prefix` (any text, not only whole segments; `''` is everything), one page
   * at a time, in the order of the keys' UTF-8 bytes.
   *
   * An object that exists from the first page to the last is listed exactly once; one that comes or goes meanwhile
   * may or may not be listed. Only complete objects are listed.
   *
   * Errors: `INVALID_KEY`, `INVALID_ARGUMENT`, `UNSAFE_PATH`, `PERMISSION_DENIED`, `IO_ERROR`.
   */
  list(prefix: string, options?: ListOptions): Promise<ListPage>;

  /**
   * Removes an object; it is not an error if there is none. Durable when the promise resolves.
   *
   * Errors: `INVALID_KEY`, `UNSAFE_PATH`, `PERMISSION_DENIED`, `IO_ERROR`.
   */
  delete(key: string): Promise<void>;
}

export interface PutOptions {
  /** Refuse with `ALREADY_EXISTS` if there is an object at the key. Default: false, replace it. */
  readonly ifAbsent?: boolean | undefined;
}

export interface GetOptions {
  /** Read only this part. Default: the whole object. */
  readonly range?: ByteRange | undefined;
}

/**
 * Bytes from `start` up to, not including, `endExclusive`; both whole numbers from 0, `start` ≤ `endExclusive`.
 *
 * An end behind the object's end is cut there, so fewer bytes may come back. A start behind the object's end, or at
 * its end when at least one byte is asked for, is `INVALID_RANGE`. An empty range up to the object's end gives no
 * bytes.
 */
export interface ByteRange {
  readonly start: number;
  readonly endExclusive: number;
}

export interface ListOptions {
  /** The most objects in a page, 1 to 1,000. Default: 1,000. */
  readonly limit?: number | undefined;
  /** `nextPageToken` of the page before, with the same prefix. Default: the first page. */
  readonly pageToken?: string | undefined;
}

/** One page of a listing. */
export interface ListPage {
  readonly objects: readonly ObjectMeta[];
  /** Present exactly if there was at least one more object. Opaque. */
  readonly nextPageToken?: string;
}

/** What is known about an object without reading it. */
export interface ObjectMeta {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was put, in milliseconds since the epoch, by the store's clock. */
  readonly lastModifiedMs: number;
  /** Differs between two versions of one key. Opaque; compare for equality only. */
  readonly etag?: string;
}
