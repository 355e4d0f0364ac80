import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { translated } from '../io/file-io-errors.ts';
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
  /** Files that are read or deleted at the same time. Default 8; more is faster on remote stores, and takes more memory. */
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
    this.#dryRun = dryRun;
    this.concurrency = concurrency;
    this.#maxReported = maxReportedFiles;
  }

  /** Takes files one after the other, as fast as they can be deleted. A failure keeps no other file from going. */
  async remove(files: Iterable<RemovedFile> | AsyncIterable<RemovedFile>): Promise<void> {
    await concurrently(files, this.concurrency, (file) => this.#removeOne(file));
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

  async #removeOne({ kind, location }: RemovedFile): Promise<void> {
    try {
      if (!this.#dryRun) await translated('delete', location, () => this.#io.deleteFile(location));
    } catch (error) {
      this.fail({ kind, location }, error as IcebergError);
      return;
    }
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (this.#files.length < this.#maxReported) this.#files.push({ kind, location });
  }
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
