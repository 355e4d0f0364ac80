import { type JsonFields, type Namespace, saysMissing, type TableIdentifier } from '@danube/iceberg';
import type { Caller } from './caller.ts';
import { toCatalogError, translating } from './error-mapping.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { allPages, readPage } from './pages.ts';
import { readNothing } from './reply-reading.ts';
import type { LoadTableOptions, RestLoadedTable } from './rest-catalog.ts';
import type { StorageAccess, StorageCredential } from './storage-access.ts';
import { readCredentials, readStorageAccess, readTable } from './table-reply.ts';
import { missingTable, tableSubject } from './table-subject.ts';

/** The operations that ask for tables and change nothing. Errors are those of `Catalog`. */
export class TableReads {
  readonly #caller: Caller;
  readonly #cache: MetadataCache;
  readonly #pageSize: string | undefined;

  constructor(caller: Caller, cache: MetadataCache, pageSize: number | undefined) {
    this.#caller = caller;
    this.#cache = cache;
    this.#pageSize = pageSize === undefined ? undefined : String(pageSize);
  }

  async list(namespace: Namespace): Promise<readonly TableIdentifier[]> {
    const { urls } = this.#caller;
    const subject = { what: `namespace ${namespace.join('.')}`, context: { namespace } };
    return translating(subject, () =>
      allPages((pageToken) =>
        this.#caller.send({
          operation: 'listTables',
          url: urls.namespace(namespace, 'tables', { pageToken, pageSize: this.#pageSize }),
          read: (reply) => readPage(reply, 'identifiers', readIdentifiers),
        }),
      ),
    );
  }

  /** The present state, which the server need not send if it is the one loaded last. */
  async load(
    identifier: TableIdentifier,
    { snapshots = 'all' }: LoadTableOptions = {},
  ): Promise<RestLoadedTable> {
    const known = this.#cache.get({ identifier, snapshots });
    try {
      const [table, etag] = await this.#caller.send({
        operation: 'loadTable',
        url: this.#caller.urls.table(identifier, undefined, snapshotsQuery(snapshots)),
        ...(known !== undefined && { headers: { 'if-none-match': known.etag } }),
        read: (reply): readonly [RestLoadedTable, string | undefined] =>
          reply.status === 304 && known !== undefined
            ? [known.table, known.etag]
            : [readTable(reply, identifier, snapshots), reply.etag],
      });
      this.#cache.set(table, etag);
      return table;
    } catch (error) {
      const translated = toCatalogError(error, tableSubject(identifier));
      if (saysMissing(translated)) this.#cache.delete(identifier);
      throw missingTable(translated, identifier);
    }
  }

  /** By HEAD where the server offers it, else by a load of as little as it takes. */
  async exists(identifier: TableIdentifier): Promise<boolean> {
    const hasHead = this.#caller.config.offers('tableExists');
    const url = this.#caller.urls.table(identifier, undefined, hasHead ? {} : snapshotsQuery('refs'));
    try {
      await translating(tableSubject(identifier), () =>
        this.#caller.send({ operation: hasHead ? 'tableExists' : 'loadTable', url, read: readNothing }),
      );
      return true;
    } catch (error) {
      if (saysMissing(error)) return false;
      throw error;
    }
  }

  /** As `load`; undefined if the catalog says that there is no such table. */
  async find(identifier: TableIdentifier): Promise<RestLoadedTable | undefined> {
    try {
      return await this.load(identifier);
    } catch (error) {
      if (saysMissing(error)) return undefined;
      throw error;
    }
  }

  /** How the files are reached, not from memory: what the server gave before may have expired. */
  async storageAccess(identifier: TableIdentifier): Promise<StorageAccess> {
    const url = this.#caller.urls.table(identifier, undefined, snapshotsQuery('refs'));
    return translating(tableSubject(identifier), () =>
      this.#caller.send({ operation: 'loadTable', url, read: readStorageAccess }),
    );
  }

  async credentials(identifier: TableIdentifier): Promise<readonly StorageCredential[]> {
    const url = this.#caller.urls.table(identifier, 'credentials');
    return translating(tableSubject(identifier), () =>
      this.#caller.send({ operation: 'loadCredentials', url, read: readCredentials }),
    );
  }
}

function snapshotsQuery(snapshots: 'all' | 'refs'): { readonly snapshots?: string } {
  // All is what the specification takes for granted, and older servers know no other.
  return snapshots === 'refs' ? { snapshots } : {};
}

function readIdentifiers(fields: JsonFields): readonly TableIdentifier[] {
  return fields.objects('identifiers', (table) => ({
    namespace: table.stringArray('namespace'),
    name: table.string('name'),
  }));
}
