import type {
  Catalog,
  CommitOptions,
  CommitRequest,
  CreateTableOptions,
  LoadedTable,
  TableIdentifier,
} from '@danube/iceberg';
import type { StorageAccess } from './storage-access.ts';

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
   * the staged table; `COMMIT_STATE_UNKNOWN` only where that cannot tell.
   */
  commit(changes?: CommitRequest, options?: CommitOptions): Promise<LoadedTable>;
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

  loadTable(identifier: TableIdentifier, options?: LoadTableOptions): Promise<RestLoadedTable>;
  /** Has the server prepare a table without making it. `UNSUPPORTED_FEATURE` where servers cannot. */
  stageTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<StagedTable>;
  /** Commits to several tables at once: all changes happen, or none. Codes as of `commitTable`. */
  commitTransaction(changes: readonly TableChange[], options?: CommitOptions): Promise<void>;
  /**
   * How the server lets this client reach the table's files, asked anew with each call: from the credentials endpoint
   * where there is one, else from a load. Empty where the server gives nothing. Needs `accessDelegation` with most
   * servers.
   */
  storageAccess(identifier: TableIdentifier): Promise<StorageAccess>;

  /** Waits for calls under way, then closes connections and `auth`. Later calls are `CATALOG_UNAVAILABLE`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
