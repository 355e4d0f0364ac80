import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultDispatchSettings } from '../dispatch/dispatch-settings.ts';
import { BrokerError } from '../errors.ts';
import { checkExposure, parseAddress } from './address.ts';
import type { ConfigFile } from './config-schema.ts';
import type { Address, BrokerSettings, StorageSettings, SyncSetting } from './settings.ts';

/** What the command line says; it wins over the file. */
export interface ConfigFlags {
  readonly dataDir?: string | undefined;
  readonly brokerAddr?: string | undefined;
  readonly adminAddr?: string | undefined;
  readonly promExporter?: string | undefined;
  readonly advertisedAddr?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** The rest of the world a configuration depends on. */
export interface ConfigSurroundings {
  /** Relative paths are taken from here. */
  readonly baseDir: string;
}

const MIB = 1024 * 1024;
const DEFAULT_HOST = '127.0.0.1';

/**
 * Fills in the defaults (the embedded set-up under `./danube-data`), lets flags win over the file, and checks the
 * rules across keys. The only place that knows defaults.
 *
 * @throws BrokerError `CONFIG_INVALID` (a contradiction), `UNSUPPORTED` (what this version refuses),
 * `ADDRESS_REFUSED` (not on this machine and not `--insecure`)
 */
export function resolveConfig(
  file: ConfigFile,
  flags: ConfigFlags,
  surroundings: ConfigSurroundings,
): BrokerSettings {
  const at = (path: string) => resolve(surroundings.baseDir, path);
  const dataDir = at(flags.dataDir ?? file.data_dir ?? 'danube-data');
  const host = file.broker?.host ?? DEFAULT_HOST;
  const ports = file.broker?.ports ?? {};
  const insecure = flags.insecure ?? false;
  const address = (flag: string | undefined, flagName: string, key: string, port: number): Address => {
    const chosen = flag === undefined ? { host, port } : parseAddress(flag, flagName);
    checkExposure(
      chosen,
      flag === undefined ? (file.broker?.host ? 'broker.host' : key) : flagName,
      insecure,
    );
    return chosen;
  };
  return {
    dataDir,
    brokerAddress: address(flags.brokerAddr, '--broker-addr', 'broker.ports.client', ports.client ?? 6650),
    httpAddress: address(
      flags.promExporter,
      '--prom-exporter',
      'broker.ports.prometheus',
      ports.prometheus ?? 9040,
    ),
    adminAddress:
      flags.adminAddr === undefined && ports.admin === undefined
        ? undefined
        : address(flags.adminAddr, '--admin-addr', 'broker.ports.admin', ports.admin ?? 50_051),
    advertised: advertisedOf(file, flags),
    bootstrapNamespaces: file.bootstrap_namespaces ?? ['default'],
    autoCreateTopics: file.auto_create_topics ?? true,
    maxMessageSizeBytes: file.policies?.max_message_size ?? 10 * MIB,
    dispatch: dispatchOf(file),
    cursorFlushIntervalMs: file.dispatch?.cursor_flush_interval_ms ?? 500,
    logLevel: file.log?.level ?? 'info',
    storage: storageOf(file.storage?.iceberg_config ?? {}, dataDir, at),
  };
}

function advertisedOf(file: ConfigFile, flags: ConfigFlags): BrokerSettings['advertised'] {
  const listeners = file.broker?.advertised_listeners ?? {};
  const flag =
    flags.advertisedAddr === undefined ? undefined : `http://${checkAdvertised(flags.advertisedAddr)}`;
  const brokerUrl = flag ?? listeners.broker_url ?? listeners.connect_url;
  return { brokerUrl, connectUrl: flag ?? listeners.connect_url ?? brokerUrl };
}

function checkAdvertised(text: string): string {
  parseAddress(text, '--advertised-addr');
  return text;
}

function dispatchOf(file: ConfigFile): BrokerSettings['dispatch'] {
  const keys = file.dispatch ?? {};
  const settings = {
    maxUnackedMessages: keys.max_unacked_messages ?? defaultDispatchSettings.maxUnackedMessages,
    ackTimeoutMs: keys.ack_timeout_ms ?? defaultDispatchSettings.ackTimeoutMs,
    baseRedeliveryDelayMs: keys.base_redelivery_delay_ms ?? defaultDispatchSettings.baseRedeliveryDelayMs,
    maxRedeliveryDelayMs: keys.max_redelivery_delay_ms ?? defaultDispatchSettings.maxRedeliveryDelayMs,
  };
  if (settings.maxRedeliveryDelayMs < settings.baseRedeliveryDelayMs) {
    throw contradiction(
      'dispatch.max_redelivery_delay_ms',
      `expected at least dispatch.base_redelivery_delay_ms (${settings.baseRedeliveryDelayMs})`,
    );
  }
  return settings;
}

type IcebergConfig = NonNullable<NonNullable<ConfigFile['storage']>['iceberg_config']>;

const prefix = 'storage.iceberg_config';

function storageOf(config: IcebergConfig, dataDir: string, at: (path: string) => string): StorageSettings {
  refuseUnsupported(config);
  const warehouseDir = warehouseOf(config, at) ?? join(dataDir, 'warehouse');
  const objectStoreRoot =
    config.object_store?.root === undefined
      ? warehouseDir
      : pathOf(config.object_store.root, `${prefix}.object_store.root`, at);
  if (relative(objectStoreRoot, warehouseDir).startsWith('..')) {
    throw contradiction(`${prefix}.object_store.root`, 'expected a directory that holds the warehouse');
  }
  return {
    catalog: {
      kind: 'sql',
      file: catalogFileOf(config, dataDir, at),
      name: config.catalog?.name ?? 'danube',
    },
    warehouseDir,
    objectStoreRoot,
    wal: {
      dir: config.wal?.base_path === undefined ? join(dataDir, 'wal') : at(config.wal.base_path),
      maxFileSizeBytes: config.wal?.max_file_size ?? 64 * MIB,
      sync: syncOf(config),
    },
    flush: { maxBytes: config.flush?.max_bytes ?? 64 * MIB, maxAgeMs: config.flush?.max_age_ms ?? 10_000 },
  };
}

function refuseUnsupported(config: IcebergConfig): void {
  const { catalog = {}, object_store: store = {} } = config;
  if (catalog.type === 'rest' || catalog.type === 'glue') {
    throw unsupported(
      `${prefix}.catalog.type`,
      `the ${catalog.type} catalog is not supported by this version; use "sql", the embedded catalog`,
    );
  }
  if (store.type === 's3') {
    throw unsupported(
      `${prefix}.object_store.type`,
      'the s3 object store is not supported by this version; use "local"',
    );
  }
  if (store.type === 'memory') {
    throw unsupported(
      `${prefix}.object_store.type`,
      'tables in memory would be gone after a restart while the catalog still names them; use "local"',
    );
  }
  for (const key of ['database', 'token'] as const) {
    if (catalog[key] !== undefined)
      throw contradiction(`${prefix}.catalog.${key}`, 'this key has no meaning for the sql catalog');
  }
  for (const key of [
    'bucket',
    'region',
    'endpoint',
    'path_style',
    'access_key_id',
    'secret_access_key',
    'session_token',
  ] as const) {
    if (store[key] !== undefined)
      throw contradiction(
        `${prefix}.object_store.${key}`,
        'this key has no meaning for the local object store',
      );
  }
}

/** The plan names the warehouse in two places; they contradict each other only if they mean different directories. */
function warehouseOf(config: IcebergConfig, at: (path: string) => string): string | undefined {
  const outer =
    config.warehouse === undefined ? undefined : pathOf(config.warehouse, `${prefix}.warehouse`, at);
  const inner =
    config.catalog?.warehouse === undefined
      ? undefined
      : pathOf(config.catalog.warehouse, `${prefix}.catalog.warehouse`, at);
  if (outer !== undefined && inner !== undefined && outer !== inner) {
    throw contradiction(
      `${prefix}.warehouse`,
      `expected the same place as ${prefix}.catalog.warehouse, or only one of the two`,
    );
  }
  return outer ?? inner;
}

function catalogFileOf(config: IcebergConfig, dataDir: string, at: (path: string) => string): string {
  const uri = config.catalog?.uri;
  if (uri === undefined) return join(dataDir, 'catalog.db');
  // As SQLAlchemy and PyIceberg write it: three slashes, then the path; four make it absolute.
  const match = /^sqlite:\/\/\/(.+)$/.exec(uri);
  if (match === null)
    throw contradiction(`${prefix}.catalog.uri`, 'expected sqlite:///FILE for the sql catalog');
  return at(match[1]!);
}

/** A path or a `file:` URI as an absolute path. */
function pathOf(text: string, key: string, at: (path: string) => string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return at(text);
  const scheme = text.slice(0, text.indexOf(':')).toLowerCase();
  if (scheme === 's3' || scheme === 's3a' || scheme === 'gs' || scheme === 'abfss') {
    throw unsupported(
      key,
      `a ${scheme}:// location needs an object store this version does not support; use a directory or a file:// URI`,
    );
  }
  try {
    return at(fileURLToPath(text));
  } catch {
    throw contradiction(key, 'expected a directory or a file:/// URI'); // The cause would repeat the value.
  }
}

function syncOf({ wal }: IcebergConfig): SyncSetting {
  const mode = wal?.sync_mode ?? 'always';
  if (mode !== 'periodic') {
    if (wal?.sync_interval_ms !== undefined) {
      throw contradiction(
        `${prefix}.wal.sync_interval_ms`,
        `this key has a meaning only with sync_mode "periodic", and sync_mode is "${mode}"`,
      );
    }
    return { kind: mode };
  }
  return { kind: 'periodic', intervalMs: wal?.sync_interval_ms ?? 1_000 };
}

function contradiction(key: string, what: string): BrokerError {
  return new BrokerError('CONFIG_INVALID', `${key}: ${what}.`, { context: { key } });
}

function unsupported(key: string, what: string): BrokerError {
  return new BrokerError('UNSUPPORTED', `${key}: ${what}.`, { context: { key } });
}
