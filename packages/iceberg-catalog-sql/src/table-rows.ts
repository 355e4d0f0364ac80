import type { DatabaseSync } from 'node:sqlite';
import { IcebergError, type Namespace, type TableIdentifier } from '@danube/iceberg';
import type { CatalogDatabase } from './database.ts';
import { joinNamespace, shown, tableKey } from './names.ts';
import type { NamespaceRows } from './namespace-rows.ts';
import { schemaVersion } from './schema.ts';

const ofKey = 'catalog_name = :catalog AND table_namespace = :namespace AND table_name = :table';

/** The rows of `iceberg_tables`: for each table of the catalog the location of its current metadata file. */
export class TableRows {
  readonly #database: CatalogDatabase;
  readonly #namespaces: NamespaceRows;
  readonly #catalog: string;

  constructor(database: CatalogDatabase, namespaces: NamespaceRows, catalog: string) {
    this.#database = database;
    this.#namespaces = namespaces;
    this.#catalog = catalog;
  }

  /** The location of the current metadata file. Errors: `TABLE_NOT_FOUND`, `INVALID_METADATA` if the row has none. */
  async find(identifier: TableIdentifier): Promise<string> {
    const row = await this.#database.read(`looking for table ${shown(identifier)}`, (db) =>
      this.#get(db, identifier),
    );
    if (row === undefined) throw notFound(identifier);
    if (row.location !== null) return row.location;
    throw new IcebergError(
      'INVALID_METADATA',
      `the catalog row of ${shown(identifier)} names no metadata file`,
      {
        context: { identifier, file: this.#database.file },
      },
    );
  }

  async exists(identifier: TableIdentifier): Promise<boolean> {
    const row = await this.#database.read(`looking for table ${shown(identifier)}`, (db) =>
      this.#get(db, identifier),
    );
    return row !== undefined;
  }

  async list(namespace: Namespace): Promise<readonly TableIdentifier[]> {
    const text = joinNamespace(namespace);
    const names = await this.#database.read(`listing tables of ${text}`, (db) => {
      this.#namespaces.requireIn(db, text);
      const sql = `SELECT table_name FROM iceberg_tables
        WHERE catalog_name = ? AND table_namespace = ?${isTable(db)} ORDER BY table_name`;
      return db.prepare(sql).all(this.#catalog, text);
    });
    return names.map((row) => ({ namespace: [...namespace], name: String(row.table_name) }));
  }

  /** Errors, before anything is written: `NAMESPACE_NOT_FOUND`, `ALREADY_EXISTS` (also if a view has the name). */
  async checkFree(identifier: TableIdentifier): Promise<void> {
    await this.#database.read(`looking for table ${shown(identifier)}`, (db) =>
      this.#requireFree(db, identifier),
    );
  }

  /** Errors: `NAMESPACE_NOT_FOUND`, `ALREADY_EXISTS`, `COMMIT_STATE_UNKNOWN`. */
  async insert(identifier: TableIdentifier, metadataLocation: string): Promise<void> {
    await this.#database.writeAll(`creating table ${shown(identifier)}`, (db) => {
      this.#requireFree(db, identifier);
      const typed = schemaVersion(db) === 'V1';
      db.prepare(
        `INSERT INTO iceberg_tables(catalog_name, table_namespace, table_name, metadata_location${typed ? ', iceberg_type' : ''})
         VALUES (:catalog, :namespace, :table, :location${typed ? ", 'TABLE'" : ''})`,
      ).run({ ...this.#key(identifier), location: metadataLocation });
    });
  }

  /**
   * The commit point: one conditional UPDATE. True if it set the location; false if the row did not name `from` any
   * more, so nothing happened. Errors: `COMMIT_STATE_UNKNOWN`, `CATALOG_UNAVAILABLE`, `ACCESS_DENIED`.
   */
  async swap(identifier: TableIdentifier, from: string, to: string): Promise<boolean> {
    return this.#database.writeOne(`committing to ${shown(identifier)}`, (db) => {
      const sql = `UPDATE iceberg_tables SET metadata_location = :to, previous_metadata_location = :from
        WHERE ${ofKey} AND metadata_location = :from${isTable(db)}`;
      return Number(db.prepare(sql).run({ ...this.#key(identifier), from, to }).changes) > 0;
    });
  }

  /**
   * Removes the row; with `ifLocation` only while it names that metadata file. False if it names another.
   * Errors: `TABLE_NOT_FOUND`, `COMMIT_STATE_UNKNOWN`.
   */
  async remove(identifier: TableIdentifier, ifLocation?: string): Promise<boolean> {
    return this.#database.writeAll(`dropping table ${shown(identifier)}`, (db) => {
      const row = this.#get(db, identifier);
      if (row === undefined) throw notFound(identifier);
      if (ifLocation !== undefined && row.location !== ifLocation) return false;
      db.prepare(`DELETE FROM iceberg_tables WHERE ${ofKey}${isTable(db)}`).run(this.#key(identifier));
      return true;
    });
  }

  /** Errors: `TABLE_NOT_FOUND`, `NAMESPACE_NOT_FOUND`, `ALREADY_EXISTS`, `COMMIT_STATE_UNKNOWN`. */
  async rename(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    const target = tableKey(to);
    await this.#database.writeAll(`renaming table ${shown(from)} to ${shown(to)}`, (db) => {
      if (this.#get(db, from) === undefined) throw notFound(from);
      this.#requireFree(db, to);
      db.prepare(
        `UPDATE iceberg_tables SET table_namespace = :toNamespace, table_name = :toTable WHERE ${ofKey}${isTable(db)}`,
      ).run({ ...this.#key(from), toNamespace: target.namespace, toTable: target.table });
    });
  }

  #requireFree(db: DatabaseSync, identifier: TableIdentifier): void {
    this.#namespaces.requireIn(db, joinNamespace(identifier.namespace));
    const taken = db.prepare(`SELECT 1 FROM iceberg_tables WHERE ${ofKey}`).get(this.#key(identifier));
    if (taken === undefined) return;
    throw new IcebergError('ALREADY_EXISTS', `there is a table or view ${shown(identifier)} already`, {
      context: { identifier },
    });
  }

  #get(db: DatabaseSync, identifier: TableIdentifier): { location: string | null } | undefined {
    const row = db
      .prepare(`SELECT metadata_location FROM iceberg_tables WHERE ${ofKey}${isTable(db)}`)
      .get(this.#key(identifier));
    if (row === undefined) return undefined;
    const location = row.metadata_location;
    return { location: typeof location === 'string' ? location : null };
  }

  #key(identifier: TableIdentifier) {
    return { catalog: this.#catalog, ...tableKey(identifier) };
  }
}

/** Leaves views out. V0 files have none, and no column to tell. */
function isTable(db: DatabaseSync): string {
  return schemaVersion(db) === 'V1' ? " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)" : '';
}

function notFound(identifier: TableIdentifier): IcebergError {
  return new IcebergError('TABLE_NOT_FOUND', `there is no table ${shown(identifier)}`, {
    context: { identifier },
  });
}
