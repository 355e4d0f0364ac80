/**
 * MurmurHash3, x86 32-bit variant: the hash of the Iceberg `bucket` transform.
 *
 * @param bytes input, read only during the call
 * @param seed 32-bit seed; Iceberg always uses 0
 * @returns the hash as a signed 32-bit integer, as the specification's examples print it
 * @see https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements
 */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocksEnd = bytes.length - (bytes.length % 4);
  let hash = seed | 0;
  for (let offset = 0; offset < blocksEnd; offset += 4) {
    hash = rotateLeft(hash ^ scramble(view.getInt32(offset, true)), 13);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let offset = bytes.length - 1; offset >= blocksEnd; offset -= 1) {
    tail = (tail << 8) | view.getUint8(offset);
  }
  if (blocksEnd < bytes.length) hash ^= scramble(tail);
  return finish(hash ^ bytes.length);
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
