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

/** How often an object of more than that may be replaced between looking and copying before the copy gives up. */
const MAX_LOOKS = 5;

/**
 * Copies an object within the bucket without its bytes passing through this process; in parts from
 * `maxSingleCopyBytes` on. One version of the source is copied: parts of another one are refused by the server.
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
      if (source.sizeBytes > maxSingleCopyBytes) return await copyInParts(connection, source, to, options);
      return await copyWhole(connection, source, to, options);
    } catch (error) {
      if (!isReplaced(error) || look === MAX_LOOKS) throw outcomeOf(error, to);
    }
  }
}

/**
 * Copies in one request, which is of one version by itself. The condition makes sure that it is the one whose size is
 * known; if it was replaced, the copy says how long it is, once it is there.
 */
async function copyWhole(
  connection: S3Connection,
  source: ObjectMeta,
  to: string,
  options: CallOptions,
): Promise<PutResult> {
  const { sizeBytes, etag } = source;
  try {
    return { sizeBytes, ...(await requestCopy(connection, source, to, options, formatEtag(etag))) };
  } catch (error) {
    if (!isReplaced(error)) throw error;
  }
  const made = await requestCopy(connection, source, to, options, undefined);
  try {
    const { sizeBytes: size } = await headObject(connection, to, { ...options, ifMatch: made.etag });
    return { sizeBytes: size, ...made };
  } catch (cause) {
    const message = `"${to}" was copied, but may have been replaced since: it cannot be asked for its size`;
    throw new ObjectStoreError('PUT_STATE_UNKNOWN', message, { context: { key: to }, cause });
  }
}

async function requestCopy(
  connection: S3Connection,
  source: ObjectMeta,
  to: string,
  { signal }: CallOptions,
  ifMatch: string | undefined,
): Promise<Omit<PutResult, 'sizeBytes'>> {
  const { sdk, bucket, options } = connection;
  const command = new sdk.CopyObjectCommand({
    Bucket: bucket,
    Key: to,
    CopySource: copySourceOf(bucket, source.key),
    CopySourceIfMatch: ifMatch,
  });
  const { CopyObjectResult, VersionId } = await connection.send(command, {
    operation: 'copy',
    key: to,
    signal,
    timeoutMs: completionTimeoutMs(options, source.sizeBytes),
    retry: 'when-safe-to-repeat',
  });
  const etag = parseEtag(CopyObjectResult?.ETag ?? '');
  return { etag, ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }) };
}

function resultOf({ sizeBytes, etag, versionId }: ObjectMeta): PutResult {
  return { sizeBytes, etag, ...(versionId !== undefined && { versionId }) };
}

function isReplaced(error: unknown): boolean {
  return ObjectStoreError.is(error) && error.code === 'PRECONDITION_FAILED';
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
