import {
  type CreateTableOptions,
  formatIdentifier,
  IcebergError,
  saysMissing,
  type TableIdentifier,
} from '@danube/iceberg';
import type { Caller } from './caller.ts';
import { checkCreation, createRequestToJson } from './create-request.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { readNothing } from './reply-reading.ts';
import type { RestLoadedTable } from './rest-catalog.ts';
import type { RestReply, RestRequest } from './rest-request.ts';
import { type Seen, type Settling, settle } from './settle.ts';
import type { TableReads } from './table-reads.ts';
import { copyOf, readTable } from './table-reply.ts';
import { missingTable, tableSubject } from './table-subject.ts';

/** The operations that make, drop and rename tables: what became of each is looked up. Errors are those of `Catalog`. */
export class TableChanges {
  readonly #caller: Caller;
  readonly #cache: MetadataCache;
  readonly #reads: TableReads;
  readonly #settling: Settling;

  constructor(caller: Caller, cache: MetadataCache, reads: TableReads, settling: Settling) {
    this.#caller = caller;
    this.#cache = cache;
    this.#reads = reads;
    this.#settling = settling;
  }

  async create(identifier: TableIdentifier, options: CreateTableOptions): Promise<RestLoadedTable> {
    checkCreation(identifier, options, this.#caller);
    const url = this.#caller.urls.namespace(identifier.namespace, 'tables');
    const body = createRequestToJson(identifier, options);
    const key = this.#caller.newKey();
    return this.#makeTable(identifier, { operation: 'createTable', url, body, key }, async () => {
      // A table does not say who made it: it may be ours.
      return (await this.#reads.find(identifier)) === undefined ? { kind: 'not-yet' } : { kind: 'unclear' };
    });
  }

  async register(identifier: TableIdentifier, metadataLocation: string): Promise<RestLoadedTable> {
    // Checks the name, which is in the body only.
    this.#caller.urls.table(identifier);
    const url = this.#caller.urls.namespace(identifier.namespace, 'register');
    const body = { name: identifier.name, 'metadata-location': metadataLocation };
    const key = this.#caller.newKey();
    return this.#makeTable(identifier, { operation: 'registerTable', url, body, key }, async () => {
      const table = await this.#reads.find(identifier);
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
          const now = await this.#reads.find(identifier);
          if (now === undefined) return done;
          if (uuid === undefined) return { kind: 'unclear' };
          return now.metadata.tableUuid === uuid ? { kind: 'not-yet' } : done;
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
          if ((await this.#reads.find(from))?.metadata.tableUuid === uuid) return { kind: 'not-yet' };
          return (await this.#reads.find(to))?.metadata.tableUuid === uuid ? done : { kind: 'unclear' };
        },
      },
      this.#settling,
    );
    this.#cache.delete(from);
    this.#cache.delete(to);
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

  /** `TABLE_NOT_FOUND`; undefined for a table that is there and cannot be read, which is no reason to keep it. */
  async #uuidOf(identifier: TableIdentifier): Promise<string | undefined> {
    try {
      return (await this.#reads.load(identifier, { snapshots: 'refs' })).metadata.tableUuid;
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
