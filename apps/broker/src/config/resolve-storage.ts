import { join } from 'node:path';
import { contradiction } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';
import { resolveCatalog } from './resolve-catalog.ts';
import type { StorageSettings, SyncSetting } from './settings.ts';

const MIB = 1024 * 1024;

/**
 * Where messages and tables are kept. `at` makes a path absolute.
 *
 * @throws BrokerError `CONFIG_INVALID`, `UNSUPPORTED`
 */
export function resolveStorage(
  config: IcebergConfig,
  dataDir: string,
  at: (path: string) => string,
): StorageSettings {
  return {
    ...resolveCatalog(config, dataDir, at),
    wal: {
      dir: config.wal?.base_path === undefined ? join(dataDir, 'wal') : at(config.wal.base_path),
      maxFileSizeBytes: config.wal?.max_file_size ?? 64 * MIB,
      sync: syncOf(config),
    },
    flush: { maxBytes: config.flush?.max_bytes ?? 64 * MIB, maxAgeMs: config.flush?.max_age_ms ?? 10_000 },
  };
}

function syncOf({ wal }: IcebergConfig): SyncSetting {
  const mode = wal?.sync_mode ?? 'always';
  if (mode !== 'periodic') {
    if (wal?.sync_interval_ms !== undefined) {
      throw contradiction(
        `${ICEBERG_KEY}.wal.sync_interval_ms`,
        `this key has a meaning only with sync_mode "periodic", and sync_mode is "${mode}"`,
      );
    }
    return { kind: mode };
  }
  return { kind: 'periodic', intervalMs: wal?.sync_interval_ms ?? 1_000 };
}
