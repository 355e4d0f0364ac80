import type { PutBody } from '../object-store.ts';
import { endUnread } from '../unread-body.ts';

/**
 * The same body, with `onChunk` told of each chunk that is taken from it. Whatever ends the iteration reaches the
 * source as without us. Bytes given whole, and what is no body, pass unchanged.
 */
export function watchedBody(body: PutBody, onChunk: (chunk: Uint8Array) => void): PutBody {
  if (!isIterable(body)) return body;
  return {
    [Symbol.asyncIterator]() {
      // Opened with the first chunk: until then it can be told that nobody reads it.
      let source: AsyncIterator<Uint8Array> | undefined;
      const watched: AsyncIterator<Uint8Array> = {
        async next() {
          source ??= body[Symbol.asyncIterator]();
          const next = await source.next();
          // What is no chunk is for the store to refuse.
          if (!next.done && next.value instanceof Uint8Array) onChunk(next.value);
          return next;
        },
        async return() {
          if (source === undefined) await endUnread(body);
          else await source.return?.();
          return { done: true, value: undefined };
        },
      };
      return watched;
    },
  };
}

function isIterable(body: PutBody): body is AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) return false;
  return typeof (body as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === 'function';
}
