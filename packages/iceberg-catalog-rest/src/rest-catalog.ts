import type {
  Catalog,
  CommitOptions,
  CommitRequest,
  CreateTableOptions,
  LoadedTable,
  Namespace,
  TableIdentifier,
} from '@danube/iceberg';
import type { StorageAccess, StorageCredential } from './storage-access.ts';

/** Which snapshots a load brings: `refs` are only those that a branch or tag points to. */
export type SnapshotsLoaded = 'all' | 'refs';

export interface LoadTableOptions {
  /**
   * Default `all`. With `refs` the server may leave out what no branch or tag points to, which is less to send where
   * the history is long. Enough to scan and to append; not for history, time travel, expiry, or to look for the
   * outcome of a commit: those need `all`.
   */
  readonly snapshots?: SnapshotsLoaded;
}

/** A table as the server gave it. */
export interface RestLoadedTable extends LoadedTable {
  /** With `refs`, `metadata.snapshots` may lack snapshots that the table has. */
  readonly snapshots: SnapshotsLoaded;
}

/** The changes of one table in a commit of several. */
export interface TableChange extends CommitRequest {
  readonly identifier: TableIdentifier;
}

/** A table that the server has prepared and nobody can see: its first commit makes it. */
export interface StagedTable {
  readonly identifier: TableIdentifier;
  /** To plan a first commit on; `metadataLocation` is empty, because there is no file yet. */
  readonly base: LoadedTable;
  /**
   * Makes the table, with these updates in the same commit. Requirements are left out: there is no table yet that
   * could meet them. `ALREADY_EXISTS` if another table has the name by now. A lost reply is looked up by the uuid of
   * the staged table and the snapshots of the updates; `COMMIT_STATE_UNKNOWN` only where that cannot tell. It may be
   * called again then, with the same updates.
   */
  commit(changes?: CommitRequest, options?: CommitOptions): Promise<RestLoadedTable>;
}

/**
 * A catalog behind Iceberg's REST protocol.
 *
 * What `Catalog` promises of codes holds here, and more of outcomes: a call that may have taken effect is never
 * reported as one that failed. Where its reply was lost and looking cannot tell, it is `COMMIT_STATE_UNKNOWN`, also for
 * creations, drops and renames.
 */
export interface RestCatalog extends Catalog {
  /** The configuration in force: the server's defaults, the client's properties, the server's overrides. */
  readonly properties: Readonly<Record<string, string>>;

  createTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<RestLoadedTable>;
  loadTable(identifier: TableIdentifier, options?: LoadTableOptions): Promise<RestLoadedTable>;
  registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<RestLoadedTable>;
  commitTable(
    identifier: TableIdentifier,
    request: CommitRequest,
    options?: CommitOptions,
  ): Promise<RestLoadedTable>;
  /** Has the server prepare a table without making it. `UNSUPPORTED_FEATURE` where servers cannot. */
  stageTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<StagedTable>;
  /** Commits to several tables at once: all changes happen, or none. Codes as of `commitTable`. */
  commitTransaction(changes: readonly TableChange[], options?: CommitOptions): Promise<void>;
  /**
   * How the server lets this client reach the table's files, asked with each call by a load that is not answered from
   * memory: credentials expire. Empty where the server gives nothing; most want `accessDelegation`.
   */
  storageAccess(identifier: TableIdentifier): Promise<StorageAccess>;
  /** Fresh credentials alone. `UNSUPPORTED_FEATURE` where the server has no endpoint for them. */
  loadCredentials(identifier: TableIdentifier): Promise<readonly StorageCredential[]>;

  /** Views are not supported: always `UNSUPPORTED_FEATURE`. A name that a view has is no table's, and taken. */
  loadView(identifier: TableIdentifier): Promise<never>;
  /** Always `UNSUPPORTED_FEATURE`. */
  listViews(namespace: Namespace): Promise<never>;

  /** Waits for calls under way, then closes connections and `auth`. Later calls are `CATALOG_UNAVAILABLE`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
