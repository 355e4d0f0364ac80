import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { DataFile } from '../manifest/data-file.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { DeleteIndex } from './delete-index.ts';
import { filePathFieldId } from './position-deletes.ts';
import { SequencedFiles } from './sequenced-files.ts';

const schema = { schemaId: 0, fields: [{ id: 1, name: 'id', required: false, type: 'long' as const }] };
const spec = { specId: 0, fields: [] };

const fileOf = (filePath: string, extra: Partial<DataFile> = {}): DataFile => ({
  content: 'data',
  filePath,
  fileFormat: 'PARQUET',
  partition: [],
  specId: 0,
  recordCount: 10,
  fileSizeInBytes: 1,
  ...extra,
});

/** Ends of a range of paths; an absent one is a bound that the writer left out. */
const pathBounds = (lower: string | undefined, upper: string | undefined): Partial<DataFile> => ({
  lowerBounds: new Map(lower === undefined ? [] : [[filePathFieldId, encodeSingleValue('string', lower)]]),
  upperBounds: new Map(upper === undefined ? [] : [[filePathFieldId, encodeSingleValue('string', upper)]]),
});

function indexOf(files: readonly { readonly dataFile: DataFile; readonly sequenceNumber: bigint }[]) {
  const index = new DeleteIndex([schema]);
  for (const file of files) {
    const { sequenceNumber } = file;
    index.add({ ...file, status: 'added', snapshotId: 1n, fileSequenceNumber: sequenceNumber }, spec);
  }
  return index;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('the index finds what a look at every delete file finds', () => {
  const arbitraryPath = fc.string({ unit: fc.constantFrom('a', 'b', '\u{ffff}', '\u{1f600}'), maxLength: 3 });
  const arbitraryNumber = fc.bigInt({ min: 1n, max: 6n });
  const arbitraryDelete = fc.record({
    content: fc.constantFrom('position-deletes' as const, 'equality-deletes' as const),
    lower: fc.option(arbitraryPath, { nil: undefined }),
    upper: fc.option(arbitraryPath, { nil: undefined }),
    sequenceNumber: arbitraryNumber,
  });
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(arbitraryDelete, { maxLength: 12 }),
      fc.array(fc.tuple(arbitraryPath, arbitraryNumber), { minLength: 1, maxLength: 4 }),
      (deletes, dataFiles) => {
        const files = deletes.map(({ content, lower, upper, sequenceNumber }, n) => {
          const bounds = pathBounds(lower, upper);
          const ids = content === 'equality-deletes' ? { equalityIds: [1] } : {};
          return { dataFile: fileOf(`d${n}`, { content, ...bounds, ...ids }), sequenceNumber };
        });
        const index = indexOf(files);
        for (const [path, number] of dataFiles) {
          const bytes = Buffer.from(path);
          const naive = files.filter(({ dataFile, sequenceNumber }, n) => {
            const { lower, upper } = deletes[n] as (typeof deletes)[0];
            if (dataFile.content === 'equality-deletes') return number < sequenceNumber;
            const above = lower === undefined || Buffer.compare(Buffer.from(lower), bytes) <= 0;
            const below = upper === undefined || Buffer.compare(Buffer.from(upper), bytes) >= 0;
            return number <= sequenceNumber && above && below;
          });
          const wanted = naive.map(({ dataFile }) => dataFile.filePath).sort();
          const given = index.deletesOf(fileOf(path), number, spec);
          expect(given.map(({ dataFile }) => dataFile.filePath).sort()).toEqual(wanted);
          found += wanted.length;
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(1000);
});

test('files that each have a delete file of their own paths cost a few comparisons each, however many there are', () => {
  const count = 2048;
  const name = (n: number) => `data/${String(n).padStart(6, '0')}`;
  const deletes = Array.from({ length: count }, (_, n) => ({
    dataFile: fileOf(`d${n}`, { content: 'position-deletes', ...pathBounds(`${name(n)}-a`, `${name(n)}-c`) }),
    sequenceNumber: 5n,
  }));
  const index = indexOf(deletes);
  index.deletesOf(fileOf('first'), 1n, spec);
  const compare = vi.spyOn(Buffer, 'compare');
  for (let n = 0; n < count; n += 1) {
    expect(index.deletesOf(fileOf(`${name(n)}-b`), 1n, spec)).toHaveLength(1);
  }
  // A look at every file would take 2048 for each.
  expect(compare.mock.calls.length / count).toBeLessThan(4 * Math.log2(count));
});

test('of delete files that are too old for a data file only a few are looked at', () => {
  const count = 4096;
  const files = new SequencedFiles<number>();
  for (let n = count; n > 0; n -= 1) files.add(BigInt(n), n);
  const [newest] = files.from(BigInt(count));
  expect(newest).toBe(count);
  let looks = 0;
  const watched = new SequencedFiles<number>();
  for (let n = 1; n <= count; n += 1) watched.add(watchedNumber(n), n);
  [...watched.from(0n)];
  looks = 0;
  expect([...watched.from(BigInt(count - 1))]).toEqual([count - 1, count]);
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(20);
  expect([...watched.from(BigInt(count + 1))]).toEqual([]);

  function watchedNumber(n: number): bigint {
    // Compares as the number does, and counts how often it is.
    const number = {
      valueOf: () => {
        looks += 1;
        return BigInt(n);
      },
    };
    return number as unknown as bigint;
  }
});
