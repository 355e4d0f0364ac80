import { Readable } from 'node:stream';
import { ObjectStoreError } from '../errors.ts';
import { destroyOnAbort } from '../stream-abort.ts';

/** What a wrapper wants to see or change of a body on its way to the reader. */
export interface RelayHooks {
  /** Each chunk, before it is handed on. Throwing ends the body with that error. */
  readonly onChunk?: (chunk: Buffer) => void;
  /** What the reader is shown instead of an error of the store. Default: that error. */
  readonly mapError?: (error: unknown) => Error;
  /**
   * Once, when the body is over: `error` is what ended it before its end, and absent if all of it was handed on or if
   * the reader let go of it.
   */
  readonly onOver?: (error?: unknown) => void;
}

/**
 * The same bytes as a stream of its own, at the reader's pace and with no more than one further chunk in memory.
 * Destroying it destroys `source`, also while that hangs; an error of `source` ends it; so does the signal, even when
 * `source` has ended already.
 */
export function relayStream(source: Readable, signal: AbortSignal | undefined, hooks: RelayHooks): Readable {
  const { onChunk, mapError = asError, onOver } = hooks;
  let over = false;
  const finish = (error?: unknown) => {
    if (over) return;
    over = true;
    onOver?.(error);
  };
  const relay = new Readable({
    highWaterMark: source.readableHighWaterMark,
    read: () => void source.resume(),
    destroy(error, callback) {
      finish(ObjectStoreError.is(error) ? error : undefined);
      source.destroy();
      callback(error);
    },
  });
  const fail = (error: unknown) => {
    finish(error);
    // Ends of the caller's own making must not end a process in which nobody reads the body yet.
    if (ObjectStoreError.is(error) && ownDoing.has(error.code)) relay.on('error', () => {});
    relay.destroy(mapError(error));
  };
  source.pause();
  source.on('data', (chunk: Buffer) => {
    if (relay.destroyed) return;
    try {
      onChunk?.(chunk);
    } catch (error) {
      fail(error);
      return;
    }
    if (!relay.push(chunk)) source.pause();
  });
  source.once('end', () => {
    finish();
    relay.push(null);
  });
  source.on('error', fail);
  source.once('close', () => {
    if (!source.readableEnded && !relay.destroyed) fail(source.errored ?? brokenOff());
  });
  destroyOnAbort(relay, signal);
  return relay;
}

const ownDoing: ReadonlySet<string> = new Set(['ABORTED', 'CLOSED']);

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

function brokenOff(): ObjectStoreError {
  return new ObjectStoreError('IO_ERROR', 'the body was closed before its end', { retryable: true });
}
