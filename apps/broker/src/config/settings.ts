import type { DispatchSettings } from '../dispatch/dispatch-settings.ts';

/** A host and TCP port; port 0 takes any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** When an acknowledged message is durable: same meaning as `SyncMode` of `@danube/wal`. */
export type SyncSetting =
  | { readonly kind: 'always' }
  | { readonly kind: 'periodic'; readonly intervalMs: number }
  | { readonly kind: 'none' };

/** Where messages and tables are kept: the embedded catalog over a local directory. */
export interface StorageSettings {
  readonly catalog: {
    readonly kind: 'sql';
    /** The SQLite file. Default `<dataDir>/catalog.db`. */
    readonly file: string;
    /** `catalog_name` of the rows in it. Default `danube`. */
    readonly name: string;
  };
  /** Directory of the tables. Default `<dataDir>/warehouse`. */
  readonly warehouseDir: string;
  /** Root of the local object store; holds `warehouseDir`. Default: the same directory. */
  readonly objectStoreRoot: string;
  readonly wal: {
    /** Default `<dataDir>/wal`. */
    readonly dir: string;
    /** Bytes after which a log file is closed and the next begun. Default 64 MiB. */
    readonly maxFileSizeBytes: number;
    /** Default `always`: a message is acknowledged when it is on disk. */
    readonly sync: SyncSetting;
  };
  readonly flush: {
    /** Bytes of one topic after which its messages are committed. Default 64 MiB. */
    readonly maxBytes: number;
    /** Age of a topic's oldest uncommitted message at which it is committed. Default 10,000. */
    readonly maxAgeMs: number;
  };
}

/** Everything a broker is told, complete and checked; made by `resolveConfig`. */
export interface BrokerSettings {
  /** Absolute path. */
  readonly dataDir: string;
  /** Where gRPC clients connect. Default 127.0.0.1:6650. */
  readonly brokerAddress: Address;
  /** Reserved for the admin gRPC service; nothing listens there yet. */
  readonly adminAddress: Address | undefined;
  /** HTTP address of metrics and health. Default 127.0.0.1:9040. */
  readonly httpAddress: Address;
  /** URLs handed to clients instead of the listening address, for example behind NAT. */
  readonly advertised: { readonly brokerUrl: string | undefined; readonly connectUrl: string | undefined };
  /** Namespaces that exist from the start. Default `default`. */
  readonly bootstrapNamespaces: readonly string[];
  /** Whether a producer on an unknown topic creates it. Default true. */
  readonly autoCreateTopics: boolean;
  /** Largest payload accepted. Default 10 MiB. */
  readonly maxMessageSizeBytes: number;
  readonly dispatch: DispatchSettings;
  /** Longest time between acknowledgement and its cursor on disk. Default 500. */
  readonly cursorFlushIntervalMs: number;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly storage: StorageSettings;
}
