import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { IcebergError } from '@danube/iceberg';
import { isBusy, sqliteCode, toCatalogError } from './error-mapping.ts';
import type { OpenDatabase } from './options.ts';
import { prepareSchema, type SchemaVersion, schemaVersion } from './schema.ts';

/** How long one call may block the event loop waiting for a lock; what is beyond is waited for asynchronously. */
const BLOCKING_WAIT_MS = 5;
const RETRY_MIN_MS = 2;
const RETRY_MAX_MS = 40;
const FULL = 2n;
const EXTRA = 3n;

export type JournalMode = 'wal' | 'delete' | 'truncate' | 'persist';

/**
 * The SQLite file behind a catalog: opened durable, its locks waited for without blocking the event loop.
 *
 * Work is handed in as synchronous functions, so no transaction can be open across an await: other processes give up
 * on a lock after a few seconds.
 *
 * The journal is SQLite's write-ahead log: a commit costs one sync instead of three and more (measured p99 1 ms
 * against 23 ms, all of it on the event loop), and readers and the writer do not wait for each other. The mode stays
 * in the file; PyIceberg and Java open it as it is. If somebody's lock, or a file system without shared memory, keeps
 * the file in a rollback-journal mode, that mode is used with `synchronous=EXTRA`, because with FULL the removal of the
 * journal, which is the commit there, is not synced.
 */
export class CatalogDatabase {
  readonly file: string;
  readonly journalMode: JournalMode;
  /** When it was opened. */
  readonly schemaVersion: SchemaVersion;
  readonly #db: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #inode: string | undefined;

  private constructor(
    file: string,
    db: DatabaseSync,
    busyTimeoutMs: number,
    found: { journalMode: JournalMode; schemaVersion: SchemaVersion },
  ) {
    this.file = file;
    this.#db = db;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#inode = inodeOf(file);
    this.journalMode = found.journalMode;
    this.schemaVersion = found.schemaVersion;
  }

  /** Opens or makes the file and its tables, and makes sure that commits will be durable. */
  static async open(
    file: string,
    busyTimeoutMs: number,
    openDatabase: OpenDatabase,
  ): Promise<CatalogDatabase> {
    let db: DatabaseSync | undefined;
    const attempt = <T>(work: (db: DatabaseSync) => T) =>
      retryBusy(busyTimeoutMs, () => work(db as DatabaseSync));
    try {
      db = openDatabase(file, { timeout: BLOCKING_WAIT_MS });
      const journalMode = await useWriteAheadLog(db, busyTimeoutMs);
      db.exec(`PRAGMA synchronous = ${journalMode === 'wal' ? 'FULL' : 'EXTRA'}`);
      // On macOS a sync reaches the disk only so; elsewhere these two change nothing.
      db.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
      assertDurable(db, journalMode, file);
      await attempt((opened) => prepareSchema(opened, file));
      const found = { journalMode, schemaVersion: await attempt(schemaVersion) };
      await syncDirectory(dirname(file));
      return new CatalogDatabase(file, db, busyTimeoutMs, found);
    } catch (error) {
      if (db?.isOpen) db.close();
      throw toCatalogError(error, 'opening the catalog', file, 'none');
    }
  }

  /** Reads. */
  async read<T>(what: string, work: (db: DatabaseSync) => T): Promise<T> {
    return this.#run(what, 'none', work);
  }

  /** Runs exactly one writing statement, which is a transaction by itself. */
  async writeOne<T>(what: string, work: (db: DatabaseSync) => T): Promise<T> {
    return this.#run(what, 'possible', work);
  }

