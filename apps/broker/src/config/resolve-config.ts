import { resolve } from 'node:path';
import { defaultDispatchSettings } from '../dispatch/dispatch-settings.ts';
import { checkExposure, parseAddress } from './address.ts';
import { contradiction } from './config-errors.ts';
import type { ConfigFile } from './config-schema.ts';
import { resolveStorage } from './resolve-storage.ts';
import type { Address, BrokerSettings } from './settings.ts';

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
    storage: resolveStorage(file.storage?.iceberg_config ?? {}, dataDir, at),
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
