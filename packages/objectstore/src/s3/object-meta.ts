import type { ObjectMeta } from '../object-store.ts';
import { parseEtag } from './etag.ts';
import { withoutPutToken } from './put-outcome.ts';

/** What answers to GET and HEAD say of an object. */
export interface ObjectHeaders {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly VersionId?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

/** What is known of an object, from the headers of an answer. */
export function metaOf(key: string, sizeBytes: number, headers: ObjectHeaders): ObjectMeta {
  const { ETag, LastModified, VersionId, ContentType, Metadata } = headers;
  return {
    key,
    sizeBytes,
    lastModifiedMs: wholeSeconds(LastModified),
    etag: parseEtag(ETag ?? ''),
    // "null" is the version of objects in a bucket that keeps none.
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
    ...(ContentType !== undefined && { contentType: ContentType }),
    metadata: withoutPutToken(Metadata),
  };
}

/** A time as the `Last-Modified` header gives it; listings of some servers say milliseconds. */
export function wholeSeconds(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? 0) / 1000) * 1000;
}
