import type { Readable } from 'node:stream';
import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import { parseKey } from '../../key.ts';
import type { CallOptions, DeleteFailure } from '../../object-store.ts';
import { noS3Answer } from '../answer-errors.ts';
import { mapS3Code } from '../connection/error-mapping.ts';
import type { S3Call, S3Connection } from '../connection/s3-connection.ts';

/** The most keys that one request takes. */
const BATCH_KEYS = 1000;

/** What XML cannot hold, or gives back as something else: such keys are deleted one by one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const NOT_FOR_XML = /[\0-\x1f\x7f-\x9f\ufffe\uffff]/;

/** Removes an object. Errors as `ObjectStore.delete`. */
export async function deleteObject(
  connection: S3Connection,
  key: string,
  { signal }: CallOptions = {},
): Promise<void> {
  const { sdk, bucket } = connection;
  const command = new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key });
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      refusePage(result.response as HttpAnswer);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'refusePage' },
  );
  await connection.send(command, { operation: 'delete', key, signal, retry: 'when-safe-to-repeat' });
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable | undefined;
}

/** S3 answers without a body. A page of HTML is of somebody else, who has deleted nothing. */
function refusePage({ statusCode, headers, body }: HttpAnswer): void {
  if (statusCode !== 200 || !/^text\/html/i.test(headers['content-type'] ?? '')) return;
  body?.destroy();
  const $metadata = { httpStatusCode: statusCode };
  throw Object.assign(new Error('the answer is a page of HTML'), { $metadata });
}

/** Removes objects, a thousand with each request. Resolves with the failures as `ObjectStore.deleteMany`. */
export async function deleteObjects(
  connection: S3Connection,
  keys: readonly string[],
  options: CallOptions = {},
): Promise<readonly DeleteFailure[]> {
  const failed = new Map<string, ObjectStoreError>();
  const usable = [...new Set(keys)].filter((key) => isUsable(key, failed));
  const single = usable.filter((key) => NOT_FOR_XML.test(key));
  const batched = usable.filter((key) => !NOT_FOR_XML.test(key));
  for (let at = 0; at < batched.length; at += BATCH_KEYS) {
    await deleteBatch(connection, batched.slice(at, at + BATCH_KEYS), options, failed);
  }
  for (const key of single) {
    await deleteObject(connection, key, options).catch((error: unknown) => {
      if (!ObjectStoreError.is(error)) throw error;
      failed.set(key, error);
    });
  }
  return keys.flatMap((key) => {
    const error = failed.get(key);
    return error === undefined ? [] : [{ key, error }];
  });
}

function isUsable(key: string, failed: Map<string, ObjectStoreError>): boolean {
  try {
    parseKey(key);
    return true;
  } catch (error) {
    if (!ObjectStoreError.is(error)) throw error;
    failed.set(key, error);
    return false;
  }
}

/** Deletes a batch; an attempt that leaves some keys behind which may be tried again is followed by one for these. */
async function deleteBatch(
  connection: S3Connection,
  keys: readonly string[],
  { signal }: CallOptions,
  failed: Map<string, ObjectStoreError>,
): Promise<void> {
  let left = keys;
  const call: S3Call = { operation: 'deleteMany', signal, retry: 'when-safe-to-repeat' };
  try {
    await connection.attempts(call, async (attempt) => {
      const { sdk, bucket } = connection;
      const Objects = left.map((Key) => ({ Key }));
      const command = new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } });
      const refused = refusedIn(connection, left, await attempt.send(command));
      const again = left.filter((key) => refused.get(key)?.retryable);
      for (const key of left) {
        const error = refused.get(key);
        if (error === undefined) failed.delete(key);
        else failed.set(key, error);
      }
      left = again;
      const [first] = again;
      if (first !== undefined) throw refused.get(first);
    });
  } catch (error) {
    if (!ObjectStoreError.is(error)) throw error;
    for (const key of left) failed.set(key, ofKey(error, key));
  }
}

/** The keys that were not deleted. Not only those with an error: what the server says nothing about may be there yet. */
function refusedIn(
  connection: S3Connection,
  keys: readonly string[],
  { Deleted = [], Errors = [] }: DeleteObjectsCommandOutput,
): Map<string, ObjectStoreError> {
  const refused = new Map<string, ObjectStoreError>();
  const told = new Set([...Deleted, ...Errors].map(({ Key }) => Key));
  for (const key of keys) {
    if (told.has(key)) continue;
    refused.set(key, noS3Answer(connection, { operation: 'deleteMany', key }, 'a word about each key'));
  }
  for (const { Key = '', Code = '' } of Errors) {
    const { error } = mapS3Code(Code, connection.facts({ operation: 'deleteMany', key: Key }));
    if (error.code !== 'NOT_FOUND') refused.set(Key, error);
  }
  return refused;
}

/** The failure of a request, as that of one key. */
function ofKey(error: ObjectStoreError, key: string): ObjectStoreError {
  const { code, message, context, retryable, cause } = error;
  return new ObjectStoreError(code, message.slice(code.length + 2), {
    context: { ...context, key },
    retryable,
    cause,
  });
}
