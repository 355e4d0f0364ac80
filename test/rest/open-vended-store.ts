import type { TableIdentifier } from '../../packages/iceberg/src/index.ts';
import {
  type RestCatalog,
  vendedS3Credentials,
  vendedS3Settings,
} from '../../packages/iceberg-catalog-rest/src/index.ts';
import { openS3ObjectStore, type S3ObjectStore } from '../../packages/objectstore/src/index.ts';

/** The store of a table's bucket, opened with what the catalog hands out; as the README of the catalog shows it. */
export async function openVendedStore(
  catalog: RestCatalog,
  identifier: TableIdentifier,
): Promise<S3ObjectStore> {
  const access = await catalog.storageAccess(identifier);
  const store = await openS3ObjectStore({
    bucket: new URL(access.location).host,
    ...vendedS3Settings(access), // s3.endpoint, s3.path-style-access, client.region
    credentials: vendedS3Credentials(access, { catalog, identifier }) ?? 'default-chain',
  });
  return store;
}
