import type { Catalog, TableIdentifier } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import { translated } from '../io/file-io-errors.ts';
import type { ListableFileIO, ListedFile } from '../io/listable-file-io.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import {
  type FileRemovalOptions,
  type FileRemovalReport,
  FileRemover,
  type RemovedFile,
  removalKeys,
} from './file-deletion.ts';
import { checkGarbageCollected } from './garbage-collection.ts';
import { collectKnownFiles, type Knowledge, KnownFiles } from './known-files.ts';
import { hiddenPaths, type OrphanScope, ownFolder, safeAgeMs } from './orphan-scope.ts';

/** Where orphans are looked for. */
export interface OrphanFilesTarget {
  readonly catalog: Catalog;
  readonly identifier: TableIdentifier;
  readonly io: ListableFileIO;
  /** Unix milliseconds. Default: the clock. It should agree with the store's to some minutes. */
  readonly now?: () => number;
}

export interface RemoveOrphanFilesOptions extends OrphanScope, FileRemovalOptions {
  /** Only say what would be deleted. **Default true**: look at the report first. */
  readonly dryRun?: boolean;
  /**
   * What to do with a file that metadata names under another scheme or bucket than the listing has: `error` (the
   * default) deletes nothing at all; `ignore` leaves such files; `delete` takes them for orphans. Say with
   * `equalSchemes` and `equalAuthorities` what is the same; use `delete` only if you are certain that it is not.
   */
  readonly prefixMismatch?: 'error' | 'ignore' | 'delete';
}

const optionKeys: OptionKeys<RemoveOrphanFilesOptions> = {
  ...removalKeys,
  olderThanMs: true,
  allowRecent: true,
  location: true,
  prefixMismatch: true,
  equalSchemes: true,
  equalAuthorities: true,
};

/** What was found in the folder. `files` and the counts are the orphans. */
export interface OrphanFilesReport extends FileRemovalReport {
  /** The folder that was listed. */
  readonly location: string;
  /** All files in it. */
  readonly listedCount: number;
  /** Files that the table does not know and that are too young to be called orphans. */
  readonly tooYoungCount: number;
  /** Files that stay because of `prefixMismatch: 'ignore'`. */
  readonly mismatchedCount: number;
  /** Files and folders whose names begin with `_` or `.`: never looked at. */
  readonly hiddenCount: number;
  /** The size of all orphans. */
  readonly orphanBytes: number;
}

/**
 * Deletes files in a table's folder that nothing of the table needs: what crashed writers, lost replies and interrupted
 * cleanups left behind. The table is loaded, every manifest of every snapshot read, the folder listed, and what the
 * table does not know and is old enough goes.
 *
 * **What it cannot know.** A file that a writer will yet commit looks like an orphan: its age is the only protection,
 * also for the files of a commit whose outcome is unknown. Two tables that share a folder, or one in the folder of
 * the other, delete each other's files: give each table a location of its own. A table registered in two catalogs is
 * two tables here.
 *
 * Names are compared without percent-encoding, doubled slashes and differences between `s3`, `s3a` and `s3n`; in
 * doubt a file stays. Memory: 20 to 40 bytes for each file the table knows in the folder, an entry for each manifest,
 * `concurrency` manifests at a time; the listing is taken page by page (twice if metadata names files under
 * another scheme or bucket, so that a mismatch is found before anything is deleted).
 *
 * Errors: `INVALID_ARGUMENT` (`gc.enabled=false`, an age below a day without `allowRecent`, a location outside the
 * table, a prefix mismatch), `IO_ERROR` and `INVALID_MANIFEST` naming what could not be read; nothing was deleted then,
 * except when the listing itself fails on the way. Failed deletions are in the report.
 */
export async function removeOrphanFiles(
  target: OrphanFilesTarget,
  options: RemoveOrphanFilesOptions = {},
): Promise<OrphanFilesReport> {
  checkOptions('removeOrphanFiles', options, optionKeys);
  const { catalog, identifier, io } = target;
  const ageMs = safeAgeMs(options);
  const remover = new FileRemover(io, { ...options, dryRun: options.dryRun ?? true });
  // Before the load: a file written after this moment may be one that the loaded state does not know yet.
  const cutOffMs = (target.now ?? Date.now)() - ageMs;
  const table = await catalog.loadTable(identifier);
  checkGarbageCollected(table.metadata, 'removeOrphanFiles');
  const folder = ownFolder(table.metadata, options);
  const known = new KnownFiles(folder, options);
  await collectKnownFiles(io, table, known, remover.concurrency);
  const sweep = new OrphanSweep(
    io,
    folder,
    known,
    cutOffMs,
    table.metadata,
    options.prefixMismatch ?? 'error',
  );
  await sweep.checkPrefixes();
  await remover.remove(sweep.orphans());
  return { ...remover.report(), location: folder, ...sweep.counts };
}

/** One walk over a folder. */
class OrphanSweep {
  readonly #io: ListableFileIO;
  readonly #folder: string;
  readonly #known: KnownFiles;
  readonly #cutOffMs: number;
  readonly #isHidden: (relativePath: string) => boolean;
  readonly #mismatch: 'error' | 'ignore' | 'delete';
  readonly counts = { listedCount: 0, tooYoungCount: 0, mismatchedCount: 0, hiddenCount: 0, orphanBytes: 0 };

  constructor(
    io: ListableFileIO,
    folder: string,
    known: KnownFiles,
    cutOffMs: number,
    metadata: TableMetadata,
    mismatch: 'error' | 'ignore' | 'delete',
  ) {
    this.#io = io;
    this.#folder = folder;
    this.#known = known;
    this.#cutOffMs = cutOffMs;
    this.#isHidden = hiddenPaths(metadata);
    this.#mismatch = mismatch;
  }

  /** `INVALID_ARGUMENT` if a listed file may be one that metadata names under another scheme or bucket. */
  async checkPrefixes(): Promise<void> {
    const { otherOrigins, origin } = this.#known;
    if (this.#mismatch !== 'error' || otherOrigins.length === 0) return;
    for await (const { location } of this.#listing()) {
      if (this.#known.look(location) !== 'other-origin') continue;
      throw new IcebergError(
        'INVALID_ARGUMENT',
        `${location} may be a file of the table: the listing is of ${origin}, metadata names the path under ${otherOrigins.join(', ')}; say with equalSchemes or equalAuthorities that they are the same, or choose another prefixMismatch`,
        { context: { location, origin, otherOrigins } },
      );
    }
  }

  async *orphans(): AsyncGenerator<RemovedFile> {
    for await (const file of this.#listing()) {
      this.counts.listedCount += 1;
      if (!this.#isOrphan(file)) continue;
      this.counts.orphanBytes += file.sizeBytes;
      yield { kind: 'unknown', location: file.location };
    }
  }

  #isOrphan({ location, lastModifiedMs }: ListedFile): boolean {
    const knowledge: Knowledge = this.#known.look(location);
    if (knowledge === 'needed') return false;
    if (this.#isHidden(location.slice(this.#folder.length))) {
      this.counts.hiddenCount += 1;
      return false;
    }
    if (knowledge === 'other-origin' && this.#mismatch !== 'delete') {
      this.counts.mismatchedCount += 1;
      return false;
    }
    // A time that is none counts as young.
    if (lastModifiedMs < this.#cutOffMs) return true;
    this.counts.tooYoungCount += 1;
    return false;
  }

  /** The listing; its failure is an `IO_ERROR`. */
  async *#listing(): AsyncGenerator<ListedFile> {
    const files = this.#io.listFiles(this.#folder)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await translated('list', this.#folder, () => files.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await files.return?.();
    }
  }
}
