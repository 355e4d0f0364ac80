import type { FileIO } from './file-io.ts';

/** One call of a read function. */
export interface CountedRead {
  readonly location: string;
  /** Where the bytes begin in the file. */
  readonly start: number;
  /** Bytes asked for with `readRange`, bytes of the file with `readFile`. */
  readonly length: number;
}

/** A FileIO that notes what was read through it. */
export interface CountingFileIO extends FileIO {
  /** Every read since the last reset, in the order of the calls. */
  readonly reads: readonly CountedRead[];
  /** How many reads there were, of one file or of all. */
  callCount(location?: string): number;
  /** How many bytes they asked for. */
  bytesRead(location?: string): number;
  /** Forgets all reads. */
  reset(): void;
}

/**
 * Wraps a FileIO for tests that hold a reader to reading little: every `readFile` and `readRange` is noted, the other
 * functions pass through. A read that fails counts with what it asked for, or nothing if that is not known.
 */
export function createCountingFileIO(io: FileIO): CountingFileIO {
  const reads: CountedRead[] = [];
  const of = (location: string | undefined) =>
    location === undefined ? reads : reads.filter((read) => read.location === location);
  return {
    reads,
    callCount: (location) => of(location).length,
    bytesRead: (location) => of(location).reduce((sum, { length }) => sum + length, 0),
    reset: () => void reads.splice(0),
    async readFile(location) {
      // Noted before the answer, so that calls stand in their order.
      const read = { location, start: 0, length: 0 };
      reads.push(read);
      const bytes = await io.readFile(location);
      read.length = bytes.length;
      return bytes;
    },
    readRange(location, start, endExclusive) {
      reads.push({ location, start, length: endExclusive - start });
      return io.readRange(location, start, endExclusive);
    },
    fileSize: (location) => io.fileSize(location),
    writeFile: (location, data, options) => io.writeFile(location, data, options),
    deleteFile: (location) => io.deleteFile(location),
    ...(io.deleteFiles && { deleteFiles: (locations) => io.deleteFiles!(locations) }),
  };
}
