import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deletionVectors } from '../../test/support/delete-table.ts';
import {
  type ContainerForm,
  encodeDeletionVector,
  encodeRoaringBitmap,
  frameDeletionVector,
} from '../../test/support/roaring-writer.ts';
import { IcebergError } from '../errors.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { DeletedRows } from './deleted-rows.ts';
import { decodeDeletionVector, readDeletionVector } from './deletion-vector.ts';

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

function decode(
  blob: Uint8Array,
  rowCount: number,
): { cardinality: number; has: (position: number) => boolean } {
  const rows = new DeletedRows(rowCount);
  return { cardinality: decodeDeletionVector(blob, rows), has: (position) => rows.has(position) };
}

// Bitmaps made by pyroaring 1.2.0 (CRoaring), put into the frame of the specification with Python's zlib.
test.each<[string, string, readonly number[]]>([
  [
    'arrays',
    '0000003cd1d339640100000000000000000000003a3000000300000000000300010000000300000020000000280000002a000000000003000700ffff0000400d0e6f36a4',
    [0, 3, 7, 65535, 65536, 200000],
  ],
  [
    'a run and an array, without offsets',
    '00000027d1d339640100000000000000000000003b30010001000087130100010001000a008713701172110966f3aa',
    [...range(10, 5010), 70000, 70002],
  ],
  [
    'five containers, two of them runs, with offsets',
    '0000004fd1d339640100000000000000000000003b3004000500000900010000000300630004000000050000002d00000033000000350000003b0000003d00000001000a00090005000100000063000100000094281e57',
    [...range(10, 20), 65541, ...range(3 * 65536, 3 * 65536 + 100), 4 * 65536 + 1, 5 * 65536],
  ],
])('a vector of %s is read', (_what, hex, positions) => {
  const { cardinality, has } = decode(Buffer.from(hex, 'hex'), 400_000);
  expect(cardinality).toBe(positions.length);
  const expected = new Set(positions);
  for (let position = 0; position < 400_000; position += 1) {
    if (has(position) !== expected.has(position)) expect.fail(`position ${position}`);
  }
});

test('a bitmap container, and positions beyond 32 bits', () => {
  const positions = [...range(0, 65_536).filter((i) => i % 3 === 0), 2 ** 32 + 5, 2 ** 33];
  const { cardinality, has } = decode(encodeDeletionVector(positions), 2 ** 34);
  expect(cardinality).toBe(positions.length);
  expect([0, 3, 65_535, 2 ** 32 + 5, 2 ** 33].every(has)).toBe(true);
  expect([1, 65_534, 5, 2 ** 32, 2 ** 32 + 6, 2 ** 33 + 1, 2 ** 34 - 1].some(has)).toBe(false);
});

test.each([4_095, 4_096, 4_097])(
  '%i values in a container: up to 4,096 are an array, more a bitmap',
  (count) => {
    const positions = range(0, count).map((i) => i * 3);
    const { cardinality, has } = decode(encodeDeletionVector(positions), 20_000);
    expect(cardinality).toBe(count);
    expect(range(0, 20_000).filter(has)).toEqual(positions);
  },
);

