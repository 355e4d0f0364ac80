import { randomUUID } from 'node:crypto';
import { ObjectStoreError } from '../../errors.ts';
import type { PutOptions, PutResult } from '../../object-store.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { failureOf, type Put } from '../write/put-outcome.ts';
import { beginUpload } from './begin-upload.ts';
import { completeUpload } from './complete-upload.ts';
import type { PartSource } from './part-sources.ts';
import { type SentParts, uploadParts } from './part-uploads.ts';

/**
 * Stores an object in parts. **It becomes visible, as a whole, when the server completes the upload.** When the promise
 * settles there is no upload any more, unless the server did not answer for 15 s: the note in the upload journal then
 * stays.
 *
 * Errors and outcome as `ObjectStore.put`.
 */
export async function uploadInParts(
  connection: S3Connection,
  key: string,
  source: PartSource,
  options: PutOptions,
): Promise<PutResult> {
  const token = randomUUID();
  const put = (sizeBytes: number): Put => ({ key, sizeBytes, options, token });
  const upload = await beginUpload(connection, key, options, token);
  let sent: SentParts;
  try {
    sent = await uploadParts(connection, upload, source, options.signal);
  } catch (error) {
    // Not ended by the caller's signal, which may be the reason.
    await upload.abort();
    throw ObjectStoreError.is(error) ? failureOf(put(0), error) : error;
  }
  return completeUpload(connection, put(sent.sizeBytes), upload, sent);
}
