import { ObjectStoreError } from '../../errors.ts';
import type { PutOptions } from '../../object-store.ts';
import { mayHaveHappened, type S3Connection } from '../connection/s3-connection.ts';
import { withPutToken } from '../write/put-outcome.ts';
import type { UploadNote } from './upload-journal.ts';
import { type AbortOutcome, abortUpload, abortUploadsOf } from './uploads.ts';

/** An upload of ours, from its note in the journal on. */
export class BegunUpload {
  readonly key: string;
  readonly uploadId: string;
  /** Whether the server takes, and checks, one checksum of the whole object. */
  readonly fullObjectChecksum: boolean;
  readonly #connection: S3Connection;
  readonly #trace: Trace;

  constructor(
    connection: S3Connection,
    key: string,
    reply: { UploadId: string; ChecksumType?: string | undefined },
    trace: Trace,
  ) {
    this.key = key;
    this.uploadId = reply.UploadId;
    this.fullObjectChecksum = reply.ChecksumType === 'FULL_OBJECT';
    this.#connection = connection;
    this.#trace = trace;
  }

  /** Aborts the upload, see `abortUpload`. Does not reject. */
  async abort(): Promise<AbortOutcome> {
    const outcome = await abortUpload(this.#connection, this);
    if (!ObjectStoreError.is(outcome)) await this.forget();
    return outcome;
  }

  /** To be called when the upload is over: removes the note. Does not reject. */
  forget(): Promise<void> {
    return forget(this.#connection, this.key, this.#trace);
  }
}

/** What an upload has left behind so far. */
interface Trace {
  readonly note: UploadNote | undefined;
  /** Whether the server may know an upload whose id we were not told. */
  twin: boolean;
}

/**
 * Begins a multipart upload, after it was noted in the journal if there is one. A lost reply leaves an upload whose id
 * nobody knows: with a journal, which says that the key is ours alone, it is aborted at the end of this one.
 *
 * The checksum is ours where the bytes pass through here.
 *
 * Errors: those of a put.
 */
export async function beginUpload(
  connection: S3Connection,
  key: string,
  options: PutOptions,
  token: string,
  checksum: 'ours' | "the server's" = 'ours',
): Promise<BegunUpload> {
  const { bucket, sdk } = connection;
  const { endpoint = '', uploadJournal } = connection.options;
  const { signal, contentType, metadata } = options;
  const command = new sdk.CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    ...(checksum === 'ours' && { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    Metadata: withPutToken(metadata, token),
    ...(contentType !== undefined && { ContentType: contentType }),
  });
  const trace: Trace = { note: await uploadJournal?.note({ endpoint, bucket, key }), twin: false };
  const call = { operation: 'begin an upload', key, signal, retry: 'when-safe-to-repeat' } as const;
  try {
    const { UploadId, ChecksumType } = await connection.attempts(call, (attempt) => {
      // A second attempt tells that the first one failed, perhaps after it was executed.
      trace.twin = attempt.number > 1;
      return attempt.send(command);
    });
    if (UploadId) return new BegunUpload(connection, key, { UploadId, ChecksumType }, trace);
  } catch (error) {
    // What surely was not executed leaves nothing to look for, with a server that may not answer.
    trace.twin = mayHaveHappened(error);
    await forget(connection, key, trace);
    throw error;
  }
  trace.twin = true;
  await forget(connection, key, trace);
  throw new ObjectStoreError('IO_ERROR', 'the server gave no id for an upload', { context: { key } });
}

async function forget(connection: S3Connection, key: string, { note, twin }: Trace): Promise<void> {
  if (note === undefined) return;
  try {
    if (twin) await abortUploadsOf(connection, key);
    await note.remove();
  } catch {
    // The note stays: the store that is opened after this process looks again.
  }
}
