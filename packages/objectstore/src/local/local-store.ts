import { constants, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { ObjectStoreError } from '../errors.ts';
import { parseKey, parsePrefix } from '../key.ts';
import type {
  GetOptions,
  ListOptions,
  ListPage,
  ObjectMeta,
  ObjectStore,
  PutOptions,
} from '../object-store.ts';
import { checkRange, decodePageToken, pageLimit, resolveRange, toPage } from '../request-checks.ts';
import { canWalkThroughDescriptors, type Directory, DirectoryTree } from './directories.ts';
import { systemCode, toStoreError } from './error-mapping.ts';
import { type LocalFileSystem, systemFileSystem } from './file-system.ts';
import { collect, metaOf } from './list-walk.ts';
import {
  currentProcess,
  type ProcessIdentity,
  removeLeftOvers,
  removeTemp,
  TEMP_DIRECTORY,
  tempName,
  writeTemp,
} from './temp-files.ts';

const MAX_SEGMENT_BYTES = 255;
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LocalObjectStoreOptions {
  /**
   * The directory that holds the objects; made, durably, if it does not exist. The path itself may lead over symbolic
   * links (it is resolved once, at open); below it none is followed.
   */
  readonly root: string;
  /** The file system calls. Default: the operating system's. For tests. */
  readonly fs?: LocalFileSystem;
}

/**
 * Opens a directory as an object store: one file per object, the key is the path below the root.
 *
 * A put writes a temporary file in a hidden directory of the root, syncs it, gives it its name (link with `ifAbsent`,
 * else rename: **this is the moment it becomes visible**), and syncs the directory (**durable from here**, when the
 * promise resolves); directories above that are new were synced into their parents before. Any number of processes
 * may use one root at the same time. There is nothing to close: no descriptor stays open between calls.
 *
 * Local files set limits beyond those of `parseKey`: a segment has at most 255 bytes; one key cannot be both an object
 * and the start of another's path (`a` and `a/b`); on file systems that ignore case, keys that differ only in case
 * are one. The root and the files in it must be on one file system that has hard links. Directories that become empty
 * are left.
 *
 * Errors: `INVALID_ARGUMENT`, `UNSAFE_PATH`, `PERMISSION_DENIED`, `NO_SPACE`, `IO_ERROR`.
 */
export async function openLocalObjectStore(options: LocalObjectStoreOptions): Promise<ObjectStore> {
  const fs = options.fs ?? systemFileSystem;
  if (!isAbsolute(options.root)) {
    throw new ObjectStoreError('INVALID_ARGUMENT', `root "${options.root}" is not an absolute path`, {
      context: { root: options.root },
    });
  }
  try {
    await makeDirectoriesDurably(fs, resolve(options.root));
    const root = await fs.realpath(options.root);
    const tree = new DirectoryTree(fs, root, await canWalkThroughDescriptors(fs, root));
    const self = await currentProcess(fs);
    await tree.inCreated([TEMP_DIRECTORY], (temp) => removeLeftOvers(fs, temp, self));
    return new LocalObjectStore(fs, tree, self);
  } catch (error) {
    throw toStoreError(error, 'open the local object store', { root: options.root });
  }
}

class LocalObjectStore implements ObjectStore {
  readonly #fs: LocalFileSystem;
  readonly #tree: DirectoryTree;
  readonly #self: ProcessIdentity;

  constructor(fs: LocalFileSystem, tree: DirectoryTree, self: ProcessIdentity) {
    this.#fs = fs;
    this.#tree = tree;
    this.#self = self;
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectMeta> {
    const { directories, name } = locate(key);
    return translated('put', key, () =>
      this.#tree.inCreated(directories, (target) =>
        this.#tree.inCreated([TEMP_DIRECTORY], async (temp) => {
          const from = tempName(this.#self);
          const stats = await writeTemp(this.#fs, temp, from, body);
          try {
            if (options?.ifAbsent) await this.#linkIfAbsent(temp, from, target, name, key);
            else await this.#replace(temp, from, target, name, key);
          } finally {
            if (options?.ifAbsent) await removeTemp(this.#fs, temp, from);
          }
          await syncVisible(target, key);
          return metaOf(key, stats);
        }),
      ),
    );
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    checkRange(key, options?.range);
    return this.#reading('get', key, async (handle, stats) => {
      const { start, endExclusive } = resolveRange(key, options?.range, stats.size);
      return readExactly(handle, key, start, endExclusive);
    });
  }

  async head(key: string): Promise<ObjectMeta> {
    return this.#reading('head', key, async (_handle, stats) => metaOf(key, stats));
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    const { directories } = parsePrefix(prefix);
    const limit = pageLimit(options);
    const after = decodePageToken(options?.pageToken);
    const found: ObjectMeta[] = [];
    if (directories[0] === TEMP_DIRECTORY) return { objects: found };
    await translated('list', prefix, () =>
      this.#tree.inExisting(directories, (dir) =>
        collect(this.#fs, this.#tree, dir, { prefix, after, most: limit + 1, found }),
      ),
    );
    return toPage(found, limit);
  }

  async delete(key: string): Promise<void> {
    const { directories, name } = locate(key);
    await translated('delete', key, () =>
      this.#tree.inExisting(directories, async (dir) => {
        if ((await this.#tree.refuseUnsafe(dir, name)) !== 'file') return;
        try {
          await this.#fs.unlink(dir.path(name));
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') throw error;
        }
        await dir.handle.sync();
      }),
    );
  }

  async #linkIfAbsent(temp: Directory, from: string, target: Directory, name: string, key: string) {
    try {
      // The commit point of `ifAbsent`: the system gives the name to exactly one of several callers.
      await this.#fs.link(temp.path(from), target.path(name));
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EPERM' || code === 'ENOTSUP') throw noHardLinks(key, error);
      if (code !== 'EEXIST') throw error;
      if ((await this.#tree.refuseUnsafe(target, name)) === 'directory') throw isDirectory(key);
      throw new ObjectStoreError('ALREADY_EXISTS', `there is an object "${key}" already`, {
        context: { key },
      });
    }
  }

  async #replace(temp: Directory, from: string, target: Directory, name: string, key: string) {
    try {
      // rename would replace a link rather than follow it; refusing it makes the tampering known.
      if ((await this.#tree.refuseUnsafe(target, name)) === 'directory') throw isDirectory(key);
      // The commit point of a replacing put.
      await this.#fs.rename(temp.path(from), target.path(name));
    } catch (error) {
      await removeTemp(this.#fs, temp, from);
      throw error;
    }
  }

  async #reading<T>(
    action: string,
    key: string,
    use: (handle: FileHandle, stats: Stats) => Promise<T>,
  ): Promise<T> {
    const { directories, name } = locate(key);
    const result = await translated(action, key, () =>
      this.#tree.inExisting(directories, async (dir) => {
        const handle = await this.#openFile(dir, name);
        if (handle === undefined) return undefined;
        try {
          const stats = await handle.stat();
          if (stats.isFile()) return { value: await use(handle, stats) };
          await this.#tree.refuseUnsafe(dir, name);
          return undefined;
        } finally {
          await handle.close();
        }
      }),
    );
    if (result === undefined) {
      throw new ObjectStoreError('NOT_FOUND', `there is no object "${key}"`, { context: { key } });
    }
    return result.value;
  }

  async #openFile(dir: Directory, name: string): Promise<FileHandle | undefined> {
    try {
      return await this.#fs.open(dir.path(name), OPEN_FILE);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      // A link gives ELOOP, a socket ENXIO: say which, rather than the bare system error.
      await this.#tree.refuseUnsafe(dir, name);
      throw error;
    }
  }
}

