import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import nodeFs from 'node:fs/promises';
import type { LocalFileSystem } from '../../src/local/file-system.ts';
import { dirname, pinned, plainPath, systemError } from './helpers.ts';

/**
 * A file system that remembers what a power loss would take: names not yet synced into their directory, and content
 * not yet synced. It sees the real calls of the store and does them.
 */
export class VolatileMemory {
  /** Paths whose entry in their directory (made, replaced or removed) is not synced. */
  readonly names = new Set<string>();
  readonly unsyncedContent = new Set<number>();
  readonly exposedUnsynced: string[] = [];
  /** What was done, in order, as `call path`. Of directories and files alike. */
  readonly calls: string[] = [];
  /** Which call of which path fails, with which system code. Asked before it is made. */
  fail: (call: string, path: string) => string | undefined = () => undefined;
  /** What `stat` says of the inode of an open file or directory. */
  inodes: (stats: Stats) => number = ({ ino }) => ino;
  /** What happens just before a call of an open file or directory. */
  beforeCall: (call: string, path: string) => Promise<void> = async () => {};

  readonly fs: LocalFileSystem = {
    ...nodeFs,
    lstat: (async (path: string) => {
      this.#check('lstat', await plainPath(path));
      return nodeFs.lstat(path);
    }) as LocalFileSystem['lstat'],
    open: (async (path: string, flags: number, mode?: number) => {
      const plain = await plainPath(path);
      this.#check('open', plain);
      return this.#watched(pinned(await nodeFs.open(path, flags, mode)), plain);
    }) as LocalFileSystem['open'],
    mkdir: (async (path: string) => {
      const plain = await plainPath(path);
      this.#check('mkdir', plain);
      await nodeFs.mkdir(path);
      this.names.add(plain);
    }) as LocalFileSystem['mkdir'],
    link: (async (from: string, to: string) => this.#expose('link', from, to)) as LocalFileSystem['link'],
    rename: (async (from: string, to: string) =>
      this.#expose('rename', from, to)) as LocalFileSystem['rename'],
    unlink: (async (path: string) => {
      const plain = await plainPath(path);
      this.#check('unlink', plain);
      await nodeFs.unlink(path);
      this.names.add(plain);
    }) as LocalFileSystem['unlink'],
  };

  /** Ancestors and self of a path, below `root`, whose names a power loss could undo. */
  atRisk(path: string): string[] {
    return [...this.names].filter((name) => path === name || path.startsWith(`${name}/`));
  }

  async #expose(call: 'link' | 'rename', from: string, to: string): Promise<void> {
    const target = await plainPath(to);
    this.#check(call, target);
    const { ino } = await nodeFs.stat(from);
    await nodeFs[call](from, to);
    if (this.unsyncedContent.has(ino)) this.exposedUnsynced.push(target);
    // A name in a directory whose own name is not safe yet would be lost with it, however well it is synced itself.
    this.exposedUnsynced.push(...this.atRisk(dirname(target)));
    this.names.add(target);
  }

  #watched(handle: FileHandle, path: string): FileHandle {
    const memory = this;
    return new Proxy(handle, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          await memory.beforeCall(String(property), path);
          // A close that fails has closed all the same.
          if (property === 'close') await target.close();
          memory.#check(String(property), path);
          const result: unknown = await (value as (...all: unknown[]) => unknown).apply(target, args);
          if (property === 'writeFile') memory.unsyncedContent.add((await target.stat()).ino);
          if (property === 'stat') (result as Stats).ino = memory.inodes(result as Stats);
          if (property === 'sync') await memory.#synced(target, path);
          return result;
        };
      },
    });
  }

  async #synced(handle: FileHandle, path: string): Promise<void> {
    this.unsyncedContent.delete((await handle.stat()).ino);
    for (const name of [...this.names]) if (dirname(name) === path) this.names.delete(name);
  }

  /** How often a call was made of a path. */
  count(call: string, path: string): number {
    return this.calls.filter((made) => made === `${call} ${path}`).length;
  }

  #check(call: string, path: string): void {
    this.calls.push(`${call} ${path}`);
    const code = this.fail(call, path);
    if (code !== undefined) throw systemError(code);
  }
}
