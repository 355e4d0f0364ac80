import type { FileIO } from './file-io.ts';

/** A file as a listing shows it. */
export interface ListedFile {
  /** Full URI, beginning with the text that was asked for: it can be read and deleted by it. */
  readonly location: string;
  readonly sizeBytes: number;
  /** When the file was written, in Unix milliseconds by the store's clock. */
  readonly lastModifiedMs: number;
}

/**
 * A FileIO that can say which files there are; only `removeOrphanFiles` needs one. `createFileIO` of
 * `@danube/objectstore` fits.
 */
export interface ListableFileIO extends FileIO {
  /**
   * All files whose location starts with this text (not only whole folders: end it with a slash for one). A file
   * that exists from beginning to end is given exactly once; one that comes or goes meanwhile may or may not be.
   * Files may be deleted while the listing is taken. Only whole files are listed.
   */
  listFiles(prefix: string): AsyncIterable<ListedFile>;
}
