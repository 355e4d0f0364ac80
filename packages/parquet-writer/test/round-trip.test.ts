import { afterAll, describe, expect, it } from 'vitest';
import { createParquetEncoder, type FileOptions, type WriterField } from '../src/index.ts';
import { DANUBE_FIELDS, DANUBE_FILE, danubeRows } from './support/danube-fields.ts';
import { readFooter, readRows } from './support/read-back.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

async function write(
  options: FileOptions,
  ...batches: Parameters<ReturnType<typeof encoder.open>['write']>[0][]
) {
  const writer = encoder.open(options);
  for (const batch of batches) await writer.write(batch);
  return writer.finish();
}

const MAP = {
  type: 'map',
  keyId: 90,
  key: 'string',
  valueId: 91,
  value: 'string',
  valueRequired: false,
} as const;
const ALL_TYPES: readonly WriterField[] = [
  { id: 1, name: 'b', required: false, type: 'boolean' },
  { id: 2, name: 'i', required: false, type: 'int' },
  { id: 3, name: 'l', required: false, type: 'long' },
  { id: 4, name: 'f', required: false, type: 'float' },
  { id: 5, name: 'd', required: false, type: 'double' },
  { id: 6, name: 'date', required: false, type: 'date' },
  { id: 7, name: 'time', required: false, type: 'time' },
  { id: 8, name: 'ts', required: false, type: 'timestamp' },
  { id: 9, name: 'tz', required: false, type: 'timestamptz' },
  { id: 10, name: 's', required: false, type: 'string' },
  { id: 11, name: 'bin', required: false, type: 'binary' },
  { id: 12, name: 'fix', required: false, type: 'fixed[3]' },
  { id: 13, name: 'm', required: false, type: MAP },
];

