export type { AuthRequest, RestAuth } from './auth/rest-auth.ts';
export { bearerToken, noAuth } from './auth/rest-auth.ts';
export { openRestCatalog } from './open-rest-catalog.ts';
export type { AccessDelegation, RestCatalogOptions } from './options.ts';
export type {
  LoadTableOptions,
  RestCatalog,
  RestLoadedTable,
  SnapshotsLoaded,
  StagedTable,
  TableChange,
} from './rest-catalog.ts';
export type { StorageAccess, StorageCredential } from './storage-access.ts';
export { storageConfigFor } from './storage-access.ts';
