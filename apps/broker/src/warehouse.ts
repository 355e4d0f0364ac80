import type { FileIO } from '@danube/iceberg';
import {
  createFileIO,
  createObjectStoreFactory,
  type ObjectStoreFactoryOptions,
  openUploadJournal,
  type S3ObjectStoreOptions,
} from '@danube/objectstore';
import { logCallEvents } from './call-events.ts';
import { checkWarehouse } from './check-warehouse.ts';
import { type StorageSettings, usesVendedCredentials } from './config/settings.ts';
import type { Logger } from './log.ts';

/** How the warehouse is used. */
export type WarehouseUse =
  | {
      readonly kind: 'write';
      readonly logger: Logger;
      /** Directory for notes of uploads under way, by which the next start finds what a killed broker left behind. */
      readonly uploadNotesDir: string;
    }
  | { readonly kind: 'read' };

/** The files of tables. */
export interface Warehouse {
  readonly io: FileIO;
  close(): Promise<void>;
}

/** What every bucket is opened with. */
export type S3Settings = Omit<S3ObjectStoreOptions, 'bucket'>;

/** The files of all tables, by the settings of the broker. */
export interface OwnWarehouse extends Warehouse {
  /** What its buckets are opened with; empty for a local store. */
  readonly s3: S3Settings;
}

type ObjectStoreSettings = StorageSettings['objectStore'];

/**
 * Opens the store that holds the warehouse. Who writes gets it checked, and a local one made, durably, when it does not
 * exist. Files of tables may lie in other buckets, too: they are reached by the same settings. Where only the catalog's
 * server knows the place, its bucket is opened, unchecked, with the first file; so it is where the server gives the keys.
 */
export async function openWarehouse(
  { catalog, objectStore, warehouse }: StorageSettings,
  use: WarehouseUse,
): Promise<OwnWarehouse> {
  const options = await factoryOptions(objectStore, use);
  const factory = createObjectStoreFactory(options);
  try {
    // Opened now and not with the first file: that ends the uploads that a killed broker left.
    if (use.kind === 'write' && objectStore.kind === 'local') {
      await factory.open({ type: 'local', root: objectStore.root });
    } else if (use.kind === 'write' && warehouse !== undefined && !usesVendedCredentials(catalog)) {
      await checkWarehouse(await factory.open(warehouse), warehouse, use.logger);
    }
    return { io: createFileIO({ factory }), s3: options.s3 ?? {}, close: () => factory.close() };
  } catch (error) {
    await factory.close();
    throw error;
  }
}

async function factoryOptions(
  settings: ObjectStoreSettings,
  use: WarehouseUse,
): Promise<ObjectStoreFactoryOptions> {
  if (settings.kind === 'local') return { localRoots: [settings.root] };
  const { kind: _, ...s3 } = settings;
  if (use.kind === 'read') return { s3 };
  const uploadJournal = await openUploadJournal({ dir: use.uploadNotesDir });
  return { s3: { ...s3, uploadJournal, onEvent: logCallEvents('Object store', use.logger) } };
}
