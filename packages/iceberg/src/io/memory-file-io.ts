import type { FailedDeletion } from './file-io.ts';
import type { ListableFileIO } from './listable-file-io.ts';

/** A FileIO in memory for tests, with what was asked of it. */
export interface MemoryFileIO extends ListableFileIO {
  readonly files: Map<string, Uint8Array>;
  /** When a file was written, in Unix milliseconds; tests may set it. Files put into `files` directly are as old as can be. */
  readonly modifiedMs: Map<string, number>;
  readonly reads: string[];
  readonly writes: string[];
}

/** Files live in a Map; missing ones and existing ones with `ifAbsent` fail as a store would. */
export function createMemoryFileIO(): MemoryFileIO {
  const files = new Map<string, Uint8Array>();
  const modifiedMs = new Map<string, number>();
  const reads: string[] = [];
  const writes: string[] = [];
  const read = (location: string): Uint8Array => {
    reads.push(location);
    const bytes = files.get(location);
    if (bytes === undefined) throw Object.assign(new Error(`NOT_FOUND: ${location}`), { code: 'NOT_FOUND' });
    return bytes;
  };
  return {
    files,
    modifiedMs,
    reads,
    writes,
    readFile: async (location) => Uint8Array.from(read(location)),
    readRange: async (location, start, endExclusive) =>
      Uint8Array.from(read(location).subarray(start, endExclusive)),
    fileSize: async (location) => read(location).length,
    writeFile: async (location, data, options) => {
      if (options?.ifAbsent && files.has(location)) {
        throw Object.assign(new Error(`ALREADY_EXISTS: ${location}`), { code: 'ALREADY_EXISTS' });
      }
      writes.push(location);
      files.set(location, Uint8Array.from(data));
      modifiedMs.set(location, Date.now());
    },
    deleteFile: async (location) => void files.delete(location),
    async deleteFiles(locations) {
      const failed: FailedDeletion[] = [];
      for (const location of locations) {
        try {
          // Of the object it is called on: a copy whose `deleteFile` a test replaced is asked for each file.
          await this.deleteFile(location);
        } catch (error) {
          failed.push({ location, error });
        }
      }
      return failed;
    },
    async *listFiles(prefix) {
      for (const [location, bytes] of files) {
        if (!location.startsWith(prefix)) continue;
        yield { location, sizeBytes: bytes.length, lastModifiedMs: modifiedMs.get(location) ?? 0 };
      }
    },
  };
}