/** Positions that fall into few containers, some of them dense. */
const arbitraryPositions = fc
  .array(
    fc.record({
      container: fc.constantFrom(0, 1, 2, 7, 65_535, 65_536, 200_000),
      start: fc.nat(65_535),
      length: fc.constantFrom(1, 2, 50, 5_000, 65_536),
      step: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((stretches) => {
    const positions = new Set<number>();
    for (const { container, start, length, step } of stretches) {
      for (let low = start; low < Math.min(65_536, start + length); low += step) {
        positions.add(container * 65_536 + low);
      }
    }
    return [...positions].sort((a, b) => a - b);
  });
const arbitraryForm = fc.func(fc.constantFrom<ContainerForm>('array', 'bitmap', 'run'));

test('any positions in any forms of containers come out as they went in', () => {
  fc.assert(
    fc.property(arbitraryPositions, arbitraryForm, (positions, formOf) => {
      const { cardinality, has } = decode(
        encodeDeletionVector(positions, formOf),
        (positions.at(-1) as number) + 1,
      );
      expect(cardinality).toBe(positions.length);
      const all = new Set(positions);
      expect(positions.every(has)).toBe(true);
      for (const position of positions.slice(0, 500)) {
        for (const near of [position - 1, position + 1]) {
          if (near >= 0) expect(has(near)).toBe(all.has(near));
        }
      }
    }),
    { numRuns: 20 },
  );
});

const dataFile: DataFile = {
  content: 'data',
  filePath: 'mem://table/data/rows.parquet',
  fileFormat: 'PARQUET',
  partition: [],
  specId: 0,
  recordCount: 100_000,
  fileSizeInBytes: 1,
};

/** A Puffin file of two vectors; the second one is damaged or described wrongly. */
async function readSecond(
  change: (vector: DataFile, blob: Uint8Array) => { vector?: Partial<DataFile>; blob?: Uint8Array },
  rowCount = dataFile.recordCount,
): Promise<unknown> {
  const io = createMemoryFileIO();
  const vectors = deletionVectors(io, 'dv', [
    { of: dataFile, positions: [1] },
    { of: dataFile, positions: [...range(5, 50), 70_000] },
  ]);
  const vector = vectors[1] as DataFile;
  const { contentOffset: start = 0, contentSizeInBytes: size = 0 } = vector;
  const file = io.files.get(vector.filePath) as Uint8Array;
  const changed = change(vector, file.slice(start, start + size));
  if (changed.blob) {
    io.files.set(vector.filePath, Buffer.concat([file.subarray(0, start), changed.blob]));
  }
  return readDeletionVector(io, { ...vector, ...changed.vector }, rowCount).catch((error: unknown) => error);
}

const expectCorrupt = (result: unknown, ...parts: readonly string[]) => {
  expect(IcebergError.is(result, 'DATA_FILE_CORRUPT')).toBe(true);
  for (const part of ['mem://table/data/dv.puffin', ...parts])
    expect((result as Error).message).toContain(part);
};

describe('a damaged vector is DATA_FILE_CORRUPT naming its file', () => {
  test('undamaged it is read with one request of exactly its bytes', async () => {
    const rows = (await readSecond(() => ({}))) as DeletedRows;
    expect([5, 49, 70_000].every((position) => rows.has(position))).toBe(true);
    expect([0, 1, 4, 50, 69_999].some((position) => rows.has(position))).toBe(false);
  });

  test.each<[string, string, Parameters<typeof readSecond>[0], number?]>([
    [
      'cut',
      'within a range',
      (_v, blob) => ({ blob: blob.subarray(0, 20), vector: { fileSizeInBytes: 60 } }),
    ],
    ['a store that has less', '', (_v, blob) => ({ blob: blob.subarray(0, 20) })],
    [
      'another length',
      'its length is',
      (_v, blob) => ({ blob: Buffer.concat([Uint8Array.of(1), blob.subarray(1)]) }),
    ],
    ['counted wrongly', 'its manifest entry says 45', () => ({ vector: { recordCount: 45 } })],
    [
      'placed wrongly',
      'its length is',
      (v) => ({ vector: { contentSizeInBytes: (v.contentSizeInBytes ?? 0) - 1 } }),
    ],
    ['of another file', 'position 70000 is deleted in a file of 70000 rows', () => ({}), 70_000],
    ['placed beyond the file', 'within a range', () => ({ vector: { contentOffset: 10_000 } })],
  ])('%s', async (_what, message, change, rowCount) => {
    expectCorrupt(await readSecond(change, rowCount), message);
  });

  test('any flipped bit', async () => {
    const length = encodeDeletionVector([...range(5, 50), 70_000]).length;
    for (let at = 0; at < length; at += 1) {
      const result = await readSecond((_v, blob) => {
        blob[at] = (blob[at] as number) ^ (1 << (at % 8));
        return { blob };
      });
      expectCorrupt(result);
    }
  });

  const bitmap = encodeRoaringBitmap([1, 2, 70_000], () => 'array');
  const edited = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(bitmap);
    change(bytes);
    return bytes;
  };
  const vectorOf = (count: number, ...bitmaps: readonly (readonly [number, Uint8Array])[]) => {
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(count));
    const keyed = bitmaps.map(([key, bytes]) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(key);
      return Buffer.concat([prefix, bytes]);
    });
    return frameDeletionVector(Buffer.concat([Uint8Array.of(0xd1, 0xd3, 0x39, 0x64), head, ...keyed]));
  };

  test.each<[string, string, Uint8Array]>([
    ['another kind of blob', 'does not begin', frameDeletionVector(Buffer.alloc(30))],
    ['more bitmaps than there are', 'are missing', vectorOf(2, [0, bitmap])],
    ['fewer bitmaps than there are', 'are left over', vectorOf(0, [0, bitmap])],
    ['keys out of order', 'its bitmaps are out of order', vectorOf(2, [1, bitmap], [1, bitmap])],
    ['an unknown cookie', 'a bitmap begins with', vectorOf(1, [0, edited((b) => b.writeUInt32LE(1))])],
    ['65,537 containers', '65537 containers', vectorOf(1, [0, edited((b) => b.writeUInt32LE(65_537, 4))])],
    [
      'containers out of order',
      'containers of a bitmap',
      vectorOf(1, [0, edited((b) => b.writeUInt16LE(0, 12))]),
    ],
    ['values out of order', 'values of a container', vectorOf(1, [0, edited((b) => b.writeUInt16LE(2, 24))])],
    [
      'a bitmap with other than its number of values',
      'a container of 5000 values has 4999',
      vectorOf(1, [
        0,
        (() => {
          const dense = Buffer.from(encodeRoaringBitmap(range(0, 5_000), () => 'bitmap'));
          dense[20] = 0xfe;
          return dense;
        })(),
      ]),
    ],
    [
      'runs that leave their container',
      'runs of a container',
      vectorOf(1, [0, Buffer.from('3b300000010000ffff0100ff00ffff', 'hex')]),
    ],
    [
      'runs with other than their number of values',
      'a container of 3 values has 4',
      vectorOf(1, [0, Buffer.from('3b3000000100000200010000000300', 'hex')]),
    ],
  ])('with a right checksum: %s', (_what, message, blob) => {
    expect(() => decode(blob, 2 ** 40)).toThrow(message);
  });

  test('encrypted, or described without its place', async () => {
    const encrypted = await readSecond(() => ({ vector: { keyMetadata: Uint8Array.of(1) } }));
    expect(IcebergError.is(encrypted, 'UNSUPPORTED_FEATURE')).toBe(true);
    const io = createMemoryFileIO();
    const [vector] = deletionVectors(io, 'dv', [{ of: dataFile, positions: [1] }]) as [DataFile];
    const { contentOffset: _, ...placeless } = vector;
    expectCorrupt(
      await readDeletionVector(io, placeless, 10).catch((error: unknown) => error),
      'does not say where',
    );
  });
});

test('rows without deletes take no memory, and positions outside the file are refused', () => {
  const rows = new DeletedRows(2 ** 40);
  rows.add(2 ** 39);
  expect(rows.has(2 ** 39)).toBe(true);
  expect(rows.has(2 ** 39 + 1)).toBe(false);
  for (const position of [-1, 2 ** 40, 0.5, Number.NaN, 2 ** 60]) {
    expect(() => rows.add(position)).toThrow('is deleted in a file of');
  }
  // A container that did not exist when it was last asked for.
  expect(rows.has(0)).toBe(false);
  rows.add(0);
  expect(rows.has(0)).toBe(true);
});
