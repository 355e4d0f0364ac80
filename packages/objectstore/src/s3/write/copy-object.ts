import { ObjectStoreError } from '../../errors.ts';
import type { CallOptions, ObjectMeta, PutResult } from '../../object-store.ts';
import { noS3Answer } from '../answer-errors.ts';
import { completionTimeoutMs } from '../connection/request-time.ts';
import { mayHaveHappened, type S3Connection } from '../connection/s3-connection.ts';
import { formatEtag, parseEtag } from '../etag.ts';
import { headObject } from '../read/read-object.ts';
import { copyInParts } from './copy-in-parts.ts';
import { copySourceOf } from './copy-source.ts';

/** From which size on a copy is made in parts, and of which size; both in bytes. */
export interface CopyLimits {
  readonly maxSingleBytes: number;
  readonly partBytes: number;
}

/**
 * One request copies up to 5 GiB (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). Parts need no
 * memory here, so they are few and large: an object of 5 TiB has 5,000 of them.
 */
const LIMITS: CopyLimits = { maxSingleBytes: 5 * 1024 ** 3, partBytes: 1024 ** 3 };

/** How often an object of more than that may be replaced between looking and copying before the copy gives up. */
const MAX_LOOKS = 5;

/**
 * Copies an object within the bucket without its bytes passing through this process. One version of the source is
 * copied: parts of another one are refused by the server.
 *
 * Errors as `ObjectStore.copy`.
 */
export async function copyObject(
  connection: S3Connection,
  from: string,
  to: string,
  options: CallOptions = {},
  { maxSingleBytes, partBytes }: CopyLimits = LIMITS,
): Promise<PutResult> {
  for (let look = 1; ; look += 1) {
    const source = await headObject(connection, from, options);
    // S3 refuses to copy an object onto itself, where there is nothing to do.
    if (from === to) return resultOf(source);
    if (source.sizeBytes <= maxSingleBytes) return copyWhole(connection, source, to, options);
    try {
      return await copyInParts(connection, source, to, options, partBytes);
    } catch (error) {
      if (!isReplaced(error)) throw error;
      if (look === MAX_LOOKS) throw alwaysReplaced(error);
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
  let doubt = false;
  try {
    return { sizeBytes, ...(await requestCopy(connection, source, to, options, formatEtag(etag))) };
  } catch (error) {
    doubt = mayHaveHappened(error);
    if (!isReplaced(error)) throw doubt ? unknownCopy(to, error) : error;
  }
  let made: Omit<PutResult, 'sizeBytes'>;
  try {
    made = await requestCopy(connection, source, to, options, undefined);
  } catch (error) {
    throw doubt || mayHaveHappened(error) ? unknownCopy(to, error) : error;
  }
  try {
    const { sizeBytes: size } = await headObject(connection, to, { ...options, ifMatch: made.etag });
    return { sizeBytes: size, ...made };
  } catch (error) {
    throw unknownCopy(to, error);
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
  if (!CopyObjectResult?.ETag) {
    throw unknownCopy(to, noS3Answer(connection, { operation: 'copy', key: to }, 'the etag of the copy'));
  }
  const etag = parseEtag(CopyObjectResult.ETag);
  return { etag, ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }) };
}

function resultOf({ sizeBytes, etag, versionId }: ObjectMeta): PutResult {
  return { sizeBytes, etag, ...(versionId !== undefined && { versionId }) };
}

function isReplaced(error: unknown): boolean {
  return ObjectStoreError.is(error) && error.code === 'PRECONDITION_FAILED';
}

function unknownCopy(to: string, cause: unknown): ObjectStoreError {
  const message = `"${to}" may have been copied or may yet be, or has been replaced since: the server did not say`;
  return new ObjectStoreError('PUT_STATE_UNKNOWN', message, { context: { key: to }, cause });
}

function alwaysReplaced(cause: unknown): ObjectStoreError {
  return new ObjectStoreError('UNAVAILABLE', `the source was replaced during each of ${MAX_LOOKS} copies`, {
    cause,
    retryable: true,
  });
}
