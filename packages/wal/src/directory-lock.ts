import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { WalDirectoryLock } from './wal-fs.ts';

/**
 * Name of the lock file. No other code of the owning process may open or close it, not even to read: POSIX
 * drops all of a process's locks on a file when any descriptor of it is closed.
 */
export const LOCK_FILE = 'lock.db';

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * Takes the kernel lock of a log directory: an exclusive transaction on an empty SQLite database, which is the
 * one advisory file lock that Node offers without an add-on. The kernel frees it when the process dies in
 * any way; SQLite itself keeps two connections of one process (worker threads too) apart.
 * @throws an error with code `ELOCKED` when it is held.
 */
export function lockDirectory(directory: string): WalDirectoryLock {
  const database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    // The journal in memory: nothing is ever written, and a full disk can be locked, opened and truncated.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_FULL) {
      throw Object.assign(new Error(`ENOSPC: no room for the lock of ${directory}`, { cause: error }), {
        code: 'ENOSPC',
      });
    }
    if (errcode === SQLITE_BUSY) {
      throw Object.assign(new Error(`ELOCKED: ${directory} is locked`, { cause: error }), {
        code: 'ELOCKED',
      });
    }
    throw error;
  }
  return {
    release: async () => database.close(),
  };
}
