import { isNoSpace } from './errors.ts';
import type { Segment } from './segment.ts';
import { type WalFile, type WalFs, writeFullyDurable } from './wal-fs.ts';

/** A file that waits to become the next segment: its filler is on disk, its name is temporary. */
export interface PreparedFile {
  readonly path: string;
  readonly file: WalFile;
  readonly size: number;
}

/** Where work in the background reports that the disk failed. */
export interface FailableLog {
  fail(cause: unknown): void;
}

/**
 * Makes the file of the next segment while the current one fills, so that a rotation neither creates a file nor needs
 * new space: it overwrites the header's block, renames, and syncs the directory.
 * Whatever a crash leaves of it ends in `.tmp` and is deleted when the log is opened.
 */
export class SegmentPreparer {
  readonly #fs: WalFs;
  readonly #log: FailableLog;
  readonly #contents: () => Uint8Array;
  #pending: Promise<PreparedFile | undefined> | undefined;

  /** `contents` is what the file holds at first: filler, at least in the place of the header. */
  constructor(fs: WalFs, log: FailableLog, contents: () => Uint8Array) {
    this.#fs = fs;
    this.#log = log;
    this.#contents = contents;
  }

  /** Starts to prepare the file that will follow `active`, once. */
  start(active: Segment): void {
    this.#pending ??= this.#prepare(`${active.path}.next.tmp`);
  }

  /** The prepared file, which is then the caller's; undefined when there is none, or no room for one. */
  take(): Promise<PreparedFile | undefined> {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending ?? Promise.resolve(undefined);
  }

  /** Gives the prepared file up and removes it. Never throws: what stays behind is deleted at the next opening. */
  async discard(): Promise<void> {
    const prepared = await this.take();
    if (!prepared) return;
    await prepared.file.close().catch(() => undefined);
    await this.#fs.remove(prepared.path).catch(() => undefined);
  }

  async #prepare(path: string): Promise<PreparedFile | undefined> {
    const contents = this.#contents();
    // No file, or no room for it, is no failure yet: the rotation tries again and, if it must, says so.
    const file = await this.#fs.open(path, 'create').catch(() => undefined);
    if (!file) return undefined;
    try {
      await writeFullyDurable(file, [contents], 0);
      return { path, file, size: contents.length };
    } catch (error) {
      await file.close().catch(() => undefined); // the error above is the one that counts
      if (!isNoSpace(error)) this.#log.fail(error);
      else await this.#fs.remove(path).catch(() => undefined);
      return undefined;
    }
  }
}
