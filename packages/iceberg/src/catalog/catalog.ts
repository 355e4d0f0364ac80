import type { CreateTableOptions } from '../metadata/create-table-options.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { TableRequirement } from './table-requirement.ts';
import type { TableUpdate } from './table-update.ts';

/** The levels of a namespace, outermost first; never empty, and no level is. */
export type Namespace = readonly string[];

export interface TableIdentifier {
  readonly namespace: Namespace;
  readonly name: string;
}

/** A table as a catalog gave it: one state, which later commits do not change. */
export interface LoadedTable {
  readonly identifier: TableIdentifier;
  /** URI of the metadata file that `metadata` was read from (or written to). */
  readonly metadataLocation: string;
  readonly metadata: TableMetadata;
}

/** A commit: all updates are applied at once if every requirement holds, else none. */
export interface CommitRequest {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
}

export interface CommitOptions {
  /**
   * UUIDv7 that stays the same when the very same request is sent again. Catalogs that cannot use it ignore
   * it: the request's own requirements make sending it again safe.
   */
  readonly idempotencyKey?: string;
}

/** The outcome of a change of namespace properties. */
export interface NamespacePropertiesUpdate {
  readonly updated: readonly string[];
  readonly removed: readonly string[];
  /** Keys to remove that were not there. */
  readonly missing: readonly string[];
}

/**
 * Names of tables, and for each the metadata file that is its present state. Every method may be called at
 * any time by any number of callers; what `commitTable` does is atomic for all of them.
 *
 * Errors: `NAMESPACE_NOT_FOUND`, `TABLE_NOT_FOUND`, `ALREADY_EXISTS`, `NAMESPACE_NOT_EMPTY`,
 * `INVALID_ARGUMENT` (an empty name, an update that cannot apply), `CATALOG_UNAVAILABLE`, and for commits
 * `COMMIT_CONFLICT` and `COMMIT_STATE_UNKNOWN`.
 */
export interface Catalog {
  /** `ALREADY_EXISTS` if it is there. */
  createNamespace(namespace: Namespace, properties?: Readonly<Record<string, string>>): Promise<void>;
  /** The namespaces directly below `parent`, or the top ones; `NAMESPACE_NOT_FOUND` if there is no such parent. */
  listNamespaces(parent?: Namespace): Promise<readonly Namespace[]>;
  loadNamespaceProperties(namespace: Namespace): Promise<Readonly<Record<string, string>>>;
  /** A key both set and removed is `INVALID_ARGUMENT`. */
  updateNamespaceProperties(
    namespace: Namespace,
    change: {
      readonly updates?: Readonly<Record<string, string>>;
      readonly removals?: readonly string[];
    },
  ): Promise<NamespacePropertiesUpdate>;
  /** `NAMESPACE_NOT_EMPTY` while it holds tables or namespaces, `NAMESPACE_NOT_FOUND` if it is not there. */
  dropNamespace(namespace: Namespace): Promise<void>;
  namespaceExists(namespace: Namespace): Promise<boolean>;

  /** `NAMESPACE_NOT_FOUND` without its namespace, `ALREADY_EXISTS` if the name is taken. */
  createTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<LoadedTable>;
  /** The present state; a commit that resolved before this call began is in it. */
  loadTable(identifier: TableIdentifier): Promise<LoadedTable>;
  listTables(namespace: Namespace): Promise<readonly TableIdentifier[]>;
  tableExists(identifier: TableIdentifier): Promise<boolean>;
  /**
   * Removes the name. The files stay unless `purge` is set: what must be deleted is read first then, and if that cannot
   * be read (`IO_ERROR`, `INVALID_MANIFEST`) nothing has happened. Once the name is gone, files that cannot be deleted
   * are passed over.
   */
  dropTable(identifier: TableIdentifier, options?: { readonly purge?: boolean }): Promise<void>;
  renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void>;
  /** Makes an existing metadata file a table of this catalog; the file is read and must be sound. */
  registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable>;

  /**
   * Applies the request to the table's present state. When the promise resolves the change is durable and
   * visible to every later load, and the result is the state it made. On `COMMIT_CONFLICT` nothing
   * changed. On `COMMIT_STATE_UNKNOWN` it may have: reload, and delete nothing. `TABLE_NOT_FOUND` says that the table is
   * not there now; a remote catalog may have made the change before the table was renamed or dropped.
   */
  commitTable(
    identifier: TableIdentifier,
    request: CommitRequest,
    options?: CommitOptions,
  ): Promise<LoadedTable>;
}
