import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileIO } from './file-io.ts';

/** Literally: Iceberg Java does not percent-encode locations. Hadoop writes `file:/x` where we write `file:///x`. */
const pathOf = (location: string): string => location.replace(/^file:(\/\/)?/, '');

/**
 * Real local files that are not synced, for tests that are not about durability: hundreds of commits in a second or two.
 * Not for data that anybody wants to keep.
 */
export function createUnsyncedFileIO(): FileIO {
  return {
    readFile: async (location) => new Uint8Array(await readFile(pathOf(location))),
    async readRange(location, start, endExclusive) {
      const handle = await open(pathOf(location));
      try {
        const bytes = new Uint8Array(endExclusive - start);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
        return bytes.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
    fileSize: async (location) => (await stat(pathOf(location))).size,
    async writeFile(location, data, options) {
      await mkdir(dirname(pathOf(location)), { recursive: true });
      await writeFile(pathOf(location), data, { flag: options?.ifAbsent ? 'wx' : 'w' });
    },
    deleteFile: (location) => rm(pathOf(location), { force: true }),
  };
}
