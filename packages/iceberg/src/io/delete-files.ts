import type { FailedDeletion, FileIO } from './file-io.ts';

/** The most locations in one call of `FileIO.deleteFiles`: as many as S3 takes in a request. */
export const MAX_DELETION_BATCH = 1000;

/**
 * Deletes files that nothing refers to, in batches if the FileIO can, else one after the other; what cannot be deleted
 * stays, as an orphan.
 */
export async function deleteFiles(io: FileIO, locations: Iterable<string>): Promise<void> {
  const all = [...locations];
  for (let start = 0; start < all.length; start += MAX_DELETION_BATCH) {
    // What fails loses nothing but space, and the caller has an outcome to report: not worth an error.
    await tryDeleteFiles(io, all.slice(start, start + MAX_DELETION_BATCH));
  }
}

/**
 * Deletes at most `MAX_DELETION_BATCH` files with one call, or one after the other if the FileIO has none for many.
 * Resolves with those that failed, each with the FileIO's own error; never rejects. If the call for many rejects, which of
 * the files are gone is unknown, and all of them have failed with its error.
 */
export async function tryDeleteFiles(
  io: FileIO,
  locations: readonly string[],
): Promise<readonly FailedDeletion[]> {
  // One file needs no list: a store has the plainer request for it.
  if (io.deleteFiles === undefined || locations.length === 1) return deleteInTurn(io, locations);
  try {
    return await io.deleteFiles(locations);
  } catch (error) {
    return locations.map((location) => ({ location, error }));
  }
}

async function deleteInTurn(io: FileIO, locations: readonly string[]): Promise<readonly FailedDeletion[]> {
  const failed: FailedDeletion[] = [];
  for (const location of locations) {
    try {
      await io.deleteFile(location);
    } catch (error) {
      failed.push({ location, error });
    }
  }
  return failed;
}
