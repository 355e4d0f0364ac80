import type { GetOptions, ObjectMeta } from '../object-store.ts';
import { checkConditions } from '../request-checks.ts';
import { noS3Answer } from './answer-errors.ts';
import type { S3Connection } from './connection/s3-connection.ts';
import { parseEtag } from './etag.ts';
import { withoutPutToken } from './write/put-outcome.ts';

/** What answers to GET and HEAD say of an object. */
export interface ObjectHeaders {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly VersionId?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

/** Which versions are wanted. */
type Conditions = Pick<GetOptions, 'ifMatch' | 'ifNoneMatch'>;

/**
 * What is known of an object, from the headers of an answer. The conditions are looked at again: some servers and caches
 * do not.
 *
 * Errors: `IO_ERROR` if the answer does not say what S3 always says, `PRECONDITION_FAILED`, `NOT_MODIFIED`.
 */
export function metaOf(
  connection: S3Connection,
  key: string,
  sizeBytes: number | undefined,
  headers: ObjectHeaders,
  { ifMatch, ifNoneMatch }: Conditions,
): ObjectMeta {
  const { ETag, LastModified, VersionId, ContentType, Metadata } = headers;
  if (sizeBytes === undefined || !ETag || LastModified === undefined) {
    throw noS3Answer(connection, { operation: 'get', key }, 'size, etag or time of an object');
  }
  const meta = {
    key,
    sizeBytes,
    lastModifiedMs: wholeSeconds(LastModified),
    etag: parseEtag(ETag),
    // "null" is the version of objects in a bucket that keeps none.
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
    ...(ContentType !== undefined && { contentType: ContentType }),
    metadata: withoutPutToken(Metadata),
  };
  checkConditions(meta, {
    ...(ifMatch !== undefined && { ifMatch: parseEtag(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: parseEtag(ifNoneMatch) }),
  });
  return meta;
}

/** A time as the `Last-Modified` header gives it; listings of some servers say milliseconds. */
export function wholeSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000) * 1000;
}
