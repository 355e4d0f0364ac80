import { ObjectStoreError } from '../errors.ts';
import type { CallOptions, ObjectMeta, PutResult } from '../object-store.ts';
import { copyInParts } from './copy-in-parts.ts';
import { copySourceOf } from './copy-source.ts';
import { formatEtag, parseEtag } from './etag.ts';
import { headObject } from './read-object.ts';
import { completionTimeoutMs } from './request-time.ts';
import { mayHaveHappened, type S3Connection } from './s3-connection.ts';

/** What one request can copy, https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html. */
export const MAX_SINGLE_COPY_BYTES = 5 * 1024 ** 3;

/** How often the source may be replaced between looking and copying before the copy gives up. */
const MAX_LOOKS = 5;

/**
 * Copies an object within the bucket without its bytes passing through this process; in parts from
 * `maxSingleCopyBytes` on. It is one version of the source that is copied: a source that is replaced meanwhile is
 * looked at again.
 *
 * Errors as `ObjectStore.copy`.
 */
export async function copyObject(
  connection: S3Connection,
  from: string,
  to: string,
  options: CallOptions = {},
  maxSingleCopyBytes = MAX_SINGLE_COPY_BYTES,
): Promise<PutResult> {
  for (let look = 1; ; look += 1) {
    const source = await headObject(connection, from, options);
    // S3 refuses to copy an object onto itself, where there is nothing to do.
    if (from === to) return resultOf(source);
    try {
      return source.sizeBytes > maxSingleCopyBytes
        ? await copyInParts(connection, source, to, options)
        : await copyWhole(connection, source, to, options);
    } catch (error) {
      const replaced = ObjectStoreError.is(error) && error.code === 'PRECONDITION_FAILED';
      if (!replaced || look === MAX_LOOKS) throw outcomeOf(error, to);
    }
  }
}

async function copyWhole(
  connection: S3Connection,
  source: ObjectMeta,
  to: string,
  { signal }: CallOptions,
): Promise<PutResult> {
  const { sdk, bucket, options } = connection;
  const command = new sdk.CopyObjectCommand({
    Bucket: bucket,
    Key: to,
    CopySource: copySourceOf(bucket, source.key),
    CopySourceIfMatch: formatEtag(source.etag),
  });
  const { CopyObjectResult, VersionId } = await connection.send(command, {
    operation: 'copy',
    key: to,
    signal,
    timeoutMs: completionTimeoutMs(options, source.sizeBytes),
    retry: 'when-safe-to-repeat',
  });
  const { sizeBytes } = source;
  return {
    sizeBytes,
    etag: parseEtag(CopyObjectResult?.ETag ?? ''),
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
  };
}

function resultOf({ sizeBytes, etag, versionId }: ObjectMeta): PutResult {
  return { sizeBytes, etag, ...(versionId !== undefined && { versionId }) };
}

function outcomeOf(error: unknown, to: string): unknown {
  if (!ObjectStoreError.is(error)) return error;
  if (mayHaveHappened(error)) {
    const message = `"${to}" may have been copied or may yet be: the request was sent, but not answered`;
    return new ObjectStoreError('PUT_STATE_UNKNOWN', message, { context: error.context, cause: error });
  }
  if (error.code !== 'PRECONDITION_FAILED') return error;
  return new ObjectStoreError('UNAVAILABLE', `the source was replaced before each of ${MAX_LOOKS} copies`, {
    context: error.context,
    cause: error,
    retryable: true,
  });
}
