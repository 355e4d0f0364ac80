import type { PutResult } from '../object-store.ts';
import { release } from './descriptors.ts';
import { readChunks } from './file-range.ts';
import type { LocalRoot } from './local-root.ts';
import { locate } from './object-path.ts';
import { openObject } from './open-object.ts';
import { putObject } from './put-object.ts';

/**
 * Puts the bytes of one object at another key. They are copied rather than given a second name: the copy gets a time
 * of its own, which tells how old it is, and damage to one file is not damage to the other.
 *
 * All bytes come from the version that was there when the source was opened. Errors as `ObjectStore.copy`.
 */
export async function copyObject(
  root: LocalRoot,
  from: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<PutResult> {
  // Before the source is looked for: a key that can never be put is the caller's error, whatever is there.
  locate(to);
  const { handle, meta } = await openObject(root, 'copy', from);
  try {
    const chunks = readChunks(handle, from, { start: 0, endExclusive: meta.sizeBytes });
    return await putObject(root, to, chunks, { ifAbsent: false, signal });
  } finally {
    await release(handle);
  }
}
