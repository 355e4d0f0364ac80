import { IcebergError, uuidV7 } from '@danube/iceberg';
import type { ResourceUrls } from './resource-urls.ts';
import { closedError, type RestClient } from './rest-client.ts';
import type { RestRequest } from './rest-request.ts';
import { type OperationName, operationRules } from './retry-rules.ts';
import type { ServerConfig } from './server-config.ts';

/** An idempotency key, and until when the server knows it (Unix milliseconds). */
export type IdempotencyKey = NonNullable<RestRequest<unknown>['key']>;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Requests to a server whose configuration is known. */
export class Caller {
  readonly config: ServerConfig;
  readonly urls: ResourceUrls;
  readonly #client: RestClient;

  constructor(client: RestClient, config: ServerConfig, urls: ResourceUrls) {
    this.#client = client;
    this.config = config;
    this.urls = urls;
  }

  /**
   * Rejects with a `CallFailure`, or with `UNSUPPORTED_FEATURE` or `CATALOG_UNAVAILABLE` for an operation that is not
   * begun: the server does not list it, or the catalog is closed.
   */
  async send<T>(request: RestRequest<T>): Promise<T> {
    if (this.#client.isClosed) throw closedError(this.config.uri);
    this.require(request.operation);
    return this.#client.send(request);
  }

  /** `UNSUPPORTED_FEATURE` unless the server offers the operation. */
  require(operation: OperationName): void {
    if (this.config.offers(operation)) return;
    const { method, path } = operationRules[operation];
    const message = `the server does not offer ${operation} (${method} ${path})`;
    throw new IcebergError('UNSUPPORTED_FEATURE', message, { context: { operation, uri: this.config.uri } });
  }

  /**
   * A key for one logical operation: one and the same for everything that is sent for it. Undefined if the server takes
   * none. Of a key that was given, the time in it says how old it is already; `INVALID_ARGUMENT` if it is no uuid.
   */
  newKey(given?: string): IdempotencyKey | undefined {
    const { idempotencyLifetimeMs } = this.config;
    if (idempotencyLifetimeMs === undefined) return undefined;
    if (given !== undefined && !UUID.test(given))
      throw new IcebergError('INVALID_ARGUMENT', 'the idempotency key is no uuid');
    const nowMs = Date.now();
    const text = given ?? uuidV7(nowMs);
    return { text, validUntilMs: Math.min(timeOf(text) ?? nowMs, nowMs) + idempotencyLifetimeMs };
  }
}

/** The time in a UUIDv7; undefined for other keys. */
function timeOf(key: string): number | undefined {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7/i.test(key)
    ? Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16)
    : undefined;
}
