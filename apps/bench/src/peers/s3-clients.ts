// The two that the scenario `objectstore` compares, as users have them: our store and the bare SDK. Both speak plain
// HTTP to the same server with connections kept open; both add a CRC-32 to what they put and check that of what they get.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { openS3ObjectStore } from '@danube/objectstore';
import type { S3Contender, S3Target } from './s3-cell.ts';

/** What is measured of each. */
export interface MeasuredS3 {
  /** In one request, whatever its size. */
  put(key: string, body: Uint8Array): Promise<unknown>;
  /** In parts of 8 MiB, 4 at a time. */
  putInParts(key: string, body: Uint8Array): Promise<unknown>;
  /** Into memory, checked. */
  get(key: string): Promise<Uint8Array>;
}

const MIB = 2 ** 20;
const partSizeBytes = 8 * MIB;
const partConcurrency = 4;
/** Above every size that is measured. */
const neverInParts = 1024 * MIB;

export async function openMeasuredS3(contender: S3Contender, target: S3Target): Promise<MeasuredS3> {
  return contender === 'danube' ? openOurs(target) : openSdk(target);
}

async function openOurs({ bucket, endpoint, region, ...credentials }: S3Target): Promise<MeasuredS3> {
  const options = { bucket, endpoint, region, pathStyle: true, credentials, partSizeBytes, partConcurrency };
  const store = await openS3ObjectStore({ ...options, multipartThresholdBytes: neverInParts });
  const inParts = await openS3ObjectStore(options);
  return {
    put: (key, body) => store.put(key, body),
    putInParts: (key, body) => inParts.put(key, body),
    get: async (key) => (await store.get(key)).bytes,
  };
}

function openSdk({ bucket: Bucket, endpoint, region, ...credentials }: S3Target): MeasuredS3 {
  // As it comes: it adds and verifies CRC-32 by itself, and keeps connections.
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  return {
    put: (Key, Body) => client.send(new PutObjectCommand({ Bucket, Key, Body })),
    putInParts: (Key, Body) =>
      new Upload({
        client,
        params: { Bucket, Key, Body },
        partSize: partSizeBytes,
        queueSize: partConcurrency,
      }).done(),
    async get(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      if (Body === undefined) throw new Error(`${Key} has no body`);
      return Body.transformToByteArray();
    },
  };
}
