import {
  applyCommit,
  type Catalog,
  type CommitRequest,
  type CreateTableOptions,
  createTableMetadata,
  deleteFiles,
  type FileIO,
  IcebergError,
  type LoadedTable,
  loadTableMetadata,
  type Namespace,
  type NamespacePropertiesUpdate,
  newMetadataLocation,
  newTableLocation,
  obsoleteMetadataFiles,
  type PreparedPurge,
  preparePurge,
  type TableIdentifier,
  type TableMetadata,
  writeTableMetadata,
} from '@danube/iceberg';
import { CatalogDatabase, closed, type JournalMode } from './database.ts';
import { MetadataCache } from './metadata-cache.ts';
import { shown } from './names.ts';
import { NamespaceRows } from './namespace-rows.ts';
import { resolveSqlCatalogOptions, type SqlCatalogOptions } from './options.ts';
import type { SchemaVersion } from './schema.ts';
import { TableRows } from './table-rows.ts';

/** How often a commit that lost the race is applied to the newer state before it is a conflict. */
const MAX_LOST_RACES = 20;
/** States kept, so that the writer of a table need not read back what it wrote; about a kilobyte for each snapshot. */
const MAX_CACHED_TABLES = 16;

/** An Iceberg catalog in a SQLite file. Any number of them, also in other processes, may use one file. */
export interface SqlCatalog extends Catalog {
  /** The layout found in the file when it was opened: V0 files, which have no views, are used as they are. */
  readonly schemaVersion: SchemaVersion;
  /** The journal mode in use; `wal` unless the file could not be changed to it. */
  readonly journalMode: JournalMode;
  /**
   * Waits for the operations under way, brings everything into the one file, and closes it. Later calls fail with
   * `CATALOG_UNAVAILABLE`. May be called again.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens (or makes) an Iceberg catalog in a SQLite file, in the schema of Iceberg's JDBC catalog: PyIceberg's SqlCatalog
 * and Java's JdbcCatalog open the same file, at the same time if they like.
 *
 * A commit writes the new metadata file through `io`, durably, and then sets the table's row by one conditional UPDATE
 * with `synchronous=FULL`: **that is the moment it becomes visible and durable**. No transaction is ever open while
 * files are read or written, and waiting for another process's lock leaves the event loop free.
 *
 * Errors: `INVALID_ARGUMENT` (options, or the file is something else), `ACCESS_DENIED`, `CATALOG_UNAVAILABLE`.
 */
export async function openSqlCatalog(options: SqlCatalogOptions): Promise<SqlCatalog> {
  const resolved = resolveSqlCatalogOptions(options);
  const database = await CatalogDatabase.open(resolved.file, resolved.busyTimeoutMs, resolved.openDatabase);
  return new SqliteCatalog(database, resolved);
}

class SqliteCatalog implements SqlCatalog {
  readonly #database: CatalogDatabase;
  readonly #namespaces: NamespaceRows;
  readonly #tables: TableRows;
  readonly #io: FileIO;
  readonly #warehouse: string;
  readonly #states = new MetadataCache(MAX_CACHED_TABLES);
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(database: CatalogDatabase, options: Required<SqlCatalogOptions>) {
    this.#database = database;
    this.#namespaces = new NamespaceRows(database, options.name);
    this.#tables = new TableRows(database, this.#namespaces, options.name);
    this.#io = options.io;
    this.#warehouse = options.warehouse;
  }

  get schemaVersion(): SchemaVersion {
    return this.#database.schemaVersion;
  }

  get journalMode(): JournalMode {
    return this.#database.journalMode;
  }

  async createNamespace(
    namespace: Namespace,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    return this.#running(() => this.#namespaces.create(namespace, properties));
  }

  async listNamespaces(parent?: Namespace): Promise<readonly Namespace[]> {
    return this.#running(() => this.#namespaces.list(parent));
  }

  async loadNamespaceProperties(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
    return this.#running(() => this.#namespaces.properties(namespace));
  }

  async updateNamespaceProperties(
    namespace: Namespace,
    { updates = {}, removals = [] }: Parameters<Catalog['updateNamespaceProperties']>[1],
  ): Promise<NamespacePropertiesUpdate> {
    return this.#running(() => this.#namespaces.update(namespace, updates, removals));
  }

  async dropNamespace(namespace: Namespace): Promise<void> {
    return this.#running(() => this.#namespaces.drop(namespace));
  }

  async namespaceExists(namespace: Namespace): Promise<boolean> {
    return this.#running(() => this.#namespaces.exists(namespace));
  }

  async createTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<LoadedTable> {
    return this.#running(async () => {
      await this.#tables.checkFree(identifier);
      const location = options.location ?? (await this.#defaultLocation(identifier));
      const metadata = createTableMetadata({ ...options, location });
      const metadataLocation = newMetadataLocation(metadata);
      await this.#writingFile(metadata, metadataLocation, () =>
        this.#tables.insert(identifier, metadataLocation),
      );
      return { identifier: copyOf(identifier), metadataLocation, metadata };
    });
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable> {
    return this.#running(() => this.#load(identifier));
  }

  async listTables(namespace: Namespace): Promise<readonly TableIdentifier[]> {
    return this.#running(() => this.#tables.list(namespace));
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    return this.#running(() => this.#tables.exists(identifier));
  }

