export type { AwsCredentials, AwsCredentialsProvider } from './auth/aws-credentials.ts';
export type {
  OAuth2ClientCredentialsOptions,
  OAuth2TokenExchangeOptions,
  TokenSupply,
} from './auth/oauth2.ts';
export { oauth2ClientCredentials, oauth2TokenExchange } from './auth/oauth2.ts';
export type { OAuth2Components, OAuth2Options } from './auth/oauth2-options.ts';
export type { AuthRequest, RestAuth } from './auth/rest-auth.ts';
export { bearerToken, noAuth } from './auth/rest-auth.ts';
export type { SigV4Options } from './auth/sigv4.ts';
export { sigV4 } from './auth/sigv4.ts';
export type { VendedS3Credentials, VendedS3CredentialsOptions, VendedS3Settings } from './auth/vended-s3.ts';
export { vendedS3Credentials, vendedS3Settings } from './auth/vended-s3.ts';
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
