import type { FileIO } from '../io/file-io.ts';

/** Deletes files that nothing refers to; what cannot be deleted stays, as an orphan. */
export async function deleteQuietly(io: FileIO, locations: Iterable<string>): Promise<void> {
  // A failed deletion loses nothing but space, and the caller has an outcome to report: not worth an error.
  for (const location of locations) await io.deleteFile(location).catch(() => undefined);
}
