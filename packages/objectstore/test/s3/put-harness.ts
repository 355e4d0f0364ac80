import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { afterAll, onTestFinished } from 'vitest';
import type { PutBody, PutOptions, PutResult } from '../../src/object-store.ts';
import { openS3Connection, type S3Connection } from '../../src/s3/connection/s3-connection.ts';
import { resolveS3Options, type S3ObjectStoreOptions } from '../../src/s3/options.ts';
import { putObject } from '../../src/s3/write/put-object.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import type { S3Server } from '../support/s3-servers.ts';

export const MIB = 1024 * 1024;

/** A server with a bucket, and what a test knows of the bucket without the code it tests. */
export interface Bucket {
  readonly server: S3Server;
  readonly name: string;
  readonly client: S3Client;
  /** The bytes at a key; undefined if there is no object. */
  read(key: string): Promise<Buffer | undefined>;
  /** The user metadata at a key, with our token. */
  metadata(key: string): Promise<Readonly<Record<string, string>>>;
  /** Puts as somebody else, without a token. */
  write(key: string, body: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** The keys of the multipart uploads under way. */
  uploads(prefix?: string): Promise<string[]>;
  /** Aborts the uploads of a key. */
  abortUploads(key: string): Promise<void>;
}

/** What may differ from the defaults of a connection in a test. */
export type Settings = Partial<Omit<S3ObjectStoreOptions, 'bucket' | 'endpoint'>> & {
  /** Called, and waited for, before the second attempt at a request. */
  readonly beforeRetry?: () => Promise<void>;
};

/** A way to the bucket through a proxy that makes requests fail. */
export interface Faulty {
  readonly proxy: FaultProxy;
  readonly connection: S3Connection;
  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult>;
}

/** A server for the tests of one file with an empty bucket. */
export async function openBucket(started: Promise<S3Server>, name = 'puts'): Promise<Bucket> {
  const server = await started;
  await createBucket(server, name);
  const client = s3Client(server);
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });
  const at = (key: string) => ({ Bucket: name, Key: key });
  const listUploads = async (prefix: string) =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: name, Prefix: prefix }))).Uploads ?? [];
  return {
    server,
    name,
    client,
    read: async (key) => {
      try {
        const { Body } = await client.send(new GetObjectCommand(at(key)));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    metadata: async (key) => (await client.send(new HeadObjectCommand(at(key)))).Metadata ?? {},
    write: async (key, body) => {
      await client.send(new PutObjectCommand({ ...at(key), Body: body }));
    },
    remove: async (key) => {
      await client.send(new DeleteObjectCommand(at(key)));
    },
    uploads: async (prefix = '') => (await listUploads(prefix)).map(({ Key }) => Key ?? ''),
    abortUploads: async (key) => {
      for (const { UploadId } of await listUploads(key)) {
        await client.send(new AbortMultipartUploadCommand({ ...at(key), UploadId }));
      }
    },
  };
}

/** A connection to the bucket itself. Closed at the end of the test. */
export async function connect(bucket: Bucket, settings: Settings = {}): Promise<S3Connection> {
  return connectTo(bucket, bucket.server.endpoint, settings);
}

/** A connection behind a fault proxy. Both are closed at the end of the test. */
export async function connectFaulty(bucket: Bucket, settings: Settings = {}): Promise<Faulty> {
  const proxy = await openFaultProxy(bucket.server.endpoint);
  onTestFinished(() => proxy.close());
  const connection = await connectTo(bucket, proxy.endpoint, settings);
  return { proxy, connection, put: (key, body, options) => putObject(connection, key, body, options) };
}

async function connectTo(bucket: Bucket, endpoint: string, settings: Settings): Promise<S3Connection> {
  const { accessKeyId, secretAccessKey, region } = bucket.server;
  const { beforeRetry, ...options } = settings;
  const connection = await openS3Connection(
    resolveS3Options({
      bucket: bucket.name,
      endpoint,
      region,
      pathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      partSizeBytes: 5 * MIB,
      multipartThresholdBytes: 5 * MIB,
      resilience: { retry: { maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 5 }, breaker: false },
      ...options,
    }),
  );
  onTestFinished(() => connection.close());
  return beforeRetry === undefined ? connection : withHook(connection, beforeRetry);
}

/** A connection that waits for `hook` before the second attempt at a request. */
function withHook(connection: S3Connection, hook: () => Promise<void>): S3Connection {
  const { sdk, bucket, options } = connection;
  return {
    sdk,
    bucket,
    options,
    send: (command, call) =>
      connection.attempts(call, async (attempt) => {
        if (attempt.number === 2) await hook();
        return attempt.send(command);
      }),
    attempts: (call, work) => connection.attempts(call, work),
    facts: (call) => connection.facts(call),
    close: () => connection.close(),
  };
}

/** Bytes that nobody else has. */
export function body(sizeBytes: number): Buffer {
  return randomBytes(sizeBytes);
}

/** A stream of so many bytes in chunks, as a generator. */
export async function* chunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}
