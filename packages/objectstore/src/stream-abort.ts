import type { Readable } from 'node:stream';
import { abortedError } from './request-checks.ts';

/** Destroys a stream with `ABORTED` when the signal fires; listens only as long as the stream is open. */
export function destroyOnAbort(stream: Readable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const abort = () => stream.destroy(abortedError(signal));
  if (signal.aborted) {
    abort();
    return;
  }
  signal.addEventListener('abort', abort, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', abort));
}
