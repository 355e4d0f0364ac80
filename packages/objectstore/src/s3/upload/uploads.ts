import { ObjectStoreError } from '../../errors.ts';
import { noS3Answer } from '../answer-errors.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { patience, sendPatiently } from '../connection/send-to-end.ts';
import { isNoSuchUpload } from '../write/put-outcome.ts';

/** What S3 and its likes answer to an abort that was done; 200 is the page of somebody on the way. */
const ABORTED_STATUS = 204;

/** A multipart upload under way. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

/** An upload as it is listed. */
export interface ListedUpload extends Upload {
  /** When it began, in milliseconds since the epoch, by the server's clock. */
  readonly begunMs: number;
}

/**
 * What became of an upload that was to be aborted:
 * - `aborted`: it was there, so it had not been completed, and now never will be.
 * - `gone`: it was not there: completed, or aborted by somebody else.
 * - `unclear`: it was not there, but an abort of ours may be the reason.
 * - an error: it may still be there.
 */
export type AbortOutcome = 'aborted' | 'gone' | 'unclear' | ObjectStoreError;

/** Aborts an upload; its parts are gone then. Takes 15 s at most, not ended by anybody's signal. Does not reject. */
export async function abortUpload(
  connection: S3Connection,
  { key, uploadId }: Upload,
  signal = patience(),
): Promise<AbortOutcome> {
  const { bucket, sdk } = connection;
  const command = new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
  const call = { operation: 'abort an upload', key, signal };
  const ended = await sendPatiently(connection, command, call);
  if (ended.ok) return ended.reply.$metadata.httpStatusCode === ABORTED_STATUS ? 'aborted' : notAborted(key);
  if (isNoSuchUpload(ended.error)) return ended.doubt ? 'unclear' : 'gone';
  return ended.error;
}

function notAborted(key: string): ObjectStoreError {
  const message = `the upload of "${key}" may still be there: what answers is no S3 server`;
  return new ObjectStoreError('IO_ERROR', message, { context: { key } });
}

/**
 * The uploads whose key starts with `prefix`, asked for in pages of `pageSize`. All at once: whoever aborts them would
 * abort the marker of the next page. Rejects as `ObjectStore.list` does, and with `IO_ERROR` for an answer that cannot be
 * one of S3.
 */
export async function listUploads(
  connection: S3Connection,
  prefix: string,
  signal: AbortSignal | undefined,
  pageSize = 1000,
): Promise<ListedUpload[]> {
  const uploads: ListedUpload[] = [];
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const command = new connection.sdk.ListMultipartUploadsCommand({
      Bucket: connection.bucket,
      Prefix: prefix,
      MaxUploads: pageSize,
      ...marker,
    });
    const page = await connection.send(command, {
      operation: 'list uploads',
      key: prefix,
      signal,
      retry: 'when-safe-to-repeat',
    });
    const unlike = (missing: string) =>
      noS3Answer(connection, { operation: 'list uploads', key: prefix }, missing);
    for (const { Key: key, UploadId: uploadId, Initiated } of page.Uploads ?? []) {
      // What is listed may be aborted: a server that passes the prefix over must not cost others their uploads.
      if (!key?.startsWith(prefix) || uploadId === undefined) throw unlike('the prefix in all names');
      uploads.push({ key, uploadId, begunMs: Initiated?.getTime() ?? Number.POSITIVE_INFINITY });
    }
    if (page.IsTruncated === undefined) throw unlike('a word on whether the listing ends here');
    if (!page.IsTruncated) return uploads;
    const { NextKeyMarker: nextKey, NextUploadIdMarker: nextId } = page;
    if (!nextKey || (nextKey === marker.KeyMarker && nextId === marker.UploadIdMarker)) {
      throw unlike('a new marker for the rest of the listing');
    }
    marker = { KeyMarker: nextKey, UploadIdMarker: nextId };
  }
}

/** Aborts every upload of exactly this key, whoever began it. Errors: those of listing and aborting. */
export async function abortUploadsOf(
  connection: S3Connection,
  key: string,
  signal = patience(),
): Promise<void> {
  for (const upload of await listUploads(connection, key, signal)) {
    if (upload.key !== key) continue;
    const outcome = await abortUpload(connection, upload, signal);
    if (ObjectStoreError.is(outcome)) throw outcome;
  }
}
