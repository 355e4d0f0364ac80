import type { LookupFunction } from 'node:net';
import type { BreakerSettings, CallEvent, RetrySettings } from '@danube/resilience';
import { ObjectStoreError } from '../errors.ts';
import { checkNames, invalidArgument } from '../request-checks.ts';
import { faultOfKeys, type S3Credentials } from './connection/credentials.ts';
import type { UploadJournal } from './upload/upload-journal.ts';

/** How calls to a bucket are repeated, held back and limited; see `@danube/resilience`. */
export interface S3ResilienceSettings {
  /** Default: 5 attempts, the wait doubling from 200 ms to 10 s, spread at random; see `RetrySettings`. */
  readonly retry?: RetrySettings | undefined;
  /** Default: opens after 5 failures in a row, probes after 10 s; see `BreakerSettings`. `false` for none. */
  readonly breaker?: BreakerSettings | false | undefined;
  /**
   * Requests under way at once, 1 or more. Default 64. Each has a connection of its own; the bodies of `getStream` come
   * on top, because a reader that waits must not hold back others.
   */
  readonly maxConcurrent?: number | undefined;
  /** Requests that may wait for their turn; one more is `THROTTLED`. 0 or more. Default `Infinity`. */
  readonly maxQueued?: number | undefined;
}

/** What a store takes from outside, so that tests and unusual networks can supply their own. */
export interface S3Components {
  /** Resolves host names, as the `lookup` of `node:net`. Default: that of Node.js. */
  readonly lookup: LookupFunction;
  /** Numbers in [0, 1) for the spread of waits. Default `Math.random`. */
  readonly random: () => number;
}

/** Which bucket, where, as whom, and how. Only `bucket` is needed. */
export interface S3ObjectStoreOptions {
  /** Name of the bucket: 3 to 63 lower-case letters, digits, dots and hyphens. It must exist. */
  readonly bucket: string;
  /**
   * Default: what the AWS SDK finds (`AWS_REGION`, the profile), else `us-east-1`. A wrong one is `INVALID_ARGUMENT` with
   * the right one in `context.region`, where the server says it.
   */
  readonly region?: string | undefined;
  /**
   * Base URL of the server, `http` or `https`, without query. Default: AWS, or what the SDK finds in its environment.
   */
  readonly endpoint?: string | undefined;
  /**
   * True puts the bucket into the path (`http://host/bucket/key`), as MinIO and other servers without host names for
   * buckets need it; false into the host name (`http://bucket.host/key`). Default false. No effect with an IP address.
   */
  readonly pathStyle?: boolean | undefined;
  /** Default `default-chain`. */
  readonly credentials?: S3Credentials | undefined;
  /**
   * Whether the server keeps conditional writes (`If-None-Match`, `If-Match`), as AWS, MinIO and versitygw do. Default
   * true. False declares `ifAbsent` and `ifMatch` as not supported, for servers that would ignore the condition.
   */
  readonly conditionalPuts?: boolean | undefined;
  /**
   * Size of a part of a multipart upload. Default 8 MiB; 5 MiB to 5 GiB. An upload keeps `partConcurrency` + 1 of them in
   * memory. Larger ones cost memory and save requests; an object has at most 10,000 parts.
   */
  readonly partSizeBytes?: number | undefined;
  /**
   * Bodies of this size and more are uploaded in parts. Default 16 MiB or `partSizeBytes` if that is more; from
   * `partSizeBytes` to 5 GiB. Below, one request stores the object.
   */
  readonly multipartThresholdBytes?: number | undefined;
  /** Parts of one upload under way at once. Default 4; 1 to 64. More is faster and takes memory. */
  readonly partConcurrency?: number | undefined;
  /**
   * Where multipart uploads under way are noted, so that those of a killed process are aborted when the store is opened
   * again; read what that means for keys at `openUploadJournal`. Default: none, they stay until `removeStaleUploads` or
   * a lifecycle rule of the bucket takes them. Costs two syncs of a local disk an upload.
   */
  readonly uploadJournal?: UploadJournal | undefined;
  /**
   * Time limit of one attempt at a request; of a body that is read, the longest time without a byte. Default 30,000 ms;
   * 1 ms or more. Bodies that are sent get one second more for every 64 KiB.
   */
  readonly requestTimeoutMs?: number | undefined;
  /** Time limit for making a connection. Default 5,000 ms; 1 ms or more. No effect beyond `requestTimeoutMs`. */
  readonly connectTimeoutMs?: number | undefined;
  readonly resilience?: S3ResilienceSettings | undefined;
  /**
   * Called synchronously for every retry, time-out, call that is given up or refused, and change of the breaker. What it
   * throws, or rejects with, is dropped. Default: none.
   */
  readonly onEvent?: ((event: CallEvent) => void) | undefined;
  readonly components?: Partial<S3Components> | undefined;
}

