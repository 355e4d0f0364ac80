import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import type { ResolvedS3Options } from '../options.ts';
import {
  type CredentialSource,
  createCredentialSource,
  faultOfKeys,
  type Identity,
  type S3Credentials,
  type S3VendedCredentials,
} from './credentials.ts';

/** The AWS SDK, as it was loaded. */
export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** The SDK's client for one bucket's endpoint, with its keys and its connections. */
export interface S3Access {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  /** `undefined` if there is nothing to renew: static keys, or none. */
  readonly credentials: CredentialSource | undefined;
  /** Ends all connections, those in use too. */
  close(): void;
}

/** Connections that servers close unasked after 20 s or more are closed by us before: a request on one would fail. */
const IDLE_CONNECTION_MS = 15_000;
/** More than a server may be asked to keep open for nothing. */
const MAX_IDLE_CONNECTIONS = 256;
const DEFAULT_REGION = 'us-east-1';

/** Loads the SDK, which is an optional package. Errors: `NOT_SUPPORTED` if it is not installed. */
export async function loadS3Sdk(): Promise<S3Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (cause) {
    throw new ObjectStoreError('NOT_SUPPORTED', 'S3 needs another package: install @aws-sdk/client-s3', {
      cause,
    });
  }
}

/**
 * Creates the SDK's client so that nothing happens unseen: it makes one attempt, neither adds nor verifies checksums
 * (we do), follows no redirects and waits for nothing that it was not told.
 *
 * Errors: `NOT_SUPPORTED` if the SDK is not installed.
 */
export async function createS3Access(options: ResolvedS3Options): Promise<S3Access> {
  const sdk = await loadS3Sdk();
  const { credentials: configured, endpoint } = options;
  const vended =
    typeof configured === 'function'
      ? createCredentialSource(() => vend(configured), options.requestTimeoutMs)
      : undefined;
  const agents = agentsFor(options);
  const client = new sdk.S3Client({
    region: options.region ?? (await foundRegion(sdk)),
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: options.pathStyle,
    ...signingConfig(configured, vended),
    maxAttempts: 1,
    retryMode: 'standard',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: false,
    expectContinueHeader: false,
    requestHandler: {
      ...agents,
      connectionTimeout: options.connectTimeoutMs,
      socketTimeout: 0,
      requestTimeout: 0,
    },
  });
  const found = (refused: boolean) => client.config.credentials({ forceRefresh: refused });
  const credentials =
    configured === 'default-chain' ? createCredentialSource(found, options.requestTimeoutMs) : vended;
  const close = () => {
    client.destroy();
    for (const agent of Object.values(agents)) agent.destroy();
  };
  return { sdk, client, credentials, close };
}

function agentsFor({ maxConcurrent, components: { lookup } }: ResolvedS3Options) {
  const settings = {
    keepAlive: true,
    timeout: IDLE_CONNECTION_MS,
    // The call policy limits requests; a stream that is read must never keep a request waiting for a connection.
    maxSockets: Number.POSITIVE_INFINITY,
    maxFreeSockets: Math.min(maxConcurrent, MAX_IDLE_CONNECTIONS),
    ...(lookup && { lookup }),
  };
  return { httpAgent: new HttpAgent(settings), httpsAgent: new HttpsAgent(settings) };
}

/** How the SDK signs. It keeps no keys itself where `source` does: `memoized` tells it to ask for every request. */
function signingConfig(credentials: S3Credentials, source: CredentialSource | undefined): S3ClientConfig {
  if (source !== undefined) {
    return { credentials: Object.assign(() => source.current(), { memoized: true }) };
  }
  if (credentials === 'anonymous') {
    return {
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      signer: { sign: async (request) => request },
    };
  }
  return typeof credentials === 'object' ? { credentials: toIdentity(credentials) } : {};
}

async function vend(provider: () => Promise<S3VendedCredentials>): Promise<Identity> {
  return toIdentity(await provider());
}

function toIdentity(credentials: S3VendedCredentials): Identity {
  const fault = faultOfKeys({ sessionToken: undefined, expiresAtMs: undefined, ...credentials });
  if (fault !== undefined) throw new Error(fault);
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } = credentials;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiresAtMs !== undefined && { expiration: new Date(expiresAtMs) }),
  };
}

async function foundRegion(sdk: S3Sdk): Promise<string> {
  const probe = new sdk.S3Client({});
  try {
    return await probe.config.region();
  } catch {
    // Nobody named one, which the SDK says with an error.
    return DEFAULT_REGION;
  } finally {
    probe.destroy();
  }
}
