import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { ObjectStoreError } from '../errors.ts';
import { parseKey, parsePrefix } from '../key.ts';
import { type ListEntry, pagesOf, parseListRequest } from '../list-pages.ts';
import type {
  CallOptions,
  DeleteFailure,
  GetOptions,
  GetResult,
  GetStreamResult,
  ListOptions,
  ListPage,
  ObjectMeta,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
} from '../object-store.ts';
import { isBytes } from '../put-body.ts';
import {
  alreadyExists,
  checkConditions,
  checkGetOptions,
  checkOptions,
  checkPutOptions,
  closedError,
  notFound,
  resolveRange,
  throwIfAborted,
} from '../request-checks.ts';
import { destroyOnAbort } from '../stream-abort.ts';
import { canWalkThroughDescriptors, type Directory, DirectoryTree } from './directories.ts';
import { systemCode, toStoreError } from './error-mapping.ts';
import { readRange, streamRange } from './file-range.ts';
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
  readonly capabilities = { ifAbsent: true, ifMatch: false, attributes: false, flatKeys: false } as const;
  readonly #fs: LocalFileSystem;
  readonly #tree: DirectoryTree;
  readonly #self: ProcessIdentity;
  #closed = false;

  constructor(fs: LocalFileSystem, tree: DirectoryTree, self: ProcessIdentity) {
    this.#fs = fs;
    this.#tree = tree;
    this.#self = self;
  }

  async put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    this.#checkOpen();
    const { directories, name } = locate(key);
    checkPutOptions(options, this.capabilities);
    isBytes(body);
    return translated('put', key, () =>
      this.#tree.inCreated(directories, (target) =>
        this.#tree.inCreated([TEMP_DIRECTORY], async (temp) => {
          const from = tempName(this.#self);
          const stats = await writeTemp(this.#fs, temp, from, body, options?.signal);
          try {
            if (options?.ifAbsent) await this.#linkIfAbsent(temp, from, target, name, key);
            else await this.#replace(temp, from, target, name, key);
          } finally {
            if (options?.ifAbsent) await removeTemp(this.#fs, temp, from);
          }
          await syncVisible(target, key);
          const { sizeBytes, etag } = metaOf(key, stats);
          return { sizeBytes, etag };
        }),
      ),
    );
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    checkGetOptions(key, options);
    const { handle, meta } = await this.#open('get', key, options);
    try {
      const range = resolveRange(key, options?.range, meta.sizeBytes);
      const bytes = await translated('get', key, () => readRange(handle, key, range));
      throwIfAborted(options?.signal);
      return { meta, range, bytes };
    } finally {
      await handle.close();
    }
  }

  async getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    checkGetOptions(key, options);
    const { handle, meta } = await this.#open('get', key, options);
    try {
      const range = resolveRange(key, options?.range, meta.sizeBytes);
      const stream = streamRange(handle, key, range);
      destroyOnAbort(stream, options?.signal);
      return { meta, range, stream };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    checkOptions(options, []);
    const { handle, meta } = await this.#open('head', key, undefined);
    await handle.close();
    return meta;
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    const request = parseListRequest(prefix, options);
    const { directories } = parsePrefix(prefix);
    yield* pagesOf(request, options?.signal, async (start, most) => {
      this.#checkOpen();
      const found: ListEntry[] = [];
      if (directories[0] === TEMP_DIRECTORY) return found;
      await translated('list', prefix, () =>
        this.#tree.inExisting(directories, (dir) =>
          collect(this.#fs, this.#tree, dir, { prefix, delimiter: request.delimiter, start, most, found }),
        ),
      );
      return found;
    });
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const [failure] = await this.deleteMany([key], options);
    if (failure !== undefined) throw failure.error;
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    this.#checkOpen();
    checkOptions(options, []);
    const errors = new Map<number, ObjectStoreError>();
    for (const [directory, names] of byDirectory(keys, errors)) {
      try {
        throwIfAborted(options?.signal);
        await this.#tree.inExisting(directory, (dir) => this.#unlinkAll(dir, names, errors));
      } catch (error) {
        for (const { index, key } of names) {
          errors.set(index, errors.get(index) ?? toStoreError(error, `delete "${key}"`, { key }));
        }
      }
    }
    return [...errors].sort(([a], [b]) => a - b).map(([index, error]) => ({ key: keys[index] ?? '', error }));
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    checkOptions(options, []);
    locate(to);
    const { stream } = await this.getStream(from, options);
    try {
      return await this.put(to, stream, options);
    } finally {
      stream.destroy();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** Removes names of one directory, then makes all of that durable at once. */
  async #unlinkAll(dir: Directory, names: readonly NamedKey[], errors: Map<number, ObjectStoreError>) {
    let removed = false;
    for (const { index, key, name } of names) {
      try {
        if ((await this.#tree.refuseUnsafe(dir, name)) !== 'file') continue;
        await this.#fs.unlink(dir.path(name));
        removed = true;
      } catch (error) {
        if (systemCode(error) === 'ENOENT') removed = true;
        else errors.set(index, toStoreError(error, `delete "${key}"`, { key }));
      }
    }
    // The point of durability: until here a power loss could bring the objects back.
    if (removed) await dir.handle.sync();
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
      throw alreadyExists(key);
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

  /** Opens an object for reading and checks the conditions. The handle is the caller's to close. */
  async #open(action: string, key: string, options: GetOptions | undefined): Promise<OpenObject> {
    this.#checkOpen();
    const { directories, name } = locate(key);
    const opened = await translated(action, key, () =>
      this.#tree.inExisting(directories, async (dir) => {
        const handle = await this.#openFile(dir, name);
        if (handle === undefined) return undefined;
        try {
          const stats = await handle.stat();
          if (stats.isFile()) {
            const meta = metaOf(key, stats);
            checkConditions(meta, options);
            return { handle, meta };
          }
          await this.#tree.refuseUnsafe(dir, name);
        } catch (error) {
          await handle.close();
          throw error;
        }
        await handle.close();
        return undefined;
      }),
    );
    if (opened === undefined) throw notFound(key);
    return opened;
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
    throw new ObjectStoreError('INVALID_PATH', `"${TEMP_DIRECTORY}" is reserved`, { context: { key } });
  }
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    const context = { key, maxSegmentBytes: MAX_SEGMENT_BYTES };
    throw new ObjectStoreError('INVALID_PATH', `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`, {
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

interface OpenObject {
  readonly handle: FileHandle;
  readonly meta: ObjectMeta;
}

/** A key to delete: its place in what was asked for, and its name in its directory. */
interface NamedKey {
  readonly index: number;
  readonly key: string;
  readonly name: string;
}

/** Keys by their directory; what is no key here goes to the errors. */
function byDirectory(keys: readonly string[], errors: Map<number, ObjectStoreError>) {
  const groups = new Map<string, [readonly string[], NamedKey[]]>();
  for (const [index, key] of keys.entries()) {
    try {
      const { directories, name } = locate(key);
      const path = directories.join('/');
      const group = groups.get(path) ?? [directories, []];
      group[1].push({ index, key, name });
      groups.set(path, group);
    } catch (error) {
      errors.set(index, toStoreError(error, 'delete', {}));
    }
  }
  return groups.values();
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
    'INVALID_PATH',
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
