import { ObjectStoreError } from '../../errors.ts';
import type { PutOptions, PutResult } from '../../object-store.ts';
import { alreadyExists, invalidArgument } from '../../request-checks.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { type Ended, patience, sendPatiently, sendToEnd } from '../connection/send-to-end.ts';
import { formatEtag, parseEtag } from '../etag.ts';

/*
 * What became of a put whose reply was lost?
 *
 * A put that has a condition, and every multipart upload, carries a token in its user metadata that no other put has.
 * HEAD then tells whether the object that is there is ours. "Doubt" means that an attempt failed so that the server
 * may have executed it (`mayHaveHappened`). It is repeated all the same, for the condition holds only once.
 *
 * | the last answer            | doubt | HEAD finds      | `ifAbsent`        | `ifMatch`           | neither           |
 * | -------------------------- | ----- | --------------- | ----------------- | ------------------- | ----------------- |
 * | success                    | any   | (not asked)     | success           | success             | success           |
 * | 412                        | any   | our token       | success           | success             | -                 |
 * | 412                        | no    | anything else   | ALREADY_EXISTS    | PRECONDITION_FAILED | -                 |
 * | 412                        | yes   | another object  | ALREADY_EXISTS    | unknown (1)         | -                 |
 * | 412                        | yes   | none, or no HEAD| unknown (2)       | unknown (1)         | -                 |
 * | another failure            | no    | (not asked)     | the failure       | the failure         | the failure       |
 * | another failure            | yes   | our token       | success           | success             | (has no token)    |
 * | another failure            | yes   | anything else   | unknown (3)       | unknown (3)         | unknown           |
 *
 * HEAD is asked after a 412 even without doubt: a load balancer between us and the server may have sent the request
 * twice without telling us, as nginx does when a server breaks the connection.
 *
 * 1. The version that `ifMatch` names may have been replaced by us and ours by somebody else. That the object has the
 *    etag of `ifMatch` again proves nothing: it had another one when the 412 was given, which may have been ours.
 * 2. Ours may have been the object that refused our second attempt, and was deleted since.
 * 3. The request may still be on its way and arrive after the HEAD.
 *
 * ALREADY_EXISTS in the fourth line takes the other object to have been first, and to stay. It would be wrong if ours had
 * been stored and then replaced or deleted, or if the other one were deleted before a late attempt of ours arrives: keys
 * that are put with `ifAbsent` are not written otherwise.
 *
 * A multipart upload can be asked more: completing it uses it up. When it can be aborted, it was not completed, and
 * never will be; see `conclude` in complete-upload.ts.
 */

/** The name of the token in the user metadata. Hidden from users; see `withoutPutToken`. */
export const PUT_TOKEN = 'danube-put';

/** User metadata as it was given to `put`. */
export function withoutPutToken(
  metadata: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  if (metadata === undefined) return {};
  const { [PUT_TOKEN]: _, ...given } = metadata;
  return given;
}

/** User metadata with a token. Errors: `INVALID_ARGUMENT` if its name is taken. */
export function withPutToken(
  metadata: Readonly<Record<string, string>> | undefined,
  token: string | undefined,
): Record<string, string> {
  if (metadata !== undefined && Object.hasOwn(metadata, PUT_TOKEN)) {
    throw invalidArgument(`the metadata name ${PUT_TOKEN} is kept for this store's own use`, {});
  }
  return { ...metadata, ...(token !== undefined && { [PUT_TOKEN]: token }) };
}

/** A put, as its outcome is judged by. */
export interface Put {
  readonly key: string;
  readonly sizeBytes: number;
  readonly options: PutOptions;
  /** In the object's user metadata, if the put has one. */
  readonly token: string | undefined;
}

/** What is at the key of a put: what it made, or not. */
export type Found = PutResult | 'another object' | 'nothing' | 'no answer';

