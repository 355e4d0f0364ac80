import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logSchema, nestedSchema, primitivesSchema } from '../../test/support/fixture-schemas.ts';
import { type FixtureName, fixture, memoryFile } from '../../test/support/fixtures.ts';
import { encodeParquet } from '../../test/support/parquet-file.ts';
import { IcebergError } from '../errors.ts';
import { isNull, or } from '../expression/expression.ts';
import type { NestedField, Schema } from '../metadata/schema.ts';
import { openDataFile } from './data-file-reader.ts';

/** A way to damage a file: bits flipped, a stretch overwritten, a stretch removed. Positions are fractions. */
type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'fill'; readonly at: number; readonly length: number; readonly byte: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number };

/** Half of the positions fall into the last tenth of the file, where the footer and the indexes are. */
const position = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0.9, max: 1, noNaN: true }),
);

const arbitraryDamage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: position, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({
    kind: fc.constant('fill' as const),
    at: position,
    length: fc.integer({ min: 1, max: 64 }),
    byte: fc.constantFrom(0, 0x80, 0xff),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: position, length: fc.integer({ min: 1, max: 64 }) }),
);

function damaged(bytes: Uint8Array, damages: readonly Damage[]): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (const damage of damages) {
    const at = Math.min(result.length - 1, Math.floor(damage.at * result.length));
    if (damage.kind === 'flip') result[at] = (result[at] as number) ^ (1 << damage.bit);
    else if (damage.kind === 'fill') result.fill(damage.byte, at, at + damage.length);
    else result = Uint8Array.from([...result.subarray(0, at), ...result.subarray(at + damage.length)]);
  }
  return result;
}

/** Reads a file in every way there is. */
async function readEverything(bytes: Uint8Array, rowCount: number, schema: Schema): Promise<unknown> {
  const { io, dataFile } = memoryFile(bytes, rowCount);
  const reader = await openDataFile(io, dataFile, schema);
  const names = schema.fields.map((field) => field.name);
  await reader.planRowRanges(or(...names.map((name) => isNull(name))));
  await reader.readRows({ rowStart: Math.floor(rowCount / 3), rowEnd: Math.floor(rowCount / 2) });
  return reader.readRows();
}

test('a struct without any column is DATA_FILE_CORRUPT when rows are read of it', async () => {
  const place = (fields: readonly NestedField[]): NestedField[] => [
    { id: 1, name: 'id', required: false, type: 'long' },
    { id: 2, name: 'place', required: false, type: { type: 'struct', fields } },
  ];
  const { io, dataFile } = memoryFile(encodeParquet(place([]), [{ id: 1n, place: {} }]), 1);
  const fields = place([{ id: 3, name: 'city', required: false, type: 'string' }]);
  const reader = await openDataFile(io, dataFile, { fields });
  await expect(reader.readRows()).rejects.toThrow('DATA_FILE_CORRUPT');
  expect(await reader.readRows({ columns: ['id'] })).toEqual([{ id: 1n }]);
});

const runs = Number(process.env.DANUBE_DAMAGE_RUNS ?? 60);

describe.each<[FixtureName, Schema]>([
  ['primitives-none.parquet', primitivesSchema],
  ['primitives-snappy.parquet', primitivesSchema],
  ['primitives-zstd.parquet', primitivesSchema],
  ['primitives-gzip.parquet', primitivesSchema],
  ['primitives-brotli.parquet', primitivesSchema],
  ['primitives-v2.parquet', primitivesSchema],
  ['primitives-encodings.parquet', primitivesSchema],
  ['nested.parquet', nestedSchema],
  ['nested-v2.parquet', nestedSchema],
  ['log.parquet', logSchema],
])('%s, damaged', (name, schema) => {
  test('gives rows or a typed error that names the file, and always ends', async () => {
    const bytes = new Uint8Array(await readFile(new URL(`../../test/fixtures/${name}`, import.meta.url)));
    const { recordCount } = fixture(name);
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryDamage, { minLength: 1, maxLength: 3 }), async (damages) => {
        try {
          await readEverything(damaged(bytes, damages), recordCount, schema);
        } catch (error) {
          if (!IcebergError.is(error)) throw error;
          expect(['DATA_FILE_CORRUPT', 'UNSUPPORTED_FEATURE']).toContain(error.code);
          expect(error.message).toContain('mem://table/data/file.parquet');
        }
      }),
      { numRuns: name.startsWith('log') ? Math.ceil(runs / 4) : runs },
    );
  });
});

test('every cut of a file short of its end is noticed', async () => {
  const name = 'primitives-zstd.parquet';
  const bytes = new Uint8Array(await readFile(new URL(`../../test/fixtures/${name}`, import.meta.url)));
  for (let length = 0; length < bytes.length; length += 7) {
    const error: unknown = await readEverything(bytes.subarray(0, length), 3, primitivesSchema).catch(
      (thrown: unknown) => thrown,
    );
    expect(IcebergError.is(error, 'DATA_FILE_CORRUPT')).toBe(true);
  }
});

test('with page checksums no damage to a page goes unnoticed', async () => {
  const name = 'primitives-v2.parquet';
  const bytes = new Uint8Array(await readFile(new URL(`../../test/fixtures/${name}`, import.meta.url)));
  const whole = await readEverything(bytes, 3, primitivesSchema);
  const footerLength = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  const pagesEnd = bytes.length - 8 - footerLength;
  let noticed = 0;
  for (let at = 4; at < pagesEnd; at += 3) {
    const broken = damaged(bytes, [{ kind: 'flip', at: (at + 0.5) / bytes.length, bit: at % 8 }]);
    try {
      // A flip in a page header may change what only describes: statistics, flags. Then the rows are right.
      expect(await readEverything(broken, 3, primitivesSchema)).toEqual(whole);
    } catch (error) {
      if (!IcebergError.is(error, 'DATA_FILE_CORRUPT')) throw error;
      noticed += 1;
    }
  }
  expect(noticed).toBeGreaterThan(100);
});
