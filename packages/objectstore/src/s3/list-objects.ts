import type { _Object, CommonPrefix, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { parseKey, parsePrefix } from '../key.ts';
import { groupOf, type ListRequest } from '../list-pages.ts';
import type { ListPage, ObjectMeta } from '../object-store.ts';
import { parseEtag } from './etag.ts';
import { wholeSeconds } from './object-meta.ts';
import type { S3Connection } from './s3-connection.ts';

/**
 * The pages of a listing, each asked for when the one before was taken. Objects that others put under keys that are none
 * to this package (`dir/`, `a//b`, over 1,024 bytes) are passed over, as are groups that cannot hold a usable key.
 *
 * Errors as `ObjectStore.list`.
 */
export async function* listObjects(
  connection: S3Connection,
  request: ListRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListPage, void, void> {
  const { startAfter, delimiter, prefix } = request;
  const group = delimiter && startAfter?.startsWith(prefix) ? groupOf(startAfter, prefix) : undefined;
  const walk = new ListWalk(connection, request, signal);
  if (group === undefined) {
    yield* walk.pages(startAfter);
    return;
  }
  // Servers do not agree on whether a group that `startAfter` lies in is listed. So the rest of it is looked at.
  const first = (await walk.holdsKeyAfter(group, startAfter as string)) ? group : undefined;
  yield* walk.pages(`${group}${LAST_CHARACTER}`, group, first);
}

/** Behind it in a group there is nothing that is likely to exist; what there is, is in the group all the same. */
const LAST_CHARACTER = '\u{10ffff}';

class ListWalk {
  readonly #connection: S3Connection;
  readonly #request: ListRequest;
  readonly #signal: AbortSignal | undefined;

  constructor(connection: S3Connection, request: ListRequest, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#request = request;
    this.#signal = signal;
  }

  /** The pages from there on, without the group `done`, and with the group `first` in front. */
  async *pages(startAfter: string | undefined, done?: string, first?: string): AsyncGenerator<ListPage> {
    const { prefix, delimiter, pageSize } = this.#request;
    let waiting = first;
    let next: Start | undefined = { startAfter };
    while (next !== undefined) {
      const room = waiting === undefined ? pageSize : pageSize - 1;
      if (room === 0) {
        yield { objects: [], commonPrefixes: [waiting as string] };
        waiting = undefined;
        continue;
      }
      const answer = await this.#ask(prefix, next, room, delimiter);
      const objects = objectsOf(answer);
      const groups = groupsOf(answer).filter((name) => name !== done);
      const commonPrefixes = waiting === undefined ? groups : [waiting, ...groups];
      waiting = undefined;
      if (objects.length + commonPrefixes.length > 0) yield { objects, commonPrefixes };
      const token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
      next = token === undefined ? undefined : { token };
    }
  }

  /** Whether there is an object in a group behind a key. */
  async holdsKeyAfter(group: string, startAfter: string): Promise<boolean> {
    for (let next: Start | undefined = { startAfter }; next !== undefined; ) {
      const answer = await this.#ask(group, next, this.#request.pageSize, false);
      if (objectsOf(answer).length > 0) return true;
      const token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
      next = token === undefined ? undefined : { token };
    }
    return false;
  }

  #ask(prefix: string, start: Start, most: number, grouped: boolean): Promise<ListObjectsV2CommandOutput> {
    const { sdk, bucket } = this.#connection;
    const command = new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      StartAfter: start.startAfter,
      ContinuationToken: start.token,
      MaxKeys: most,
      Delimiter: grouped ? '/' : undefined,
      // XML cannot hold every character a key can.
      EncodingType: 'url',
    });
    const call = {
      operation: 'list',
      key: prefix,
      signal: this.#signal,
      retry: 'when-safe-to-repeat',
    } as const;
    return this.#connection.send(command, call);
  }
}

interface Start {
  readonly startAfter?: string | undefined;
  readonly token?: string | undefined;
}

function objectsOf({ Contents = [], EncodingType }: ListObjectsV2CommandOutput): ObjectMeta[] {
  return Contents.flatMap((object) => {
    const key = decoded(object.Key, EncodingType);
    return key !== undefined && isKey(key) ? [toMeta(key, object)] : [];
  });
}

function groupsOf({ CommonPrefixes = [], EncodingType }: ListObjectsV2CommandOutput): string[] {
  return CommonPrefixes.flatMap(({ Prefix }: CommonPrefix) => {
    const name = decoded(Prefix, EncodingType);
    return name !== undefined && isPrefix(name) ? [name] : [];
  });
}

function toMeta(key: string, { Size = 0, LastModified, ETag = '' }: _Object): ObjectMeta {
  return { key, sizeBytes: Size, lastModifiedMs: wholeSeconds(LastModified), etag: parseEtag(ETag) };
}

/** A name as it was put. Servers write a space as `+` or `%20`, and a plus always as `%2B`. */
function decoded(name: string | undefined, encoding: string | undefined): string | undefined {
  if (name === undefined || encoding !== 'url') return name;
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    // Not UTF-8, so it is no key to us and cannot be asked for.
    return undefined;
  }
}

function isKey(key: string): boolean {
  return isAccepted(() => parseKey(key));
}

function isPrefix(prefix: string): boolean {
  return isAccepted(() => parsePrefix(prefix));
}

function isAccepted(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
