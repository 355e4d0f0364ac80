import { Readable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import { ObjectStoreError } from './errors.ts';
import type { PutBody } from './object-store.ts';
import { abortedError, invalidArgument, throwIfAborted } from './request-checks.ts';
import { endUnread } from './unread-body.ts';

/**
 * Whether a body is given whole. Errors: `INVALID_ARGUMENT` for what is no body at all, and for a Node.js stream that
 * was read to its end before, as by a put that is tried again: it would be an empty object.
 */
export function isBytes(body: PutBody): body is Uint8Array {
  if (isUint8Array(body)) return true;
  if (typeof (body as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] !== 'function') {
    throw invalidArgument('the body is neither a Uint8Array nor an async iterable of them', {});
  }
  if (body instanceof Readable && body.readableEnded) {
    throw invalidArgument('the stream that was to be put was read already; a stream can be put once', {});
  }
  return false;
}

/**
 * The chunks of a body, none of them empty; each may be used anew by the source once the next one is asked for. Ends
 * early when the signal fires, even while the source hangs. A source that is not read to its end is told so
 * (`return`) and, unless it hangs, has ended before this generator does.
 *
 * Errors: `ABORTED`, `INVALID_ARGUMENT` for chunks that are not bytes, `IO_ERROR` when the source fails (its error is
 * the cause).
 */
export async function* chunksOf(
  body: PutBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  if (isBytes(body)) {
    throwIfAborted(signal);
    if (body.byteLength > 0) yield body;
    return;
  }
  if (signal?.aborted) {
    await endUnread(body);
    throw abortedError(signal);
  }
  const source = open(body);
  let exhausted = false;
  try {
    for (;;) {
      const next = await orAborted(nextOf(source), signal);
      if (next.failed || next.done) exhausted = true;
      if (next.failed) throw failed(next.error);
      if (next.done) return;
      if (!isUint8Array(next.chunk)) {
        throw invalidArgument('the stream that was to be put yields something else than Uint8Arrays', {
          type: typeof next.chunk,
        });
      }
      if (next.chunk.byteLength > 0) yield next.chunk;
    }
  } finally {
    if (!exhausted) await end(source, signal);
  }
}

/**
 * Runs a put with the chunks of a stream (see `chunksOf`). If it settles before it has asked for any, because there is no
 * place for the object or no room, the stream is ended all the same.
 */
export async function withChunks<T>(
  body: PutBody,
  signal: AbortSignal | undefined,
  put: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  let begun = false;
  const chunks = {
    [Symbol.asyncIterator]() {
      begun = true;
      return chunksOf(body, signal);
    },
  };
  try {
    return await put(chunks);
  } finally {
    if (!begun) await endUnread(body);
  }
}

function open(body: AsyncIterable<unknown>): AsyncIterator<unknown> {
  try {
    return body[Symbol.asyncIterator]();
  } catch (error) {
    // For one a web stream that somebody else is reading.
    throw failed(error);
  }
}

interface Next {
  readonly done: boolean;
  readonly chunk?: unknown;
  readonly failed: boolean;
  readonly error?: unknown;
}

/** What the source gives next; its failure is a value here, so that it is never taken for one of ours. */
async function nextOf(source: AsyncIterator<unknown>): Promise<Next> {
  try {
    const { done, value } = await source.next();
    return { done: done === true, chunk: value, failed: false };
  } catch (error) {
    return { done: true, failed: true, error };
  }
}

function failed(cause: unknown): ObjectStoreError {
  return new ObjectStoreError('IO_ERROR', 'the stream that was to be put failed', { cause });
}

/** Tells the source that no more is wanted. Whatever it answers, the put has its outcome already. */
async function end(source: AsyncIterator<unknown>, signal: AbortSignal | undefined): Promise<void> {
  const ended = (async () => source.return?.())();
  // A generator that hangs in `next` hangs in `return` too.
  await orAborted(ended, signal).catch(() => {});
}

/**
 * The promise, or `ABORTED` as soon as the signal fires: also when the source listens to the same signal and fails of it,
 * for its failure takes `nextOf` a turn more than this.
 */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortedError(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
