import { Readable } from 'node:stream';
import { ObjectStoreError } from '../../errors.ts';
import type { CallOptions, GetOptions, GetResult, GetStreamResult, ObjectMeta } from '../../object-store.ts';
import { resolveRange } from '../../request-checks.ts';
import { destroyOnAbort } from '../../stream-abort.ts';
import { brokenOff, damaged, idleError } from '../answer-errors.ts';
import type { S3Call, S3Connection } from '../connection/s3-connection.ts';
import { formatEtag } from '../etag.ts';
import { metaOf } from '../object-meta.ts';
import { BodyStream } from './body-stream.ts';
import { type OpenBody, openBody } from './get-request.ts';

/** The longest a timer of Node.js can wait: a body has no limit but the time without a byte. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/**
 * Up to this size the chunks of a body are kept until all are there, and copied once then, which takes their memory twice
 * for a moment. Copied as they arrive, bodies take up to a quarter longer: what is dropped all the while has to be
 * collected all the while.
 */
const KEPT_IN_CHUNKS_BYTES = 64 * 1024 * 1024;

/** How often HEAD may find bytes that GET says are not there before that is taken for a fault of the server. */
const MAX_LOOKS = 5;

/** Reads an object or a range into memory. `options` have been checked. Errors as `ObjectStore.get`. */
export async function getObject(
  connection: S3Connection,
  key: string,
  options: GetOptions = {},
): Promise<GetResult> {
  let damagedReads = 0;
  const call = { ...readCall('get', key, options), timeoutMs: NO_LIMIT_MS };
  return withRange(
    connection,
    key,
    options,
    (request) =>
      connection.attempts(call, async (attempt) => {
        const opened = await openBody(connection, attempt, key, request);
        const bytes = await readWhole(connection, opened, attempt.signal);
        if (opened.check?.matches() === false) {
          damagedReads += 1;
          // Once more: it may have been the network. What is damaged twice is so at rest.
          throw damaged(connection, key, damagedReads === 1);
        }
        return { meta: opened.meta, range: opened.range, bytes };
      }),
    (meta, range) => ({ meta, range, bytes: new Uint8Array() }),
  );
}

/** Opens an object or a range as a stream. `options` have been checked. Errors as `ObjectStore.getStream`. */
export async function getObjectStream(
  connection: S3Connection,
  key: string,
  options: GetOptions = {},
): Promise<GetStreamResult> {
  const result = await withRange<GetStreamResult>(
    connection,
    key,
    options,
    async (request) => {
      const opened = await connection.attempts(readCall('getStream', key, options), (attempt) =>
        openBody(connection, attempt, key, request),
      );
      const { meta, range } = opened;
      return { meta, range, stream: new BodyStream(connection, key, opened) };
    },
    (meta, range) => ({ meta, range, stream: Readable.from([], { objectMode: false }) }),
  );
  destroyOnAbort(result.stream, options.signal);
  return result;
}

/** Codes that an answer to HEAD does not tell the reason of, since it has no body. */
const withoutReason: ReadonlySet<string> = new Set(['NOT_FOUND', 'PERMISSION_DENIED', 'INVALID_ARGUMENT']);

/**
 * Asks for what is known of an object. A HEAD that is refused is followed by a GET, whose answer says why: whoever takes
 * `NOT_FOUND` for "not there" must not be told so for want of a bucket, of a known key, or by a proxy that lost its way.
 *
 * Errors as `ObjectStore.head`.
 */
export async function headObject(
  connection: S3Connection,
  key: string,
  options: GetOptions = {},
): Promise<ObjectMeta> {
  try {
    return await requestHead(connection, key, options);
  } catch (error) {
    if (!ObjectStoreError.is(error) || !withoutReason.has(error.code)) throw error;
  }
  const { ifMatch, ifNoneMatch } = options;
  const { meta, body } = await connection.attempts(readCall('head', key, options), (attempt) =>
    openBody(connection, attempt, key, { ifMatch, ifNoneMatch }),
  );
  // It has come into being meanwhile, or something on the way refuses HEAD.
  body.destroy();
  return meta;
}

