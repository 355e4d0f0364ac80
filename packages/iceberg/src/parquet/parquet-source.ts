import type { FileIO } from '../io/file-io.ts';
import { translated } from '../io/file-io-errors.ts';
import { corruptDataFile } from './data-file-errors.ts';
import type { ByteRange } from './parquet-footer.ts';

/** Ranges at most this far apart are read in one request: the gap costs less than another round trip. */
const gapBytes = 16 * 1024;

/** The bytes of one data file, read in ranges. */
export interface ParquetSource {
  readonly location: string;
  readonly size: number;
  /**
   * The bytes of a range. Bytes the source holds already (the file's tail) are not read again.
   *
   * @throws IcebergError `IO_ERROR` when the FileIO fails, `DATA_FILE_CORRUPT` when the file ends within the range
   */
  read(range: ByteRange): Promise<Uint8Array>;
}

/** Bytes already read, at their place in the file. */
export interface HeldBytes {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Makes the source of a file whose size is known. */
export function createParquetSource(io: FileIO, location: string, size: number): ParquetSource {
  return {
    location,
    size,
    async read({ start, endExclusive }) {
      const length = endExclusive - start;
      if (length === 0) return new Uint8Array(0);
      if (endExclusive > size)
        throw corruptDataFile(location, `it ends at ${size}, within a range to ${endExclusive}`);
      const bytes = await readOrExplain(io, location, size, { start, endExclusive });
      if (bytes.length !== length) {
        throw corruptDataFile(location, `${bytes.length} bytes at ${start} where it should have ${length}`);
      }
      return bytes;
    },
  };
}

/** A store that refuses a range may do so because the file is not as large as it should be: that is damage. */
async function readOrExplain(
  io: FileIO,
  location: string,
  size: number,
  { start, endExclusive }: ByteRange,
): Promise<Uint8Array> {
  try {
    return await translated('read', location, () => io.readRange(location, start, endExclusive));
  } catch (error) {
    const found = await io.fileSize(location).catch(() => size);
    if (found === size) throw error;
    throw corruptDataFile(location, `it has ${found} bytes, its manifest entry says ${size}`, error);
  }
}

/** The same source with some bytes at hand. */
export function withHeldBytes(source: ParquetSource, held: HeldBytes): ParquetSource {
  return {
    ...source,
    async read(range) {
      return sliceOf(held, range) ?? source.read(range);
    },
  };
}

/** The part of held bytes that a range asks for, if they have all of it. */
export function sliceOf(held: HeldBytes, { start, endExclusive }: ByteRange): Uint8Array | undefined {
  if (start < held.start || endExclusive > held.start + held.bytes.length) return undefined;
  return held.bytes.subarray(start - held.start, endExclusive - held.start);
}

/**
 * Reads several ranges at once, near ones in one request.
 *
 * @param maxBytes no request is made larger than this by joining ranges
 * @returns the bytes of each range, in the order given
 */
export async function readRanges(
  source: ParquetSource,
  ranges: readonly ByteRange[],
  maxBytes: number,
): Promise<Uint8Array[]> {
  const requests: { start: number; endExclusive: number }[] = [];
  for (const { start, endExclusive } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = requests.at(-1);
    const near = last && start - last.endExclusive <= gapBytes;
    if (near && Math.max(endExclusive, last.endExclusive) - last.start <= maxBytes) {
      last.endExclusive = Math.max(endExclusive, last.endExclusive);
    } else {
      requests.push({ start, endExclusive });
    }
  }
  const held = await Promise.all(
    requests.map(async (request) => ({ start: request.start, bytes: await source.read(request) })),
  );
  return ranges.map((range) => {
    for (const part of held) {
      const bytes = sliceOf(part, range);
      if (bytes) return bytes;
    }
    throw new Error('a range was not read');
  });
}
