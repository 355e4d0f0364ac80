import { IcebergError } from '../errors.ts';
import { deleteFiles } from '../io/delete-files.ts';
import type { FileIO } from '../io/file-io.ts';
import { preparePurge } from '../maintenance/purge-table.ts';
import { createTableMetadata, withoutTrailingSlash } from '../metadata/create-table-metadata.ts';
import {
  loadTableMetadata,
  newMetadataLocation,
  obsoleteMetadataFiles,
  writeTableMetadata,
} from '../metadata/metadata-file.ts';
import { applyCommit } from './apply-commit.ts';
import type { Catalog, LoadedTable, Namespace, TableIdentifier } from './catalog.ts';
import { checkNamespace, checkTableIdentifier, formatIdentifier } from './catalog-names.ts';
import { newTableLocation } from './table-location.ts';

export interface MemoryCatalogOptions {
  /** Where metadata files are written. */
  readonly io: FileIO;
  /** Base URI under which tables without an own location are placed, unless their namespace has a `location`. */
  readonly warehouse: string;
}

/**
 * A catalog whose names live in memory and end with the process; metadata files go to `io`. For tests and
 * for tables of one process. A commit is visible when its metadata file is durable and the name points to it.
 * Concurrent commits that do not contradict each other all succeed, as with a REST catalog.
 */
export function createMemoryCatalog(options: MemoryCatalogOptions): Catalog {
  return new MemoryCatalog(options);
}

interface NamespaceEntry {
  readonly namespace: Namespace;
  readonly properties: Readonly<Record<string, string>>;
}

class MemoryCatalog implements Catalog {
  readonly #io: FileIO;
  readonly #warehouse: string;
  readonly #namespaces = new Map<string, NamespaceEntry>();
  readonly #tables = new Map<string, LoadedTable>();

  constructor({ io, warehouse }: MemoryCatalogOptions) {
    this.#io = io;
    this.#warehouse = withoutTrailingSlash(warehouse);
  }

