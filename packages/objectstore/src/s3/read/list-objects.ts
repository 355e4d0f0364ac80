import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { groupOf, type ListRequest } from '../../list-pages.ts';
import type { ListPage } from '../../object-store.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { ListAnswers } from './list-answers.ts';

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
    const answers = new ListAnswers(this.#connection, prefix, startAfter);
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
      const { objects, groups, token } = answers.read(answer, done);
      const commonPrefixes = waiting === undefined ? groups : [waiting, ...groups];
      waiting = undefined;
      if (objects.length + commonPrefixes.length > 0) yield { objects, commonPrefixes };
      next = token === undefined ? undefined : { token };
    }
  }

  /** Whether there is an object in a group behind a key. */
  async holdsKeyAfter(group: string, startAfter: string): Promise<boolean> {
    const answers = new ListAnswers(this.#connection, group, startAfter);
    for (let next: Start | undefined = { startAfter }; next !== undefined; ) {
      const { objects, token } = answers.read(await this.#ask(group, next, this.#request.pageSize, false));
      if (objects.length > 0) return true;
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