  /** Runs `work` in one transaction that holds the write lock from its start; an error in `work` undoes everything. */
  async writeAll<T>(what: string, work: (db: DatabaseSync) => T): Promise<T> {
    return this.#run(what, 'possible', (db) => {
      db.exec('BEGIN IMMEDIATE');
      let result: T;
      try {
        result = work(db);
      } catch (error) {
        rollBack(db);
        throw toCatalogError(error, what, this.file, 'none');
      }
      try {
        db.exec('COMMIT');
      } catch (error) {
        rollBack(db);
        throw error;
      }
      return result;
    });
  }

  /**
   * Brings everything from the log into the file itself, so that a copy of the one file is the catalog, and closes.
   * Another process that reads just then may keep the log in use; then it does this when it closes.
   */
  close(): void {
    if (!this.#db.isOpen) return;
    try {
      if (this.journalMode === 'wal') this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // Nothing is lost: the log is part of the database, and whoever opens the file next brings it in.
      if (!isBusy(error)) throw leftInLog(this.file, error);
    } finally {
      this.#db.close();
    }
  }

  async #run<T>(what: string, effect: 'none' | 'possible', work: (db: DatabaseSync) => T): Promise<T> {
    try {
      return await retryBusy(this.#busyTimeoutMs, () => {
        if (!this.#db.isOpen) throw closed(this.file);
        // SQLite would go on in the file that is gone, and what it says is committed would be nowhere.
        if (inodeOf(this.file) !== this.#inode) throw replaced(this.file);
        return work(this.#db);
      });
    } catch (error) {
      throw toCatalogError(error, what, this.file, effect);
    }
  }
}

/** The error of every call after `close()`. */
export function closed(file: string): IcebergError {
  return new IcebergError('CATALOG_UNAVAILABLE', `the catalog ${file} is closed`, {
    context: { file },
    retryable: false,
  });
}

function leftInLog(file: string, cause: unknown): IcebergError {
  return new IcebergError(
    'CATALOG_UNAVAILABLE',
    `the catalog ${file} is closed, but its last commits may be in ${file}-wal only: keep the two together`,
    { context: { file, sqliteCode: sqliteCode(cause) }, cause, retryable: false },
  );
}

function replaced(file: string): IcebergError {
  return new IcebergError(
    'CATALOG_UNAVAILABLE',
    `the catalog file ${file} was deleted, moved or replaced while it was open; nothing was changed: open the catalog again`,
    { context: { file }, retryable: false },
  );
}

/** Which file a path means now; undefined if there is none that can be looked at. */
function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // Whatever the reason: nothing may be written then.
    return undefined;
  }
}

async function retryBusy<T>(timeoutMs: number, work: () => T): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      // A random pause, so that two processes do not keep meeting each other.
      await sleep(RETRY_MIN_MS + Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS));
    }
  }
}

async function useWriteAheadLog(db: DatabaseSync, busyTimeoutMs: number): Promise<JournalMode> {
  try {
    return await retryBusy(Math.min(busyTimeoutMs, 1000), () => journalMode(db, 'PRAGMA journal_mode = WAL'));
  } catch (error) {
    if (!isBusy(error)) throw error;
    // Somebody is using the file in its rollback-journal mode and does not let go.
    return retryBusy(busyTimeoutMs, () => journalMode(db, 'PRAGMA journal_mode'));
  }
}

function journalMode(db: DatabaseSync, pragma: string): JournalMode {
  return String(db.prepare(pragma).get()?.journal_mode).toLowerCase() as JournalMode;
}

const durableModes: ReadonlySet<string> = new Set(['wal', 'delete', 'truncate', 'persist']);

function assertDurable(db: DatabaseSync, mode: JournalMode, file: string): void {
  const statement = db.prepare('PRAGMA synchronous');
  statement.setReadBigInts(true);
  const synchronous = statement.get()?.synchronous;
  const enough = synchronous === EXTRA || (synchronous === FULL && mode === 'wal');
  if (enough && durableModes.has(mode)) return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `commits to ${file} would not be durable (journal mode ${mode}, synchronous ${synchronous})`,
    { context: { file, journalMode: mode, synchronous: String(synchronous) } },
  );
}

function rollBack(db: DatabaseSync): void {
  if (db.isTransaction) db.exec('ROLLBACK');
}

/**
 * Makes the name of a new file durable. Only the directory is opened: opening and closing the database file itself
 * would drop SQLite's locks on it in this process.
 */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
