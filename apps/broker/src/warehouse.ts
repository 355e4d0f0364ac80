import { mkdirSync } from 'node:fs';
import type { FileIO } from '@danube/iceberg';
import {
  createFileIO,
  localBaseUri,
  type ObjectStore,
  openLocalObjectStore,
  openS3ObjectStore,
  openUploadJournal,
  type S3ObjectStoreOptions,
} from '@danube/objectstore';
import type { StorageSettings } from './config/settings.ts';
import type { Logger } from './log.ts';

/** How the warehouse is used. */
export interface WarehouseOptions {
  readonly logger?: Logger;
  /**
   * Directory for notes of uploads under way, by which the next start finds what a killed broker left behind. None for
   * commands that only read.
   */
  readonly uploadNotesDir?: string;
}

/** The files of the tables. */
export interface Warehouse {
  readonly io: FileIO;
  close(): Promise<void>;
}

type S3Settings = Extract<StorageSettings['objectStore'], { kind: 's3' }>;

/** Opens the store that holds the warehouse; a local one is made when it does not exist. */
export async function openWarehouse(
  { objectStore, warehouse }: StorageSettings,
  options: WarehouseOptions,
): Promise<Warehouse> {
  if (objectStore.kind === 'local') {
    mkdirSync(warehouse.slice('file://'.length), { recursive: true });
    const { root } = objectStore;
    return warehouseOn(await openLocalObjectStore({ root }), localBaseUri(root));
  }
  const [baseUri = '', bucket = ''] = /^s3[an]?:\/\/([^/]+)/.exec(warehouse) ?? [];
  return warehouseOn(await openS3ObjectStore(await s3Options(bucket, objectStore, options)), baseUri);
}

function warehouseOn(store: ObjectStore, baseUri: string): Warehouse {
  return { io: createFileIO({ store, baseUri }), close: () => store.close() };
}

async function s3Options(
  bucket: string,
  { region, endpoint, pathStyle, credentials }: S3Settings,
  { logger, uploadNotesDir }: WarehouseOptions,
): Promise<S3ObjectStoreOptions> {
  return {
    bucket,
    region,
    endpoint,
    pathStyle,
    credentials,
    ...(uploadNotesDir !== undefined && { uploadJournal: await openUploadJournal({ dir: uploadNotesDir }) }),
    ...(logger !== undefined && {
      onEvent: ({ kind, ...event }) => {
        const { error, ...facts } = { error: undefined, ...event };
        const level = kind === 'breaker-closed' || kind === 'breaker-half-open' ? 'info' : 'warn';
        logger[level]({ ...facts, ...(error !== undefined && { err: error }) }, `Object store: ${kind}`);
      },
    }),
  };
}
