import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodeCrc32 } from '../write/checksum.ts';
import { PartReader } from './part-reader.ts';
import { MAX_PARTS, partSizeFor, partSizeOf } from './part-sizes.ts';
import { partsOfBytes, partsOfStream } from './part-sources.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

test('a known size takes 10,000 parts at most, of the wanted size as long as that will do', () => {
  for (const size of [1, 8 * MIB, 80_000 * MIB]) expect(partSizeFor(size, 8 * MIB)).toBe(8 * MIB);
  for (const size of [80_000 * MIB + 1, 100 * GIB, 5 * 1024 * GIB]) {
    const part = partSizeFor(size, 8 * MIB);
    expect(Math.ceil(size / part)).toBeLessThanOrEqual(MAX_PARTS);
    expect(part % MIB).toBe(0);
    // Not larger than it must be.
    expect(Math.ceil(size / (part - MIB))).toBeGreaterThan(MAX_PARTS);
  }
});

test.each([5, 8, 100])(
  '10,000 parts of an unknown size, beginning with %i MiB, hold 5 TiB; none is over 5 GiB',
  (mib) => {
    let sum = 0;
    let largest = 0;
    for (let number = 1; number <= MAX_PARTS; number += 1) {
      const size = partSizeOf(number, mib * MIB);
      expect(size).toBeGreaterThanOrEqual(largest);
      largest = size;
      sum += size;
    }
    expect(largest).toBeLessThanOrEqual(5 * GIB);
    expect(sum).toBeGreaterThanOrEqual(5 * 1024 * GIB);
    expect(partSizeOf(900, mib * MIB)).toBe(mib * MIB);
  },
);

async function* chunksOf(bytes: Uint8Array, chunkBytes: number) {
  // One buffer for all chunks: a source may do that.
  const chunk = new Uint8Array(chunkBytes);
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    const piece = bytes.subarray(start, start + chunkBytes);
    chunk.set(piece);
    yield chunk.subarray(0, piece.byteLength);
  }
}

const bytes = Uint8Array.from({ length: 1_000_003 }, (_, index) => (index * 7919) % 251);

test.each([1_000, 65_536, 65_537, 300_000, 2_000_000])(
  'chunks become parts of exactly %i bytes',
  async (partBytes) => {
    for (const chunkBytes of [977, 65_536, 1_500_000]) {
      const reader = new PartReader(chunksOf(bytes, chunkBytes));
      const parts: Uint8Array[] = [];
      for (
        let part = await reader.next(partBytes);
        part.bytes.byteLength > 0;
        part = await reader.next(partBytes)
      ) {
        expect(part.crc).toBe(crc32(part.bytes));
        parts.push(part.bytes);
      }
      expect(parts.slice(0, -1).every(({ byteLength }) => byteLength === partBytes)).toBe(true);
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    }
  },
);

test('parts of bytes and of a stream are the same, those read before come first', async () => {
  const all = async (source: ReturnType<typeof partsOfBytes>) => {
    const parts: string[] = [];
    for (let part = await source.next(); part !== undefined; part = await source.next()) {
      parts.push(`${part.bytes.byteLength} ${part.crc}`);
    }
    return parts;
  };
  const reader = new PartReader(chunksOf(bytes, 10_000));
  const read = [await reader.next(300_000), await reader.next(300_000)];
  const stream = partsOfStream(read, reader, 300_000, new AbortController());
  const expected = await all(partsOfBytes(bytes, 300_000));
  expect(expected.length).toBe(4);
  expect(await all(stream)).toEqual(expected);
});

test('a source is ended once, also when it was not read', async () => {
  let ended = 0;
  async function* source() {
    try {
      yield bytes;
    } finally {
      ended += 1;
    }
  }
  const reader = new PartReader(source());
  await reader.next(10);
  await reader.end();
  await reader.end();
  expect(ended).toBe(1);
});

test('a checksum is written as S3 writes it', () => {
  // The check value of CRC-32: 0xCBF43926.
  expect(encodeCrc32(crc32('123456789'))).toBe('y/Q5Jg==');
  expect(encodeCrc32(0)).toBe('AAAAAA==');
});
