import type { Readable } from 'node:stream';
import { abortedError } from './request-checks.ts';

/**
 * Destroys a stream with `ABORTED` when the signal fires; listens only as long as the stream is open. Whoever reads
 * it gets the error; a process in which nobody reads it yet does not end over it, since the abort is its own doing.
 */
export function destroyOnAbort(stream: Readable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const abort = () => {
    stream.on('error', () => {});
    stream.destroy(abortedError(signal));
  };
  if (signal.aborted) {
    abort();
    return;
  }
  signal.addEventListener('abort', abort, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', abort));
}
