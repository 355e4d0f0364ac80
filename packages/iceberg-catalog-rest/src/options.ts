import type { CallComponents, CallEvent, CallPolicyOptions } from '@danube/resilience';
import { noAuth, type RestAuth } from './auth/rest-auth.ts';
import { checkedBaseUri, pathPrefix } from './base-uri.ts';
import { checkedText, invalidOption, refuseUnknownOptions } from './option-checks.ts';
import { checkedHeaders } from './request-headers.ts';

/** Where the server lets clients get at the files of a table, asked for by `X-Iceberg-Access-Delegation`. */
export type AccessDelegation = 'vended-credentials' | 'remote-signing';

/** Settings and components of a REST catalog. Only `uri` is needed. */
export interface RestCatalogOptions {
  /**
   * Base URI of the catalog, without `/v1`: `https://catalog.example.com/iceberg`. `http:` or `https:`, without user
   * name, query and fragment: credentials belong into `auth`.
   */
  readonly uri: string;
  /** Which warehouse of the server, as a name or location that the server knows. Default: the server's own choice. */
  readonly warehouse?: string;
  /**
   * Path prefix between `/v1/` and the resource, percent-encoded where it has to be. Default: what the server's
   * configuration says, else none. What the server overrides wins over this.
   */
  readonly prefix?: string;
  /** Proves who calls. Closed with the catalog. Default: `noAuth()`. */
  readonly auth?: RestAuth;
  /** Sent with every request, `X-Iceberg-Tenant` for instance. Names of headers that the catalog sets are refused. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Properties of the client for the catalog's configuration: over the server's defaults, under its overrides.
   * Default: none. Never put secrets here.
   */
  readonly properties?: Readonly<Record<string, string>>;
  /** What the server is asked to give for the files of tables. Default: nothing; the files are reached by own means. */
  readonly accessDelegation?: readonly AccessDelegation[];
  /** Names per page of a listing, 1 to 10,000. Default: the server's choice. Listings always return all names. */
  readonly pageSize?: number;
  /**
   * States of tables kept in memory, 0 to 10,000: a load asks the server whether the state is still the present one,
   * and the server need not send it. Default 16. More costs memory, as much as the metadata files.
   */
  readonly cachedTables?: number;
  /** Largest reply in bytes, 1 KiB to 2^30. Default 256 MiB. A longer one is not read to its end. */
  readonly maxReplyBytes?: number;
  /** Time for a connection, TLS included, in milliseconds. Default 10,000; 1 or more. */
  readonly connectTimeoutMs?: number;
  /** Connections to the server at once. Default 64; 1 or more. Calls beyond that wait, their time limit does not run. */
  readonly maxConnections?: number;
  /**
   * Retries, time limit of an attempt and circuit breaker, as `@danube/resilience` documents them. Which failure of
   * which operation is retried at all is no setting: see the table in the README.
   */
  readonly resilience?: Pick<
    CallPolicyOptions,
    'retry' | 'timeoutMs' | 'breaker' | 'maxConcurrent' | 'maxQueued'
  >;
  /** Told of retries, time-outs and changes of the breaker. What it throws is dropped. */
  readonly onEvent?: (event: CallEvent) => void;
  /** For tests: randomness of waits, and the breaker's clock. */
  readonly components?: CallComponents;
}

/** {@link RestCatalogOptions} checked and with nothing left open that has a default. */
export interface ResolvedRestCatalogOptions {
  /** Without a slash at its end. */
  readonly uri: string;
  readonly warehouse: string | undefined;
  readonly prefix: string | undefined;
  readonly auth: RestAuth;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly pageSize: number | undefined;
  readonly cachedTables: number;
  readonly maxReplyBytes: number;
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  readonly resilience: NonNullable<RestCatalogOptions['resilience']>;
  readonly onEvent: ((event: CallEvent) => void) | undefined;
  readonly components: CallComponents | undefined;
}

const known: Readonly<Record<keyof RestCatalogOptions, true>> = {
  uri: true,
  warehouse: true,
  prefix: true,
  auth: true,
  headers: true,
  properties: true,
  accessDelegation: true,
  pageSize: true,
  cachedTables: true,
  maxReplyBytes: true,
  connectTimeoutMs: true,
  maxConnections: true,
  resilience: true,
  onEvent: true,
  components: true,
};

const WHAT = 'REST catalog';
const resilienceKeys = ['retry', 'timeoutMs', 'breaker', 'maxConcurrent', 'maxQueued'];
/** Checks the options and fills the defaults. Errors: `INVALID_ARGUMENT`, which never shows a header's value. */
export function resolveRestCatalogOptions(options: RestCatalogOptions): ResolvedRestCatalogOptions {
  refuseUnknownOptions(WHAT, options, Object.keys(known));
  refuseUnknownOptions(`${WHAT}: resilience`, options.resilience ?? {}, resilienceKeys);
  return {
    uri: checkedBaseUri(options.uri),
    warehouse: checkedText(WHAT, 'warehouse', options.warehouse),
    prefix: checkedPrefix(options.prefix),
    auth: options.auth ?? noAuth(),
    headers: checkedHeaders(options.headers ?? {}, options.accessDelegation ?? []),
    properties: { ...options.properties },
    pageSize: options.pageSize === undefined ? undefined : within('pageSize', options.pageSize, 1, 10_000),
    cachedTables: within('cachedTables', options.cachedTables ?? 16, 0, 10_000),
    maxReplyBytes: within('maxReplyBytes', options.maxReplyBytes ?? 2 ** 28, 1024, 2 ** 30),
    connectTimeoutMs: within('connectTimeoutMs', options.connectTimeoutMs ?? 10_000, 1, 2 ** 31 - 1),
    maxConnections: within('maxConnections', options.maxConnections ?? 64, 1, 65_536),
    resilience: options.resilience ?? {},
    onEvent: options.onEvent,
    components: options.components,
  };
}

function checkedPrefix(value: string | undefined): string | undefined {
  const text = checkedText(WHAT, 'prefix', value);
  const prefix = text === undefined ? undefined : pathPrefix(text);
  if (prefix !== undefined || text === undefined) return prefix;
  throw invalidOption(WHAT, 'prefix', 'a path');
}

function within(option: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw invalidOption(WHAT, option, `a whole number from ${low} to ${high}`);
}