  /** See `Catalog.dropTable`. With `purge` it is a `COMMIT_CONFLICT` if others commit while each of 20 attempts reads. */
  async dropTable(identifier: TableIdentifier, options: { readonly purge?: boolean } = {}): Promise<void> {
    return this.#running(async () => {
      if (!options.purge) {
        await this.#tables.remove(identifier);
        return;
      }
      // Reads what must be deleted first: a table of which that cannot be read is not dropped. The files that go are
      // those of the state that is dropped: if somebody committed meanwhile, look again.
      for (let lost = 0; lost < MAX_LOST_RACES; lost += 1) {
        const table = await this.#load(identifier);
        const purge = await this.#preparePurge(table);
        if (purge === undefined || !(await this.#tables.remove(identifier, table.metadataLocation))) continue;
        await purge.deleteFiles();
        return;
      }
      throw alwaysLost(identifier);
    });
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    return this.#running(() => this.#tables.rename(from, to));
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    return this.#running(async () => {
      await this.#tables.checkFree(identifier);
      const metadata = await loadTableMetadata(this.#io, metadataLocation);
      await this.#tables.insert(identifier, metadataLocation);
      return { identifier: copyOf(identifier), metadataLocation, metadata };
    });
  }

  /**
   * See `Catalog.commitTable`. If another commit comes first the request is applied to the state that one made, with
   * its requirements checked there; after 20 lost races it is a `COMMIT_CONFLICT`. Idempotency keys are not used.
   */
  async commitTable(identifier: TableIdentifier, request: CommitRequest): Promise<LoadedTable> {
    return this.#running(async () => {
      for (let lost = 0; lost < MAX_LOST_RACES; lost += 1) {
        const committed = await this.#tryCommit(identifier, request);
        if (committed !== undefined) return committed;
      }
      throw alwaysLost(identifier);
    });
  }

  async close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#underWay);
      this.#database.close();
    })();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Undefined if what cannot be read may be what another commit, made meanwhile, has removed. */
  async #preparePurge(table: LoadedTable): Promise<PreparedPurge | undefined> {
    try {
      return await preparePurge(this.#io, table);
    } catch (error) {
      if ((await this.#tables.find(table.identifier)) === table.metadataLocation) throw error;
      return undefined;
    }
  }

  /** One attempt: the new state, or undefined if another commit came between load and swap (nothing happened). */
  async #tryCommit(identifier: TableIdentifier, request: CommitRequest): Promise<LoadedTable | undefined> {
    const base = await this.#load(identifier);
    const metadata = applyCommit(base.metadata, request, { metadataLocation: base.metadataLocation });
    if (metadata === base.metadata) return base;
    const metadataLocation = newMetadataLocation(metadata, base.metadataLocation);
    const swapped = await this.#writingFile(metadata, metadataLocation, () =>
      this.#tables.swap(identifier, base.metadataLocation, metadataLocation),
    );
    if (!swapped) {
      await deleteFiles(this.#io, [metadataLocation]);
      return undefined;
    }
    this.#states.set(metadataLocation, metadata, base.metadataLocation);
    await deleteFiles(this.#io, obsoleteMetadataFiles(base.metadata, metadata));
    return { identifier: base.identifier, metadataLocation, metadata };
  }

  /**
   * Writes a metadata file and then lets a row name it. If the row certainly does not, the file is removed; if that
   * cannot be known, it stays: it may be the table.
   */
  async #writingFile<T>(metadata: TableMetadata, location: string, point: () => Promise<T>): Promise<T> {
    try {
      // Durable before any row names it.
      await writeTableMetadata(this.#io, metadata, location);
      return await point();
    } catch (error) {
      const known = IcebergError.is(error) && error.code !== 'COMMIT_STATE_UNKNOWN';
      if (known) await deleteFiles(this.#io, [location]);
      throw error;
    }
  }

  async #load(identifier: TableIdentifier): Promise<LoadedTable> {
    let metadataLocation = await this.#tables.find(identifier);
    for (;;) {
      try {
        const metadata = await this.#state(metadataLocation);
        return { identifier: copyOf(identifier), metadataLocation, metadata };
      } catch (error) {
        // Commits may have gone on and removed the file since we read the row: then the row says another one.
        const present = await this.#tables.find(identifier);
        if (present === metadataLocation) throw unreadable(identifier, metadataLocation, error);
        metadataLocation = present;
      }
    }
  }

  async #state(metadataLocation: string): Promise<TableMetadata> {
    const known = this.#states.get(metadataLocation);
    if (known !== undefined) return known;
    const metadata = await loadTableMetadata(this.#io, metadataLocation);
    this.#states.set(metadataLocation, metadata);
    return metadata;
  }

  async #defaultLocation(identifier: TableIdentifier): Promise<string> {
    const properties = await this.#namespaces.properties(identifier.namespace);
    return newTableLocation(this.#warehouse, identifier, properties.location);
  }

  async #running<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed(this.#database.file);
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}

function copyOf({ namespace, name }: TableIdentifier): TableIdentifier {
  return { namespace: [...namespace], name };
}

function alwaysLost(identifier: TableIdentifier): IcebergError {
  const message = `${shown(identifier)} changed under each of ${MAX_LOST_RACES} attempts`;
  return new IcebergError('COMMIT_CONFLICT', message, { context: { identifier, attempts: MAX_LOST_RACES } });
}

/** The error says which table and which file, and keeps the code: a damaged file is another case than a failing disk. */
function unreadable(identifier: TableIdentifier, metadataLocation: string, error: unknown): IcebergError {
  const known = IcebergError.is(error);
  const detail = known ? error.message : String(error);
  const message = `the metadata file of ${shown(identifier)}, ${metadataLocation}, cannot be read (${detail})`;
  return new IcebergError(known ? error.code : 'IO_ERROR', message, {
    context: { identifier, metadataLocation },
    cause: error,
    retryable: known && error.retryable,
  });
}
