/**
 * What the space ahead of a segment's last frame is filled with, by position in the file modulo 8: so that a piece of
 * a file that was wiped to zeros cannot pass for space that was never used. No frame begins like it.
 */
const PATTERN = Buffer.from('~filler~', 'latin1');

/** Filler for a position that is a multiple of 8, where every frame ends. */
export function filler(length: number): Uint8Array {
  return Buffer.alloc(length, PATTERN);
}

/** How many of `bytes`, which lie at `position` in a file, there are before the filler at their end. */
export function lengthBeforeFiller(bytes: Uint8Array, position: number): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === PATTERN[(position + length - 1) & 7]) length--;
  return length;
}
