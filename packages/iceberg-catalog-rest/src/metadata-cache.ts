import type { RestLoadedTable } from './rest-catalog.ts';

/** A state of a table, and the server's name for it. */
export interface CachedTable {
  readonly etag: string;
  readonly table: RestLoadedTable;
}

/**
 * The states of the tables used last. They are never taken for the present ones: a load sends the tag along, and the
 * server says whether it still is.
 */
export class MetadataCache {
  readonly #capacity: number;
  /** In the order of their last use. */
  readonly #tables = new Map<string, CachedTable>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get({ identifier, snapshots }: Pick<RestLoadedTable, 'identifier' | 'snapshots'>): CachedTable | undefined {
    const key = keyOf({ identifier, snapshots });
    const cached = this.#tables.get(key);
    if (cached === undefined) return undefined;
    this.#tables.delete(key);
    this.#tables.set(key, cached);
    return cached;
  }

  /** Without a tag the server cannot be asked, and what was kept is older. */
  set(table: RestLoadedTable, etag: string | undefined): void {
    const key = keyOf(table);
    this.#tables.delete(key);
    if (etag === undefined || this.#capacity === 0) return;
    this.#tables.set(key, { etag, table });
    if (this.#tables.size <= this.#capacity) return;
    for (const oldest of this.#tables.keys()) {
      this.#tables.delete(oldest);
      return;
    }
  }

  delete(identifier: RestLoadedTable['identifier']): void {
    for (const snapshots of ['all', 'refs'] as const) this.#tables.delete(keyOf({ identifier, snapshots }));
  }
}

function keyOf({ identifier, snapshots }: Pick<RestLoadedTable, 'identifier' | 'snapshots'>): string {
  return JSON.stringify([snapshots, ...identifier.namespace, identifier.name]);
}
