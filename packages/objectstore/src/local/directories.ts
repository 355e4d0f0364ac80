import { constants, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectStoreError } from '../errors.ts';
import { release } from './descriptors.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const MAX_REMEMBERED = 10_000;

/** A directory held open. Names below it are reached through the descriptor where the system allows it. */
export interface Directory {
  readonly handle: FileHandle;
  /** A path for one name in this directory; `''` is the directory itself. */
  path(name: string): string;
  /** The segments below the root, for messages. */
  readonly segments: readonly string[];
}

/**
 * Walks from the root to an object's directory without ever following a symbolic link.
 *
 * Every directory is opened relative to the descriptor of the one above it (`/proc/self/fd/N/name`, which is what
 * openat does) and with O_NOFOLLOW. On Linux with /proc a directory that is exchanged for a link in the middle of an
 * operation therefore cannot lead it out of the root. Elsewhere the same steps run on plain paths: a link that is there
 * is refused, but a link that is put in place of an *already passed* directory during the operation is not noticed.
 *
 * The last name is not followed either, by whoever uses the directory: files are opened with O_NOFOLLOW, temporary ones
 * made with O_EXCL, and lstat, link, rename and unlink are about the name itself. What `refuseUnsafe` adds is that a
 * link is reported; that it is not followed does not depend on that look being recent.
 */
export class DirectoryTree {
  readonly #fs: LocalFileSystem;
  readonly #root: string;
  readonly #throughDescriptors: boolean;
  /** Directories whose entry in their parent this process has synced; see `markOf`. */
  readonly #durable = new Set<string>();

  constructor(fs: LocalFileSystem, root: string, throughDescriptors: boolean) {
    this.#fs = fs;
    this.#root = root;
    this.#throughDescriptors = throughDescriptors;
  }

  /** Runs `use` in an existing directory; `undefined` if a directory on the way does not exist. */
  async inExisting<T>(
    segments: readonly string[],
    use: (dir: Directory) => Promise<T>,
  ): Promise<T | undefined> {
    const root = await this.#openRoot();
    const dir = await this.#descend(root, segments, (parent, name) => this.openChild(parent, name));
    return dir === undefined ? undefined : this.#using(dir, use);
  }

  /**
   * Runs `use` in a directory that is made if need be. Before `use` runs, each directory on the way is known to be
   * durable: its parent was synced after the directory was there, by us and in this process. (That another process
   * made it does not tell that it also synced it already.)
   */
  async inCreated<T>(segments: readonly string[], use: (dir: Directory) => Promise<T>): Promise<T> {
    const root = await this.#openRoot();
    return this.#using(await this.#descendDurably(root, segments), use);
  }

  /**
   * As `inCreated`, with one more directory of the root open, `besideName`, made if need be. That one need not survive
   * a power loss.
   */
  async inCreatedBeside<T>(
    segments: readonly string[],
    besideName: string,
    use: (dir: Directory, beside: Directory) => Promise<T>,
  ): Promise<T> {
    const root = await this.#openRoot();
    let beside: Directory;
    try {
      beside = await this.#openOrCreateChild(root, besideName);
    } catch (error) {
      await release(root.handle);
      throw error;
    }
    try {
      const dir = await this.#descendDurably(root, segments);
      return await this.#using(dir, (target) => use(target, beside));
    } finally {
      await release(beside.handle);
    }
  }

  /** Opens a directory below another; `undefined` if there is nothing, or an object, by that name. */
  async openChild(parent: Directory, name: string): Promise<Directory | undefined> {
    const path = parent.path(name);
    try {
      const handle = await this.#fs.open(path, OPEN_DIRECTORY);
      return this.#directory(handle, [...parent.segments, name]);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT') return undefined;
      // A symbolic link: ENOTDIR on Linux, ELOOP or EMLINK on other systems. So is any other non-directory.
      if (code !== 'ENOTDIR' && code !== 'ELOOP' && code !== 'EMLINK') throw error;
      await this.refuseUnsafe(parent, name);
      return undefined;
    }
  }

