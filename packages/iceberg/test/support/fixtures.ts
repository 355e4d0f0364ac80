import { open, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FileIO } from '../../src/io/file-io.ts';
import type { DataFile } from '../../src/manifest/data-file.ts';
import expected from '../fixtures/expected.json' with { type: 'json' };

/** A FileIO over `file:` URIs that notes every range read. */
export interface CountingFileIO extends FileIO {
  readonly reads: { readonly location: string; readonly start: number; readonly length: number }[];
  /** Bytes read since the last reset. */
  bytesRead(): number;
  reset(): void;
}

export function createCountingFileIO(): CountingFileIO {
  const reads: CountingFileIO['reads'] = [];
  const refuse = async () => {
    throw new Error('this FileIO only reads');
  };
  return {
    reads,
    bytesRead: () => reads.reduce((sum, { length }) => sum + length, 0),
    reset: () => void reads.splice(0),
    readFile: async (location) => {
      const bytes = await readFile(fileURLToPath(location));
      reads.push({ location, start: 0, length: bytes.length });
      return bytes;
    },
    readRange: async (location, start, endExclusive) => {
      const length = endExclusive - start;
      reads.push({ location, start, length });
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
