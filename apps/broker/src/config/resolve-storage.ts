import { join } from 'node:path';
import { contradiction, unsupported } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';
import { resolveObjectStore } from './resolve-object-store.ts';
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
    catalog: catalogOf(config, dataDir, at),
    ...resolveObjectStore(config, dataDir, at),
    wal: {
      dir: config.wal?.base_path === undefined ? join(dataDir, 'wal') : at(config.wal.base_path),
      maxFileSizeBytes: config.wal?.max_file_size ?? 64 * MIB,
      sync: syncOf(config),
    },
    flush: { maxBytes: config.flush?.max_bytes ?? 64 * MIB, maxAgeMs: config.flush?.max_age_ms ?? 10_000 },
  };
}

function catalogOf(
  config: IcebergConfig,
  dataDir: string,
  at: (path: string) => string,
): StorageSettings['catalog'] {
  const { catalog = {} } = config;
  if (catalog.type === 'rest' || catalog.type === 'glue') {
    throw unsupported(
      `${ICEBERG_KEY}.catalog.type`,
      `the ${catalog.type} catalog is not supported by this version; use "sql", the embedded catalog`,
    );
  }
  for (const key of ['database', 'token'] as const) {
    if (catalog[key] !== undefined)
      throw contradiction(`${ICEBERG_KEY}.catalog.${key}`, 'this key has no meaning for the sql catalog');
  }
  return { kind: 'sql', file: catalogFileOf(catalog.uri, dataDir, at), name: catalog.name ?? 'danube' };
}

function catalogFileOf(uri: string | undefined, dataDir: string, at: (path: string) => string): string {
  if (uri === undefined) return join(dataDir, 'catalog.db');
  // As SQLAlchemy and PyIceberg write it: three slashes, then the path; four make it absolute.
  const match = /^sqlite:\/\/\/(.+)$/.exec(uri);
  if (match === null)
    throw contradiction(`${ICEBERG_KEY}.catalog.uri`, 'expected sqlite:///FILE for the sql catalog');
  return at(match[1]!);
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
