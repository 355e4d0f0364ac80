import { join } from 'node:path';
import { openIcebergStorage, type PersistentStorage } from '@danube/storage';
import { openCatalog } from './catalog/open-catalog.ts';
import { formatAddress } from './config/address.ts';
import type { BrokerSettings } from './config/settings.ts';
import { BrokerError, codeOf, messageOf } from './errors.ts';
import type { Logger } from './log.ts';
import { watchPhases } from './phase-log.ts';

/**
 * How long a broker that stops tries to commit what is pending. With what closing takes after it, that is less than the
 * 30 s which supervisors give a process; what is not committed stays in the log.
 */
const COMMIT_AT_END_MS = 15_000;

/**
 * Opens the storage that the settings say: the log, the catalog, and the store of the tables. Closing it closes them all.
 *
 * @throws BrokerError `DATA_DIR_HELD` when another process has the log, `CATALOG_UNUSABLE`, `OBJECT_STORE_UNUSABLE`; errors of storage and
 * catalog
 */
export async function openBrokerStorage(
  settings: BrokerSettings,
  logger: Logger,
): Promise<PersistentStorage> {
  const { wal, flush } = settings.storage;
  const opened = await openCatalog(settings.storage, {
    kind: 'write',
    logger,
    uploadNotesDir: join(settings.dataDir, 'uploads'),
  });
  const { target, openWal } = watchPhases({ catalog: opened.catalog, io: opened.io }, logger);
  try {
    const storage = await openIcebergStorage({
      wal,
      flush,
      resolve: () => target,
      brokerAddr: settings.advertised.brokerUrl ?? `http://${formatAddress(settings.brokerAddress)}`,
      limits: { maxPayloadBytes: settings.maxMessageSizeBytes },
      closeTimeoutMs: COMMIT_AT_END_MS,
      ...(openWal === undefined ? {} : { openWal }),
    });
    return closingAlso(storage, () => opened.close());
  } catch (error) {
    await opened.close();
    throw walHeld(error, wal.dir) ?? error;
  }
}

/** The storage is given its catalog and leaves it open; here they end together. */
function closingAlso(storage: PersistentStorage, after: () => Promise<void>): PersistentStorage {
  const close = storage.close.bind(storage);
  storage.close = async () => {
    try {
      await close();
    } finally {
      await after();
    }
  };
  return storage;
}

/** The log's own lock matters when two data directories share one `wal.base_path`. */
function walHeld(error: unknown, dir: string): BrokerError | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (codeOf(cause) === 'WAL_LOCKED') {
      const sentence = `Another process has the write-ahead log ${dir} open (${messageOf(cause)}).`;
      return new BrokerError('DATA_DIR_HELD', sentence, { cause: error });
    }
  }
  return undefined;
}
