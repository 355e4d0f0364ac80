import {
  type CommitOptions,
  type CommitRequest,
  formatIdentifier,
  IcebergError,
  snapshotById,
  type TableIdentifier,
  type TableMetadata,
  type TableUpdate,
  tableRequirementToJson,
  tableUpdateToJson,
} from '@danube/iceberg';
import { CallFailure } from './call-failure.ts';
import type { Caller, IdempotencyKey } from './caller.ts';
import { type ErrorSubject, toCatalogError } from './error-mapping.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { readNothing } from './reply-reading.ts';
import type { RestLoadedTable, TableChange } from './rest-catalog.ts';
import { copyOf, readTable } from './table-reply.ts';
import { missingTable, tableSubject } from './table-subject.ts';

/** Loads a table, from the server. */
export type LoadTable = (identifier: TableIdentifier) => Promise<RestLoadedTable>;

/**
 * Commits. They are never sent again after a doubtful attempt, unless an idempotency key makes it safe: who commits
 * knows best what to look for (`commitTransaction` of `@danube/iceberg` does). Only a refusal that may be the echo of
 * an earlier attempt of the same call is looked up here.
 */
export class CommitCalls {
  readonly #caller: Caller;
  readonly #cache: MetadataCache;
  readonly #load: LoadTable;

  constructor(caller: Caller, cache: MetadataCache, load: LoadTable) {
    this.#caller = caller;
    this.#cache = cache;
    this.#load = load;
  }

  async commit(
    identifier: TableIdentifier,
    request: CommitRequest,
    options: CommitOptions = {},
  ): Promise<RestLoadedTable> {
    const key = this.#caller.newKey(options.idempotencyKey);
    // Checks the name before anything is sent.
    this.#caller.urls.table(identifier);
    try {
      return await this.send(identifier, request, key);
    } catch (error) {
      const [landed] = (await this.#landed(error, [{ identifier, ...request }])) ?? [];
      if (landed !== undefined) return landed;
      throw missingTable(toCatalogError(error, tableSubject(identifier)), identifier);
    }
  }

  async commitAll(changes: readonly TableChange[], options: CommitOptions = {}): Promise<void> {
    checkDistinct(changes);
    const key = this.#caller.newKey(options.idempotencyKey);
    const names = changes.map(({ identifier }) => formatIdentifier(identifier));
    const subject: ErrorSubject = {
      what: `tables ${names.join(', ')}`,
      context: { identifiers: changes.map(({ identifier }) => identifier) },
    };
    try {
      await this.#caller.send({
        operation: 'commitTransaction',
        url: this.#caller.urls.action('transactions/commit'),
        body: { 'table-changes': changes.map(commitToJson) },
        key,
        read: readNothing,
      });
    } catch (error) {
      if ((await this.#landed(error, changes)) !== undefined) return;
      throw toCatalogError(error, subject);
    } finally {
      for (const { identifier } of changes) this.#cache.delete(identifier);
    }
  }

  /** One sending, as far as the rules allow; rejects with a `CallFailure`. */
  async send(
    identifier: TableIdentifier,
    request: CommitRequest,
    key: IdempotencyKey | undefined,
  ): Promise<RestLoadedTable> {
    const [table, etag] = await this.#caller.send({
      operation: 'commitTable',
      url: this.#caller.urls.table(identifier),
      body: commitToJson({ identifier, ...request }),
      key,
      read: (reply) => [readTable(reply, identifier), reply.etag] as const,
    });
    // The commit point is the server's: it answered with the state that it made.
    this.#cache.set(table, etag);
    return table;
  }

  /**
   * The tables as they are now, if a refusal was the echo of our own earlier attempt: every one has the snapshots that
   * the commit was to add. Undefined where that cannot be seen, as with changes of metadata alone.
   */
  async #landed(
    error: unknown,
    changes: readonly TableChange[],
  ): Promise<readonly RestLoadedTable[] | undefined> {
    if (!CallFailure.is(error) || !error.isInDoubt || !error.endsRefused) return undefined;
    if (!changes.every(({ updates }) => updates.some(isSnapshot))) return undefined;
    try {
      const tables = await Promise.all(changes.map(({ identifier }) => this.#load(identifier)));
      const isThere = changes.every(({ updates }, index) => hasSnapshots(tables[index]!.metadata, updates));
      return isThere ? tables : undefined;
    } catch {
      // Nothing can be seen: the outcome is unknown, and the error says why.
      return undefined;
    }
  }
}

function isSnapshot(update: TableUpdate): update is Extract<TableUpdate, { action: 'add-snapshot' }> {
  return update.action === 'add-snapshot';
}

/** Whether a table has the snapshots of a commit. Ids may be anybody's: the manifest list is the commit's own. */
export function hasSnapshots(metadata: TableMetadata, updates: readonly TableUpdate[]): boolean {
  return updates
    .filter(isSnapshot)
    .every(
      ({ snapshot }) => snapshotById(metadata, snapshot.snapshotId)?.manifestList === snapshot.manifestList,
    );
}

function commitToJson({ identifier, requirements, updates }: TableChange): object {
  return {
    identifier: copyOf(identifier),
    requirements: requirements.map(tableRequirementToJson),
    updates: updates.map((update) => tableUpdateToJson(withSpecId(update))),
  };
}

/** Iceberg Java reads no spec without an id, though which one it gets is the server's choice. */
function withSpecId(update: TableUpdate): TableUpdate {
  return update.action === 'add-spec' ? { ...update, spec: { specId: 0, ...update.spec } } : update;
}

function checkDistinct(changes: readonly TableChange[]): void {
  const names = new Set(
    changes.map(({ identifier }) => JSON.stringify([identifier.namespace, identifier.name])),
  );
  if (changes.length > 0 && names.size === changes.length) return;
  throw new IcebergError('INVALID_ARGUMENT', 'a transaction needs at least one table, and each only once');
}
