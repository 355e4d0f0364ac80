import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isNoSpace, systemErrorCode } from './errors.ts';
import { failedSync, readFully, type WalFile, type WalFs } from './wal-fs.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = fs.constants;
const openFlags = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT | O_EXCL } as const;

/**
 * On Linux a write to a descriptor with O_DSYNC is a write and an fdatasync of its range in one trip to the thread pool.
 * Elsewhere O_DSYNC does not reach the platter (macOS flushes the drive only on F_FULLFSYNC, which is what libuv's
 * fdatasync does there).
 */
const writesAreDurable = process.platform === 'linux';

/** The real file system. Every operation runs on libuv's thread pool and never blocks the event loop. */
export const nodeFs: WalFs = {
  async makeDirectory(path) {
    const first = await fs.promises.mkdir(path, { recursive: true });
    // Each directory's entry lives in its parent. Also when nothing was missing: whoever made them may have been
    // killed before syncing. What others own and we may not read is not of our making.
    const made = first === undefined ? undefined : dirname(resolve(first));
    let ours = made !== undefined;
    for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
      await syncDirectory(parent).catch((error: unknown) => {
        if (ours || !['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes(systemErrorCode(error) ?? ''))
          throw error;
      });
      if (parent === made) ours = false;
      if (parent === dirname(parent)) break;
    }
  },
  list: (path) => fs.promises.readdir(path),
  async open(path, mode) {
    const fd = await openDescriptor(path, openFlags[mode]);
    if (mode === 'read') return new NodeFile(fd, undefined);
    try {
      return new NodeFile(fd, await openDescriptor(path, O_WRONLY | (writesAreDurable ? O_DSYNC : 0)));
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  },
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.unlink(path),
  syncDirectory,
  // Loaded when it is needed: looking into a log takes no lock, and node:sqlite warns on older releases.
  lock: async (path) => (await import('./directory-lock.ts')).lockDirectory(path),
};

async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.promises.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((done, fail) => {
    fs.open(path, flags, 0o644, (error, fd) => (error ? fail(error) : done(fd)));
  });
}

function syncDescriptor(fd: number): Promise<void> {
  return new Promise((done, fail) => {
    fs.fdatasync(fd, (error) => (error ? fail(error) : done()));
  });
}

function closeDescriptor(fd: number): Promise<void> {
  return new Promise((done, fail) => {
    fs.close(fd, (error) => (error ? fail(error) : done()));
  });
}

class NodeFile implements WalFile {
  readonly #fd: number;
  /**
   * For durable writes a descriptor of its own: each hears of lost pages by itself, so that a sync and a durable write
   * may overlap. Undefined in a file opened for reading.
   */
  readonly #durableFd: number | undefined;

  constructor(fd: number, durableFd: number | undefined) {
    this.#fd = fd;
    this.#durableFd = durableFd;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((done, fail) => {
      fs.read(this.#fd, target, 0, target.length, position, (error, count) =>
        error ? fail(error) : done(count),
      );
    });
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return writeTo(this.#fd, buffers, position);
  }

  async writeDurable(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const fd = this.#durableFd!;
    if (writesAreDurable) {
      try {
        return await writeTo(fd, buffers, position);
      } catch (error) {
        // Which half failed? What was taken can be read.
        const taken = !isNoSpace(error) || (await this.#holds(buffers[0]!.subarray(0, 64), position));
        throw taken ? failedSync(error as Error) : error;
      }
    }
    const taken = await writeTo(fd, buffers, position);
    await syncDescriptor(fd).catch((error: Error) => Promise.reject(failedSync(error)));
    return taken;
  }

  async #holds(bytes: Uint8Array, position: number): Promise<boolean> {
    const found = new Uint8Array(bytes.length);
    return (await readFully(this, found, position)) === bytes.length && Buffer.compare(found, bytes) === 0;
  }

  truncate(size: number): Promise<void> {
    return new Promise((done, fail) => {
      fs.ftruncate(this.#fd, size, (error) => (error ? fail(error) : done()));
    });
  }

  sync(): Promise<void> {
    return syncDescriptor(this.#fd);
  }

  size(): Promise<number> {
    return new Promise((done, fail) => {
      fs.fstat(this.#fd, (error, stats) => (error ? fail(error) : done(stats.size)));
    });
  }

  async close(): Promise<void> {
    try {
      if (this.#durableFd !== undefined) await closeDescriptor(this.#durableFd);
    } finally {
      await closeDescriptor(this.#fd);
    }
  }
}

function writeTo(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((done, fail) => {
    const settle = (error: Error | null, count: number) => (error ? fail(error) : done(count));
    const only = buffers[0];
    if (buffers.length === 1 && only !== undefined) fs.write(fd, only, 0, only.length, position, settle);
    else fs.writev(fd, buffers as Uint8Array[], position, settle);
  });
}
