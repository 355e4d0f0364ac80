import { ObjectStoreError } from '../../errors.ts';
import type { CallOptions } from '../../object-store.ts';
import { checkOptions, invalidArgument } from '../../request-checks.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { patience } from '../connection/send-to-end.ts';
import type { UploadJournal } from './upload-journal.ts';
import { abortUpload, abortUploadsOf, listUploads } from './uploads.ts';

/** Which uploads count as left over. */
export interface StaleUploadOptions extends CallOptions {
  /** Only uploads of keys that start so; `''` for those of the whole bucket. */
  readonly prefix: string;
  /**
   * Only uploads that began so long ago, by this machine's clock and the server's. Longer than the longest put takes,
   * such as a day: **an upload under way that is older is lost**, whoever is at it, and its put fails.
   */
  readonly olderThanMs: number;
}

/**
 * Aborts multipart uploads that nobody goes on with, of any process and program, and resolves with their number. Their
 * parts cost storage until then, but are never visible.
 *
 * Errors: `INVALID_ARGUMENT`, those of a listing, and the first failure of an abort, after all have been tried.
 */
export async function removeStaleUploads(
  connection: S3Connection,
  options: StaleUploadOptions,
): Promise<number> {
  checkOptions(options, ['prefix', 'olderThanMs']);
  const { prefix, olderThanMs, signal } = options;
  if (typeof prefix !== 'string') throw invalidArgument('prefix is not a text', { option: 'prefix' });
  if (!Number.isFinite(olderThanMs) || olderThanMs < 0) {
    throw invalidArgument('olderThanMs is not a number of milliseconds', { option: 'olderThanMs' });
  }
  const begunBefore = Date.now() - olderThanMs;
  const failures: ObjectStoreError[] = [];
  let removed = 0;
  for (const upload of await listUploads(connection, prefix, signal)) {
    if (upload.begunMs > begunBefore) continue;
    const outcome = await abortUpload(connection, upload, patience(signal));
    if (ObjectStoreError.is(outcome)) failures.push(outcome);
    else removed += 1;
  }
  if (failures[0] !== undefined) throw failures[0];
  return removed;
}

/** Whether two endpoints are one, however their URLs are written; an empty one is that of AWS. */
function isSameUrl(one: string, other: string): boolean {
  const [a, b] = [one, other].map((endpoint) => URL.parse(endpoint)?.href.replace(/\/+$/, ''));
  return a === b;
}

/**
 * Aborts the uploads that killed processes left in this bucket, by their notes in the journal; see `openUploadJournal`.
 * Resolves with the number of notes dealt with. A server that does not answer leaves them to the next open.
 *
 * Errors: those of the local file system.
 */
export async function abortLeftOverUploads(
  connection: S3Connection,
  journal: UploadJournal,
): Promise<number> {
  const { bucket } = connection;
  const { endpoint = '' } = connection.options;
  const signal = patience();
  let settled = 0;
  for (const note of await journal.leftOver()) {
    if (note.bucket !== bucket || !isSameUrl(note.endpoint, endpoint)) continue;
    try {
      await abortUploadsOf(connection, note.key, signal);
    } catch {
      // A store can be opened while its server is away, and what is left over is never visible.
      return settled;
    }
    await note.remove();
    settled += 1;
  }
  return settled;
}
