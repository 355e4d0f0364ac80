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

/** Where the files of tables are kept. */
export type ObjectStoreSettings =
  | {
      readonly kind: 'local';
      /** Absolute path of the directory that holds all tables. Default: the warehouse itself. */
      readonly root: string;
    }
  | {
      readonly kind: 's3';
      /** Default: what the environment says, else us-east-1. */
      readonly region?: string;
      /** Default: AWS's own for the region. */
      readonly endpoint?: string;
      /** Whether the bucket stands in the path instead of the host name. Default: with an endpoint of one's own. */
      readonly pathStyle: boolean;
      /** Default: the credential chain of the AWS SDK (environment, profile, container, instance). */
      readonly credentials?: {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken?: string;
      };
    };

/** A catalog in a SQLite file. */
export interface SqlCatalogSettings {
  readonly kind: 'sql';
  /** The SQLite file. Default `<dataDir>/catalog.db`. */
  readonly file: string;
  /** `catalog_name` of the rows in it. Default `danube`. */
  readonly name: string;
  /** Location below which tables get theirs: {@link StorageSettings.warehouse}. */
  readonly warehouse: string;
}

/** How the broker proves to a REST catalog who it is. Secrets: keep it out of logs. */
export type CatalogAuthSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: string }
  | {
      readonly kind: 'oauth2';
      /** The token endpoint. */
      readonly serverUri: string;
      /** `id:secret` */
      readonly credential: string;
      /** Default: the client's own, `catalog`. Empty asks for none. */
      readonly scope?: string;
    }
  | {
      /** By the credential chain of the AWS SDK. */
      readonly kind: 'sigv4';
      readonly region: string;
      /** Name that the service signs by: `glue`, `s3tables`, `execute-api`. */
      readonly service: string;
    };

/** A server of Iceberg's REST protocol. */
export interface RestCatalogSettings {
  readonly kind: 'rest';
  /** Without `/v1`, user name, query and fragment. */
  readonly uri: string;
  /** What the server is asked for, as it was given: a name or a location. Default: the server's own choice. */
  readonly warehouse?: string;
  /** Path behind `/v1/`. Default: what the server says. */
  readonly prefix?: string;
  /** Sent with every request. Values may be secrets. Default: none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: CatalogAuthSettings;
  /** Asks the server for keys to each table's files. Default: they are reached by the broker's own. */
  readonly accessDelegation?: 'vended-credentials';
}

export type CatalogSettings = SqlCatalogSettings | RestCatalogSettings;

/** Whether files of tables are reached by keys that the catalog gives. */
export function usesVendedCredentials(catalog: CatalogSettings): boolean {
  return catalog.kind === 'rest' && catalog.accessDelegation === 'vended-credentials';
}

/** Where messages and tables are kept. */
export interface StorageSettings {
  readonly catalog: CatalogSettings;
  /**
   * Location below which tables get theirs, without a slash at its end: `file://` and an absolute path spelled
   * literally, or `s3://bucket/prefix`. Default `<dataDir>/warehouse`; undefined if only the catalog's server knows.
   */
  readonly warehouse: string | undefined;
  readonly objectStore: ObjectStoreSettings;
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
