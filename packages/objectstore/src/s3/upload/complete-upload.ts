import { pause } from '@danube/resilience';
import type { PutResult } from '../../object-store.ts';
import { completionTimeoutMs } from '../connection/request-time.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { type Ended, patience, sendToEnd } from '../connection/send-to-end.ts';
import { encodeCrc32 } from '../write/checksum.ts';
import {
  conditionOf,
  type Found,
  failureIn,
  failureOf,
  isNoSuchUpload,
  isRefusal,
  lookFor,
  type Put,
  resultOf,
  unknownOutcome,
} from '../write/put-outcome.ts';
import type { BegunUpload } from './begin-upload.ts';
import type { SentParts } from './part-uploads.ts';

const BETWEEN_LOOKS_MS = 500;

/**
 * Completes an upload: **the object is visible and durable from the server's answer on**. If it is not to be had, the
 * upload is over all the same when the promise settles, and what became of the object is found out.
 *
 * Errors as `ObjectStore.put`.
 */
export async function completeUpload(
  connection: S3Connection,
  put: Put,
  upload: BegunUpload,
  { parts, crc }: Pick<SentParts, 'parts' | 'crc'>,
): Promise<PutResult> {
  const { bucket, options, sdk } = connection;
  const { key, sizeBytes } = put;
  const command = new sdk.CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: upload.uploadId,
    MultipartUpload: { Parts: [...parts] },
    ...(upload.fullObjectChecksum &&
      crc !== undefined && { ChecksumCRC32: encodeCrc32(crc), ChecksumType: 'FULL_OBJECT' }),
    ...conditionOf(put.options),
  });
  const ended = await sendToEnd(connection, command, {
    operation: 'complete an upload',
    key,
    signal: put.options.signal,
    timeoutMs: completionTimeoutMs(options, sizeBytes),
  });
  const result = ended.ok ? resultOf(put, ended.reply) : undefined;
  if (result === undefined) return conclude(connection, put, upload, ended);
  await upload.forget();
  return result;
}

/**
 * What became of an upload that was not seen to be completed. To complete an upload uses it up, so aborting it tells
 * most, also of requests that are still on their way:
 *
 * | abort                 | HEAD finds our token | else                                                        |
 * | --------------------- | -------------------- | ----------------------------------------------------------- |
 * | done                  | success              | not put, and never will be: the failure                     |
 * | there was no upload   | success              | the failure if no request was in doubt; else unknown: it    |
 * |                       |                      | was completed and then replaced, or somebody else aborted it|
 * | no answer, or the     | success              | the failure if no request was in doubt; `ifAbsent` refused  |
 * | answer to one was lost|                      | with another object there: ALREADY_EXISTS; else unknown     |
 *
 * Without doubt, and with a failure that says nothing about the object or the upload, HEAD is not asked.
 */
async function conclude(
  connection: S3Connection,
  put: Put,
  upload: BegunUpload,
  ended: Ended<unknown>,
): Promise<PutResult> {
  const { error, doubt } = failureIn(ended);
  const aborted = await upload.abort();
  if (!doubt && (aborted === 'aborted' || !(isRefusal(error) || isNoSuchUpload(error)))) {
    throw failureOf(put, error);
  }
  const found = await lookForCompleted(connection, put, doubt && aborted === 'gone');
  if (typeof found === 'object') return found;
  if (!doubt || aborted === 'aborted') throw failureOf(put, error);
  const lost = isRefusal(error) && put.options.ifAbsent && found === 'another object' && aborted !== 'gone';
  throw lost ? failureOf(put, error) : unknownOutcome(put, error);
}

/** With `expected`, looks again for up to 15 s: a server may be at completing an upload it no longer says it has. */
async function lookForCompleted(connection: S3Connection, put: Put, expected: boolean): Promise<Found> {
  const signal = patience();
  for (;;) {
    const found = await lookFor(connection, put, signal);
    if (!expected || found !== 'nothing' || !(await pause(BETWEEN_LOOKS_MS, signal))) return found;
  }
}