/** Asks what is at the key of a put, by default for as long as the signal allows. Does not reject. */
export async function lookFor(
  connection: S3Connection,
  put: Put,
  signal: AbortSignal,
  send: typeof sendPatiently = sendPatiently,
): Promise<Found> {
  const { key, token } = put;
  const command = new connection.sdk.HeadObjectCommand({ Bucket: connection.bucket, Key: key });
  const call = { operation: 'look for what was put', key, signal };
  const ended = await send(connection, command, call);
  if (!ended.ok) return ended.error.code === 'NOT_FOUND' ? 'nothing' : 'no answer';
  const found = resultOf(put, ended.reply);
  // Whoever says "done" without an etag is no S3 server, and knows nothing of the object.
  if (found === undefined) return 'no answer';
  return token !== undefined && ended.reply.Metadata?.[PUT_TOKEN] === token ? found : 'another object';
}

/** The outcome of a single request, by the table above. Resolves if it happened, rejects if not or if unknown. */
export async function concludePut(
  connection: S3Connection,
  put: Put,
  ended: Ended<unknown>,
): Promise<PutResult> {
  const { error, doubt } = failureIn(ended);
  const refused = isRefusal(error);
  if (!doubt && !refused) throw failureOf(put, error);
  const { signal, ifAbsent } = put.options;
  const mayAsk = put.token !== undefined && !signal?.aborted;
  // Without doubt there is little to find out, so little to wait for.
  const send = doubt ? sendPatiently : sendToEnd;
  const found = mayAsk ? await lookFor(connection, put, patience(signal), send) : 'no answer';
  if (typeof found === 'object') return found;
  if (refused && (!doubt || (ifAbsent && found === 'another object'))) throw failureOf(put, error);
  throw unknownOutcome(put, error);
}

/** The failure of a request. A success without etag is one, too: whoever answered was not S3. */
export function failureIn(ended: Ended<unknown>): { error: ObjectStoreError; doubt: boolean } {
  if (!ended.ok) return ended;
  const error = new ObjectStoreError(
    'IO_ERROR',
    'the server says "done" without an etag, as no S3 server does',
  );
  return { error, doubt: true };
}

/** Whether the server refused the put because of its condition. */
export function isRefusal(error: ObjectStoreError): boolean {
  return error.code === 'PRECONDITION_FAILED';
}

/** The error of a put that did not happen: in the words of the contract where its condition was the reason. */
export function failureOf({ key, options }: Put, error: ObjectStoreError): ObjectStoreError {
  if (isRefusal(error) && options.ifAbsent) return alreadyExists(key);
  const { context } = error;
  if (isNoSuchUpload(error)) {
    const message = `the upload of "${key}" is gone: somebody else has aborted it`;
    return new ObjectStoreError('IO_ERROR', message, { context, cause: error, retryable: true });
  }
  if (error.code !== 'NOT_FOUND' || options.ifMatch === undefined) return error;
  // S3 answers so when `If-Match` finds no object at all.
  const message = `there is no object "${key}", so it is not the version that ifMatch names`;
  return new ObjectStoreError('PRECONDITION_FAILED', message, { context, cause: error });
}

/** Whether the server does not know an upload (any more). */
export function isNoSuchUpload(error: ObjectStoreError): boolean {
  return error.context['s3Code'] === 'NoSuchUpload';
}

/** The error of a put of which nobody can say whether it happened. */
export function unknownOutcome({ key }: Put, cause: unknown): ObjectStoreError {
  const message = `"${key}" may have been put or may yet be: the request was sent, but not answered to be believed`;
  return new ObjectStoreError('PUT_STATE_UNKNOWN', message, { context: { key }, cause });
}

/** The condition of a put as the SDK takes it. */
export function conditionOf({ ifAbsent, ifMatch }: PutOptions): { IfNoneMatch?: '*'; IfMatch?: string } {
  return {
    ...(ifAbsent && { IfNoneMatch: '*' }),
    ...(ifMatch !== undefined && { IfMatch: formatEtag(ifMatch) }),
  };
}

/** What a put made, by the answer to it or to a HEAD; undefined if that says no etag. */
export function resultOf(
  { sizeBytes }: Put,
  { ETag, VersionId }: { ETag?: string | undefined; VersionId?: string | undefined },
): PutResult | undefined {
  if (!ETag) return undefined;
  const version = VersionId === 'null' ? undefined : VersionId;
  return { sizeBytes, etag: parseEtag(ETag), ...(version !== undefined && { versionId: version }) };
}