/** `S3ObjectStoreOptions` checked and with nothing left open but the SDK's own defaults. */
export interface ResolvedS3Options {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly credentials: S3Credentials;
  readonly conditionalPuts: boolean;
  readonly partSizeBytes: number;
  readonly multipartThresholdBytes: number;
  readonly partConcurrency: number;
  readonly uploadJournal: UploadJournal | undefined;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly resilience: S3ResilienceSettings;
  readonly maxConcurrent: number;
  readonly onEvent: ((event: CallEvent) => void) | undefined;
  readonly components: Partial<S3Components>;
}

const MIB = 1024 * 1024;
const MIN_PART_BYTES = 5 * MIB;
const MAX_PART_BYTES = 5 * 1024 * MIB;
const MAX_TIMER_MS = 2 ** 31 - 1;
const DEFAULT_CONCURRENT = 64;

const keys: readonly (keyof S3ObjectStoreOptions)[] = [
  'bucket',
  'region',
  'endpoint',
  'pathStyle',
  'credentials',
  'conditionalPuts',
  'partSizeBytes',
  'multipartThresholdBytes',
  'partConcurrency',
  'uploadJournal',
  'requestTimeoutMs',
  'connectTimeoutMs',
  'resilience',
  'onEvent',
  'components',
];

/**
 * Fills defaults and checks ranges. What belongs to `@danube/resilience` is checked there when the store is opened.
 *
 * Errors: `INVALID_ARGUMENT`, `NOT_SUPPORTED` for directory buckets.
 */
export function resolveS3Options(options: S3ObjectStoreOptions): ResolvedS3Options {
  checkNames(options, keys);
  const { resilience = {}, components = {}, conditionalPuts = true, pathStyle = false } = options;
  checkNames(resilience, ['retry', 'breaker', 'maxConcurrent', 'maxQueued']);
  checkNames(components, ['lookup', 'random']);
  for (const [name, value] of Object.entries({ conditionalPuts, pathStyle })) {
    if (typeof value !== 'boolean')
      throw invalidArgument(`${name} is neither true nor false`, { option: name });
  }
  const partSizeBytes = whole(
    'partSizeBytes',
    options.partSizeBytes ?? 8 * MIB,
    MIN_PART_BYTES,
    MAX_PART_BYTES,
  );
  const threshold = options.multipartThresholdBytes ?? Math.max(16 * MIB, partSizeBytes);
  return {
    bucket: checkedBucket(options.bucket),
    region: checkedRegion(options.region),
    endpoint: checkedEndpoint(options.endpoint),
    pathStyle,
    credentials: checkedCredentials(options.credentials),
    conditionalPuts,
    partSizeBytes,
    multipartThresholdBytes: whole('multipartThresholdBytes', threshold, partSizeBytes, MAX_PART_BYTES),
    partConcurrency: whole('partConcurrency', options.partConcurrency ?? 4, 1, 64),
    uploadJournal: options.uploadJournal,
    requestTimeoutMs: whole('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1, MAX_TIMER_MS),
    connectTimeoutMs: whole('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1, MAX_TIMER_MS),
    resilience,
    maxConcurrent: resilience.maxConcurrent ?? DEFAULT_CONCURRENT,
    onEvent: options.onEvent,
    components,
  };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidArgument(`${name} is not a whole number from ${min} to ${max}, but ${value}`, {
    option: name,
  });
}

function checkedBucket(bucket: string): string {
  const named = typeof bucket === 'string' && /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket);
  if (!named || bucket.includes('..') || /^\d+\.\d+\.\d+\.\d+$/.test(bucket)) {
    throw invalidArgument(
      `bucket ${JSON.stringify(bucket)} is not of 3 to 63 lower-case letters, digits, dots and hyphens`,
      { option: 'bucket' },
    );
  }
  if (bucket.endsWith('--x-s3')) {
    throw new ObjectStoreError(
      'NOT_SUPPORTED',
      `bucket "${bucket}" is a directory bucket, which lists unsorted`,
      {
        context: { bucket },
      },
    );
  }
  return bucket;
}

function checkedRegion(region: string | undefined): string | undefined {
  if (region === undefined || /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(region)) return region;
  throw invalidArgument(`region ${JSON.stringify(region)} is no name of a region`, { option: 'region' });
}

function checkedEndpoint(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const url = URL.parse(endpoint);
  const plain = url && !url.search && !url.hash && !url.username && !url.password;
  if (!plain || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // Not shown: it may hold a password.
    throw invalidArgument('endpoint is not an http or https URL without user, query and fragment', {
      option: 'endpoint',
    });
  }
  return endpoint;
}

function checkedCredentials(credentials: S3Credentials = 'default-chain'): S3Credentials {
  if (typeof credentials === 'function' || credentials === 'anonymous' || credentials === 'default-chain') {
    return credentials;
  }
  if (typeof credentials !== 'object' || credentials === null) {
    throw invalidArgument('credentials are neither keys nor where to get them', { option: 'credentials' });
  }
  // The AWS SDK notes in keys that it was given where they come from.
  checkNames(credentials, ['accessKeyId', 'secretAccessKey', 'sessionToken', '$source']);
  const fault = faultOfKeys({ sessionToken: undefined, expiresAtMs: undefined, ...credentials });
  if (fault !== undefined) throw invalidArgument(`credentials: ${fault}`, { option: 'credentials' });
  return credentials;
}
