import type { DatabaseSync } from 'node:sqlite';
import { IcebergError, type Namespace, type NamespacePropertiesUpdate } from '@danube/iceberg';
import type { CatalogDatabase } from './database.ts';
import { joinNamespace, splitNamespace } from './names.ts';

/** The property by which a namespace without properties exists; Java and PyIceberg write the same one. */
const EXISTS = 'exists';

/** Rows of the namespace, or of one below it: their text starts with `namespace.`, and `/` follows `.` in ASCII. */
const inOrBelow = (column: string) =>
  `(${column} = :namespace OR (${column} >= :namespace || '.' AND ${column} < :namespace || '/'))`;

const existsSql = `SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = :catalog AND ${inOrBelow('namespace')}
  UNION ALL
  SELECT 1 FROM iceberg_tables WHERE catalog_name = :catalog AND ${inOrBelow('table_namespace')} LIMIT 1`;

const contentSql = `SELECT 1 FROM iceberg_namespace_properties
    WHERE catalog_name = :catalog AND ${inOrBelow('namespace')} AND namespace <> :namespace
  UNION ALL
  SELECT 1 FROM iceberg_tables WHERE catalog_name = :catalog AND ${inOrBelow('table_namespace')} LIMIT 1`;

/**
 * Namespaces as the JDBC catalog keeps them: one exists if it has a property row, or if there is a table or another
 * namespace in it. We write the row `exists` for each, and show it to nobody.
 */
export class NamespaceRows {
  readonly #database: CatalogDatabase;
  readonly #catalog: string;

  constructor(database: CatalogDatabase, catalog: string) {
    this.#database = database;
    this.#catalog = catalog;
  }

  async create(namespace: Namespace, properties: Readonly<Record<string, string>>): Promise<void> {
    const text = joinNamespace(namespace);
    checkProperties(Object.entries(properties));
    await this.#database.writeAll(`creating namespace ${text}`, (db) => {
      if (this.existsIn(db, text)) {
        throw new IcebergError('ALREADY_EXISTS', `there is a namespace ${text} already`, {
          context: { namespace },
        });
      }
      this.#put(db, text, { ...properties, [EXISTS]: 'true' });
    });
  }

  async exists(namespace: Namespace): Promise<boolean> {
    const text = joinNamespace(namespace);
    return this.#database.read(`looking for namespace ${text}`, (db) => this.existsIn(db, text));
  }

  /** For use inside a transaction. */
  existsIn(db: DatabaseSync, text: string): boolean {
    return db.prepare(existsSql).get({ catalog: this.#catalog, namespace: text }) !== undefined;
  }

  /** For use inside a transaction. Errors: `NAMESPACE_NOT_FOUND`. */
  requireIn(db: DatabaseSync, text: string): void {
    if (!this.existsIn(db, text)) throw notFound(text);
  }

  async list(parent: Namespace | undefined): Promise<readonly Namespace[]> {
    const above = parent === undefined || parent.length === 0 ? undefined : joinNamespace(parent);
    const texts = await this.#database.read('listing namespaces', (db) => {
      if (above !== undefined) this.requireIn(db, above);
      const sql = `SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = :catalog
        UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = :catalog`;
      return db
        .prepare(sql)
        .all({ catalog: this.#catalog })
        .map((row) => String(row.namespace));
    });
    const depth = parent?.length ?? 0;
    const children = texts
      .filter((text) => above === undefined || text.startsWith(`${above}.`))
      .map((text) =>
        splitNamespace(text)
          .slice(0, depth + 1)
          .join('.'),
      );
    return [...new Set(children)].sort().map(splitNamespace);
  }

  async properties(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
    const text = joinNamespace(namespace);
    return this.#database.read(`loading namespace ${text}`, (db) => {
      this.requireIn(db, text);
      return this.#propertiesIn(db, text);
    });
  }

  async update(
    namespace: Namespace,
    updates: Readonly<Record<string, string>>,
    removals: readonly string[],
  ): Promise<NamespacePropertiesUpdate> {
    const text = joinNamespace(namespace);
    checkProperties(Object.entries(updates));
    const both = removals.filter((key) => Object.hasOwn(updates, key));
    if (both.length > 0)
      throw invalid(`${both.join(', ')} would be both set and removed`, { namespace, both });
    if (removals.includes(EXISTS))
      throw invalid(`the property "${EXISTS}" belongs to the catalog`, { namespace });
    return this.#database.writeAll(`updating namespace ${text}`, (db) => {
      this.requireIn(db, text);
      const before = this.#propertiesIn(db, text);
      const removed = [...new Set(removals)].filter((key) => Object.hasOwn(before, key));
      for (const key of removed) this.#remove(db, text, key);
      // Whoever made it: it shall not vanish with its last property.
      this.#put(db, text, { ...updates, [EXISTS]: 'true' });
      const missing = [...new Set(removals)].filter((key) => !Object.hasOwn(before, key));
      return { updated: Object.keys(updates), removed, missing };
    });
  }

  async drop(namespace: Namespace): Promise<void> {
    const text = joinNamespace(namespace);
    const names = { catalog: this.#catalog, namespace: text };
    await this.#database.writeAll(`dropping namespace ${text}`, (db) => {
      this.requireIn(db, text);
      if (db.prepare(contentSql).get(names) !== undefined) {
        const message = `namespace ${text} still holds tables, views or namespaces`;
        throw new IcebergError('NAMESPACE_NOT_EMPTY', message, { context: { namespace } });
      }
      db.prepare(
        'DELETE FROM iceberg_namespace_properties WHERE catalog_name = :catalog AND namespace = :namespace',
      ).run(names);
    });
  }

  #propertiesIn(db: DatabaseSync, text: string): Record<string, string> {
    const rows = db
      .prepare(
        `SELECT property_key, property_value FROM iceberg_namespace_properties
         WHERE catalog_name = ? AND namespace = ? AND property_key <> '${EXISTS}' ORDER BY property_key`,
      )
      .all(this.#catalog, text);
    return Object.fromEntries(
      rows.map((row) => [String(row.property_key), String(row.property_value ?? '')]),
    );
  }

  #put(db: DatabaseSync, text: string, properties: Readonly<Record<string, string>>): void {
    const statement = db.prepare(
      `INSERT OR REPLACE INTO iceberg_namespace_properties(catalog_name, namespace, property_key, property_value)
       VALUES (?, ?, ?, ?)`,
    );
    for (const [key, value] of Object.entries(properties)) statement.run(this.#catalog, text, key, value);
  }

  #remove(db: DatabaseSync, text: string, key: string): void {
    db.prepare(
      'DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ? AND property_key = ?',
    ).run(this.#catalog, text, key);
  }
}

function notFound(text: string): IcebergError {
  return new IcebergError('NAMESPACE_NOT_FOUND', `there is no namespace ${text}`, {
    context: { namespace: text },
  });
}

function checkProperties(entries: readonly (readonly [string, unknown])[]): void {
  for (const [key, value] of entries) {
    if (key === EXISTS) throw invalid(`the property "${EXISTS}" belongs to the catalog`, { key });
    if (typeof value !== 'string') throw invalid(`property "${key}" is not text`, { key });
    if (!key.isWellFormed() || !value.isWellFormed())
      throw invalid(`property ${JSON.stringify(key)} has half a character, which UTF-8 cannot hold`, { key });
  }
}

function invalid(message: string, context: Readonly<Record<string, unknown>>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
