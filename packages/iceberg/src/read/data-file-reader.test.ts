import { describe, expect, test } from 'vitest';
import {
  logRow,
  logSchema,
  nestedRow,
  nestedSchema,
  primitivesSchema,
} from '../../test/support/fixture-schemas.ts';
import { createFixtureFileIO, type FixtureName, fixture } from '../../test/support/fixtures.ts';
import { IcebergError } from '../errors.ts';
import { and, eq, gt, gtEq, isNull, lt, or } from '../expression/expression.ts';
import { createCountingFileIO } from '../io/counting-file-io.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Row } from '../metadata/row.ts';
import type { NestedField, Schema } from '../metadata/schema.ts';
import { type DataFileReader, openDataFile } from './data-file-reader.ts';

const io = createCountingFileIO(createFixtureFileIO());

const read = async (name: FixtureName, schema: Pick<Schema, 'fields'>): Promise<Row[]> =>
  (await openDataFile(io, fixture(name), schema)).readRows();

async function failure(action: Promise<unknown>): Promise<IcebergError> {
  try {
    await action;
  } catch (error) {
    if (IcebergError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each<FixtureName>([
  'primitives-none.parquet',
  'primitives-snappy.parquet',
  'primitives-zstd.parquet',
  'primitives-gzip.parquet',
  'primitives-brotli.parquet',
  'primitives-v2.parquet',
  'primitives-encodings.parquet',
])('%s', (name) => {
  test('gives every type exactly, at its extremes and null', async () => {
    const [first, nulls, third] = await read(name, primitivesSchema);
    expect(first).toEqual({
      b: true,
      i: 2 ** 31 - 1,
      l: 2n ** 53n + 1n,
      f: 1.5,
      d: -0,
      date: -1,
      time: 86_399_999_999n,
      ts: -1n,
      tstz: 1_700_000_000_000_001n,
      s: 'häß 𐀀',
      u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      bin: Uint8Array.from([0xff, 0xfe, 0, 0x63, 0x61, 0x66, 0xc3]),
      fix: Uint8Array.of(0, 1, 2, 255),
      dec9: -1420n,
      dec18: 999_999_999_999_999_999n,
      dec38: -99_999_999_999_999_999_999_999_999_999_999_999_999n,
      req: -(2n ** 63n),
    });
    const names = primitivesSchema.fields.map((field) => field.name);
    expect(nulls).toEqual({ ...Object.fromEntries(names.map((name) => [name, null])), req: 0n });
    expect(third).toMatchObject({ b: false, i: -(2 ** 31), f: Number.NaN, d: Number.POSITIVE_INFINITY });
    expect(third).toMatchObject({ date: 2_932_896, tstz: -1n, s: '', bin: new Uint8Array(0), dec18: -1n });
    expect(Object.keys(first as Row)).toEqual(names);
  });
});

describe.each<FixtureName>(['nested.parquet', 'nested-v2.parquet'])('%s', (name) => {
  test('gives maps, lists and structs, empty, null and nested, over many pages', async () => {
    const rows = await read(name, nestedSchema);
    expect(rows.length).toBe(fixture(name).recordCount);
    for (const [index, row] of rows.entries()) expect(row).toEqual(nestedRow(index));
  });

  test('keeps the order of a map and keys that objects would trip over', async () => {
    const [row] = await read(name, nestedSchema);
    const attributes = row?.attributes as ReadonlyMap<string, string | null>;
    expect([...attributes.keys()]).toEqual(['b', '10', '2', '__proto__', '']);
  });

  test('gives any part of the rows as it gives all of them', async () => {
    const reader = await openDataFile(io, fixture(name), nestedSchema);
    for (const [rowStart, rowEnd] of [
      [0, 1],
      [1, 2],
      [17, 133],
      [reader.rowCount - 1, reader.rowCount],
      [301, 399],
    ] as const) {
      const rows = await reader.readRows({ rowStart, rowEnd });
      expect(rows.length).toBe(rowEnd - rowStart);
      for (const [index, row] of rows.entries()) expect(row).toEqual(nestedRow(rowStart + index));
    }
  });

  test('gives the same rows in batches of any size', async () => {
    const reader = await openDataFile(io, fixture(name), nestedSchema);
    for (const batchBytes of [1, 100, 1_000]) {
      const sizes: number[] = [];
      let next = 5;
      for await (const batch of reader.readBatches({ rowStart: 5, rowEnd: 205, batchBytes })) {
        expect(batch.rowStart).toBe(next);
        for (const row of batch.rows) expect(row).toEqual(nestedRow(next++));
        sizes.push(batch.rows.length);
      }
      expect(next).toBe(205);
      expect(sizes.length).toBeGreaterThan(1);
    }
  });
});

describe.each<FixtureName>(['log.parquet', 'log-no-index.parquet'])('%s', (name) => {
  const open = () => openDataFile(io, fixture(name), logSchema);

  test('gives all rows, and any part of them', async () => {
    const reader = await open();
    for (const [rowStart, rowEnd] of [
      [0, 3000],
      [0, 1],
      [1, 51],
      [49, 50],
      [1999, 2001],
      [2000, 2001],
      [2999, 3000],
      [1234, 1234],
    ] as const) {
      const rows = await reader.readRows({ rowStart, rowEnd });
      expect(rows.length).toBe(rowEnd - rowStart);
      for (const [index, row] of rows.entries()) expect(row).toEqual(logRow(rowStart + index));
    }
  });

  test('gives the columns asked for, in that order', async () => {
    const [row] = await (await open()).readRows({
      rowStart: 7,
      rowEnd: 8,
      columns: ['payload', 'topic_name'],
    });
    const { payload, topic_name } = logRow(7);
    expect(Object.entries(row as Row)).toEqual(Object.entries({ payload, topic_name }));
    expect(await (await open()).readRows({ rowStart: 0, rowEnd: 2, columns: [] })).toEqual([{}, {}]);
  });

  test('tells the bounds of row groups in full width', async () => {
    const { rowGroups, rowCount } = await open();
    expect(rowCount).toBe(3000);
    expect(rowGroups.map((group) => [group.rowStart, group.rowCount])).toEqual([
      [0, 2000],
      [2000, 1000],
    ]);
    expect(rowGroups[1]?.lowerBounds.get(6)).toBe(2n ** 53n + 2000n);
    expect(rowGroups[1]?.upperBounds.get(6)).toBe(2n ** 53n + 2999n);
    expect(rowGroups[0]?.upperBounds.get(3)).toBe('/default/t1');
    expect(rowGroups[0]?.lowerBounds.get(8)).toBe(1_700_000_000_000_000n);
    expect(rowGroups[0]?.lowerBounds.get(7)).toBeInstanceOf(Uint8Array);
  });
});

describe('planning rows within a file', () => {
  const offset = (i: number) => 2n ** 53n + BigInt(i);

  test('without a page index whole row groups are kept or left out', async () => {
    const reader = await openDataFile(io, fixture('log-no-index.parquet'), logSchema);
    expect(await reader.planRowRanges(gt('segment_offset', offset(1999)))).toEqual([
      { start: 2000, endExclusive: 3000 },
    ]);
    expect(await reader.planRowRanges(gt('segment_offset', offset(1998)))).toEqual([
      { start: 0, endExclusive: 3000 },
    ]);
    expect(await reader.planRowRanges(gt('segment_offset', offset(2999)))).toEqual([]);
  });

  test('with one, pages; columns with other pages are combined by rows', async () => {
    const reader = await openDataFile(io, fixture('log.parquet'), logSchema);
    const near = (
      lowest: number,
      highest: number,
      rows: readonly { start: number; endExclusive: number }[],
    ) => {
      expect(rows.length).toBe(1);
      const { start, endExclusive } = rows[0] as { start: number; endExclusive: number };
      expect(start).toBeLessThanOrEqual(lowest);
      expect(start).toBeGreaterThan(lowest - 600);
      expect(endExclusive).toBeGreaterThan(highest);
      expect(endExclusive).toBeLessThan(highest + 600);
    };
    const window = and(gtEq('segment_offset', offset(700)), lt('segment_offset', offset(710)));
    near(700, 709, await reader.planRowRanges(window));
    const other = and(window, eq('topic_name', '/default/t0'), gt('publish_time', 1_700_000_000_000_000n));
    near(700, 709, await reader.planRowRanges(other));
    expect(await reader.planRowRanges(and(window, eq('topic_name', '/default/t9')))).toEqual([]);
    expect(await reader.planRowRanges(or(window, isNull('payload')))).toEqual(
      await reader.planRowRanges(window),
    );
  });

  test('a column that the file lacks is judged by its constant', async () => {
    const added: NestedField = { id: 99, name: 'added', required: false, type: 'string' };
    const reader = await openDataFile(io, fixture('log.parquet'), { fields: [...logSchema.fields, added] });
    expect(await reader.planRowRanges(eq('added', 'x'))).toEqual([]);
    expect(await reader.planRowRanges(isNull('added'))).toEqual([{ start: 0, endExclusive: 3000 }]);
  });
});

describe('bytes read', () => {
  const size = (name: FixtureName) => fixture(name).fileSizeInBytes;

  test('opening reads the tail once, and reading does not read the footer again', async () => {
    io.reset();
    const reader = await openDataFile(io, fixture('log.parquet'), logSchema);
    expect(io.reads.length).toBe(1);
    expect(io.bytesRead()).toBeLessThanOrEqual(64 * 1024);
    await reader.readRows({ columns: ['segment_offset'] });
    await reader.readRows({ columns: ['segment_offset'] });
    expect(io.reads.filter(({ start, length }) => start + length === size('log.parquet')).length).toBe(1);
  });

  test('a seek reads pages, not the column', async () => {
    const seek = async (name: FixtureName) => {
      const reader = await openDataFile(io, fixture(name), logSchema);
      io.reset();
      expect(await reader.readRows({ rowStart: 100, rowEnd: 110 })).toEqual(
        Array.from({ length: 10 }, (_, i) => logRow(100 + i)),
      );
      return io.bytesRead();
    };
    const payloadOfGroup = 60_000;
    expect(await seek('log-no-index.parquet')).toBeGreaterThan(payloadOfGroup);
    expect(await seek('log.parquet')).toBeLessThan(40_000);
  });

  test('columns that are not asked for are not read', async () => {
    const reader = await openDataFile(io, fixture('log.parquet'), logSchema);
    io.reset();
    await reader.readRows({ columns: ['topic_name', 'routing_key'] });
    expect(io.bytesRead()).toBeLessThan(10_000);
  });

  test('row groups that hold no wanted row are not touched', async () => {
    const reader = await openDataFile(io, fixture('log-no-index.parquet'), logSchema);
    io.reset();
    await reader.readRows({ rowStart: 0, rowEnd: 1 });
    const [second] = reader.rowGroups.slice(1);
    expect(second?.rowStart).toBe(2000);
    const end = Math.max(...io.reads.map(({ start, length }) => start + length));
    expect(end).toBeLessThan(size('log-no-index.parquet') * 0.8);
  });
});

describe('a table whose schema has moved on', () => {
  const rename = (fields: readonly NestedField[], id: number, change: Partial<NestedField>) =>
    fields.map((field) => (field.id === id ? { ...field, ...change } : field));

  test('columns are found by id: renamed, reordered, dropped and made anew under the old name', async () => {
    const schema = {
      fields: [
        ...rename(logSchema.fields, 6, { name: 'position' }).filter(({ id }) => id === 6),
        { id: 50, name: 'topic_name', required: false, type: 'string' },
      ] satisfies NestedField[],
    };
    const reader = await openDataFile(io, fixture('log.parquet'), schema);
    expect(await reader.readRows({ rowStart: 1, rowEnd: 2 })).toEqual([
      { position: 2n ** 53n + 1n, topic_name: null },
    ]);
  });

  test('int reads as long, float as double, a decimal with more digits, also in bounds', async () => {
    let { fields } = primitivesSchema as { fields: readonly NestedField[] };
    fields = rename(fields, 2, { type: 'long' });
    fields = rename(fields, 4, { type: 'double' });
    fields = rename(fields, 14, { type: 'decimal(20,2)' });
    const reader = await openDataFile(io, fixture('primitives-zstd.parquet'), { fields });
    expect((await reader.readRows())[0]).toMatchObject({ i: 2n ** 31n - 1n, f: 1.5, dec9: -1420n });
    expect(reader.rowGroups[0]?.lowerBounds.get(2)).toBe(-(2n ** 31n));
    expect(reader.rowGroups[0]?.lowerBounds.get(14)).toBe(-1420n);
    expect(await reader.planRowRanges(gt('i', 2n ** 31n))).toEqual([]);
  });

  test('a missing column is the identity partition value, else the initial default, else null', async () => {
    const added: NestedField[] = [
      { id: 60, name: 'p', required: true, type: 'long' },
      { id: 61, name: 'q', required: true, type: 'date', initialDefault: '1969-12-31' },
      { id: 62, name: 'r', required: false, type: 'binary', initialDefault: '00ff' },
      { id: 63, name: 's', required: false, type: 'string' },
      { id: 64, name: 'bucketed', required: false, type: 'string' },
    ];
    const partitionSpec: PartitionSpec = {
      specId: 3,
      fields: [
        { sourceId: 64, fieldId: 1000, name: 'b', transform: 'bucket[4]' },
        { sourceId: 60, fieldId: 1001, name: 'p', transform: 'identity' },
      ],
    };
    const dataFile: DataFile = { ...fixture('log.parquet'), partition: [3, 7], specId: 3 };
    const reader = await openDataFile(io, dataFile, { fields: added }, { partitionSpec });
    expect(await reader.readRows({ rowStart: 10, rowEnd: 11 })).toEqual([
      { p: 7n, q: -1, r: Uint8Array.of(0, 255), s: null, bucketed: null },
    ]);
    expect(await reader.planRowRanges(eq('p', 8n))).toEqual([]);
  });

  test('fields of structs come and go too; a struct of which nothing is left still knows null', async () => {
    const schema = {
      fields: [
        {
          id: 7,
          name: 'place',
          required: false,
          type: {
            type: 'struct',
            fields: [
              { id: 30, name: 'new', required: false, type: 'int' },
              {
                id: 9,
                name: 'at',
                required: false,
                type: { type: 'struct', fields: [{ id: 31, name: 'z', required: false, type: 'int' }] },
              },
            ],
          },
        },
        {
          id: 15,
          name: 'by_id',
          required: false,
          type: {
            type: 'map',
            keyId: 16,
            key: 'long',
            valueId: 17,
            valueRequired: false,
            value: { type: 'struct', fields: [{ id: 32, name: 'm', required: false, type: 'int' }] },
          },
        },
      ] satisfies NestedField[],
    };
    const reader = await openDataFile(io, fixture('nested.parquet'), schema);
    const rows = await reader.readRows({ rowStart: 4, rowEnd: 8 });
    expect(rows).toEqual([
      {
        place: { new: null, at: { z: null } },
        by_id: new Map<bigint, unknown>([
          [2n ** 60n + 1n, { m: null }],
          [2n, null],
        ]),
      },
      { place: null, by_id: null },
      { place: { new: null, at: null }, by_id: new Map() },
      {
        place: { new: null, at: { z: null } },
        by_id: new Map([
          [1n, { m: null }],
          [3n, { m: null }],
        ]),
      },
    ]);
  });

  test('a column may be called __proto__', async () => {
    const fields = rename(logSchema.fields, 6, { name: '__proto__' }).filter(({ id }) => id === 6);
    const reader = await openDataFile(io, fixture('log.parquet'), { fields });
    const [row] = await reader.readRows({ rowStart: 1, rowEnd: 2 });
    expect(Object.entries(row as Row)).toEqual([['__proto__', 2n ** 53n + 1n]]);
  });

  test('a required column that is nowhere is an error', async () => {
    const schema = {
      fields: [{ id: 77, name: 'must', required: true, type: 'int' }] satisfies NestedField[],
    };
    const reader = await openDataFile(io, fixture('log.parquet'), schema);
    const error = await failure(reader.readRows());
    expect(error.code).toBe('DATA_FILE_CORRUPT');
    expect(error.message).toContain('the required column must is missing');
  });

  test('a column stored as something else is an error that says so', async () => {
    const schema = {
      fields: [{ id: 3, name: 'topic_name', required: true, type: 'long' }] satisfies NestedField[],
    };
    const reader = await openDataFile(io, fixture('log.parquet'), schema);
    const error = await failure(reader.readRows());
    expect(error.code).toBe('DATA_FILE_CORRUPT');
    expect(error.message).toContain(
      'column topic_name is stored as BYTE_ARRAY (text) and cannot be read as long',
    );
  });
});

test('coarser units and narrower numbers of foreign files are read exactly', async () => {
  const schema = {
    fields: [
      { id: 1, name: 'ms', required: false, type: 'timestamptz' },
      { id: 2, name: 'u32', required: false, type: 'long' },
      { id: 3, name: 'small', required: false, type: 'int' },
      { id: 4, name: 't_ms', required: false, type: 'time' },
      { id: 5, name: 'day', required: false, type: 'timestamp' },
      { id: 6, name: 'ns', required: false, type: 'timestamp_ns' },
    ] satisfies NestedField[],
  };
  expect(await read('other-units.parquet', schema)).toEqual([
    { ms: -1000n, u32: 2n ** 32n - 1n, small: -5, t_ms: 3_723_004_000n, day: -86_400_000_000n, ns: 1n },
  ]);
  const finer = {
    fields: [{ id: 6, name: 'ns', required: false, type: 'timestamp' }] satisfies NestedField[],
  };
  expect((await failure(read('other-units.parquet', finer))).message).toContain(
    'cannot be read as timestamp',
  );
  const narrower = {
    fields: [{ id: 2, name: 'u32', required: false, type: 'int' }] satisfies NestedField[],
  };
  expect((await failure(read('other-units.parquet', narrower))).message).toContain(
    '4294967295 does not fit an int',
  );
});

describe('refusals', () => {
  test.each<[string, (reader: DataFileReader) => Promise<unknown>]>([
    ['a column that is not there', (reader) => reader.readRows({ columns: ['nope'] })],
    ['a start below zero', (reader) => reader.readRows({ rowStart: -1 })],
    ['a broken start', (reader) => reader.readRows({ rowStart: 0.5 })],
    ['an end that is no number', (reader) => reader.readRows({ rowEnd: Number.NaN })],
    [
      'a batch of no size',
      async (reader) => {
        for await (const _batch of reader.readBatches({ batchBytes: Number.NaN }));
      },
    ],
    ['a filter on a column that is not there', (reader) => reader.planRowRanges(eq('nope', 1))],
  ])('%s is INVALID_ARGUMENT', async (_what, action) => {
    const reader = await openDataFile(io, fixture('log.parquet'), logSchema);
    expect((await failure(action(reader))).code).toBe('INVALID_ARGUMENT');
  });

  test('a range beyond the end is cut', async () => {
    const reader = await openDataFile(io, fixture('log.parquet'), logSchema);
    expect((await reader.readRows({ rowStart: 2999, rowEnd: 9999, columns: [] })).length).toBe(1);
    expect(await reader.readRows({ rowStart: 5000 })).toEqual([]);
  });

  test('files without field ids, of other formats and codecs are UNSUPPORTED_FEATURE, naming the file', async () => {
    const schema = { fields: [{ id: 1, name: 'a', required: false, type: 'long' }] satisfies NestedField[] };
    const noIds = await failure(read('no-ids.parquet', schema));
    expect([noIds.code, noIds.message.includes('no-ids.parquet')]).toEqual(['UNSUPPORTED_FEATURE', true]);
    const orc = { ...fixture('log.parquet'), fileFormat: 'ORC' } as const;
    expect((await failure(openDataFile(io, orc, logSchema))).code).toBe('UNSUPPORTED_FEATURE');
    expect((await failure(read('lz4.parquet', logSchema))).code).toBe('UNSUPPORTED_FEATURE');
  });

  test('a manifest entry that counts other rows or bytes is DATA_FILE_CORRUPT', async () => {
    const wrongCount = { ...fixture('log.parquet'), recordCount: 2999 };
    expect((await failure(openDataFile(io, wrongCount, logSchema))).code).toBe('DATA_FILE_CORRUPT');
    const { fileSizeInBytes } = fixture('log.parquet');
    for (const size of [fileSizeInBytes - 1, fileSizeInBytes + 1, 0, 11]) {
      const wrongSize = { ...fixture('log.parquet'), fileSizeInBytes: size };
      expect((await failure(openDataFile(io, wrongSize, logSchema))).code).toBe('DATA_FILE_CORRUPT');
    }
  });

  test('so is a file shorter than its entry says, when the store refuses to read beyond its end', async () => {
    const strict: FileIO = {
      ...io,
      readRange: async (location, start, endExclusive) => {
        if (endExclusive > (await io.fileSize(location))) throw new Error('INVALID_RANGE');
        return io.readRange(location, start, endExclusive);
      },
    };
    const { fileSizeInBytes } = fixture('log.parquet');
    const longer = { ...fixture('log.parquet'), fileSizeInBytes: fileSizeInBytes + 1 };
    const error = await failure(openDataFile(strict, longer, logSchema));
    expect(error.code).toBe('DATA_FILE_CORRUPT');
    expect(error.message).toContain(
      `it has ${fileSizeInBytes} bytes, its manifest entry says ${fileSizeInBytes + 1}`,
    );
  });

  test('a file that is not there is the IO_ERROR of the FileIO', async () => {
    const gone = { ...fixture('log.parquet'), filePath: 'file:///nowhere/at/all.parquet' };
    const error = await failure(openDataFile(io, gone, logSchema));
    expect(error.code).toBe('IO_ERROR');
    expect((error.cause as { code?: string }).code).toBe('ENOENT');
  });
});
