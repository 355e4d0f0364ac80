import type { FileIO } from './file-io.ts';

/** Deletes files that nothing refers to, one after the other; what cannot be deleted stays, as an orphan. */
export async function deleteFiles(io: FileIO, locations: Iterable<string>): Promise<void> {
  for (const location of locations) {
    try {
      await io.deleteFile(location);
    } catch {
      // It loses nothing but space, and the caller has an outcome to report: not worth an error.
    }
  }
}
