import { ClientError } from './errors.ts';
import type { ServiceUrl } from './service-url.ts';
import { parseServiceUrl } from './service-url.ts';
import { HEALTH_CHECK_INTERVAL_MS, MAX_PAYLOAD_BYTES } from './wire-constants.ts';

/** How failed calls are tried again. The n-th wait is `min(2^(n-1) · baseDelayMs, maxDelayMs)`, times 50–100 %. */
export interface RetryOptions {
  /**
   * Tries after the first. Default 5, as in the official clients: about 3 to 6 s in all. `Infinity` is allowed:
   * a send then waits until the broker is back (or its `signal` fires). Does not bound how often a consumer
   * reconnects once it has subscribed: that goes on until it is closed.
   */
  readonly maxRetries?: number;
  /** Default 200 ms; 1 or more. */
  readonly baseDelayMs?: number;
  /** Default 5,000 ms; at least `baseDelayMs`. */
  readonly maxDelayMs?: number;
}

/** PEM material for `https://` brokers. */
export interface TlsOptions {
  /** Certificates to trust instead of the system's. */
  readonly rootCertificates?: Uint8Array;
  /** Client certificate chain for mutual TLS; needs `clientKey`. */
  readonly clientCertificate?: Uint8Array;
  /** Private key of `clientCertificate`. */
  readonly clientKey?: Uint8Array;
}

/** Something a person or a metric may want to know; nothing needs to be done about it. */
export type ClientEvent =
  | {
      /** A producer or consumer lost its broker and is looking for it again. */
      readonly kind: 'reconnecting';
      readonly role: 'producer' | 'consumer';
      readonly topic: string;
      /** 1 for the first try since the last success. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'reconnected';
      readonly role: 'producer' | 'consumer';
      readonly topic: string;
      readonly brokerUrl: string;
    };

/** Settings of {@link connect}. Only `serviceUrl` is needed. */
export interface ConnectOptions {
  /** `http://host:port` or `https://host:port` of any broker of the cluster. Port 6650 if left out. */
  readonly serviceUrl: string;
  /**
   * Sent as `authorization: Bearer …` with every call. A function is called for every call, so a token can be
   * renewed; it must be quick and must not throw. Refused over `http://` to another machine unless
   * `allowTokenOverHttp` is set. Never part of messages, events or errors of this package.
   */
  readonly token?: string | (() => string);
  /** Default false. Set it when something else encrypts the way to the broker. */
  readonly allowTokenOverHttp?: boolean;
  /** Only for `https://`. */
  readonly tls?: TlsOptions;
  readonly retry?: RetryOptions;
  /** Longest wait for one answer, for every call but the message stream. Default 30,000 ms. */
  readonly requestTimeoutMs?: number;
  /**
   * How often each producer and consumer asks the broker whether it should move. Default 5,000 ms, what brokers
   * expect. Two checks without an answer, and the connection is given up.
   */
  readonly healthCheckIntervalMs?: number;
  /** Larger payloads are refused here, before they travel. Default 10 MiB, the limit of the reference broker. */
  readonly maxPayloadBytes?: number;
  /** Called for each event. Must not throw. */
  readonly onEvent?: (event: ClientEvent) => void;
}

/** {@link RetryOptions} with nothing left open. */
export type ResolvedRetry = Required<RetryOptions>;

/** {@link ConnectOptions} checked and with nothing left open. */
export interface ResolvedOptions {
  readonly serviceUrl: ServiceUrl;
  readonly token: (() => string) | undefined;
  readonly allowTokenOverHttp: boolean;
  readonly tls: TlsOptions;
  readonly retry: ResolvedRetry;
  readonly requestTimeoutMs: number;
  readonly healthCheckIntervalMs: number;
  readonly maxPayloadBytes: number;
  readonly onEvent: (event: ClientEvent) => void;
}

/** Throws `INVALID_ARGUMENT` when `options` holds a key that is not in `known`. */
export function refuseUnknownKeys(what: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new ClientError('INVALID_ARGUMENT', `${what} has no option ${key}; it has ${known.join(', ')}`);
    }
  }
}

/** Checks that a number lies in a range, `Infinity` included only where `max` says so. */
export function numberBetween(name: string, value: number, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new ClientError('INVALID_ARGUMENT', `${name} must be a number from ${min} to ${max}, not ${value}`);
  }
  return value;
}

/** Fills defaults and checks ranges. */
export function resolveRetryOptions(retry: RetryOptions = {}): ResolvedRetry {
  refuseUnknownKeys('retry', retry, ['maxRetries', 'baseDelayMs', 'maxDelayMs']);
  const baseDelayMs = numberBetween('retry.baseDelayMs', retry.baseDelayMs ?? 200, 1, 3_600_000);
  return {
    maxRetries: numberBetween('retry.maxRetries', retry.maxRetries ?? 5, 0, Number.POSITIVE_INFINITY),
    baseDelayMs,
    maxDelayMs: numberBetween(
      'retry.maxDelayMs',
      retry.maxDelayMs ?? Math.max(5_000, baseDelayMs),
      baseDelayMs,
      3_600_000,
    ),
  };
}

/** Fills defaults and checks ranges and cross-field rules; throws `INVALID_ARGUMENT`. */
export function resolveConnectOptions(options: ConnectOptions): ResolvedOptions {
  refuseUnknownKeys('connect', options, [
    'serviceUrl',
    'token',
    'allowTokenOverHttp',
    'tls',
    'retry',
    'requestTimeoutMs',
    'healthCheckIntervalMs',
    'maxPayloadBytes',
    'onEvent',
  ]);
  const { token, tls = {} } = options;
  const serviceUrl = parseServiceUrl(options.serviceUrl);
  if (Object.keys(tls).length > 0 && !serviceUrl.secure) {
    throw new ClientError('INVALID_ARGUMENT', 'tls has no effect with an http:// serviceUrl; use https://');
  }
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined)) {
    throw new ClientError('INVALID_ARGUMENT', 'tls.clientCertificate and tls.clientKey belong together');
  }
  return {
    serviceUrl,
    token: typeof token === 'string' ? () => token : token,
    allowTokenOverHttp: options.allowTokenOverHttp ?? false,
    tls,
    retry: resolveRetryOptions(options.retry),
    requestTimeoutMs: numberBetween('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1, 3_600_000),
    healthCheckIntervalMs: numberBetween(
      'healthCheckIntervalMs',
      options.healthCheckIntervalMs ?? HEALTH_CHECK_INTERVAL_MS,
      1,
      3_600_000,
    ),
    maxPayloadBytes: numberBetween(
      'maxPayloadBytes',
      options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES,
      1,
      2 ** 31 - 1,
    ),
    onEvent: options.onEvent ?? (() => {}),
  };
}
