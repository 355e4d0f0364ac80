import {
  type CreateTableOptions,
  formatIdentifier,
  IcebergError,
  type JsonFields,
  type Namespace,
  type TableIdentifier,
} from '@danube/iceberg';
import type { Caller } from './caller.ts';
import { checkCreation, createRequestToJson } from './create-request.ts';
import { type ErrorSubject, saysMissing, toCatalogError } from './error-mapping.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { allPages, readPage } from './pages.ts';
import { readNothing } from './reply-reading.ts';
import type { LoadTableOptions, RestLoadedTable } from './rest-catalog.ts';
import type { RestReply, RestRequest } from './rest-request.ts';
import { type Seen, type Settling, settle } from './settle.ts';
import type { StorageAccess, StorageCredential } from './storage-access.ts';
import { copyOf, readCredentials, readStorageAccess, readTable } from './table-reply.ts';

/** The operations on tables, commits aside. Errors are those of `Catalog`. */
export class TableCalls {
  readonly #caller: Caller;
  readonly #cache: MetadataCache;
  readonly #settling: Settling;
  readonly #pageSize: string | undefined;

  constructor(caller: Caller, cache: MetadataCache, settling: Settling, pageSize: number | undefined) {
    this.#caller = caller;
    this.#cache = cache;
    this.#settling = settling;
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

  async create(identifier: TableIdentifier, options: CreateTableOptions): Promise<RestLoadedTable> {
    checkCreation(identifier, options, this.#caller);
    const url = this.#caller.urls.namespace(identifier.namespace, 'tables');
    const body = createRequestToJson(identifier, options);
    const key = this.#caller.newKey();
    return this.#makeTable(identifier, { operation: 'createTable', url, body, key }, async () => {
      // A table does not say who made it: it may be ours.
      return (await this.#find(identifier)) === undefined ? { kind: 'not-yet' } : { kind: 'unclear' };
    });
  }

  async register(identifier: TableIdentifier, metadataLocation: string): Promise<RestLoadedTable> {
    // Checks the name, which is in the body only.
    this.#caller.urls.table(identifier);
    const url = this.#caller.urls.namespace(identifier.namespace, 'register');
    const body = { name: identifier.name, 'metadata-location': metadataLocation };
    const key = this.#caller.newKey();
    return this.#makeTable(identifier, { operation: 'registerTable', url, body, key }, async () => {
      const table = await this.#find(identifier);
      if (table === undefined) return { kind: 'not-yet' };
      return table.metadataLocation === metadataLocation
        ? { kind: 'happened', value: table }
        : { kind: 'unclear' };
    });
  }

  /** The table is looked at first: without its uuid nobody could tell afterwards whether it was this one that went. */
  async drop(
    identifier: TableIdentifier,
    { purge = false }: { readonly purge?: boolean } = {},
  ): Promise<void> {
    this.#caller.require('dropTable');
    const uuid = await this.#uuidOf(identifier);
    const query = { purgeRequested: String(purge) };
    const url = this.#caller.urls.table(identifier, undefined, query);
    const key = this.#caller.newKey();
    await settle<undefined>(
      {
        subject: tableSubject(identifier),
        send: () => this.#caller.send({ operation: 'dropTable', url, key, read: readNothing }),
        look: async () => {
          const now = await this.#find(identifier);
          if (now === undefined) return done;
          return uuid === undefined
            ? { kind: 'unclear' }
            : now.metadata.tableUuid === uuid
              ? { kind: 'not-yet' }
              : done;
        },
      },
      this.#settling,
    ).catch((error: unknown) => {
      throw missingTable(error, identifier);
    });
    this.#cache.delete(identifier);
  }

  /** The table is looked at first, as with a drop. */
  async rename(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    // Checks the name.
    this.#caller.urls.table(to);
    this.#caller.require('renameTable');
    const uuid = await this.#uuidOf(from);
    const body = { source: copyOf(from), destination: copyOf(to) };
    const url = this.#caller.urls.action('tables/rename');
    const key = this.#caller.newKey();
    await settle<undefined>(
      {
        subject: {
          what: `table ${formatIdentifier(from)} to ${formatIdentifier(to)}`,
          context: { from, to },
        },
        send: () => this.#caller.send({ operation: 'renameTable', url, body, key, read: readNothing }),
        look: async () => {
          if (uuid === undefined) return { kind: 'unclear' };
          if ((await this.#find(from))?.metadata.tableUuid === uuid) return { kind: 'not-yet' };
          return (await this.#find(to))?.metadata.tableUuid === uuid ? done : { kind: 'unclear' };
        },
      },
      this.#settling,
    );
    this.#cache.delete(from);
    this.#cache.delete(to);
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

  async #makeTable(
    identifier: TableIdentifier,
    request: Omit<RestRequest<RestReply>, 'read'>,
    look: () => Promise<Seen<RestLoadedTable>>,
  ): Promise<RestLoadedTable> {
    const send = async (): Promise<RestLoadedTable> => {
      const [table, etag] = await this.#caller.send({
        ...request,
        read: (reply) => [readTable(reply, identifier), reply.etag] as const,
      });
      this.#cache.set(table, etag);
      return table;
    };
    return settle({ subject: tableSubject(identifier), send, look }, this.#settling);
  }

  async #find(identifier: TableIdentifier): Promise<RestLoadedTable | undefined> {
    try {
      return await this.load(identifier);
    } catch (error) {
      if (saysMissing(error)) return undefined;
      throw error;
    }
  }

  /** `TABLE_NOT_FOUND`; undefined for a table that is there and cannot be read, which is no reason to keep it. */
  async #uuidOf(identifier: TableIdentifier): Promise<string | undefined> {
    try {
      return (await this.load(identifier, { snapshots: 'refs' })).metadata.tableUuid;
    } catch (error) {
      // A server that fails to load a table was reached, and may drop it all the same.
      const isAnswered = IcebergError.is(error) && error.context['status'] !== undefined;
      const isUnavailable = IcebergError.is(error, 'CATALOG_UNAVAILABLE') && !isAnswered;
      if (saysMissing(error) || isUnavailable || IcebergError.is(error, 'INVALID_ARGUMENT')) throw error;
      return undefined;
    }
  }
}

const done = { kind: 'happened', value: undefined } as const;

/** What a table is called in errors. */
export function tableSubject(identifier: TableIdentifier): ErrorSubject {
  return { what: `table ${formatIdentifier(identifier)}`, context: { identifier } };
}

/** A table in a namespace that is not there is not there. */
export function missingTable(error: unknown, identifier: TableIdentifier): unknown {
  if (!IcebergError.is(error, 'NAMESPACE_NOT_FOUND')) return error;
  return new IcebergError(
    'TABLE_NOT_FOUND',
    `there is no table ${formatIdentifier(identifier)}, nor its namespace`,
    {
      context: { identifier },
      cause: error,
    },
  );
}

/** Runs a call whose outcome nobody looks up. */
export async function translating<T>(subject: ErrorSubject, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toCatalogError(error, subject);
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
