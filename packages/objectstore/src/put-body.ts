import { ObjectStoreError } from './errors.ts';
import type { PutBody } from './object-store.ts';
import { abortedError, invalidArgument, throwIfAborted } from './request-checks.ts';

/** Whether a body is given whole. Errors: `INVALID_ARGUMENT` for what is no body at all. */
export function isBytes(body: PutBody): body is Uint8Array {
  if (body instanceof Uint8Array) return true;
  if (typeof (body as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === 'function') {
    return false;
  }
  throw invalidArgument('the body is neither a Uint8Array nor an async iterable of them', {});
}

/**
 * The chunks of a body, none of them empty. Ends early when the signal fires, even while the source hangs; a source
 * that is not read to its end is told so (`return`).
 *
 * Errors: `ABORTED`, `INVALID_ARGUMENT` for chunks that are not bytes, `IO_ERROR` when the source fails (its error is
 * the cause).
 */
export async function* chunksOf(
  body: PutBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  throwIfAborted(signal);
  if (isBytes(body)) {
    if (body.byteLength > 0) yield body;
    return;
  }
  const source = body[Symbol.asyncIterator]();
  let exhausted = false;
  try {
    for (;;) {
      const next = await orAborted(source.next(), signal).catch((error: unknown) => {
        if (ObjectStoreError.is(error) && error.code === 'ABORTED' && signal?.aborted) throw error;
        exhausted = true;
        throw new ObjectStoreError('IO_ERROR', 'the stream that was to be put failed', { cause: error });
      });
      if (next.done) {
        exhausted = true;
        return;
      }
      if (!(next.value instanceof Uint8Array)) {
        throw invalidArgument('the stream that was to be put yields something else than Uint8Arrays', {
          type: typeof next.value,
        });
      }
      if (next.value.byteLength > 0) yield next.value;
    }
  } finally {
    // Not waited for: a source that hangs in `next` hangs in `return` too.
    if (!exhausted) source.return?.().catch(() => {});
  }
}

/** The promise, or `ABORTED` as soon as the signal fires. */
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
