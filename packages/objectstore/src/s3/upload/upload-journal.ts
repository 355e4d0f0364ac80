import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { systemCode, toStoreError } from '../../local/error-mapping.ts';
import { type LocalFileSystem, systemFileSystem } from '../../local/file-system.ts';
import { makeDirectoriesDurably } from '../../local/make-directories.ts';
import {
  currentProcess,
  FOREIGN_TEMP_AGE_MS,
  isAlive,
  type ProcessIdentity,
} from '../../local/temp-files.ts';
import { checkOptions, invalidArgument } from '../../request-checks.ts';

const NAME = /^([0-9a-f]{16})-(\d+)-(\d+)-[0-9a-f-]{36}\.upload$/;

export interface UploadJournalOptions {
  /**
   * The directory for the notes, an absolute path on a local disk; made, durably, if it does not exist. Any number of
   * stores and processes may share one. Files in it that are no notes are left alone.
   */
  readonly dir: string;
  /** The file system calls. Default: the operating system's. For tests. */
  readonly fs?: LocalFileSystem | undefined;
}

/** Where an upload goes. */
export interface UploadTarget {
  /** Of the server; empty for that of AWS. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly key: string;
}

/** A note of an upload that may be under way. */
export interface UploadNote extends UploadTarget {
  /** Forgets the upload. A failure leaves a note that only costs the next open a request, so it is not reported. */
  remove(): Promise<void>;
}

/**
 * Durable notes of the multipart uploads under way, so that those of a process that was killed can be found. Given to
 * `openS3ObjectStore` as `uploadJournal`; its methods are for the store.
 */
export interface UploadJournal {
  /** Notes an upload that is about to begin. Durable when it resolves. Errors: those of the local file system. */
  note(target: UploadTarget): Promise<UploadNote>;
  /** The notes of processes that are gone. Errors: those of the local file system. */
  leftOver(): Promise<readonly UploadNote[]>;
}

/**
 * Opens a directory as an upload journal: one small file per upload, written and synced before the upload begins and
 * removed when it was completed or aborted. There is nothing to close.
 *
 * A store that is opened with a journal aborts, before anything else, the uploads that a killed process left in its
 * bucket. **A note names a key**, because the id of an upload is known only after it has begun: every upload of that
 * key is aborted, also one of somebody else. Give a journal to stores whose keys are not used twice (with a uuid in
 * them), or whose keys only one process puts at a time.
 *
 * Notes of a process on another machine, in another container or before a restart of the machine count as left over
 * when they are a day old, for nobody can be asked whether it still runs.
 *
 * Errors: `INVALID_ARGUMENT`, `PERMISSION_DENIED`, `NO_SPACE`, `IO_ERROR`.
 */
export async function openUploadJournal(options: UploadJournalOptions): Promise<UploadJournal> {
  checkOptions(options, ['dir', 'fs']);
  const { dir, fs = systemFileSystem } = options;
  if (typeof dir !== 'string' || !isAbsolute(dir))
    throw invalidArgument('dir is not an absolute path', { dir });
  try {
    await makeDirectoriesDurably(fs, resolve(dir));
    return new DirectoryJournal(fs, dir, await currentProcess(fs));
  } catch (error) {
    throw toStoreError(error, 'open the upload journal', { dir });
  }
}

class DirectoryJournal implements UploadJournal {
  readonly #fs: LocalFileSystem;
  readonly #dir: string;
  readonly #self: ProcessIdentity;

  constructor(fs: LocalFileSystem, dir: string, self: ProcessIdentity) {
    this.#fs = fs;
    this.#dir = dir;
    this.#self = self;
  }

  async note(target: UploadTarget): Promise<UploadNote> {
    const { place, pid, startTicks } = this.#self;
    const path = join(this.#dir, `${place}-${pid}-${startTicks}-${randomUUID()}.upload`);
    const note = this.#noteAt(path, target);
    try {
      const { endpoint, bucket, key } = target;
      const file = await this.#fs.open(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
        0o600,
      );
      try {
        await file.writeFile(JSON.stringify({ endpoint, bucket, key }));
        await file.sync();
      } finally {
        await file.close();
      }
      const dir = await this.#fs.open(this.#dir, constants.O_RDONLY | constants.O_DIRECTORY);
      await dir.sync().finally(() => dir.close());
      return note;
    } catch (error) {
      await note.remove();
      throw toStoreError(error, 'note an upload', { path });
    }
  }

  async leftOver(): Promise<readonly UploadNote[]> {
    const notes: UploadNote[] = [];
    try {
      for (const name of await this.#fs.readdir(this.#dir)) {
        if (!(await this.#isLeftOver(name))) continue;
        const note = await this.#read(join(this.#dir, name));
        if (note !== undefined) notes.push(note);
      }
      return notes;
    } catch (error) {
      throw toStoreError(error, 'read the upload journal', { dir: this.#dir });
    }
  }

  async #isLeftOver(name: string): Promise<boolean> {
    const [, place, pid, ticks] = NAME.exec(name) ?? [];
    if (place === undefined) return false;
    if (place === this.#self.place) return !(await isAlive(this.#fs, Number(pid), ticks ?? '0'));
    try {
      return Date.now() - (await this.#fs.lstat(join(this.#dir, name))).mtimeMs > FOREIGN_TEMP_AGE_MS;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Undefined if somebody else has dealt with the note, or if it was never finished. */
  async #read(path: string): Promise<UploadNote | undefined> {
    try {
      const target: unknown = JSON.parse(await this.#fs.readFile(path, 'utf8'));
      if (isTarget(target)) return this.#noteAt(path, target);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
    }
    // Its process died while writing it, so before the upload: there is none.
    await this.#noteAt(path, { endpoint: '', bucket: '', key: '' }).remove();
    return undefined;
  }

  #noteAt(path: string, { endpoint, bucket, key }: UploadTarget): UploadNote {
    const remove = () => this.#fs.unlink(path).catch(() => {});
    return { endpoint, bucket, key, remove };
  }
}

function isTarget(value: unknown): value is UploadTarget {
  if (typeof value !== 'object' || value === null) return false;
  const { endpoint, bucket, key } = value as Record<string, unknown>;
  return [endpoint, bucket, key].every((text) => typeof text === 'string');
}
