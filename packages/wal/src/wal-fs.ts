/**
 * The few file operations the log needs, so that tests can put a simulated disk under it.
 * All paths are those the log builds with `node:path` from `WalOptions.dir`.
 */
export interface WalFs {
  /** Creates the directory and its missing parents, and makes their entries durable. */
  makeDirectory(path: string): Promise<void>;
  /** Names in the directory, in any order. */
  list(path: string): Promise<readonly string[]>;
  /** `create` fails with EEXIST if the file exists; `read` and `write` with ENOENT if it does not. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<WalFile>;
  /** Atomic, replacing `to`. Durable only after {@link WalFs.syncDirectory}. */
  rename(from: string, to: string): Promise<void>;
  /** Durable only after {@link WalFs.syncDirectory}. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Takes the directory's lock or rejects at once with an error whose code is `ELOCKED`. */
  lock(path: string): Promise<WalDirectoryLock>;
}

/** An open file. Operations on one file may run at the same time; the log orders those that must be. */
export interface WalFile {
  /** Reads into `target` from `position`; returns the bytes read, fewer than asked only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes the buffers one after another at `position`; returns the bytes written, which may be fewer. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /**
   * As `write`, and the bytes it took, with the file size they need, are on stable storage when it resolves. It promises
   * nothing about bytes written before. May run while a `sync` does; a failure of either is reported to both, or to each
   * its own: never to the other one only. When the bytes were taken and only making them durable failed, it rejects with
   * an error marked by {@link failedSync}: a disk found full by then is no harmless ENOSPC.
   */
  writeDurable(buffers: readonly Uint8Array[], position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Resolves when data and size are on stable storage. */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

const syncFailed = Symbol.for('@danube/wal/sync-failed');

/** Marks the error of a {@link WalFile.writeDurable} that failed after its bytes had been taken. */
export function failedSync<E extends Error>(error: E): E {
  return Object.assign(error, { [syncFailed]: true });
}

/** Whether the error is marked by {@link failedSync}. */
export function isFailedSync(error: unknown): boolean {
  return (error as { [syncFailed]?: unknown } | undefined)?.[syncFailed] === true;
}

/** A held lock; it dies with the process. */
export interface WalDirectoryLock {
  release(): Promise<void>;
}

/** Buffers one system call takes: IOV_MAX on Linux and macOS. */
const MAX_BUFFERS = 1024;

/** Writes all of `buffers`, over as many calls as short writes make necessary. */
export function writeFully(file: WalFile, buffers: readonly Uint8Array[], position: number): Promise<void> {
  return writeAll((slice, at) => file.write(slice, at), buffers, position);
}

/** Writes all of `buffers`, and they are on stable storage when it resolves. */
export function writeFullyDurable(
  file: WalFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  return writeAll((slice, at) => file.writeDurable(slice, at), buffers, position);
}

async function writeAll(
  write: (slice: readonly Uint8Array[], at: number) => Promise<number>,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest: readonly Uint8Array[] = buffers;
  let at = position;
  while (rest.length > 0) {
    const slice = rest.length > MAX_BUFFERS ? rest.slice(0, MAX_BUFFERS) : rest;
    let written = await write(slice, at);
    if (written === 0) {
      if (slice.every((buffer) => buffer.length === 0)) {
        rest = rest.slice(slice.length);
        continue;
      }
      throw Object.assign(new Error('EIO: a write made no progress'), { code: 'EIO' });
    }
    at += written;
    let index = 0;
    while (index < rest.length && written >= rest[index]!.length) written -= rest[index++]!.length;
    rest = written === 0 ? rest.slice(index) : [rest[index]!.subarray(written), ...rest.slice(index + 1)];
  }
}

/** Opens a file for reading, for as long as `read` takes. */
export async function reading<T>(fs: WalFs, path: string, read: (file: WalFile) => Promise<T>): Promise<T> {
  const file = await fs.open(path, 'read');
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

/** Reads exactly `target.length` bytes unless the file ends before; returns how many. */
export async function readFully(file: WalFile, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const count = await file.read(done === 0 ? target : target.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
