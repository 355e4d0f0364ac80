import { IcebergError } from '../errors.ts';
import { MAX_DELETION_BATCH, tryDeleteFiles } from '../io/delete-files.ts';
import type { FileIO } from '../io/file-io.ts';
import { asIoError } from '../io/file-io-errors.ts';
import type { OptionKeys } from '../options.ts';
import { concurrently } from './concurrently.ts';

/** What a file was to its table; `unknown` for one that nothing refers to. */
export type FileKind =
  | 'data'
  | 'deletes'
  | 'manifest'
  | 'manifest-list'
  | 'statistics'
  | 'metadata'
  | 'unknown';

export interface RemovedFile {
  readonly kind: FileKind;
  readonly location: string;
}

/** A file that could not be deleted, or not be read to find out what else should go. It is still there. */
export interface FileFailure extends RemovedFile {
  readonly error: IcebergError;
}

/** What was deleted, or would be. */
export interface FileRemovalReport {
  /** True if nothing was deleted: the report says what would be. */
  readonly dryRun: boolean;
  /** How many files of each kind; kinds without any are absent. */
  readonly counts: Readonly<Partial<Record<FileKind, number>>>;
  /** How many files in all. */
  readonly fileCount: number;
  /** The files, in the order of their deletion, as far as `maxReportedFiles` goes. */
  readonly files: readonly RemovedFile[];
  /** How many files could not be deleted or read. */
  readonly failureCount: number;
  /** What went wrong with them, as far as `maxReportedFiles` goes. */
  readonly failures: readonly FileFailure[];
}

export interface FileRemovalOptions {
  /** Only say what would be deleted. */
  readonly dryRun?: boolean;
  /**
   * Files that are read at the same time, and calls that delete: of a file each, or of up to 1,000 where the FileIO has
   * `deleteFiles`. Default 8; more is faster on remote stores, and takes more memory.
   */
  readonly concurrency?: number;
  /** Files and failures that the report names, about 200 bytes of memory each; counts are always exact. Default 10,000. */
  readonly maxReportedFiles?: number;
}

export const removalKeys: OptionKeys<FileRemovalOptions> = {
  dryRun: true,
  concurrency: true,
  maxReportedFiles: true,
};

/** Deletes files, or notes that it would, and keeps the account. */
export class FileRemover {
  readonly #io: FileIO;
  readonly #batchSize: number;
  readonly #dryRun: boolean;
  readonly concurrency: number;
  readonly #maxReported: number;
  readonly #counts = new Map<FileKind, number>();
  readonly #files: RemovedFile[] = [];
  readonly #failures: FileFailure[] = [];
  #failureCount = 0;

  constructor(io: FileIO, options: FileRemovalOptions) {
    const { dryRun = false, concurrency = 8, maxReportedFiles = 10_000 } = options;
    checkRemovalOptions(options);
    this.#io = io;
    this.#batchSize = io.deleteFiles === undefined ? 1 : MAX_DELETION_BATCH;
    this.#dryRun = dryRun;
    this.concurrency = concurrency;
    this.#maxReported = maxReportedFiles;
  }

  /**
   * Takes files one after the other, as fast as they can be deleted; all are dealt with when it resolves. A failure keeps
   * no other file from going. Rejects only if `files` does; some of those it gave may then be left.
   */
  async remove(files: Iterable<RemovedFile> | AsyncIterable<RemovedFile>): Promise<void> {
    const batches = batchesOf(files, this.#batchSize);
    await concurrently(batches, this.concurrency, (batch) => this.#removeBatch(batch));
  }

  /** Notes that a file could not be dealt with. */
  fail({ kind, location }: RemovedFile, error: IcebergError): void {
    this.#failureCount += 1;
    if (this.#failures.length < this.#maxReported) this.#failures.push({ kind, location, error });
  }

  report(): FileRemovalReport {
    return {
      dryRun: this.#dryRun,
      counts: Object.fromEntries(this.#counts),
      fileCount: [...this.#counts.values()].reduce((sum, count) => sum + count, 0),
      files: this.#files,
      failureCount: this.#failureCount,
      failures: this.#failures,
    };
  }

  async #removeBatch(batch: readonly RemovedFile[]): Promise<void> {
    const locations = batch.map(({ location }) => location);
    const failed = this.#dryRun ? [] : await tryDeleteFiles(this.#io, locations);
    const errors = new Map(failed.map(({ location, error }) => [location, error]));
    for (const file of batch) {
      if (errors.has(file.location)) {
        this.fail(file, asIoError('delete', file.location, errors.get(file.location)));
      } else this.#count(file);
    }
  }

  #count({ kind, location }: RemovedFile): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (this.#files.length < this.#maxReported) this.#files.push({ kind, location });
  }
}

/** So many items at a time, and what is left at the end. */
async function* batchesOf<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** `INVALID_ARGUMENT` for options out of range. */
export function checkRemovalOptions({ concurrency, maxReportedFiles }: FileRemovalOptions): void {
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw refuse('concurrency is a whole number from 1', { concurrency });
  }
  if (maxReportedFiles !== undefined && !(maxReportedFiles >= 0)) {
    throw refuse('maxReportedFiles is a number from 0', { maxReportedFiles });
  }
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
