import { crc32 } from 'node:zlib';

/** A piece of a body with the checksum of its bytes. */
export interface BodyPart {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

const FIRST_BUFFER_BYTES = 64 * 1024;

/**
 * Cuts chunks into pieces of exactly the sizes asked for; the last one may be shorter. Chunks are copied, because a
 * small one may keep a large buffer alive and its source may use it anew; no more than one chunk beyond the piece is
 * read.
 */
export class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Memory of parts that are no longer needed. */
  readonly #free: ArrayBuffer[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #filledBefore = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `sizeBytes` bytes, in memory of its own; fewer at the end of the body, none behind it. */
  async next(sizeBytes: number): Promise<BodyPart> {
    let buffer = this.#memory(sizeBytes);
    let filled = 0;
    let crc = 0;
    while (filled < sizeBytes) {
      if (this.#rest.byteLength === 0 && !(await this.#more())) break;
      if (filled === buffer.byteLength) buffer = grown(buffer, sizeBytes);
      const piece = this.#rest.subarray(0, buffer.byteLength - filled);
      buffer.set(piece, filled);
      crc = crc32(piece, crc);
      filled += piece.byteLength;
      this.#rest = this.#rest.subarray(piece.byteLength);
    }
    this.#filledBefore ||= filled === sizeBytes;
    return { bytes: buffer.subarray(0, filled), crc };
  }

  /** Gives the memory of a part back, for another one: nobody reads it any more. */
  recycle({ bytes }: BodyPart): void {
    if (bytes.buffer instanceof ArrayBuffer) this.#free.push(bytes.buffer);
  }

  #memory(sizeBytes: number): Buffer<ArrayBuffer> {
    const free = this.#free.pop();
    if (free?.byteLength === sizeBytes) return Buffer.from(free);
    // A body may be much smaller than a part: memory grows with what there is.
    return Buffer.allocUnsafeSlow(this.#filledBefore ? sizeBytes : Math.min(sizeBytes, FIRST_BUFFER_BYTES));
  }

  /** Ends the source; nothing if it has ended. Does not reject. */
  async end(): Promise<void> {
    await this.#chunks.return?.().catch(() => {});
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#rest = next.value;
    return true;
  }
}

/** Four times the memory, so that what is copied once more adds up to a third at most. */
function grown(buffer: Buffer, mostBytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.min(mostBytes, buffer.byteLength * 4));
  larger.set(buffer);
  return larger;
}
