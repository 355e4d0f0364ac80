import { crc32 } from 'node:zlib';
import type { BodyPart, PartReader } from './part-reader.ts';
import { partSizeOf } from './part-sizes.ts';

/** The parts of an upload in their order. Not for several callers at once. */
export interface PartSource {
  /** The next part; undefined behind the last one. Rejects when the source of the body fails or was stopped. */
  next(): Promise<BodyPart | undefined>;
  /** Says that nobody reads the bytes of a part any more: their memory may be used for another one. */
  done(part: BodyPart): void;
  /** Makes a `next` under way reject, though the source of the body may hang. */
  stop(): void;
}

/** Parts of bytes that are there; they are not copied. */
export function partsOfBytes(body: Uint8Array, partSizeBytes: number): PartSource {
  let start = 0;
  return {
    next: async () => {
      if (start >= body.byteLength) return undefined;
      const bytes = body.subarray(start, start + partSizeBytes);
      start += partSizeBytes;
      return { bytes, crc: crc32(bytes) };
    },
    done: () => {},
    stop: () => {},
  };
}

/** The parts that were read already, and then those of the rest. `stopped` must end the source of the reader. */
export function partsOfStream(
  read: readonly BodyPart[],
  reader: PartReader,
  partSizeBytes: number,
  stopped: AbortController,
): PartSource {
  const waiting = [...read];
  let number = 0;
  return {
    next: async () => {
      number += 1;
      const part = waiting.shift() ?? (await reader.next(partSizeOf(number, partSizeBytes)));
      return part.bytes.byteLength === 0 ? undefined : part;
    },
    done: (part) => reader.recycle(part),
    stop: () => stopped.abort(),
  };
}
