import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import type { WalFile, WalFs } from './wal-fs.ts';

const openFlags = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const;

/** The real file system. Every operation runs on libuv's thread pool and never blocks the event loop. */
export const nodeFs: WalFs = {
  async makeDirectory(path) {
    const first = await fs.promises.mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Each new directory's entry lives in its parent, from the topmost created one down.
    const stop = dirname(resolve(first));
    for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
      await syncDirectory(parent);
      if (parent === stop || parent === dirname(parent)) break;
    }
  },
  list: (path) => fs.promises.readdir(path),
  open: (path, mode) =>
    new Promise((done, fail) => {
      fs.open(path, openFlags[mode], 0o644, (error, fd) => (error ? fail(error) : done(new NodeFile(fd))));
    }),
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.unlink(path),
  syncDirectory,
  lock: async (path) => lockDirectory(path),
};

async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.promises.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class NodeFile implements WalFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((done, fail) => {
      fs.read(this.#fd, target, 0, target.length, position, (error, count) =>
        error ? fail(error) : done(count),
      );
    });
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((done, fail) => {
      const settle = (error: Error | null, count: number) => (error ? fail(error) : done(count));
      const only = buffers[0];
      if (buffers.length === 1 && only !== undefined)
        fs.write(this.#fd, only, 0, only.length, position, settle);
      else fs.writev(this.#fd, buffers as Uint8Array[], position, settle);
    });
  }

  truncate(size: number): Promise<void> {
    return new Promise((done, fail) => {
      fs.ftruncate(this.#fd, size, (error) => (error ? fail(error) : done()));
    });
  }

  sync(): Promise<void> {
    return new Promise((done, fail) => {
      fs.fdatasync(this.#fd, (error) => (error ? fail(error) : done()));
    });
  }

  size(): Promise<number> {
    return new Promise((done, fail) => {
      fs.fstat(this.#fd, (error, stats) => (error ? fail(error) : done(stats.size)));
    });
  }

  close(): Promise<void> {
    return new Promise((done, fail) => {
      fs.close(this.#fd, (error) => (error ? fail(error) : done()));
    });
  }
}
