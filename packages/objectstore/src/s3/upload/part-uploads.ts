import { crc32 } from 'node:zlib';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import { sendingTimeoutMs } from '../connection/request-time.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { encodeCrc32 } from '../write/checksum.ts';
import type { BodyPart } from './part-reader.ts';
import { MAX_PARTS } from './part-sizes.ts';
import type { PartSource } from './part-sources.ts';
import type { Upload } from './uploads.ts';

/** The parts of an upload that the server has, all of them. */
export interface SentParts {
  readonly parts: readonly CompletedPart[];
  readonly sizeBytes: number;
  /** Of the whole object; undefined if its bytes did not pass through here. */
  readonly crc: number | undefined;
}

/**
 * Uploads the parts of a source, `partConcurrency` at a time; the next one is read meanwhile and no further. A part
 * that fails ends the others and the source.
 *
 * Rejects with the first failure, when nothing is under way any more: of the source, of a part (sent again by the call
 * policy before; a part has a number, so that is safe), or `ABORTED`.
 */
export async function uploadParts(
  connection: S3Connection,
  upload: Upload,
  source: PartSource,
  callerSignal: AbortSignal | undefined,
): Promise<SentParts> {
  const failed = new AbortController();
  const signal = callerSignal === undefined ? failed.signal : AbortSignal.any([callerSignal, failed.signal]);
  const failures: unknown[] = [];
  const fail = (error: unknown) => {
    failures.push(error);
    failed.abort();
    source.stop();
  };
  const parts: CompletedPart[] = [];
  const underWay = new Set<Promise<void>>();
  let sizeBytes = 0;
  let crc = 0;
  try {
    for (let number = 1; ; number += 1) {
      const part = await source.next();
      if (part === undefined) break;
      if (number > MAX_PARTS) throw tooLarge(upload, sizeBytes);
      sizeBytes += part.bytes.byteLength;
      crc = crc32(part.bytes, crc);
      while (underWay.size >= connection.options.partConcurrency) await Promise.race(underWay);
      if (failures.length > 0) break;
      const sending: Promise<void> = uploadPart(connection, upload, number, part, signal)
        .then((sent) => {
          parts[number - 1] = sent;
          source.done(part);
        }, fail)
        .finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
  return { parts, sizeBytes, crc };
}

async function uploadPart(
  connection: S3Connection,
  { key, uploadId }: Upload,
  number: number,
  { bytes, crc }: BodyPart,
  signal: AbortSignal,
): Promise<CompletedPart> {
  const { bucket, options, sdk } = connection;
  const checksum = encodeCrc32(crc);
  const command = new sdk.UploadPartCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: number,
    Body: bytes,
    ContentLength: bytes.byteLength,
    ChecksumCRC32: checksum,
  });
  const timeoutMs = sendingTimeoutMs(options, bytes.byteLength);
  const reply = await connection.send(command, {
    operation: 'upload a part',
    key,
    signal,
    timeoutMs,
    retry: 'when-safe-to-repeat',
  });
  const context = { key, part: number };
  if (!reply.ETag) throw new ObjectStoreError('IO_ERROR', 'the server gave no etag for a part', { context });
  if (reply.ChecksumCRC32 !== undefined && reply.ChecksumCRC32 !== checksum) {
    throw new ObjectStoreError('CORRUPT', 'the server has other bytes of a part than were sent', { context });
  }
  return { PartNumber: number, ETag: reply.ETag, ChecksumCRC32: checksum };
}

function tooLarge({ key }: Upload, sizeBytes: number): ObjectStoreError {
  const message = `the body of "${key}" is larger than ${MAX_PARTS} parts; raise partSizeBytes`;
  return new ObjectStoreError('INVALID_ARGUMENT', message, { context: { key, sizeBytes } });
}
