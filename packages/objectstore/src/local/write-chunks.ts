import type { FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../request-checks.ts';

/** Smaller chunks are gathered to this size: a stream of single lines costs no system call for each. */
export const GATHER_BYTES = 256 * 1024;
/** How much is written between two looks at the signal. */
const SLICE_BYTES = 4 * 1024 * 1024;

/**
 * Writes a body to an open file, at its position. The next chunk is asked for only when the one before is written or
 * copied, so a chunk needs to stay as it is only until then, and memory is bounded by `GATHER_BYTES` and the largest
 * chunk. Chunks of that size and whole bodies are written where they lie.
 *
 * Errors: `ABORTED`; those of the chunks and of the file as they are.
 */
export async function writeChunks(
  handle: FileHandle,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (body instanceof Uint8Array) return writeSlices(handle, body, signal);
  let gathered: Buffer | undefined;
  let used = 0;
  const flush = async () => {
    if (gathered === undefined || used === 0) return;
    await writeSlices(handle, gathered.subarray(0, used), signal);
    used = 0;
  };
  for await (const chunk of body) {
    if (used + chunk.byteLength > GATHER_BYTES) await flush();
    if (chunk.byteLength >= GATHER_BYTES) {
      await writeSlices(handle, chunk, signal);
    } else {
      gathered ??= Buffer.allocUnsafeSlow(GATHER_BYTES);
      gathered.set(chunk, used);
      used += chunk.byteLength;
    }
  }
  await flush();
}

async function writeSlices(handle: FileHandle, bytes: Uint8Array, signal: AbortSignal | undefined) {
  for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
    throwIfAborted(signal);
    // `writeFile` goes on after a short write; from the file's position, not from its start.
    await handle.writeFile(bytes.subarray(at, at + SLICE_BYTES));
  }
}
