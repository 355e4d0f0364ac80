import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Catalog, FileIO } from '@danube/iceberg';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import type { StorageSettings } from './config/settings.ts';

/** The embedded catalog and the files of its tables. */
export interface EmbeddedCatalog {
  readonly catalog: Catalog;
  readonly io: FileIO;
  close(): Promise<void>;
}

/** Opens the SQLite catalog over a local directory, creating both when they do not exist. */
export async function openEmbeddedCatalog(settings: StorageSettings): Promise<EmbeddedCatalog> {
  mkdirSync(settings.objectStoreRoot, { recursive: true });
  mkdirSync(settings.warehouseDir, { recursive: true });
  mkdirSync(dirname(settings.catalog.file), { recursive: true });
  const store = await openLocalObjectStore({ root: settings.objectStoreRoot });
  const io = createFileIO({ store, baseUri: localBaseUri(settings.objectStoreRoot) });
  const { file, name } = settings.catalog;
  const catalog = await openSqlCatalog({ file, name, warehouse: localBaseUri(settings.warehouseDir), io });
  return { catalog, io, close: () => catalog.close() };
}

/** Whether there is a catalog to look into; looking must not create one. */
export function catalogExists(settings: StorageSettings): boolean {
  return existsSync(settings.catalog.file);
}

/** What PyIceberg's SqlCatalog takes as `uri`. */
export function catalogUri(settings: StorageSettings): string {
  return `sqlite:///${settings.catalog.file}`;
}