describe('round trip', () => {
  it('keeps the extremes of every type, and nulls beside them', async () => {
    const columns = {
      b: [true, false, null],
      i: [2147483647, -2147483648, null],
      l: [9223372036854775807n, -9223372036854775808n, null],
      f: [Math.fround(3.4e38), -0, null],
      d: [Number.MAX_VALUE, Number.NaN, null],
      date: [2932896, -719162, null],
      time: [86399999999n, 0n, null],
      ts: [253402300799999999n, -62135596800000000n, null],
      tz: [253402300799999999n, -62135596800000000n, null],
      s: ['\u{10ffff}\ufeff日本', '', null],
      bin: [new Uint8Array([0, 255]), new Uint8Array(), null],
      fix: [new Uint8Array([1, 2, 3]), new Uint8Array([255, 0, 255]), null],
      m: [
        new Map<string, string | null>([
          ['k', 'v'],
          ['ключ', null],
        ]),
        {},
        null,
      ],
    };
    const file = await write({ fields: ALL_TYPES, metrics: { default: 'full' } }, { rowCount: 3, columns });
    const [first, second, third] = await readRows(file.bytes);
    const { m, ...flat } = columns;
    for (const [name, values] of Object.entries(flat)) {
      expect([name, first?.[name]]).toEqual([name, values[0]]);
      expect([name, second?.[name]]).toEqual([name, values[1]]);
      expect([name, third?.[name] ?? null]).toEqual([name, null]);
    }
    expect(first?.m).toEqual({ k: 'v', ключ: null });
    expect([second?.m, third?.m ?? null]).toEqual([{}, null]);
    expect(file.nanValueCounts).toEqual(
      new Map([
        [4, 0],
        [5, 1],
      ]),
    );
    // -0.0 alone: below as it is, above as +0.0 would be less strict; both zeros are equal to readers.
    expect(new DataView(file.lowerBounds.get(3)?.buffer as ArrayBuffer).getBigInt64(0, true)).toBe(
      -(2n ** 63n),
    );
    expect(new DataView(file.upperBounds.get(3)?.buffer as ArrayBuffer).getBigInt64(0, true)).toBe(
      2n ** 63n - 1n,
    );
  });

  it('writes field ids, repetition and logical types of a topic table into the footer', async () => {
    const file = await write(DANUBE_FILE, danubeRows(0, 10, 20));
    const leaves = readFooter(file.bytes).schema.slice(1);
    const byName = new Map(leaves.map((element) => [element.name, element]));
    for (const field of DANUBE_FIELDS) {
      const element = byName.get(field.name);
      expect([field.name, element?.field_id, element?.repetition_type]).toEqual([
        field.name,
        field.id,
        field.required ? 'REQUIRED' : 'OPTIONAL',
      ]);
    }
    expect([byName.get('key')?.field_id, byName.get('value')?.field_id]).toEqual([16, 17]);
    expect(byName.get('key_value')?.field_id).toBeUndefined();
    expect(byName.get('publish_time')?.logical_type).toEqual({
      type: 'TIMESTAMP',
      isAdjustedToUTC: true,
      unit: 'MICROS',
    });
    expect(byName.get('payload')?.logical_type).toBeUndefined();
    expect(byName.get('topic_name')?.logical_type).toEqual({ type: 'STRING' });
  });

  it('gives back the rows of a topic, in order, over several batches', async () => {
    const batches = [
      danubeRows(100, 700, 64),
      danubeRows(800, 1, 64),
      danubeRows(801, 0, 64),
      danubeRows(801, 300, 64),
    ];
    const file = await write(DANUBE_FILE, ...batches);
    const rows = await readRows(file.bytes);
    const expected = danubeRows(100, 1001, 64).columns;
    expect(rows.map((row) => row.segment_offset)).toEqual([...expected.segment_offset]);
    expect(rows.map((row) => Buffer.from(row.payload as Uint8Array))).toEqual(
      expected.payload.map((p) => Buffer.from(p)),
    );
    expect(rows.map((row) => row.publish_time)).toEqual([...expected.publish_time]);
    expect(file.recordCount).toBe(1001);
    expect(file.fileSizeInBytes).toBe(file.bytes.byteLength);
  });

  it.each(['zstd', 'snappy', 'none'] as const)('writes %s', async (compression) => {
    const file = await write({ ...DANUBE_FILE, compression }, danubeRows(0, 50, 200));
    const codec = { zstd: 'ZSTD', snappy: 'SNAPPY', none: 'UNCOMPRESSED' }[compression];
    for (const chunk of readFooter(file.bytes).row_groups[0]?.columns ?? [])
      expect(chunk.meta_data?.codec).toBe(codec);
    expect(await readRows(file.bytes)).toHaveLength(50);
  });

  it('writes a valid file without rows', async () => {
    for (const batches of [[], [{ rowCount: 0, columns: {} }], [danubeRows(0, 0, 1)]]) {
      const file = await write(DANUBE_FILE, ...batches);
      expect([file.recordCount, file.splitOffsets, file.lowerBounds.size]).toEqual([0, [], 0]);
      expect(await readRows(file.bytes)).toEqual([]);
    }
  });

  it('keeps the payload without dictionary and statistics, with an offset index, and no column with a bloom filter', async () => {
    const file = await write(DANUBE_FILE, danubeRows(0, 2000, 100));
    const columns = readFooter(file.bytes).row_groups[0]?.columns ?? [];
    const payload = columns.find((chunk) => chunk.meta_data?.path_in_schema[0] === 'payload');
    expect(payload?.meta_data?.dictionary_page_offset).toBeUndefined();
    expect(payload?.meta_data?.statistics?.min_value).toBeUndefined();
    expect(payload?.column_index_offset).toBeUndefined();
    expect(payload?.offset_index_offset).toBeDefined();
    const offset = columns.find((chunk) => chunk.meta_data?.path_in_schema[0] === 'segment_offset');
    expect(offset?.column_index_offset).toBeDefined();
    expect(offset?.offset_index_offset).toBeDefined();
    expect(columns.filter((chunk) => chunk.meta_data?.bloom_filter_offset !== undefined)).toEqual([]);
  });

  it('puts key-value metadata into the footer', async () => {
    const file = await write(
      { ...DANUBE_FILE, keyValueMetadata: { 'danube.epoch': '3' } },
      danubeRows(0, 1, 1),
    );
    expect(readFooter(file.bytes).key_value_metadata).toContainEqual({ key: 'danube.epoch', value: '3' });
  });

  it('takes typed arrays with null marks, and views into larger buffers', async () => {
    const backing = new BigInt64Array([9n, 1n, 2n, 3n, 9n]).subarray(1, 4);
    const payload = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    const fields: WriterField[] = [
      { id: 1, name: 'l', required: false, type: 'long' },
      { id: 2, name: 'b', required: true, type: 'binary' },
      { id: 3, name: 'tz', required: false, type: 'timestamptz' },
    ];
    const file = await write(
      { fields },
      {
        rowCount: 3,
        columns: {
          l: { values: backing, nulls: [false, true, false] },
          b: [payload, payload, payload],
          // What stands behind a null mark is nobody's value: not checked, not written.
          tz: { values: new BigInt64Array([0n, 2n ** 62n, 5n]), nulls: new Uint8Array([0, 1, 0]) },
        },
      },
    );
    const rows = await readRows(file.bytes);
    expect(rows.map((row) => row.l ?? null)).toEqual([1n, null, 3n]);
    expect(rows.map((row) => row.tz ?? null)).toEqual([0n, null, 5n]);
    expect(rows.map((row) => [...(row.b as Uint8Array)])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(new DataView(file.upperBounds.get(3)?.buffer as ArrayBuffer).getBigInt64(0, true)).toBe(5n);
  });

  it('writes files that are open at the same time', async () => {
    const files = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => {
        const writer = encoder.open({ ...DANUBE_FILE, rowGroupBytes: 65_536 });
        for (let part = 0; part < 4; part++)
          await writer.write(danubeRows(seed * 1000 + part * 100, 100, 1000));
        return { seed, file: await writer.finish() };
      }),
    );
    for (const { seed, file } of files) {
      const offsets = (await readRows(file.bytes, { columns: ['segment_offset'] })).map(
        (row) => row.segment_offset,
      );
      expect(offsets).toEqual(Array.from({ length: 400 }, (_, row) => BigInt(seed * 1000 + row)));
    }
  });
});
