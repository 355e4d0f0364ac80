import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Catalog, createCatalogFactory, type FileIO, type OpenCatalog } from '@danube/iceberg';
import { openRestCatalog } from '@danube/iceberg-catalog-rest';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import type { CatalogSettings, RestCatalogSettings, StorageSettings } from '../config/settings.ts';
import { openWarehouse, type WarehouseUse } from '../warehouse.ts';
import { connectCatalog } from './connect-catalog.ts';
import { LazyCatalog } from './lazy-catalog.ts';
import { restCatalogOptions } from './rest-catalog-options.ts';

/** The catalog and the files of its tables. */
export interface CatalogWithFiles {
  readonly catalog: Catalog;
  readonly io: FileIO;
  close(): Promise<void>;
}

const catalogs = createCatalogFactory({ rest: openRestCatalog, sql: openSqlCatalog });

/**
 * Opens the catalog and the store of its tables. A SQLite catalog and a local warehouse are made when they do not exist. A
 * catalog behind REST that is away is opened by a later call if the use is `write`.
 *
 * @throws BrokerError `CATALOG_UNUSABLE`, `OBJECT_STORE_UNUSABLE`; errors of the catalog
 */
export async function openCatalog(settings: StorageSettings, use: WarehouseUse): Promise<CatalogWithFiles> {
  const files = await openWarehouse(settings, use);
  try {
    const catalog = await openNames(settings.catalog, files.io, use);
    const close = async () => {
      await catalog.close();
      await files.close();
    };
    return { catalog, io: files.io, close };
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function openNames(settings: CatalogSettings, io: FileIO, use: WarehouseUse): Promise<OpenCatalog> {
  if (settings.kind === 'rest') return openRest(settings, use);
  const { file, name, warehouse } = settings;
  mkdirSync(dirname(file), { recursive: true });
  return catalogs.open({ type: 'sql', file, name, warehouse, io });
}

async function openRest(settings: RestCatalogSettings, use: WarehouseUse): Promise<OpenCatalog> {
  const logger = use.kind === 'write' ? use.logger : undefined;
  const catalog = new LazyCatalog(() =>
    catalogs.open({ type: 'rest', ...restCatalogOptions(settings, logger) }),
  );
  try {
    await connectCatalog(catalog, settings.uri, logger);
    return catalog;
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** Whether there is a catalog to look into; looking must not create one. */
export function catalogExists({ catalog }: StorageSettings): boolean {
  return catalog.kind === 'rest' || existsSync(catalog.file);
}

/** What PyIceberg takes as `uri`. */
export function catalogUri({ catalog }: StorageSettings): string {
  return catalog.kind === 'rest' ? catalog.uri : `sqlite:///${catalog.file}`;
}
