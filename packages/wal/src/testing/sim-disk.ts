import { basename, dirname } from 'node:path';
import { failedSync, type WalDirectoryLock, type WalFile, type WalFs } from '../wal-fs.ts';
import { Random } from './random.ts';
import { type BegunSync, SECTOR_BYTES, SimInode } from './sim-file.ts';

/** An operation of {@link WalFs} or {@link WalFile} that a fault can be planted in. */
export type SimOperation =
  | 'makeDirectory'
  | 'list'
  | 'open'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'lock'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'size'
  | 'close';

/** Settings of {@link SimDisk}. */
export interface SimDiskOptions {
  readonly seed: number;
  /** Bytes of file data, in whole sectors; beyond it writes come up short, then fail with ENOSPC. Default: no limit. */
  readonly capacityBytes?: number;
  /** Probability that a write takes only part of what it was given. Default 0. */
  readonly shortWrites?: number;
  /** Probability, per write, that the kernel writes back some pages on its own. Default 0. */
  readonly writeBack?: number;
  /** Each operation takes up to this many turns of the microtask queue, so that orders vary. Default 0. */
  readonly latencyTurns?: number;
  /**
   * Probability that a sync, and a quarter of it that any other operation, takes up to 20 turns of `process.nextTick`, so that others overtake it: only then does
   * what a log does between two of its steps fall into the time of a write or a sync. Default 0.
   */
  readonly slowOperations?: number;
}

type DirectoryChange = { readonly to?: string; readonly from?: string; readonly inode?: SimInode };

/**
 * A simulated disk with an operating system's page cache on top, for testing what a log promises.
 *
 * Data is durable by sector once synced, names only once their directory is synced. A failed sync marks pages clean
 * though they never reached the disk, as Linux does. Everything random comes from the seed.
 *
 * `mount()` is a process's view of it; {@link SimDisk.crash} is a power loss, {@link SimDisk.kill} a killed process.
 * After either, the views handed out before are dead: their operations fail with `ESIMCRASH`.
 */
export class SimDisk {
  readonly #options: Required<SimDiskOptions>;
  readonly random: Random;
  #names = new Map<string, SimInode>();
  #durableNames = new Map<string, SimInode>();
  #directories = new Set<string>();
  #changes: DirectoryChange[] = [];
  #locks = new Set<string>();
  #generation = 0;
  #operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #capacityBytes: number;
  readonly #faults: { operation: SimOperation; path: RegExp; code: string; after: number; fired: boolean }[] =
    [];

