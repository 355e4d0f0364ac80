import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ObjectStoreError } from '../../errors.ts';
import type { GetOptions, ObjectMeta, ResolvedRange } from '../../object-store.ts';
import { noS3Answer } from '../answer-errors.ts';
import type { S3Attempt, S3Connection } from '../connection/s3-connection.ts';
import { formatEtag } from '../etag.ts';
import { metaOf } from '../object-meta.ts';
import { type BodyCheck, bodyCheckFor } from './body-check.ts';

/** An answer to a GET whose body has not been read. */
export interface OpenBody {
  readonly meta: ObjectMeta;
  readonly range: ResolvedRange;
  /** Holds a connection until it has ended or is destroyed. */
  readonly body: Readable;
  /** Of whole objects, where the server gives a checksum of a kind we know. */
  readonly check: BodyCheck | undefined;
}

/** What to ask for. */
export type GetRequest = Pick<GetOptions, 'range' | 'ifMatch' | 'ifNoneMatch'>;

/**
 * Asks for an object or a part of it, and makes sure that the answer is about the bytes that were asked for. Rejects with
 * `CORRUPT`, retryable, if it is not, and as `metaOf`.
 */
export async function openBody(
  connection: S3Connection,
  attempt: S3Attempt,
  key: string,
  request: GetRequest,
): Promise<OpenBody> {
  const { range, ifMatch, ifNoneMatch } = request;
  const { sdk, bucket } = connection;
  const command = new sdk.GetObjectCommand({
    Bucket: bucket,
    Key: key,
    Range: range && rangeHeader(range.start, range.endExclusive),
    IfMatch: ifMatch && formatEtag(ifMatch),
    IfNoneMatch: ifNoneMatch && formatEtag(ifNoneMatch),
  });
  // By a header of our own: asked through its option, the SDK would verify the checksum with code in JavaScript.
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-checksum-mode'] = 'ENABLED';
      return next(args);
    },
    { step: 'build', name: 'askForChecksum' },
  );
  const answer = await attempt
    .send(command, connection.options.requestTimeoutMs)
    .catch((error: ObjectStoreError) => {
      // S3 says which is missing, bucket or object. Something in front of it that lost its way says neither.
      const isUnexplained = error.code === 'NOT_FOUND' && error.context['s3Code'] === undefined;
      throw isUnexplained ? noS3Answer(connection, { operation: 'get', key }, 'a reason for its 404') : error;
    });
  const body = answer.Body as Readable;
  try {
    return { ...understand(connection, key, answer, request), body };
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** What the head of an answer says of its body. */
function understand(
  connection: S3Connection,
  key: string,
  answer: GetObjectCommandOutput,
  request: GetRequest,
): Omit<OpenBody, 'body'> {
  const given = givenRange(answer);
  const meta = metaOf(connection, key, given?.sizeBytes ?? 0, answer, request);
  if (given === undefined || !isAskedFor(given, request.range)) {
    throw new ObjectStoreError('CORRUPT', `other bytes of "${key}" came than were asked for`, {
      context: {
        ...connection.facts({ operation: 'get', key }),
        contentRange: answer.ContentRange ?? 'none',
        contentLength: answer.ContentLength ?? 'none',
      },
      retryable: true,
    });
  }
  if (answer.ContentEncoding !== undefined && meta.etag.startsWith('W/')) {
    const message = `"${key}" was compressed on its way: a proxy changes bodies`;
    throw new ObjectStoreError('CORRUPT', message, {
      context: { ...connection.facts({ operation: 'get', key }), contentEncoding: answer.ContentEncoding },
    });
  }
  const { start, endExclusive, sizeBytes } = given;
  const check = endExclusive - start === sizeBytes ? bodyCheckFor(answer) : undefined;
  return { meta, range: { start, endExclusive }, check };
}

function rangeHeader(start: number, endExclusive: number | undefined): string {
  return `bytes=${start}-${endExclusive === undefined ? '' : endExclusive - 1}`;
}

interface GivenRange extends ResolvedRange {
  readonly sizeBytes: number;
}

function givenRange({ ContentRange, ContentLength }: GetObjectCommandOutput): GivenRange | undefined {
  if (ContentLength === undefined) return undefined;
  if (ContentRange === undefined) return { start: 0, endExclusive: ContentLength, sizeBytes: ContentLength };
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange) ?? [];
  const given = { start: Number(first), endExclusive: Number(last) + 1, sizeBytes: Number(size) };
  return given.endExclusive - given.start === ContentLength ? given : undefined;
}

function isAskedFor({ start, endExclusive, sizeBytes }: GivenRange, range: GetRequest['range']): boolean {
  if (range === undefined) return start === 0 && endExclusive === sizeBytes;
  return start === range.start && endExclusive === Math.min(range.endExclusive ?? sizeBytes, sizeBytes);
}
