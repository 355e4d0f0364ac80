import { Readable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import type { PutBody } from './object-store.ts';

/**
 * Tells a body of which nothing was read that nobody will: whatever it holds open it can let go of. Bytes, and what is no
 * body at all, are passed over. Does not reject: the put has its outcome already.
 */
export async function endUnread(body: PutBody): Promise<void> {
  if (isUint8Array(body)) return;
  try {
    // The iterator of a stream that was not asked for anything yet would end without a word to the stream.
    if (body instanceof Readable) body.destroy();
    else if (body instanceof ReadableStream) await body.cancel();
    else await body?.[Symbol.asyncIterator]?.().return?.();
  } catch {
    // For one a web stream that somebody else is reading: it is theirs to end.
  }
}
