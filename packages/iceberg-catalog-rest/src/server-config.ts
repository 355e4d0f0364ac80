import { IcebergError, JsonFields } from '@danube/iceberg';
import { checkedBaseUri, pathPrefix } from './base-uri.ts';
import type { ResolvedRestCatalogOptions } from './options.ts';
import type { RestReply } from './rest-request.ts';
import { type OperationName, operationRules } from './retry-rules.ts';

/** What a server says of itself, merged with what the client wants. */
export interface ServerConfig {
  /** The server's defaults, the client's properties, the server's overrides: the later ones win. */
  readonly properties: Readonly<Record<string, string>>;
  /** Without a slash at its end; a server may direct to another one. */
  readonly uri: string;
  /** Without slashes around it; empty if there is none. */
  readonly prefix: string;
  /** Between the levels of a namespace in a path, percent-encoded. */
  readonly namespaceSeparator: string;
  /** How long an idempotency key is remembered; undefined if the server takes none. */
  readonly idempotencyLifetimeMs: number | undefined;
  /** Whether the server offers an operation. */
  offers(operation: OperationName): boolean;
}

/** Reads the reply to `GET /v1/config`. Throws for one that breaks the specification. */
export function readServerConfig({ json }: RestReply, options: ResolvedRestCatalogOptions): ServerConfig {
  const fields = new JsonFields(json ?? null, 'reply of /v1/config');
  const defaults = fields.stringMap('defaults');
  const overrides = fields.stringMap('overrides');
  const client = { ...options.properties, ...(options.prefix !== undefined && { prefix: options.prefix }) };
  const properties: Record<string, string> = { ...defaults, ...client, ...overrides };
  const lifetime = fields.optionalString('idempotency-key-lifetime');
  return {
    properties,
    uri: overrides['uri'] === undefined ? options.uri : redirected(options.uri, overrides['uri']),
    prefix: checkedPrefix(properties['prefix'] ?? ''),
    namespaceSeparator: checkedSeparator(properties['namespace-separator'] || '%1F'),
    idempotencyLifetimeMs: lifetime === undefined ? undefined : durationMs(lifetime),
    offers: offered(fields.has('endpoints') ? fields.stringArray('endpoints') : undefined),
  };
}

/** What the client sends to the server named first must not become readable on the way to the second. */
function redirected(from: string, to: string): string {
  const uri = checkedBaseUri(to);
  if (from.startsWith('https:') && !uri.startsWith('https:')) {
    throw new IcebergError('INVALID_ARGUMENT', `${from} directs to ${uri}, which is not encrypted`);
  }
  return uri;
}

/** A prefix that ended the path, or led out of it, would have other tables dropped than those that are meant. */
function checkedPrefix(text: string): string {
  const prefix = pathPrefix(text);
  if (prefix !== undefined) return prefix;
  throw new IcebergError('INVALID_METADATA', `prefix ${JSON.stringify(text)} of the server is no path`);
}

/** Sent as it is where it is percent-encoded, as it has to be, since servers look for that very text. */
function checkedSeparator(text: string): string {
  try {
    if (/^(?:[\w.~-]|%[\da-f]{2})+$/i.test(text) && decodeURIComponent(text) !== '') return text;
    if (!text.includes('%')) return encodeURIComponent(text);
  } catch {
    // Bytes that are no text, or half a character.
  }
  const message = `namespace-separator ${JSON.stringify(text)} of the server is not percent-encoded`;
  throw new IcebergError('INVALID_METADATA', message);
}

/**
 * Servers list `GET /v1/{prefix}/namespaces/{namespace}`; some leave out the first slash, some give whole URLs, and
 * names in braces differ.
 */
function offered(endpoints: readonly string[] | undefined): (operation: OperationName) => boolean {
  // As Iceberg Java takes an empty list: a server that offers nothing is none.
  const listed = endpoints?.length ? new Set(endpoints.map(canonical)) : undefined;
  return (operation) => {
    const { method, path, isBasic } = operationRules[operation];
    return listed?.has(canonical(`${method} /v1/{prefix}/${path}`)) ?? isBasic;
  };
}

function canonical(endpoint: string): string {
  const [method = '', path = ''] = endpoint.trim().split(/\s+/);
  const bare = path.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
  return `${method.toUpperCase()} ${bare.replace(/\{[^}]*\}/g, '{}')}`;
}

const unitMs = { D: 86_400_000, H: 3_600_000, M: 60_000, S: 1000 } as const;

/**
 * Milliseconds of an ISO-8601 duration of days and less, as `PT30M` or `P1DT0.5S`. Undefined for other text: who cannot
 * tell how long a key counts must do without.
 */
export function durationMs(text: string): number | undefined {
  const match = /^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(text);
  if (match === null || text.length < 3) return undefined;
  const units = [unitMs.D, unitMs.H, unitMs.M, unitMs.S];
  const total = units.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit, 0);
  return total > 0 ? total : undefined;
}
