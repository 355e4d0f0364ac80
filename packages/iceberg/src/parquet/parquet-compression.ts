import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompress } from 'hyparquet/src/snappy.js';
import type { ParquetCodec } from './parquet-footer.ts';

/** No byte of snappy input gives more than this many bytes of output, with room for its header. */
const snappyMaxRatio = 64;

/** Codecs that Iceberg allows and this release cannot decompress. */
export class UnsupportedCodecError extends Error {}

/**
 * Decompresses a page.
 *
 * @param size bytes the page must have afterwards; output never grows beyond it
 * @returns fresh bytes, except for an uncompressed page, which is `bytes` itself
 * @throws UnsupportedCodecError for LZO, LZ4 and LZ4_RAW; Error when the bytes are damaged or of another size
 */
export function decompress(codec: ParquetCodec, bytes: Uint8Array, size: number): Uint8Array {
  const page = decompressed(codec, bytes, size);
  if (page.length !== size) throw new Error(`a page of ${page.length} bytes instead of ${size}`);
  return page;
}

function decompressed(codec: ParquetCodec, bytes: Uint8Array, size: number): Uint8Array {
  // A page that grows beyond its size is an error. One chunk of the whole size spares joining many small ones.
  const options = { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) };
  switch (codec) {
    case 'UNCOMPRESSED':
      return bytes;
    case 'ZSTD':
      return zstdDecompressSync(bytes, options);
    case 'GZIP':
      return gunzipSync(bytes, options);
    case 'BROTLI':
      return brotliDecompressSync(bytes, options);
    case 'SNAPPY': {
      if (size > bytes.length * snappyMaxRatio)
        throw new Error(`${bytes.length} bytes of snappy cannot hold ${size}`);
      const page = new Uint8Array(size);
      snappyUncompress(bytes, page);
      return page;
    }
    default:
      throw new UnsupportedCodecError(`compression ${codec} is not supported`);
  }
}
