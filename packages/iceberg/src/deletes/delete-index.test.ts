import { describe, expect, test } from 'vitest';
import type { DataFile, ManifestEntry } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { DeleteIndex } from './delete-index.ts';

const schema: Schema = {
  schemaId: 1,
  fields: [
    { id: 1, name: 'id', required: false, type: 'long' },
    { id: 2, name: 'x', required: false, type: 'double' },
    {
      id: 3,
      name: 'tags',
      required: false,
      type: { type: 'list', elementId: 4, elementRequired: true, element: 'string' },
    },
  ],
};
const older: Schema = { schemaId: 0, fields: [{ id: 9, name: 'gone', required: true, type: 'int' }] };

const unpartitioned: PartitionSpec = { specId: 0, fields: [] };
const byX: PartitionSpec = {
  specId: 1,
  fields: [{ sourceId: 2, fieldId: 1000, name: 'x', transform: 'identity' }],
};
const emptied: PartitionSpec = {
  specId: 2,
  fields: [{ sourceId: 2, fieldId: 1000, name: 'x', transform: 'void' }],
};
const specs = [unpartitioned, byX, emptied];

const file = (filePath: string, extra: Partial<DataFile> = {}): DataFile => ({
  content: 'data',
  filePath,
  fileFormat: 'PARQUET',
  partition: [],
  specId: 0,
  recordCount: 10,
  fileSizeInBytes: 1,
  ...extra,
});
const positions = (name: string, extra: Partial<DataFile> = {}) =>
  file(name, { content: 'position-deletes', ...extra });
const equality = (name: string, extra: Partial<DataFile> = {}) =>
  file(name, { content: 'equality-deletes', equalityIds: [1], ...extra });
const vector = (name: string, of: string) =>
  positions(name, { fileFormat: 'PUFFIN', referencedDataFile: of });
const paths = (lower: string, upper: string) => ({
  lowerBounds: new Map([[2147483546, encodeSingleValue('string', lower)]]),
  upperBounds: new Map([[2147483546, encodeSingleValue('string', upper)]]),
});
const longs = (lower: bigint, upper: bigint) => ({
  lowerBounds: new Map([[1, encodeSingleValue('long', lower)]]),
  upperBounds: new Map([[1, encodeSingleValue('long', upper)]]),
});
const counts = (nulls: number) => ({
  valueCounts: new Map([[1, 10]]),
  nullValueCounts: new Map([[1, nulls]]),
});

const specOf = ({ specId }: DataFile) => specs[specId] as PartitionSpec;

function index(...files: readonly (readonly [DataFile, bigint])[]): DeleteIndex {
  const all = new DeleteIndex([schema, older]);
  for (const [dataFile, sequenceNumber] of files) {
    const entry: ManifestEntry = {
      status: 'added',
      snapshotId: 1n,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
      dataFile,
    };
    all.add(entry, specOf(dataFile));
  }
  return all;
}

const names = (all: DeleteIndex, dataFile: DataFile, sequenceNumber: bigint) =>
  all.deletesOf(dataFile, sequenceNumber, specOf(dataFile)).map((each) => each.dataFile.filePath);

