import {
  type CommitOptions,
  type CommitRequest,
  type CreateTableOptions,
  IcebergError,
  type Namespace,
  type NamespacePropertiesUpdate,
  type TableIdentifier,
} from '@danube/iceberg';
import { Caller } from './caller.ts';
import { CommitCalls } from './commit-calls.ts';
import { toCatalogError } from './error-mapping.ts';
import { MetadataCache } from './metadata-cache.ts';
import { NamespaceCalls } from './namespace-calls.ts';
import {
  type ResolvedRestCatalogOptions,
  type RestCatalogOptions,
  resolveRestCatalogOptions,
} from './options.ts';
import { configUrl, ResourceUrls } from './resource-urls.ts';
import type {
  LoadTableOptions,
  RestCatalog,
  RestLoadedTable,
  StagedTable,
  TableChange,
} from './rest-catalog.ts';
import { RestClient } from './rest-client.ts';
import { readServerConfig } from './server-config.ts';
import type { Settling } from './settle.ts';
import { stageTable } from './stage-table.ts';
import type { StorageAccess, StorageCredential } from './storage-access.ts';
import { TableChanges } from './table-changes.ts';
import { TableReads } from './table-reads.ts';

/**
 * Opens a catalog: asks the server for its configuration, once. Errors: `INVALID_ARGUMENT` for options, and where the
 * server knows no such warehouse; `CATALOG_UNAVAILABLE`, `ACCESS_DENIED`, `INVALID_METADATA` for a configuration that
 * breaks the specification. Then nothing stays open; `auth` does where it was the options that were refused.
 */
export async function openRestCatalog(options: RestCatalogOptions): Promise<RestCatalog> {
  const resolved = resolveRestCatalogOptions(options);
  const client = openClient(resolved);
  try {
    const config = await client.send({
      operation: 'getConfig',
      url: configUrl(resolved.uri, resolved.warehouse),
      read: (reply) => readServerConfig(reply, resolved),
    });
    return new OpenRestCatalog(resolved, client, new Caller(client, config, new ResourceUrls(config)));
  } catch (error) {
    // What the opening failed for says more.
    await client.close().catch(() => {});
    const warehouse = resolved.warehouse === undefined ? '' : `, warehouse ${resolved.warehouse}`;
    const context = { uri: resolved.uri, warehouse: resolved.warehouse };
    throw toCatalogError(error, { what: `${resolved.uri}${warehouse}`, context });
  }
}

/** What retries and breaker do not take is the caller's mistake, like other options. */
function openClient(options: ResolvedRestCatalogOptions): RestClient {
  try {
    return new RestClient(options);
  } catch (cause) {
    throw new IcebergError('INVALID_ARGUMENT', `REST catalog: ${(cause as Error).message}`, { cause });
  }
}

class OpenRestCatalog implements RestCatalog {
  readonly properties: Readonly<Record<string, string>>;
  readonly #settling: Settling;
  readonly #client: RestClient;
  readonly #caller: Caller;
  readonly #namespaces: NamespaceCalls;
  readonly #tables: TableReads;
  readonly #changes: TableChanges;
  readonly #commits: CommitCalls;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedRestCatalogOptions, client: RestClient, caller: Caller) {
    const cache = new MetadataCache(options.cachedTables);
    this.properties = caller.config.properties;
    this.#settling = { options, closing: client.closing };
    this.#client = client;
    this.#caller = caller;
    this.#namespaces = new NamespaceCalls(caller, this.#settling, options.pageSize);
    this.#tables = new TableReads(caller, cache, options.pageSize);
    this.#changes = new TableChanges(caller, cache, this.#tables, this.#settling);
    this.#commits = new CommitCalls(caller, cache, (identifier) => this.#tables.load(identifier));
  }

  async createNamespace(namespace: Namespace, properties?: Readonly<Record<string, string>>): Promise<void> {
    await this.#namespaces.create(namespace, properties);
  }

  async listNamespaces(parent?: Namespace): Promise<readonly Namespace[]> {
    return this.#namespaces.list(parent);
  }

  async loadNamespaceProperties(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
    return this.#namespaces.properties(namespace);
  }

  async updateNamespaceProperties(
    namespace: Namespace,
    change: Parameters<RestCatalog['updateNamespaceProperties']>[1],
  ): Promise<NamespacePropertiesUpdate> {
    return this.#namespaces.update(namespace, change);
  }

  async dropNamespace(namespace: Namespace): Promise<void> {
    await this.#namespaces.drop(namespace);
  }

  async namespaceExists(namespace: Namespace): Promise<boolean> {
    return this.#namespaces.exists(namespace);
  }

  async createTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<RestLoadedTable> {
    return this.#changes.create(identifier, options);
  }

  async stageTable(identifier: TableIdentifier, options: CreateTableOptions): Promise<StagedTable> {
    const context = {
      caller: this.#caller,
      tables: this.#tables,
      commits: this.#commits,
      settling: this.#settling,
    };
    return stageTable(context, identifier, options);
  }

  async loadTable(identifier: TableIdentifier, options?: LoadTableOptions): Promise<RestLoadedTable> {
    return this.#tables.load(identifier, options);
  }

  async listTables(namespace: Namespace): Promise<readonly TableIdentifier[]> {
    return this.#tables.list(namespace);
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    return this.#tables.exists(identifier);
  }

  async dropTable(identifier: TableIdentifier, options?: { readonly purge?: boolean }): Promise<void> {
    await this.#changes.drop(identifier, options);
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    await this.#changes.rename(from, to);
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<RestLoadedTable> {
    return this.#changes.register(identifier, metadataLocation);
  }

  async commitTable(
    identifier: TableIdentifier,
    request: CommitRequest,
    options?: CommitOptions,
  ): Promise<RestLoadedTable> {
    return this.#commits.commit(identifier, request, options);
  }

  async commitTransaction(changes: readonly TableChange[], options?: CommitOptions): Promise<void> {
    await this.#commits.commitAll(changes, options);
  }

  async storageAccess(identifier: TableIdentifier): Promise<StorageAccess> {
    return this.#tables.storageAccess(identifier);
  }

  async loadCredentials(identifier: TableIdentifier): Promise<readonly StorageCredential[]> {
    return this.#tables.credentials(identifier);
  }

  async loadView(): Promise<never> {
    throw noViews();
  }

  async listViews(): Promise<never> {
    throw noViews();
  }

  async close(): Promise<void> {
    this.#closing ??= this.#client.close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function noViews(): IcebergError {
  return new IcebergError('UNSUPPORTED_FEATURE', 'views are not supported by this release');
}
