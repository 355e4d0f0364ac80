import { zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';

/** Values as they are in the file: no dates, raw integers, text with its byte order mark. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) =>
    bytes === undefined ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
  timestampFromMicroseconds: (micros: bigint) => micros,
  dateFromDays: (days: number) => days,
};

/** An AsyncBuffer over bytes that counts what was read through it. */
export function countingBuffer(bytes: Uint8Array<ArrayBuffer>) {
  const counter = { bytesRead: 0 };
  const file = {
    byteLength: bytes.byteLength,
    slice(start: number, end: number = bytes.byteLength) {
      counter.bytesRead += end - start;
      return bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end);
    },
  };
  return { file, counter };
}

export type ReadOptions = {
  rowStart?: number;
  rowEnd?: number;
  columns?: string[];
  useOffsetIndex?: boolean;
};

/** Rows read by hyparquet, an implementation independent of the one that wrote them. */
export function readRows(
  bytes: Uint8Array<ArrayBuffer>,
  options: ReadOptions = {},
  file: ReturnType<typeof countingBuffer>['file'] = countingBuffer(bytes).file,
): Promise<Record<string, unknown>[]> {
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) };
  return parquetReadObjects({ file, compressors, utf8: false, parsers, geoparquet: false, ...options });
}

/** The footer as hyparquet reads it, with raw statistics. */
export function readFooter(bytes: Uint8Array<ArrayBuffer>) {
  return parquetMetadata(bytes, {
    geoparquet: false,
    parsers: { ...parsers, stringFromBytes: (b: Uint8Array) => b },
  });
}