  constructor(options: SimDiskOptions) {
    this.#options = {
      capacityBytes: Number.POSITIVE_INFINITY,
      shortWrites: 0,
      writeBack: 0,
      latencyTurns: 0,
      slowOperations: 0,
      ...options,
    };
    this.random = new Random(options.seed);
    this.#capacityBytes = this.#options.capacityBytes;
  }

  /** Operations performed so far by all views. */
  get operations(): number {
    return this.#operations;
  }

  /** The largest buffer any read was given: a log must not allocate more than its files hold. */
  largestReadBytes = 0;

  /** A process's view. */
  mount(): WalFs {
    return new SimFs(this, this.#generation);
  }

  /** Power fails `operations` operations from now, in the middle of that operation. */
  crashAfter(operations: number): void {
    this.#crashAt = this.#operations + operations;
  }

  /** Power loss now. */
  crash(): void {
    this.#endProcesses();
    const { random } = this;
    const style = random.pick(['none', 'all', 'prefix', 'any'] as const);
    const cut = random.integer(0, this.#changes.length);
    for (const [i, change] of this.#changes.entries()) {
      const survives =
        style === 'all' || (style === 'prefix' && i < cut) || (style === 'any' && random.chance(0.5));
      if (survives) apply(this.#durableNames, change);
    }
    this.#changes = [];
    for (const inode of new Set([...this.#names.values(), ...this.#durableNames.values()]))
      inode.crash(random);
    this.#names = new Map(this.#durableNames);
  }

  /** The process dies; what it wrote stays in the page cache. */
  kill(): void {
    this.#endProcesses();
  }

  /** Plants an error: the operation after `after` matching ones fails once with `code`. Returns whether it fired. */
  failOnce(
    operation: SimOperation,
    code: string,
    options: { path?: RegExp; after?: number } = {},
  ): () => boolean {
    const fault = { operation, code, path: options.path ?? /./, after: options.after ?? 0, fired: false };
    this.#faults.push(fault);
    return () => fault.fired;
  }

  /** Takes back the errors that did not fire. */
  clearFaults(): void {
    this.#faults.length = 0;
  }

  /** Changes how much fits: more room, or less. */
  setCapacity(bytes: number): void {
    this.#capacityBytes = bytes;
  }

  /** Bytes of file data in whole sectors. */
  get usedBytes(): number {
    let used = 0;
    for (const inode of this.#names.values()) used += sectors(inode.size) * SECTOR_BYTES;
    return used;
  }

  /** Paths of all files, as processes see them. */
  paths(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** Contents of a file, as processes see them. */
  contents(path: string): Buffer {
    return this.#inode(path).contents();
  }

  /** Puts a file there with these contents, durably: for planting damage. */
  plant(path: string, bytes: Uint8Array): void {
    const inode = this.#names.get(path) ?? new SimInode();
    inode.replace(bytes);
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
    this.#directories.add(dirname(path));
  }

  /** Takes a file away, durably. */
  uproot(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  #endProcesses(): void {
    this.#generation++;
    this.#locks.clear();
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.#faults.length = 0;
  }

  /** Runs one operation of a view: counts it, plants faults in it, crashes in its middle when told to. */
  async perform<T>(
    generation: number,
    operation: SimOperation,
    path: string,
    effect: () => T,
    onFault?: () => void,
  ): Promise<T> {
    if (generation !== this.#generation) throw crashed();
    this.#operations++;
    if (this.#operations >= this.#crashAt) {
      if (this.random.chance(0.5)) effect();
      this.crash();
      throw crashed();
    }
    // Syncs are slow: others get far meanwhile.
    for (let turns = this.#turns() * (operation === 'sync' ? 8 : 1); turns > 0; turns--) await undefined;
    await this.#linger(this.#options.slowOperations / (operation === 'sync' ? 1 : 4));
    if (generation !== this.#generation) throw crashed();
    const fault = this.#faults.find(
      (f) => !f.fired && f.operation === operation && f.path.test(path) && f.after-- <= 0,
    );
    if (fault) {
      fault.fired = true;
      onFault?.();
      await this.#answer();
      throw systemError(fault.code, operation, path);
    }
    let result: T;
    try {
      result = effect();
    } catch (error) {
      await this.#answer();
      throw error;
    }
    await this.#answer();
    if (generation !== this.#generation) throw crashed();
    return result;
  }

  /** Latency between an effect and its answer, good or bad: answers may overtake each other. */
  async #answer(): Promise<void> {
    for (let turns = this.#turns(); turns > 0; turns--) await undefined;
    await this.#linger(this.#options.slowOperations / 4);
  }

  async #linger(probability: number): Promise<void> {
    if (probability === 0 || !this.random.chance(probability)) return;
    for (let turns = this.random.integer(1, 20); turns > 0; turns--) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  }

  #turns(): number {
    return this.#options.latencyTurns === 0 ? 0 : this.random.integer(0, this.#options.latencyTurns);
  }

  makeDirectory(path: string): void {
    this.#directories.add(path);
  }

  list(path: string): readonly string[] {
    if (!this.#directories.has(path)) throw systemError('ENOENT', 'list', path);
    return [...this.#names.keys()].filter((name) => dirname(name) === path).map((name) => basename(name));
  }

  openInode(path: string, mode: 'read' | 'write' | 'create'): SimInode {
    const existing = this.#names.get(path);
    if (mode !== 'create') {
      if (!existing) throw systemError('ENOENT', 'open', path);
      return existing;
    }
    if (existing) throw systemError('EEXIST', 'open', path);
    if (this.#capacityBytes - this.usedBytes < SECTOR_BYTES) throw systemError('ENOSPC', 'open', path);
    const inode = new SimInode();
    this.#change({ to: path, inode });
    return inode;
  }

  rename(from: string, to: string): void {
    this.#change({ from, to, inode: this.#inode(from) });
  }

  remove(path: string): void {
    this.#inode(path);
    this.#change({ from: path });
  }

  syncDirectory(path: string): void {
    const concerns = (change: DirectoryChange) => dirname(change.to ?? change.from!) === path;
    for (const change of this.#changes) if (concerns(change)) apply(this.#durableNames, change);
    this.#changes = this.#changes.filter((change) => !concerns(change));
  }

  lock(path: string): () => void {
    if (this.#locks.has(path)) throw systemError('ELOCKED', 'lock', path);
    this.#locks.add(path);
    const generation = this.#generation;
    return () => {
      if (generation === this.#generation) this.#locks.delete(path);
    };
  }

  /** Bytes of a write at `position` that the disk takes. */
  admit(inode: SimInode, position: number, length: number): number {
    const { random } = this;
    const free = this.#capacityBytes - this.usedBytes;
    const limit =
      sectors(inode.size) * SECTOR_BYTES + Math.max(0, Math.floor(free / SECTOR_BYTES) * SECTOR_BYTES);
    const fits = Math.min(length, Math.max(0, limit - position));
    if (fits === 0 && length > 0) throw systemError('ENOSPC', 'write', '');
    return fits > 1 && random.chance(this.#options.shortWrites) ? random.integer(1, fits - 1) : fits;
  }

  afterWrite(inode: SimInode): void {
    if (this.random.chance(this.#options.writeBack)) inode.writeBack(this.random);
  }

  #change(change: DirectoryChange): void {
    apply(this.#names, change);
    this.#changes.push(change);
  }

  #inode(path: string): SimInode {
    const inode = this.#names.get(path);
    if (!inode) throw systemError('ENOENT', 'open', path);
    return inode;
  }
}

/** One process's view of a {@link SimDisk}. */
class SimFs implements WalFs {
  readonly #disk: SimDisk;
  readonly #generation: number;

  constructor(disk: SimDisk, generation: number) {
    this.#disk = disk;
    this.#generation = generation;
  }

  makeDirectory(path: string): Promise<void> {
    return this.#perform('makeDirectory', path, () => this.#disk.makeDirectory(path));
  }

  list(path: string): Promise<readonly string[]> {
    return this.#perform('list', path, () => this.#disk.list(path));
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<WalFile> {
    const inode = await this.#perform('open', path, () => this.#disk.openInode(path, mode));
    return new SimFile(this.#disk, this.#generation, path, inode);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform('rename', to, () => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#perform('remove', path, () => this.#disk.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#perform('syncDirectory', path, () => this.#disk.syncDirectory(path));
  }

  async lock(path: string): Promise<WalDirectoryLock> {
    const release = await this.#perform('lock', path, () => this.#disk.lock(path));
    return { release: async () => release() };
  }

  #perform<T>(operation: SimOperation, path: string, effect: () => T): Promise<T> {
    return this.#disk.perform(this.#generation, operation, path, effect);
  }
}

class SimFile implements WalFile {
  readonly #disk: SimDisk;
  readonly #generation: number;
  readonly #path: string;
  readonly #inode: SimInode;
  /** As in {@link nodeFs}: `write` and `sync` use one descriptor, `writeDurable` another. */
  readonly #knownLosses: { plain: number; durable: number };
  #open = true;

  constructor(disk: SimDisk, generation: number, path: string, inode: SimInode) {
    this.#disk = disk;
    this.#generation = generation;
    this.#path = path;
    this.#inode = inode;
    this.#knownLosses = { plain: inode.lostPages, durable: inode.lostPages };
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#perform('read', () => {
      this.#disk.largestReadBytes = Math.max(this.#disk.largestReadBytes, target.length);
      return this.#inode.read(target, position);
    });
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return this.#perform('write', () => {
      const bytes = Buffer.concat(buffers);
      const taken = this.#disk.admit(this.#inode, position, bytes.length);
      this.#inode.write(bytes.subarray(0, taken), position);
      this.#disk.afterWrite(this.#inode);
      return taken;
    });
  }

  async writeDurable(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const taken = await this.write(buffers, position);
    try {
      await this.#sync('durable', this.#inode.beginSync(position, position + taken));
    } catch (error) {
      throw failedSync(error as Error);
    }
    return taken;
  }

  truncate(size: number): Promise<void> {
    return this.#perform('truncate', () => this.#inode.truncate(size));
  }

  sync(): Promise<void> {
    return this.#sync('plain', this.#inode.beginSync());
  }

  /** Pages that any sync of the file has lost are this descriptor's failure too, once. */
  #sync(descriptor: 'plain' | 'durable', begun: BegunSync): Promise<void> {
    const inode = this.#inode;
    return this.#perform(
      'sync',
      () => {
        if (inode.lostPages > this.#knownLosses[descriptor]) {
          this.#knownLosses[descriptor] = inode.lostPages;
          throw systemError('EIO', 'sync', this.#path);
        }
        inode.endSync(begun);
      },
      () => {
        inode.failSync(this.#disk.random);
        this.#knownLosses[descriptor] = inode.lostPages;
      },
    );
  }

  size(): Promise<number> {
    return this.#perform('size', () => this.#inode.size);
  }

  async close(): Promise<void> {
    this.#open = false;
    await this.#disk.perform(this.#generation, 'close', this.#path, () => {});
  }

  #perform<T>(operation: SimOperation, effect: () => T, onFault?: () => void): Promise<T> {
    if (!this.#open) return Promise.reject(systemError('EBADF', operation, this.#path));
    return this.#disk.perform(this.#generation, operation, this.#path, effect, onFault);
  }
}

function apply(names: Map<string, SimInode>, { from, to, inode }: DirectoryChange): void {
  if (from !== undefined && (inode === undefined || names.get(from) === inode)) names.delete(from);
  if (to !== undefined && inode !== undefined) names.set(to, inode);
}

function sectors(size: number): number {
  return Math.ceil(size / SECTOR_BYTES);
}

function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} ${path}`), { code });
}

function crashed(): Error {
  return systemError('ESIMCRASH', 'the simulated machine is down,', '');
}
