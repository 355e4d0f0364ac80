export type { JournalMode } from './database.ts';
export type { OpenDatabase, SqlCatalogOptions } from './options.ts';
export type { SchemaVersion } from './schema.ts';
export type { SqlCatalog } from './sql-catalog.ts';
export { openSqlCatalog } from './sql-catalog.ts';
