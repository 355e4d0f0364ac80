import { setTimeout as sleep } from 'node:timers/promises';
import type { Head, Piece } from './http-reader.ts';

/** The place of the byte in the middle of the body that a head announces, or of what an aws-chunked one holds; or 0. */
export const middle = ({ headers }: Head): number =>
  Math.floor(Number(headers['content-length'] ?? headers['x-amz-decoded-content-length'] ?? 0) / 2);

/** All pieces, when the last one has come. */
export async function allOf(pieces: AsyncIterable<Piece>): Promise<Piece[]> {
  const found: Piece[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

/**
 * The same pieces with one bit of payload byte `at` inverted, in place, and `fire` called before that piece is handed
 * on; all as they are if `at` is undefined or past the end.
 */
export async function* flipped(
  pieces: AsyncIterable<Piece>,
  at: number | undefined,
  fire: () => void,
): AsyncGenerator<Piece> {
  let left = at ?? -1;
  for await (const piece of pieces) {
    if (piece.payload && left >= 0 && left < piece.raw.length) {
      piece.raw[left] = (piece.raw[left] ?? 0) ^ 1;
      fire();
    }
    if (piece.payload) left -= piece.raw.length;
    yield piece;
  }
}

/**
 * The first `bytes` of payload, and `end` called when they have been consumed; all pieces, and no call, if there are no
 * more than that.
 */
export async function* cut(
  pieces: AsyncIterable<Piece>,
  bytes: number,
  end: () => void,
): AsyncGenerator<Piece> {
  let left = bytes;
  for await (const piece of pieces) {
    if (piece.payload && piece.raw.length > left) {
      yield { raw: piece.raw.subarray(0, left), payload: true };
      end();
      return;
    }
    if (piece.payload) left -= piece.raw.length;
    yield piece;
  }
}

/** The same bytes in pieces of `pieceBytes` at most, with a wait before each. */
export async function* slowed(
  pieces: readonly Piece[],
  pieceBytes: number,
  pauseMs: number,
): AsyncGenerator<Piece> {
  for (const { raw, payload } of pieces) {
    for (let at = 0; at < raw.length; at += pieceBytes) {
      await sleep(pauseMs);
      yield { raw: raw.subarray(at, at + pieceBytes), payload };
    }
  }
}