async function requestHead(connection: S3Connection, key: string, options: GetOptions): Promise<ObjectMeta> {
  const { sdk, bucket } = connection;
  const command = new sdk.HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    IfMatch: options.ifMatch && formatEtag(options.ifMatch),
    IfNoneMatch: options.ifNoneMatch && formatEtag(options.ifNoneMatch),
  });
  const answer = await connection.send(command, readCall('head', key, options));
  return metaOf(connection, key, answer.ContentLength, answer, options);
}

/**
 * Reads with the range rules of this package. S3 has no empty ranges, and takes one that starts at the end for behind it:
 * those are answered from what HEAD says, under the same conditions.
 */
async function withRange<T>(
  connection: S3Connection,
  key: string,
  options: GetOptions,
  read: (request: GetOptions) => Promise<T>,
  nothing: (meta: ObjectMeta, range: OpenBody['range']) => T,
): Promise<T> {
  const { start = 0, endExclusive } = options.range ?? {};
  const isWhole = start === 0 && endExclusive === undefined;
  const isEmpty = start === endExclusive;
  for (let look = 1; ; look += 1) {
    try {
      if (!isEmpty) return await read(isWhole ? { ...options, range: undefined } : options);
    } catch (error) {
      if (isWhole || endExclusive !== undefined || !isBehindEnd(error)) throw error;
      if (look === MAX_LOOKS) throw neverThere(connection, key, error);
    }
    const meta = await headObject(connection, key, options);
    const range = resolveRange(key, options.range, meta.sizeBytes);
    if (range.start === range.endExclusive) return nothing(meta, range);
    // The object was replaced by a longer one since its end was reported.
  }
}

function neverThere(connection: S3Connection, key: string, cause: unknown): ObjectStoreError {
  const message = `the server says again and again that "${key}" is longer, and does not give the rest`;
  const context = connection.facts({ operation: 'get', key });
  return new ObjectStoreError('UNAVAILABLE', message, { context, cause, retryable: true });
}

function isBehindEnd(error: unknown): boolean {
  return ObjectStoreError.is(error) && error.code === 'INVALID_RANGE';
}

async function readWhole(
  connection: S3Connection,
  { meta, range, body, check }: OpenBody,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const limitMs = connection.options.requestTimeoutMs;
  const sizeBytes = range.endExclusive - range.start;
  const whole = sizeBytes > KEPT_IN_CHUNKS_BYTES ? roomFor(meta.key, sizeBytes, body) : undefined;
  const chunks: Buffer[] = [];
  const cut = () => body.destroy();
  if (signal.aborted) cut();
  signal.addEventListener('abort', cut, { once: true });
  const idle = setTimeout(() => body.destroy(idleError(connection, meta.key, limitMs)), limitMs);
  let at = 0;
  try {
    // Not by iteration, which joins what has arrived into buffers of its own first.
    await new Promise<void>((resolve, reject) => {
      body.on('data', (chunk: Buffer) => {
        idle.refresh();
        check?.update(chunk);
        // `set` would throw where nobody catches; a body is never longer than its head says.
        if (at + chunk.byteLength > sizeBytes) body.destroy(brokenOff());
        else if (whole === undefined) chunks.push(chunk);
        else whole.set(chunk, at);
        at += chunk.byteLength;
      });
      body.once('end', resolve);
      body.once('error', reject);
      body.once('close', () => reject(brokenOff()));
    });
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', cut);
  }
  // Node.js has noticed already; but no byte that was not written may ever be given away.
  if (at !== sizeBytes) throw brokenOff();
  return whole ?? joined(chunks, roomFor(meta.key, sizeBytes, body));
}

function joined(chunks: readonly Uint8Array[], room: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let at = 0;
  for (const chunk of chunks) {
    room.set(chunk, at);
    at += chunk.byteLength;
  }
  return room;
}

function roomFor(key: string, sizeBytes: number, body: Readable): Uint8Array<ArrayBuffer> {
  try {
    // Not zeroed first; every byte is written, or none is given.
    return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
  } catch (cause) {
    body.destroy();
    const message = `${sizeBytes} bytes of "${key}" do not fit into memory: read ranges, or use getStream`;
    throw new ObjectStoreError('IO_ERROR', message, { context: { key, sizeBytes }, cause });
  }
}

function readCall(operation: string, key: string, { signal }: CallOptions): S3Call {
  return { operation, key, signal, retry: 'when-safe-to-repeat' };
}