  async createNamespace(
    namespace: Namespace,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    checkNamespace(namespace);
    if (this.#hasNamespace(namespace)) throw alreadyExists('namespace', namespace.join('.'));
    this.#namespaces.set(keyOf(namespace), { namespace: [...namespace], properties: { ...properties } });
  }

  async listNamespaces(parent: Namespace = []): Promise<readonly Namespace[]> {
    if (parent.length > 0) this.#requireNamespace(parent);
    const children = new Map<string, Namespace>();
    for (const { namespace } of this.#namespaces.values()) {
      if (namespace.length <= parent.length || !startsWith(namespace, parent)) continue;
      const child = namespace.slice(0, parent.length + 1);
      children.set(keyOf(child), child);
    }
    return [...children.values()];
  }

  async loadNamespaceProperties(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
    this.#requireNamespace(namespace);
    return { ...this.#namespaces.get(keyOf(namespace))?.properties };
  }

  async updateNamespaceProperties(
    namespace: Namespace,
    { updates = {}, removals = [] }: Parameters<Catalog['updateNamespaceProperties']>[1],
  ): ReturnType<Catalog['updateNamespaceProperties']> {
    this.#requireNamespace(namespace);
    const both = removals.find((key) => Object.hasOwn(updates, key));
    if (both !== undefined) {
      throw new IcebergError('INVALID_ARGUMENT', `property ${both} is both set and removed`, {
        context: { key: both },
      });
    }
    const before = this.#namespaces.get(keyOf(namespace))?.properties ?? {};
    const kept = Object.entries(before).filter(([key]) => !removals.includes(key));
    const properties = { ...Object.fromEntries(kept), ...updates };
    this.#namespaces.set(keyOf(namespace), { namespace: [...namespace], properties });
    return {
      updated: Object.keys(updates),
      removed: removals.filter((key) => Object.hasOwn(before, key)),
      missing: removals.filter((key) => !Object.hasOwn(before, key)),
    };
  }

  async dropNamespace(namespace: Namespace): Promise<void> {
    this.#requireNamespace(namespace);
    const below = [...this.#namespaces.values()].some(
      (other) => other.namespace.length > namespace.length && startsWith(other.namespace, namespace),
    );
    if (below || this.#tablesIn(namespace).length > 0) {
      throw new IcebergError('NAMESPACE_NOT_EMPTY', `namespace ${namespace.join('.')} is not empty`, {
        context: { namespace },
      });
    }
    this.#namespaces.delete(keyOf(namespace));
  }

  async namespaceExists(namespace: Namespace): Promise<boolean> {
    checkNamespace(namespace);
    return this.#hasNamespace(namespace);
  }

  async createTable(
    identifier: TableIdentifier,
    options: Parameters<Catalog['createTable']>[1],
  ): Promise<LoadedTable> {
    this.#requireFree(identifier);
    const location = options.location ?? this.#defaultLocation(identifier);
    const metadata = createTableMetadata({ ...options, location });
    const metadataLocation = newMetadataLocation(metadata);
    await writeTableMetadata(this.#io, metadata, metadataLocation);
    try {
      return this.#insert({ identifier: copyOf(identifier), metadataLocation, metadata });
    } catch (error) {
      await deleteFiles(this.#io, [metadataLocation]);
      throw error;
    }
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable> {
    return this.#requireTable(identifier);
  }

  async listTables(namespace: Namespace): Promise<readonly TableIdentifier[]> {
    this.#requireNamespace(namespace);
    return this.#tablesIn(namespace).map((table) => table.identifier);
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    checkTableIdentifier(identifier);
    return this.#tables.has(tableKey(identifier));
  }

  async dropTable(identifier: TableIdentifier, options: { readonly purge?: boolean } = {}): Promise<void> {
    const table = this.#requireTable(identifier);
    if (!options.purge) {
      this.#tables.delete(tableKey(identifier));
      return;
    }
    const isPresent = (): boolean => this.#tables.get(tableKey(identifier)) === table;
    // Reads what must be deleted first: a table of which that cannot be read is not dropped.
    const purge = await preparePurge(this.#io, table).catch((error: unknown) => {
      if (isPresent()) throw error;
      return undefined;
    });
    // The files that go are those of the state that is dropped: if somebody committed meanwhile, look again.
    if (purge === undefined || !isPresent()) return this.dropTable(identifier, options);
    this.#tables.delete(tableKey(identifier));
    await purge.deleteFiles();
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    const table = this.#requireTable(from);
    this.#insert({ ...table, identifier: copyOf(to) });
    this.#tables.delete(tableKey(from));
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    this.#requireFree(identifier);
    const metadata = await loadTableMetadata(this.#io, metadataLocation);
    return this.#insert({ identifier: copyOf(identifier), metadataLocation, metadata });
  }

  async commitTable(
    identifier: TableIdentifier,
    request: Parameters<Catalog['commitTable']>[1],
  ): Promise<LoadedTable> {
    const base = this.#requireTable(identifier);
    const metadata = applyCommit(base.metadata, request, { metadataLocation: base.metadataLocation });
    if (metadata === base.metadata) return base;
    const metadataLocation = newMetadataLocation(metadata, base.metadataLocation);
    await writeTableMetadata(this.#io, metadata, metadataLocation);
    // The commit point: between this check and the set nothing else runs.
    if (this.#tables.get(tableKey(identifier)) === base) {
      const committed: LoadedTable = { ...base, metadataLocation, metadata };
      this.#tables.set(tableKey(identifier), committed);
      await deleteFiles(this.#io, obsoleteMetadataFiles(base.metadata, metadata));
      return committed;
    }
    // Somebody else committed meanwhile. If what the request asserts still holds, it applies to that state too.
    await deleteFiles(this.#io, [metadataLocation]);
    return this.commitTable(identifier, request);
  }

  #insert(table: LoadedTable): LoadedTable {
    this.#requireFree(table.identifier);
    this.#tables.set(tableKey(table.identifier), table);
    return table;
  }

  #requireFree(identifier: TableIdentifier): void {
    checkTableIdentifier(identifier);
    this.#requireNamespace(identifier.namespace);
    if (this.#tables.has(tableKey(identifier))) throw alreadyExists('table', formatIdentifier(identifier));
  }

  #requireTable(identifier: TableIdentifier): LoadedTable {
    checkTableIdentifier(identifier);
    const table = this.#tables.get(tableKey(identifier));
    if (table !== undefined) return table;
    throw new IcebergError('TABLE_NOT_FOUND', `there is no table ${formatIdentifier(identifier)}`, {
      context: { identifier },
    });
  }

  #requireNamespace(namespace: Namespace): void {
    checkNamespace(namespace);
    if (this.#hasNamespace(namespace)) return;
    throw new IcebergError('NAMESPACE_NOT_FOUND', `there is no namespace ${namespace.join('.')}`, {
      context: { namespace },
    });
  }

  /** A namespace is there when it was created, or one below it was. */
  #hasNamespace(namespace: Namespace): boolean {
    return [...this.#namespaces.values()].some((other) => startsWith(other.namespace, namespace));
  }

  #tablesIn(namespace: Namespace): readonly LoadedTable[] {
    const key = keyOf(namespace);
    return [...this.#tables.values()].filter((table) => keyOf(table.identifier.namespace) === key);
  }

  #defaultLocation(identifier: TableIdentifier): string {
    const properties = this.#namespaces.get(keyOf(identifier.namespace))?.properties ?? {};
    return newTableLocation(this.#warehouse, identifier, properties.location);
  }
}

function startsWith(namespace: Namespace, parent: Namespace): boolean {
  return parent.every((level, index) => namespace[index] === level);
}

function keyOf(namespace: Namespace): string {
  return JSON.stringify(namespace);
}

function tableKey({ namespace, name }: TableIdentifier): string {
  return JSON.stringify([...namespace, name]);
}

function copyOf({ namespace, name }: TableIdentifier): TableIdentifier {
  return { namespace: [...namespace], name };
}

function alreadyExists(what: string, name: string): IcebergError {
  return new IcebergError('ALREADY_EXISTS', `${what} ${name} is there already`, {
    context: { [what]: name },
  });
}
