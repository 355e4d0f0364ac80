/**
 * A CRC-32 as S3 writes it: the four bytes, most significant first, in base64. Of bytes already summed up, or of
 * several pieces in turn: `crc32(second, crc32(first))` of `node:zlib` is the sum of both.
 */
export function encodeCrc32(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}