  /** Throws `UNSAFE_PATH` if the name is a symbolic link or something else that is no file and no directory. */
  async refuseUnsafe(parent: Directory, name: string): Promise<'file' | 'directory' | 'nothing'> {
    try {
      const stats = await this.#fs.lstat(parent.path(name));
      if (stats.isFile()) return 'file';
      if (stats.isDirectory()) return 'directory';
      const path = [...parent.segments, name].join('/');
      const what = stats.isSymbolicLink() ? 'a symbolic link' : 'neither a file nor a directory';
      throw new ObjectStoreError('UNSAFE_PATH', `"${path}" is ${what}; the store does not follow it`, {
        context: { path, root: this.#root },
      });
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return 'nothing';
      throw error;
    }
  }

  #descendDurably(from: Directory, segments: readonly string[]): Promise<Directory> {
    return this.#descend(from, segments, (parent, name) => this.#openDurableChild(parent, name));
  }

  async #openDurableChild(parent: Directory, name: string): Promise<Directory> {
    const child = await this.#openOrCreateChild(parent, name);
    try {
      await this.#makeDurable(parent, child);
      return child;
    } catch (error) {
      await release(child.handle);
      throw error;
    }
  }

  async #openOrCreateChild(parent: Directory, name: string): Promise<Directory> {
    let child = await this.openChild(parent, name);
    if (child === undefined) {
      await this.#makeDirectory(parent, name);
      child = await this.openChild(parent, name);
    }
    if (child === undefined) throw this.#notADirectory(parent, name);
    return child;
  }

  async #makeDirectory(parent: Directory, name: string): Promise<void> {
    try {
      await this.#fs.mkdir(parent.path(name));
    } catch (error) {
      // Another put made it in the meantime, or an object has the name (the next open tells which).
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }

  async #makeDurable(parent: Directory, child: Directory): Promise<void> {
    const mark = markOf(child, await child.handle.stat());
    if (this.#durable.has(mark)) return;
    await parent.handle.sync();
    if (this.#durable.size >= MAX_REMEMBERED) this.#durable.clear();
    this.#durable.add(mark);
  }

  /** Steps down from an open directory, which is closed unless it is the result. */
  async #descend<Step extends Directory | undefined>(
    from: Directory,
    segments: readonly string[],
    step: (parent: Directory, name: string) => Promise<Step>,
  ): Promise<Directory | Step> {
    let dir = from;
    for (const name of segments) {
      let child: Step;
      try {
        child = await step(dir, name);
      } finally {
        await release(dir.handle);
      }
      if (child === undefined) return child;
      dir = child;
    }
    return dir;
  }

  async #openRoot(): Promise<Directory> {
    try {
      return this.#directory(await this.#fs.open(this.#root, OPEN_DIRECTORY), []);
    } catch (error) {
      const code = systemCode(error);
      // Others, such as too many open files, are not about the root.
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw error;
      throw new ObjectStoreError('IO_ERROR', `the root directory ${this.#root} is not there any more`, {
        context: { root: this.#root, systemCode: code },
        cause: error,
      });
    }
  }

  #directory(handle: FileHandle, segments: readonly string[]): Directory {
    const base = this.#throughDescriptors ? `/proc/self/fd/${handle.fd}` : join(this.#root, ...segments);
    return { handle, segments, path: (name) => `${base}/${name}` };
  }

  async #using<T>(dir: Directory, use: (dir: Directory) => Promise<T>): Promise<T> {
    try {
      return await use(dir);
    } finally {
      await release(dir.handle);
    }
  }

  #notADirectory(parent: Directory, name: string): ObjectStoreError {
    const path = [...parent.segments, name].join('/');
    return new ObjectStoreError(
      'INVALID_PATH',
      `"${path}" is an object, so no key can lie below it in a directory`,
      {
        context: { path },
      },
    );
  }
}

/**
 * Tells a directory from a later one of the same name, which may have been given the same inode: when that was made. A file
 * system that does not know gives the last change or nothing, which costs a sync too many or is as good as can be.
 */
function markOf({ segments }: Directory, { dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}:${segments.join('/')}`;
}

/** Whether names can be reached through open descriptors here (Linux with /proc mounted). */
export async function canWalkThroughDescriptors(fs: LocalFileSystem, root: string): Promise<boolean> {
  const handle = await fs.open(root, OPEN_DIRECTORY);
  try {
    const [direct, through] = await Promise.all([handle.stat(), fs.lstat(`/proc/self/fd/${handle.fd}/`)]);
    return direct.ino === through.ino && direct.dev === through.dev;
  } catch {
    // No /proc: plain paths it is.
    return false;
  } finally {
    await handle.close();
  }
}
