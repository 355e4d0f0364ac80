import { createHash, randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { hostname } from 'node:os';
import type { Directory } from './directories.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';
import { writeChunks } from './write-chunks.ts';

/** The directory in the root where bodies are written before they get their name. No key can lie in it. */
export const TEMP_DIRECTORY = '.objectstore-tmp';

/** How old a temporary file of a process that we cannot ask about must be before it counts as left over. */
export const FOREIGN_TEMP_AGE_MS = 24 * 60 * 60 * 1000;

const NAME = /^([0-9a-f]{16})-(\d+)-(\d+)-[0-9a-f-]{36}\.tmp$/;

/** Who made a temporary file: a process in one pid namespace of one boot of one machine. */
export interface ProcessIdentity {
  /** Equal only where process ids mean the same processes. */
  readonly place: string;
  readonly pid: number;
  /** When the process started, in the system's ticks; tells it from a later process of the same id. 0: unknown. */
  readonly startTicks: string;
}

/** The identity of this process. */
export async function currentProcess(fs: LocalFileSystem): Promise<ProcessIdentity> {
  const read = (path: string) => fs.readFile(path, 'utf8').catch(() => '');
  const boot = await read('/proc/sys/kernel/random/boot_id');
  const namespace = await fs.readlink('/proc/self/ns/pid').catch(() => '');
  const place = createHash('sha256')
    .update(`${hostname()}\n${boot}\n${namespace}`)
    .digest('hex')
    .slice(0, 16);
  return { place, pid: process.pid, startTicks: (await startTicks(fs, process.pid)) ?? '0' };
}

/** A name that nobody else has or will have. */
export function tempName(owner: ProcessIdentity): string {
  return `${owner.place}-${owner.pid}-${owner.startTicks}-${randomUUID()}.tmp`;
}

/**
 * Writes a body under a temporary name and syncs it. On failure, also of a body that breaks off or is aborted, nothing
 * is left.
 */
export async function writeTemp(
  fs: LocalFileSystem,
  dir: Directory,
  name: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Stats> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await fs.open(dir.path(name), flags, 0o666);
  try {
    try {
      await writeChunks(handle, body, signal);
      // The content must be on disk before any name that a reader knows points at it.
      await handle.sync();
      return await handle.stat();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await removeTemp(fs, dir, name);
    throw error;
  }
}

/** Removes a temporary name. A failure only leaves a file that a later open removes, so it is not reported. */
export async function removeTemp(fs: LocalFileSystem, dir: Directory, name: string): Promise<void> {
  await fs.unlink(dir.path(name)).catch(() => {});
}

/**
 * Removes what dead processes left. A file goes when its process ran where our process ids count and is gone, or when
 * it is older than `FOREIGN_TEMP_AGE_MS`. Other files are not ours and stay.
 *
 * Taking the file of a put that still runs (a process stopped for a day) does no harm beyond that put: it then finds
 * no file to give its name to and fails; it can not succeed without its content, because the names are never reused.
 */
export async function removeLeftOvers(
  fs: LocalFileSystem,
  dir: Directory,
  self: ProcessIdentity,
): Promise<number> {
  let removed = 0;
  for (const name of await fs.readdir(dir.path(''))) {
    if (!(await isLeftOver(fs, dir, name, self))) continue;
    await removeTemp(fs, dir, name);
    removed += 1;
  }
  return removed;
}

async function isLeftOver(fs: LocalFileSystem, dir: Directory, name: string, self: ProcessIdentity) {
  const parts = NAME.exec(name);
  if (parts === null) return false;
  const [, place, pid, ticks] = parts;
  if (place === self.place) return !(await isAlive(fs, Number(pid), ticks ?? '0'));
  try {
    return Date.now() - (await fs.lstat(dir.path(name))).mtimeMs > FOREIGN_TEMP_AGE_MS;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Whether the process that had this id when it started at `ticks` still runs, as far as can be told. */
export async function isAlive(fs: LocalFileSystem, pid: number, ticks: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: somebody else's process, so it lives.
    if (systemCode(error) === 'ESRCH') return false;
  }
  const now = await startTicks(fs, pid);
  return now === undefined || ticks === '0' || now === ticks;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may contain anything, so count from its last parenthesis. */
async function startTicks(fs: LocalFileSystem, pid: number): Promise<string | undefined> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
