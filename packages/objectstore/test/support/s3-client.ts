import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import type { S3Server } from './s3-servers.ts';

/** Where to reach a server and as whom. A proxy in front of it is reached by `{ ...server, endpoint: proxy.endpoint }`. */
export type S3Access = Pick<S3Server, 'endpoint' | 'accessKeyId' | 'secretAccessKey' | 'region'>;

/** The AWS SDK's client for a server, in path style; it tries once, so that a test sees each answer. */
export function s3Client(server: S3Access, config: S3ClientConfig = {}): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1, ...config });
}

/** Makes a bucket. Rejects as the SDK does, for example if it exists. */
export async function createBucket(server: S3Access, bucket: string): Promise<void> {
  const client = s3Client(server);
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
}

/** The ids of the multipart uploads that are under way in a bucket, or were left behind. */
export async function uploadIds(server: S3Access, bucket: string): Promise<string[]> {
  const client = s3Client(server);
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads.map(({ UploadId = '' }) => UploadId);
  } finally {
    client.destroy();
  }
}
