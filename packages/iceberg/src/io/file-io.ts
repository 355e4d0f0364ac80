/**
 * The files of a table, by full URI (`file:///…`, `s3://…`). The package declares what it needs and
 * whoever has a store fits it by structure; `@danube/objectstore` does with `createFileIO`.
 *
 * All methods may run at once. Failures are the implementation's own errors; this package wraps them as
 * `IO_ERROR` with the original as `cause`.
 */
export interface FileIO {
  /** The whole file. The returned bytes belong to the caller and are not changed afterwards. */
  readFile(location: string): Promise<Uint8Array>;
  /** The bytes `[start, endExclusive)`. */
  readRange(location: string, start: number, endExclusive: number): Promise<Uint8Array>;
  /** Size in bytes. */
  fileSize(location: string): Promise<number>;
  /**
   * Writes the whole file. It is complete and durable when the promise resolves; no reader sees a part of
   * it. With `ifAbsent` an existing file stays as it is and the call fails. `data` must not be changed
   * before the promise settles.
   */
  writeFile(location: string, data: Uint8Array, options?: { readonly ifAbsent?: boolean }): Promise<void>;
  /** Deletes the file; one that does not exist is no error. */
  deleteFile(location: string): Promise<void>;
  /**
   * Deletes many files at once, each as `deleteFile`, where the implementation has a cheaper way than one by one.
   * Resolves with those that could not be deleted, each with the error `deleteFile` would have thrown; all others are
   * gone. Default: `deleteFile` is called for each.
   */
  deleteFiles?(locations: readonly string[]): Promise<readonly FailedDeletion[]>;
}

/** A file that `FileIO.deleteFiles` could not delete. */
export interface FailedDeletion {
  readonly location: string;
  readonly error: unknown;
}
