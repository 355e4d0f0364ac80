import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ObjectStoreError } from '../errors.ts';
import type { ResolvedRange } from '../object-store.ts';
import { throwIfAborted } from '../request-checks.ts';
import { toStoreError } from './error-mapping.ts';

const CHUNK_BYTES = 256 * 1024;

/** How much is read between two looks at the signal. */
const SLICE_BYTES = 16 * 1024 * 1024;

/**
 * Reads a range of an open file into memory of its own. Errors: `IO_ERROR` if the file ends before the range does,
 * `ABORTED`.
 */
export async function readRange(
  handle: FileHandle,
  key: string,
  range: ResolvedRange,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.endExclusive - range.start);
  for (let done = 0; done < bytes.length; ) {
    throwIfAborted(signal);
    const wanted = Math.min(SLICE_BYTES, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, wanted, range.start + done);
    if (bytesRead === 0) throw cutShort(key);
    done += bytesRead;
  }
  return bytes;
}

/**
 * The bytes of a range of an open file, in turn. Every chunk is the same memory: it is valid until the next one is
 * asked for. Errors as `readRange`.
 */
export async function* readChunks(
  handle: FileHandle,
  key: string,
  range: ResolvedRange,
): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, range.endExclusive - range.start));
  for (let at = range.start; at < range.endExclusive; ) {
    const wanted = Math.min(buffer.length, range.endExclusive - at);
    const { bytesRead } = await handle.read(buffer, 0, wanted, at);
    if (bytesRead === 0) throw cutShort(key);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Streams a range of an open file; the handle is the stream's from now on and is closed with it. */
export function streamRange(handle: FileHandle, key: string, range: ResolvedRange): Readable {
  let at = range.start;
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      const wanted = Math.min(CHUNK_BYTES, range.endExclusive - at);
      if (wanted === 0) {
        this.push(null);
        return;
      }
      handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at).then(
        ({ bytesRead, buffer }) => {
          at += bytesRead;
          if (bytesRead === 0) this.destroy(cutShort(key));
          else this.push(buffer.subarray(0, bytesRead));
        },
        (error: unknown) => this.destroy(toStoreError(error, `read "${key}"`, { key })),
      );
    },
    destroy(error, done) {
      // Waits for a read that is under way.
      handle.close().then(
        () => done(error),
        (closing: unknown) => done(error ?? toStoreError(closing, `close "${key}"`, { key })),
      );
    },
  });
}

function cutShort(key: string): ObjectStoreError {
  return new ObjectStoreError('IO_ERROR', `"${key}" was cut short while it was read`, { context: { key } });
}
