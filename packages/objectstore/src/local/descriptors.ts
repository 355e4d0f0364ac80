import type { FileHandle } from 'node:fs/promises';

/**
 * Closes a descriptor that nothing was written through. An error loses nothing, the descriptor is gone all the same,
 * and after a commit point it would make a success look like a failure: it is not reported.
 */
export async function release(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {});
}
