import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Catalog, FileIO } from '@danube/iceberg';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import type { StorageSettings } from './config/settings.ts';
import { openWarehouse, type WarehouseUse } from './warehouse.ts';

/** The embedded catalog and the files of its tables. */
export interface EmbeddedCatalog {
  readonly catalog: Catalog;
  readonly io: FileIO;
  close(): Promise<void>;
}

/** Opens the SQLite catalog over the warehouse, creating it (and a local warehouse) when it does not exist. */
export async function openEmbeddedCatalog(
  settings: StorageSettings,
  use: WarehouseUse,
): Promise<EmbeddedCatalog> {
  const { file, name } = settings.catalog;
  mkdirSync(dirname(file), { recursive: true });
  const warehouse = await openWarehouse(settings, use);
  try {
    const catalog = await openSqlCatalog({ file, name, warehouse: settings.warehouse, io: warehouse.io });
    const close = async () => {
      await catalog.close();
      await warehouse.close();
    };
    return { catalog, io: warehouse.io, close };
  } catch (error) {
    await warehouse.close();
    throw error;
  }
}

/** Whether there is a catalog to look into; looking must not create one. */
export function catalogExists(settings: StorageSettings): boolean {
  return existsSync(settings.catalog.file);
}

/** What PyIceberg's SqlCatalog takes as `uri`. */
export function catalogUri(settings: StorageSettings): string {
  return `sqlite:///${settings.catalog.file}`;
}
