import type { _Object, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type { ObjectStoreError } from '../../errors.ts';
import { compareKeys, parseKey, parsePrefix } from '../../key.ts';
import type { ObjectMeta } from '../../object-store.ts';
import { noS3Answer } from '../answer-errors.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { parseEtag } from '../etag.ts';
import { wholeSeconds } from '../object-meta.ts';

/** What an answer lists. */
export interface Listed {
  readonly objects: ObjectMeta[];
  readonly groups: string[];
  /** Of the next page; `undefined` for the last one. */
  readonly token: string | undefined;
}

/**
 * Reads the answers of one listing in turn, and believes none that breaks a promise of S3: names below the prefix, behind
 * the start and in order, an end that is said to be one, a token that goes on. A page of HTML would be an empty listing
 * else, and a server that starts over would list for ever.
 */
export class ListAnswers {
  readonly #connection: S3Connection;
  readonly #prefix: string;
  #lastKey: string | undefined;
  #lastGroup: string | undefined;
  #lastToken: string | undefined;

  constructor(connection: S3Connection, prefix: string, startAfter: string | undefined) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#lastKey = startAfter;
    this.#lastGroup = startAfter;
  }

  /** Reads the next answer, without the group `done`. Errors: `IO_ERROR`. */
  read(answer: ListObjectsV2CommandOutput, done?: string): Listed {
    const { Contents = [], CommonPrefixes = [], EncodingType: encoding } = answer;
    const token = this.#tokenOf(answer);
    const objects: ObjectMeta[] = [];
    for (const object of Contents) {
      const key = decoded(object.Key, encoding);
      if (key === undefined) continue;
      this.#lastKey = this.#inOrder(key, this.#lastKey);
      if (isKey(key)) objects.push(this.#toMeta(key, object));
    }
    const groups: string[] = [];
    for (const { Prefix } of CommonPrefixes) {
      const name = decoded(Prefix, encoding);
      if (name === undefined || name === done) continue;
      this.#lastGroup = this.#inOrder(name, this.#lastGroup);
      if (isPrefix(name)) groups.push(name);
    }
    return { objects, groups, token };
  }

  #tokenOf({ IsTruncated, NextContinuationToken }: ListObjectsV2CommandOutput): string | undefined {
    if (IsTruncated === undefined) throw this.#unlike('a word on whether the listing ends here');
    if (!IsTruncated) return undefined;
    if (!NextContinuationToken || NextContinuationToken === this.#lastToken) {
      throw this.#unlike('a new token for the rest of the listing');
    }
    this.#lastToken = NextContinuationToken;
    return NextContinuationToken;
  }

  /** The name that the next one must be behind. */
  #inOrder(name: string, last: string | undefined): string | undefined {
    if (!name.startsWith(this.#prefix)) throw this.#unlike('the prefix in all names');
    // In its place stood a character that XML has not, where a server does not encode names.
    if (name.includes('\u{fffd}')) return last;
    if (last !== undefined && compareKeys(name, last) <= 0) throw this.#unlike('names in order');
    return name;
  }

  #toMeta(key: string, { Size, LastModified, ETag = '' }: _Object): ObjectMeta {
    // Neither may be guessed: an object whose time is not known would be older than all others.
    if (Size === undefined || LastModified === undefined) throw this.#unlike('size or time of an object');
    return { key, sizeBytes: Size, lastModifiedMs: wholeSeconds(LastModified), etag: parseEtag(ETag) };
  }

  #unlike(missing: string): ObjectStoreError {
    return noS3Answer(this.#connection, { operation: 'list', key: this.#prefix }, missing);
  }
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
