import { crc32 as zlibCrc32 } from 'node:zlib';

/** Reflected table of the IEEE polynomial 0xEDB88320, the CRC-32 of zlib, gzip and PNG. */
const table = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  table[i] = value >>> 0;
}

/** CRC-32 of all of `bytes`, continuing from `seed` (the CRC of what came before). */
export function crc32(bytes: Uint8Array, seed = 0): number {
  // The call into zlib costs more than the loop below about 64 bytes.
  return bytes.length < 64 ? crc32Range(bytes, 0, bytes.length, seed) : zlibCrc32(bytes, seed);
}

/** CRC-32 of a short range, without creating a view: meant for headers. */
export function crc32Range(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let crc = ~seed;
  for (let i = start; i < end; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
