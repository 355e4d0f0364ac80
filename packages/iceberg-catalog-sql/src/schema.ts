import type { DatabaseSync } from 'node:sqlite';
import { IcebergError } from '@danube/iceberg';

/**
 * The two table layouts of Iceberg's JDBC catalog: V0 lacks the column `iceberg_type`, which tells tables from views.
 * A file is used as it is found; new ones are V1. Java and PyIceberg may make a V0 file V1 at any time.
 */
export type SchemaVersion = 'V0' | 'V1';

/** As Java's JdbcCatalog makes it (JdbcUtil, V1), in the spelling of the reference. */
const tablesTable = `CREATE TABLE IF NOT EXISTS iceberg_tables(
  catalog_name VARCHAR(255) NOT NULL,
  table_namespace VARCHAR(255) NOT NULL,
  table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000),
  previous_metadata_location VARCHAR(1000),
  iceberg_type VARCHAR(5),
  PRIMARY KEY (catalog_name, table_namespace, table_name)
)`;

const namespacePropertiesTable = `CREATE TABLE IF NOT EXISTS iceberg_namespace_properties(
  catalog_name VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL,
  property_key VARCHAR(255),
  property_value VARCHAR(1000),
  PRIMARY KEY (catalog_name, namespace, property_key)
)`;

const needed: Readonly<Record<string, readonly string[]>> = {
  iceberg_tables: [
    'catalog_name',
    'table_namespace',
    'table_name',
    'metadata_location',
    'previous_metadata_location',
  ],
  iceberg_namespace_properties: ['catalog_name', 'namespace', 'property_key', 'property_value'],
};

/** Makes the two tables if they are absent, and checks them. Errors: `INVALID_ARGUMENT`. */
export function prepareSchema(db: DatabaseSync, file: string): void {
  if (columns(db, 'iceberg_tables').length === 0) db.exec(tablesTable);
  if (columns(db, 'iceberg_namespace_properties').length === 0) db.exec(namespacePropertiesTable);
  for (const [table, names] of Object.entries(needed)) {
    const present = columns(db, table);
    const missing = names.filter((name) => !present.includes(name));
    if (missing.length === 0) continue;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${file} is no Iceberg catalog: ${table} lacks ${missing.join(', ')}`,
      {
        context: { file, table, missing },
      },
    );
  }
}

/** The layout that the file has now. */
export function schemaVersion(db: DatabaseSync): SchemaVersion {
  return columns(db, 'iceberg_tables').includes('iceberg_type') ? 'V1' : 'V0';
}

function columns(db: DatabaseSync, table: string): string[] {
  return db
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map((row) => String(row.name).toLowerCase());
}
