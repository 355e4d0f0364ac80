import { randomUUID } from 'node:crypto';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import type { CallOptions, ObjectMeta, PutResult } from '../../object-store.ts';
import { completionTimeoutMs } from '../connection/request-time.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { formatEtag } from '../etag.ts';
import { type BegunUpload, beginUpload } from '../upload/begin-upload.ts';
import { completeUpload } from '../upload/complete-upload.ts';
import { copySourceOf } from './copy-source.ts';
import { failureOf, type Put } from './put-outcome.ts';

/**
 * Copies an object as a multipart upload whose parts are ranges of the source, all of the version that `source`
 * describes. Nothing is visible before the end, and nothing is left behind after a failure.
 *
 * Errors: those of a put; `PRECONDITION_FAILED` if the source was replaced.
 */
export async function copyInParts(
  connection: S3Connection,
  source: ObjectMeta,
  to: string,
  { signal }: CallOptions,
  partBytes: number,
): Promise<PutResult> {
  const { contentType, metadata, sizeBytes } = source;
  const token = randomUUID();
  const options = { signal, contentType, metadata };
  const put: Put = { key: to, sizeBytes, options, token };
  // We do not see the bytes. Some servers (versitygw 1.8) give the checksum of the whole source for each of its ranges;
  // made from these, that of the copy would be wrong for ever.
  const upload = await beginUpload(connection, to, options, token, "the server's");
  let parts: CompletedPart[];
  try {
    parts = await copyParts(connection, source, upload, signal, partBytes);
  } catch (error) {
    await upload.abort();
    throw ObjectStoreError.is(error) ? failureOf(put, error) : error;
  }
  return completeUpload(connection, put, upload, { parts, crc: undefined });
}

/**
 * `partConcurrency` at a time. After a failure no further one is begun, and those under way are waited for: one that the
 * server is still at could bring an upload back that is aborted before.
 */
async function copyParts(
  connection: S3Connection,
  source: ObjectMeta,
  upload: BegunUpload,
  signal: AbortSignal | undefined,
  partBytes: number,
): Promise<CompletedPart[]> {
  const count = Math.ceil(source.sizeBytes / partBytes);
  const parts: CompletedPart[] = [];
  const failures: unknown[] = [];
  let next = 1;
  const worker = async () => {
    while (next <= count && failures.length === 0) {
      const number = next;
      next += 1;
      const start = (number - 1) * partBytes;
      const endExclusive = Math.min(start + partBytes, source.sizeBytes);
      parts[number - 1] = await copyPart(connection, source, upload, { number, start, endExclusive }, signal);
    }
  };
  const workers = Array.from({ length: connection.options.partConcurrency }, () =>
    worker().catch((error: unknown) => {
      failures.push(error);
    }),
  );
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
  return parts;
}

interface PartRange {
  readonly number: number;
  readonly start: number;
  readonly endExclusive: number;
}

async function copyPart(
  connection: S3Connection,
  source: ObjectMeta,
  { key, uploadId }: BegunUpload,
  { number, start, endExclusive }: PartRange,
  signal: AbortSignal | undefined,
): Promise<CompletedPart> {
  const { bucket, options, sdk } = connection;
  const command = new sdk.UploadPartCopyCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: number,
    CopySource: copySourceOf(bucket, source.key),
    CopySourceIfMatch: formatEtag(source.etag),
    CopySourceRange: `bytes=${start}-${endExclusive - 1}`,
  });
  const { CopyPartResult } = await connection.send(command, {
    operation: 'copy a part',
    key,
    signal,
    timeoutMs: completionTimeoutMs(options, endExclusive - start),
    retry: 'when-safe-to-repeat',
  });
  const ETag = CopyPartResult?.ETag;
  if (!ETag) {
    throw new ObjectStoreError('IO_ERROR', 'the server gave no etag for a part', {
      context: { key, part: number },
    });
  }
  return { PartNumber: number, ETag };
}
