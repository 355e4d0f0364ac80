import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Catalog, createCatalogFactory, type FileIO } from '@danube/iceberg';
import { openRestCatalog, type RestCatalog } from '@danube/iceberg-catalog-rest';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import {
  type RestCatalogSettings,
  type SqlCatalogSettings,
  type StorageSettings,
  usesVendedCredentials,
} from '../config/settings.ts';
import { type OwnWarehouse, openWarehouse, type WarehouseUse } from '../warehouse.ts';
import { connectCatalog } from './connect-catalog.ts';
import { LazyCatalog } from './lazy-catalog.ts';
import { restCatalogOptions } from './rest-catalog-options.ts';
import { type OpenTableFiles, TableFiles } from './table-files.ts';
import { openVendedFiles } from './vended-files.ts';

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
    const { catalog } = settings;
    return catalog.kind === 'sql' ? await openSql(catalog, files) : await openRest(catalog, files, use);
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function openSql(settings: SqlCatalogSettings, files: OwnWarehouse): Promise<CatalogWithFiles> {
  const { file, name, warehouse } = settings;
  const { io } = files;
  mkdirSync(dirname(file), { recursive: true });
  const catalog = await catalogs.open({ type: 'sql', file, name, warehouse, io });
  return { catalog, io, close: () => closeAll(catalog, files) };
}

async function openRest(
  settings: RestCatalogSettings,
  files: OwnWarehouse,
  use: WarehouseUse,
): Promise<CatalogWithFiles> {
  const logger = use.kind === 'write' ? use.logger : undefined;
  const openFiles: OpenTableFiles = async (table) =>
    openVendedFiles(await catalog.connect(), table, files.s3);
  const tables = new TableFiles(openFiles, files.io);
  const isVended = usesVendedCredentials(settings);
  const catalog = new LazyCatalog<RestCatalog>(
    () => catalogs.open({ type: 'rest', ...restCatalogOptions(settings, logger) }),
    isVended ? (table) => tables.saw(table) : undefined,
  );
  try {
    await connectCatalog(catalog, settings.uri, logger);
  } catch (error) {
    await catalog.close();
    throw error;
  }
  return { catalog, io: isVended ? tables : files.io, close: () => closeAll(tables, catalog, files) };
}

/** In this order, and each though one before could not be closed; then rejects with the reason of the first. */
async function closeAll(...opened: readonly { close(): Promise<void> }[]): Promise<void> {
  const [first, ...others] = opened;
  if (first === undefined) return;
  try {
    await first.close();
  } finally {
    await closeAll(...others);
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
