import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { FileIO } from '../../src/index.ts';

const script = join(import.meta.dirname, 'iceberg_judge.py');

/** Runs a command of `iceberg_judge.py` with the Python named by DANUBE_PYTHON. */
export async function judge<T>(command: string, request: object): Promise<T> {
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const { stdout } = await promisify(execFile)(python, [script, command, JSON.stringify(request)], {
    maxBuffer: 64 * 2 ** 20,
  });
  return JSON.parse(stdout) as T;
}

/** A FileIO over local files, as small as it can be. */
export function createLocalFileIO(): FileIO {
  // Literally, as PyIceberg does: its partition folders have percent signs in their names.
  const pathOf = (location: string): string => location.replace(/^file:\/\//, '');
  return {
    readFile: (location) => readFile(pathOf(location)),
    async readRange(location, start, endExclusive) {
      const handle = await open(pathOf(location));
      try {
        const { buffer } = await handle.read(
          Buffer.alloc(endExclusive - start),
          0,
          endExclusive - start,
          start,
        );
        return buffer;
      } finally {
        await handle.close();
      }
    },
    fileSize: async (location) => (await stat(pathOf(location))).size,
    async writeFile(location, data, options) {
      await mkdir(dirname(pathOf(location)), { recursive: true });
      await writeFile(pathOf(location), data, { flag: options?.ifAbsent ? 'wx' : 'w', flush: true });
    },
    deleteFile: (location) => rm(pathOf(location), { force: true }),
  };
}
