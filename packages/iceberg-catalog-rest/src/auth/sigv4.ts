import { checkedText, invalidOption, refuseUnknownOptions } from '../option-checks.ts';
import { type AwsCredentials, type AwsCredentialsProvider, AwsCredentialsSource } from './aws-credentials.ts';
import type { AuthRequest, RestAuth } from './rest-auth.ts';
import { sigV4Headers } from './sigv4-signer.ts';

/** Needs `region` and `credentials`. */
export interface SigV4Options {
  /** Region of the service, such as `eu-central-1`. */
  readonly region: string;
  /**
   * Name that the service signs by: `glue` for the REST endpoint of AWS Glue, `s3tables` for that of S3 Tables,
   * `execute-api` for catalogs behind API Gateway. Default `execute-api`.
   */
  readonly service?: 'execute-api' | 'glue' | 's3tables' | (string & {}) | undefined;
  /** Keys, or who gives them. */
  readonly credentials: AwsCredentialsProvider;
  /**
   * Proves something to the catalog behind the gateway, in `Original-Authorization`: what would be its `Authorization`.
   * Closed with this one. Default: nobody.
   */
  readonly delegate?: RestAuth | undefined;
  /** Milliseconds since the epoch, for tests. Default `Date.now`. AWS refuses a clock that is five minutes off. */
  readonly nowMs?: (() => number) | undefined;
}

const known: Readonly<Record<keyof SigV4Options, true>> = {
  region: true,
  service: true,
  credentials: true,
  delegate: true,
  nowMs: true,
};

/**
 * Signs every request with AWS Signature Version 4. Needs the package `@smithy/signature-v4`, which is loaded with the
 * first request: `UNSUPPORTED_FEATURE` if it is not installed. An `Authorization` among the headers of the catalog is
 * sent as `Original-Authorization`. Throws `INVALID_ARGUMENT`, which shows no key.
 */
export function sigV4(options: SigV4Options): RestAuth {
  refuseUnknownOptions('sigV4', options, Object.keys(known));
  const { region, service = 'execute-api', credentials, delegate, nowMs = Date.now } = options;
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw invalidOption('sigV4', 'region', 'the name of a region');
  }
  checkedText('sigV4', 'service', service);
  if (typeof credentials !== 'function') {
    const { accessKeyId, secretAccessKey, sessionToken = 'none' } = Object(credentials);
    if (
      ![accessKeyId, secretAccessKey, sessionToken].every((text) => typeof text === 'string' && text !== '')
    ) {
      throw invalidOption('sigV4', 'credentials', 'an accessKeyId and a secretAccessKey, or a function');
    }
  }
  return new SigV4(region, service, new AwsCredentialsSource(credentials, nowMs), delegate, nowMs);
}

class SigV4 implements RestAuth {
  readonly #region: string;
  readonly #service: string;
  readonly #credentials: AwsCredentialsSource;
  readonly #delegate: RestAuth | undefined;
  readonly #nowMs: () => number;
  /** Which keys a request was signed with, by its signal. */
  readonly #signedWith = new WeakMap<AbortSignal, AwsCredentials>();

  constructor(
    region: string,
    service: string,
    credentials: AwsCredentialsSource,
    delegate: RestAuth | undefined,
    nowMs: () => number,
  ) {
    this.#region = region;
    this.#service = service;
    this.#credentials = credentials;
    this.#delegate = delegate;
    this.#nowMs = nowMs;
  }

  async authorize(request: AuthRequest): Promise<Readonly<Record<string, string>>> {
    const delegated = await this.#delegate?.authorize(request);
    const credentials = await this.#credentials.current();
    this.#signedWith.set(request.signal, credentials);
    const signed = await sigV4Headers(
      { ...request, headers: { ...request.headers, ...delegated } },
      {
        region: this.#region,
        service: this.#service,
        credentials,
        date: new Date(this.#nowMs()),
      },
    );
    return { ...delegated, ...signed };
  }

  async renew(signal: AbortSignal): Promise<boolean> {
    this.#credentials.forget(this.#signedWith.get(signal));
    const delegated = await this.#delegate?.renew?.(signal);
    return this.#credentials.canRenew || delegated === true;
  }

  async close(): Promise<void> {
    this.#credentials.forget();
    await this.#delegate?.close?.();
  }
}
