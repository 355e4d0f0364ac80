// Stores

export { openLocalObjectStore } from './local/local-store.ts';
export { createMemoryObjectStore } from './memory-store.ts';
export { openS3ObjectStore } from './s3/s3-store.ts';
export { openUploadJournal } from './s3/upload/upload-journal.ts';

// Stores by URL, files by location

export { createObjectStoreFactory } from './factory/object-store-factory.ts';
export { createFileIO, localBaseUri } from './file-io.ts';

// What works with every store

export { ObjectStoreError } from './errors.ts';
export { getRanges } from './get-ranges.ts';
export { checkObjectStore } from './probe/check-object-store.ts';
export { withLimits } from './wrappers/limits-store.ts';
export { withMetrics } from './wrappers/metrics-store.ts';
export { withPrefix } from './wrappers/prefix-store.ts';

// Types of calls and their results

export type { ObjectStoreErrorCode, ObjectStoreErrorContext } from './errors.ts';
export type { GetRangesOptions } from './get-ranges.ts';
export type {
  ByteRange,
  CallOptions,
  DeleteFailure,
  GetOptions,
  GetResult,
  GetStreamResult,
  ListOptions,
  ListPage,
  ObjectMeta,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  ResolvedRange,
  StoreCapabilities,
} from './object-store.ts';

// Types of options, and of what is opened

export type { ObjectStoreFactory, StoreLocation } from './factory/object-store-factory.ts';
export type { ObjectStoreConfig, ObjectStoreFactoryOptions } from './factory/options.ts';
export type { FileIOOptions, ListedFile, StoreFileIO } from './file-io.ts';
export type { LocalObjectStoreOptions } from './local/options.ts';
export type { CheckObjectStoreOptions } from './probe/check-object-store.ts';
export type { S3Credentials, S3StaticCredentials, S3VendedCredentials } from './s3/connection/credentials.ts';
export type { S3ObjectStoreOptions, S3ResilienceSettings } from './s3/options.ts';
export type { S3ObjectStore } from './s3/s3-store.ts';
export type { StaleUploadOptions } from './s3/upload/stale-uploads.ts';
export type { UploadJournalOptions } from './s3/upload/upload-journal.ts';
export type { LimitsOptions } from './wrappers/limits-options.ts';
export type { MetricsOptions, StoreCall, StoreOperation } from './wrappers/metrics-store.ts';

// For those who write a store or hand in parts of one

export { compareKeys, MAX_KEY_BYTES, parseKey } from './key.ts';
export type { LocalFileSystem } from './local/file-system.ts';
export type { S3Components } from './s3/options.ts';
export type { UploadJournal, UploadNote, UploadTarget } from './s3/upload/upload-journal.ts';
