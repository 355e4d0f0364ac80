import type { FileIO } from '@danube/iceberg';
import {
  createFileIO,
  createObjectStoreFactory,
  type ObjectStoreFactoryOptions,
  openUploadJournal,
} from '@danube/objectstore';
import type { CallEvent } from '@danube/resilience';
import { checkWarehouse } from './check-warehouse.ts';
import type { StorageSettings } from './config/settings.ts';
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

/** The files of the tables. */
export interface Warehouse {
  readonly io: FileIO;
  close(): Promise<void>;
}

type ObjectStoreSettings = StorageSettings['objectStore'];

/**
 * Opens the store that holds the warehouse; a local one is made, durably, when it does not exist. Files of tables may lie in
 * other buckets, too: they are reached by the same settings.
 */
export async function openWarehouse(
  { objectStore, warehouse }: StorageSettings,
  use: WarehouseUse,
): Promise<Warehouse> {
  const factory = createObjectStoreFactory(await factoryOptions(objectStore, use));
  try {
    // Opened now and not with the first file: that ends the uploads that a killed broker left.
    const store = await factory.open(
      objectStore.kind === 'local' ? { type: 'local', root: objectStore.root } : warehouse,
    );
    if (use.kind === 'write' && objectStore.kind === 's3') await checkWarehouse(store, warehouse, use.logger);
    return { io: createFileIO({ factory }), close: () => factory.close() };
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
  return { s3: { ...s3, uploadJournal, onEvent: (event) => logCallEvent(event, use.logger) } };
}

/** Retries and states of the circuit breaker, in the log. */
function logCallEvent({ kind, ...event }: CallEvent, logger: Logger): void {
  const { error, ...facts } = { error: undefined, ...event };
  const level = kind === 'breaker-closed' || kind === 'breaker-half-open' ? 'info' : 'warn';
  logger[level]({ ...facts, ...(error !== undefined && { err: error }) }, `Object store: ${kind}`);
}
