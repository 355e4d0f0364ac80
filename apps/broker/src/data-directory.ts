import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BrokerError, codeOf, messageOf } from './errors.ts';

/** Version of the layout this broker writes; see docs/formats/data-directory.md. */
export const DATA_DIRECTORY_VERSION = 1;

/** A data directory this process holds. */
export interface DataDirectory {
  readonly path: string;
  /** Lets another process have it. The kernel does the same when the process dies, however it dies. */
  release(): void;
}

/** Locks of this process: a connection nobody refers to is garbage collected, and its lock with it (seen in a test). */
const held = new Set<DatabaseSync>();

const LOCK_FILE = 'lock.db';
const VERSION_FILE = 'VERSION';

/**
 * Creates the directory when needed, takes it for this process alone and checks its `VERSION`.
 *
 * The lock is an exclusive SQLite transaction on `lock.db`: a kernel lock, so none is left behind by a kill.
 * No code may open that file otherwise; closing it again would drop the lock.
 *
 * @throws BrokerError `DATA_DIR_HELD`, `DATA_DIR_UNUSABLE`
 */
export function openDataDirectory(path: string): DataDirectory {
  createDirectory(path);
  refuseForeign(path);
  // Read first: a directory of a newer version may have another kind of lock.
  checkDataDirectoryVersion(path);
  const lock = takeLock(path);
  held.add(lock);
  const release = () => {
    held.delete(lock);
    if (lock.isOpen) lock.close();
  };
  try {
    if (!existsSync(join(path, VERSION_FILE))) writeVersion(path);
  } catch (error) {
    release();
    throw unusable(path, messageOf(error), error);
  }
  return { path, release };
}

/**
 * Refuses a directory that a newer version wrote, or whose `VERSION` is damaged; says nothing when there is none.
 *
 * @throws BrokerError `DATA_DIR_UNUSABLE`
 */
export function checkDataDirectoryVersion(path: string): void {
  const file = join(path, VERSION_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw unusable(path, `${VERSION_FILE} cannot be read (${codeOf(error)})`, error);
  }
  if (!/^\d{1,9}$/.test(text)) throw unusable(path, `its ${VERSION_FILE} file does not hold a number`);
  if (Number(text) > DATA_DIRECTORY_VERSION) {
    throw unusable(
      path,
      `it has version ${text}, this broker knows versions up to ${DATA_DIRECTORY_VERSION}: it was written by a newer broker`,
    );
  }
}

function createDirectory(path: string): void {
  try {
    makeDirectories(path);
  } catch (error) {
    const why =
      codeOf(error) === 'EEXIST'
        ? 'it is not a directory'
        : `it cannot be created (${codeOf(error) ?? messageOf(error)})`;
    throw unusable(path, why, error);
  }
}

/** Node's own recursive mkdir never returns where the file system says ENOENT below a parent that exists (/proc). */
function makeDirectories(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (!existsSync(dirname(path))) makeDirectories(dirname(path));
  mkdirSync(path);
  // A power cut could take a directory whose name is not synced, with all that is in it.
  syncDirectory(dirname(path));
}

/** Protects against `--data-dir ~`: a directory with content but without VERSION is not ours. */
function refuseForeign(path: string): void {
  const names = readdirSync(path).filter((name) => !name.startsWith('.') && name !== 'lost+found');
  const ours = names.includes(VERSION_FILE) || names.every((name) => name.startsWith(LOCK_FILE));
  if (!ours)
    throw unusable(path, 'it is not empty and has no VERSION file, so it is not a Danube data directory');
}

function takeLock(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(path, LOCK_FILE));
    // A rollback journal: in SQLite's WAL mode an exclusive transaction would not keep others from opening.
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    const busy =
      typeof error === 'object' &&
      error !== null &&
      'errcode' in error &&
      (Number(error.errcode) & 0xff) === 5;
    if (busy)
      throw new BrokerError('DATA_DIR_HELD', `Another broker runs on the data directory ${path}.`, {
        context: { path },
        cause: error,
      });
    throw unusable(path, `it cannot be locked (${messageOf(error)})`, error);
  }
}

/** Complete or not there: written beside, synced, renamed, and the directory synced. */
function writeVersion(path: string): void {
  const beside = join(path, `.${VERSION_FILE}.new`);
  const file = openSync(beside, 'w');
  try {
    writeSync(file, `${DATA_DIRECTORY_VERSION}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, join(path, VERSION_FILE));
  syncDirectory(path);
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function unusable(path: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError('DATA_DIR_UNUSABLE', `The data directory ${path} cannot be used: ${why}.`, {
    context: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