function locate(key: string): { directories: readonly string[]; name: string } {
  const segments = parseKey(key);
  if (segments[0] === TEMP_DIRECTORY) {
    throw new ObjectStoreError('INVALID_KEY', `"${TEMP_DIRECTORY}" is reserved`, { context: { key } });
  }
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    const context = { key, maxSegmentBytes: MAX_SEGMENT_BYTES };
    throw new ObjectStoreError('INVALID_KEY', `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`, {
      context,
    });
  }
  return { directories: segments.slice(0, -1), name: segments.at(-1) ?? '' };
}

async function translated<T>(action: string, key: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toStoreError(error, `${action} "${key}"`, { key });
  }
}

/** Makes a name that is visible already durable. From here on a failure cannot mean "it did not happen". */
async function syncVisible(target: Directory, key: string): Promise<void> {
  try {
    await target.handle.sync();
  } catch (error) {
    throw new ObjectStoreError(
      'PUT_STATE_UNKNOWN',
      `"${key}" is visible, but its directory could not be synced`,
      {
        context: { key, systemCode: systemCode(error) ?? 'unknown' },
        cause: error,
      },
    );
  }
}

async function readExactly(handle: FileHandle, key: string, start: number, endExclusive: number) {
  const bytes = new Uint8Array(endExclusive - start);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) {
      throw new ObjectStoreError('IO_ERROR', `"${key}" was cut short while it was read`, {
        context: { key },
      });
    }
    done += bytesRead;
  }
  return bytes;
}

/** Makes a directory and those above it, syncing each new name into its parent. */
async function makeDirectoriesDurably(fs: LocalFileSystem, path: string): Promise<void> {
  try {
    await fs.mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    await makeDirectoriesDurably(fs, dirname(path));
    await fs.mkdir(path).catch((second: unknown) => {
      if (systemCode(second) !== 'EEXIST') throw second;
    });
  }
  const parent = await fs.open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

function isDirectory(key: string): ObjectStoreError {
  return new ObjectStoreError(
    'INVALID_KEY',
    `"${key}" is the directory of other objects, so it cannot be one`,
    {
      context: { key },
    },
  );
}

function noHardLinks(key: string, cause: unknown): ObjectStoreError {
  const why = 'the file system refuses hard links, which a put with ifAbsent needs';
  return new ObjectStoreError('IO_ERROR', `could not put "${key}": ${why}`, { context: { key }, cause });
}