describe('which delete files concern a data file', () => {
  test('position deletes of its own commit or later, equality deletes of later ones only', () => {
    const all = index([positions('p'), 5n], [equality('e'), 5n]);
    expect(names(all, file('a'), 4n)).toEqual(['p', 'e']);
    expect(names(all, file('a'), 5n)).toEqual(['p']);
    expect(names(all, file('a'), 6n)).toEqual([]);
  });

  test('those of its spec and partition; -0 is another partition than 0, NaN one of its own', () => {
    const all = index(
      [positions('zero', { specId: 1, partition: [0] }), 5n],
      [equality('nan', { specId: 1, partition: [Number.NaN] }), 5n],
      [equality('null', { specId: 1, partition: [null] }), 5n],
    );
    const of = (partition: DataFile['partition'], specId = 1) =>
      names(all, file('a', { specId, partition }), 1n);
    expect(of([0])).toEqual(['zero']);
    expect(of([-0])).toEqual([]);
    expect(of([Number.NaN])).toEqual(['nan']);
    expect(of([null])).toEqual(['null']);
    expect(of([], 0)).toEqual([]);
  });

  test('equality deletes of an unpartitioned spec concern files of every spec, position deletes their own', () => {
    const all = index([equality('e'), 5n], [positions('p'), 5n]);
    expect(names(all, file('a', { specId: 1, partition: [1] }), 1n)).toEqual(['e']);
    expect(names(all, file('a'), 1n)).toEqual(['p', 'e']);
  });

  test('so do those of a spec whose fields are all void: it was emptied in format v1', () => {
    const all = index([equality('e', { specId: 2, partition: [null] }), 5n]);
    expect(names(all, file('a', { specId: 1, partition: [1] }), 1n)).toEqual(['e']);
  });

  test('position deletes within their bounds of paths; of one path whatever their partition', () => {
    const all = index(
      [positions('range', paths('b', 'd')), 5n],
      [positions('one', { ...paths('c', 'c'), specId: 1, partition: [7] }), 5n],
      [positions('named', { referencedDataFile: 'e', specId: 1, partition: [7] }), 5n],
    );
    expect(names(all, file('a'), 1n)).toEqual([]);
    expect(names(all, file('c'), 1n)).toEqual(['one', 'range']);
    expect(names(all, file('e'), 1n)).toEqual(['named']);
  });

  test('a deletion vector alone of all position deletes, unless the file is younger', () => {
    const all = index(
      [positions('p'), 3n],
      [positions('q', { referencedDataFile: 'a' }), 3n],
      [vector('v', 'a'), 4n],
    );
    expect(names(all, file('a'), 2n)).toEqual(['v']);
    expect(names(all, file('a'), 4n)).toEqual(['v']);
    expect(names(all, file('a'), 5n)).toEqual([]);
    expect(names(all, file('b'), 2n)).toEqual(['p']);
  });

  test('equality deletes that may hold a key of the file, by bounds, nulls and counts', () => {
    const data = (extra: Partial<DataFile>) => file('a', extra);
    const concerns = (rows: Partial<DataFile>, keys: Partial<DataFile>) =>
      names(index([equality('e', keys), 5n]), data(rows), 1n).length === 1;
    expect(concerns({ ...longs(1n, 5n), ...counts(0) }, { ...longs(6n, 9n), ...counts(0) })).toBe(false);
    expect(concerns({ ...longs(1n, 6n), ...counts(0) }, { ...longs(6n, 9n), ...counts(0) })).toBe(true);
    expect(concerns({ ...longs(9n, 9n), ...counts(0) }, { ...longs(6n, 9n), ...counts(0) })).toBe(true);
    expect(concerns({ ...longs(1n, 5n), ...counts(1) }, { ...longs(6n, 9n), ...counts(1) })).toBe(true);
    expect(concerns({ ...longs(1n, 5n), ...counts(0) }, counts(10))).toBe(false);
    expect(concerns(counts(10), { ...longs(1n, 5n), ...counts(0) })).toBe(false);
    expect(concerns({}, longs(1n, 5n))).toBe(true);
    const nans = (count: number): Partial<DataFile> => ({
      equalityIds: [2],
      valueCounts: new Map([[2, 10]]),
      nullValueCounts: new Map([[2, 0]]),
      nanValueCounts: new Map([[2, count]]),
    });
    expect(concerns(nans(10), nans(10))).toBe(true);
    expect(concerns(nans(10), nans(0))).toBe(false);
    expect(concerns(nans(1), nans(9))).toBe(true);
    expect(concerns(longs(1n, 5n), longs(6n, 9n))).toBe(true);
  });
});

describe('entries that cannot be', () => {
  test.each<[string, DataFile]>([
    ['a second deletion vector for a', vector('w', 'a')],
    ['names no data file', positions('w', { fileFormat: 'PUFFIN' })],
    ['without columns', equality('w', { equalityIds: [] })],
    ['by field 77,', equality('w', { equalityIds: [77] })],
    ['by field 4,', equality('w', { equalityIds: [4] })],
    ['by field 3,', equality('w', { equalityIds: [3] })],
  ])('%s', (message, dataFile) => {
    expect(() => index([vector('v', 'a'), 5n], [dataFile, 5n])).toThrow(`INVALID_MANIFEST: w: `);
    expect(() => index([vector('v', 'a'), 5n], [dataFile, 5n])).toThrow(message);
  });

  test('a column that was dropped is found in an older schema', () => {
    const [deletes] = index([equality('e', { equalityIds: [9, 2] }), 5n]).deletesOf(
      file('a'),
      1n,
      unpartitioned,
    );
    expect(deletes?.equalityFields?.map(({ leaf, dropped }) => [leaf.name, dropped])).toEqual([
      ['gone', true],
      ['x', false],
    ]);
  });
});
