import { open, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FileIO } from '../../src/io/file-io.ts';
import type { DataFile } from '../../src/manifest/data-file.ts';
import expected from '../fixtures/expected.json' with { type: 'json' };

/** A FileIO over `file:` URIs that only reads. */
export function createFixtureFileIO(): FileIO {
  const refuse = async () => {
    throw new Error('this FileIO only reads');
  };
  return {
    readFile: async (location) => readFile(fileURLToPath(location)),
    readRange: async (location, start, endExclusive) => {
      const length = endExclusive - start;
      const file = await open(fileURLToPath(location));
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    fileSize: async (location) => (await stat(fileURLToPath(location))).size,
    writeFile: refuse,
    deleteFile: refuse,
  };
}

export type FixtureName = keyof typeof expected;

/** A golden file as a manifest would describe it, without metrics. */
export function fixture(name: FixtureName): DataFile {
  return dataFileOf(new URL(`../fixtures/${name}`, import.meta.url).href, expected[name]);
}

/** A file held in memory under a made-up location. */
export function memoryFile(bytes: Uint8Array, recordCount: number): { io: FileIO; dataFile: DataFile } {
  const refuse = async () => {
    throw new Error('this FileIO only reads');
  };
  const io: FileIO = {
    readFile: async () => bytes,
    readRange: async (_location, start, endExclusive) => bytes.slice(start, endExclusive),
    fileSize: async () => bytes.length,
    writeFile: refuse,
    deleteFile: refuse,
  };
  return {
    io,
    dataFile: dataFileOf('mem://table/data/file.parquet', { rows: recordCount, size: bytes.length }),
  };
}

function dataFileOf(filePath: string, { rows, size }: { rows: number; size: number }): DataFile {
  return {
    content: 'data',
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    specId: 0,
    recordCount: rows,
    fileSizeInBytes: size,
  };
}
