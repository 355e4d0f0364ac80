import { IcebergError, type TableIdentifier } from '@danube/iceberg';
import { type RestCatalog, vendedS3Credentials, vendedS3Settings } from '@danube/iceberg-catalog-rest';
import { createFileIO, openS3ObjectStore } from '@danube/objectstore';
import type { S3Settings, Warehouse } from '../warehouse.ts';

/**
 * Opens the store of a table with the keys that the catalog gives, which are renewed as they end. Region and endpoint of
 * `settings` win over the catalog's. Without keys of the catalog the settings' own are used.
 *
 * @throws errors of the catalog and of the store; `IcebergError` `UNSUPPORTED_FEATURE` for a table that is not on S3
 */
export async function openVendedFiles(
  catalog: Pick<RestCatalog, 'storageAccess' | 'loadCredentials'>,
  identifier: TableIdentifier,
  settings: S3Settings,
): Promise<Warehouse> {
  const access = await catalog.storageAccess(identifier);
  const [baseUri, bucket] = /^s3[an]?:\/\/([^/]+)/.exec(access.location) ?? [];
  if (baseUri === undefined || bucket === undefined)
    throw new IcebergError('UNSUPPORTED_FEATURE', `the table at ${access.location} is not on S3`);
  const { region, endpoint, pathStyle, credentials, ...others } = settings;
  const store = await openS3ObjectStore({
    ...others,
    bucket,
    ...vendedS3Settings(access),
    ...(region !== undefined && { region }),
    ...((endpoint !== undefined || pathStyle === true) && { pathStyle }),
    ...(endpoint !== undefined && { endpoint }),
    credentials: vendedS3Credentials(access, { catalog, identifier }) ?? credentials,
  });
  return { io: createFileIO({ store, baseUri }), close: () => store.close() };
}
