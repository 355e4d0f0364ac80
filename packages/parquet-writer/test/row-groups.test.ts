import { afterAll, describe, expect, it } from 'vitest';
import { createParquetEncoder } from '../src/index.ts';
import { DANUBE_FILE, danubeRows, payloadOf } from './support/danube-fields.ts';
import { countingBuffer, readFooter, readRows } from './support/read-back.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());
const MiB = 1024 * 1024;

describe('row groups', () => {
  it('are bounded by their raw size, however well it compresses and however it was cut into batches', async () => {
    const rowGroupBytes = 256 * 1024;
    const writer = encoder.open({
      fields: [{ id: 1, name: 'payload', required: true, type: 'binary' }],
      rowGroupBytes,
    });
    // Zeros: 1000 of these row groups would fit into one if compressed bytes were counted.
    const batches = [1, 10, 3000, 0, 7, 40, 900];
    for (const rowCount of batches) {
      await writer.write({
        rowCount,
        columns: { payload: Array.from({ length: rowCount }, () => new Uint8Array(1000)) },
      });
    }
    const file = await writer.finish();
    const groups = readFooter(file.bytes).row_groups;
    const rows = batches.reduce((sum, count) => sum + count);
    const rowsPerGroup = Math.floor(rowGroupBytes / 1004);
    expect(groups.length).toBe(Math.ceil(rows / rowsPerGroup));
    for (const group of groups)
      expect(Number(group.total_byte_size)).toBeLessThanOrEqual(rowGroupBytes + 4096);
    expect(groups.slice(0, -1).every((group) => Number(group.num_rows) === rowsPerGroup)).toBe(true);
    expect(file.splitOffsets.length).toBe(groups.length);
    expect(file.splitOffsets[0]).toBe(4);
    expect(file.splitOffsets).toEqual(
      groups.map((group) => Number(group.columns[0]?.meta_data?.data_page_offset)),
    );
  });

  it('are of at most 16 MiB by default', async () => {
    const writer = encoder.open(DANUBE_FILE);
    for (let part = 0; part < 20; part++) await writer.write(danubeRows(part * 1000, 1000, 1024));
    const groups = readFooter((await writer.finish()).bytes).row_groups;
    expect(groups.length).toBe(2);
    for (const group of groups) expect(Number(group.total_byte_size)).toBeLessThanOrEqual(16 * MiB);
  });

  it('hold the same values before and after a boundary', async () => {
    const writer = encoder.open({ ...DANUBE_FILE, rowGroupBytes: 65_536 });
    await writer.write(danubeRows(0, 1000, 300));
    const file = await writer.finish();
    expect(file.splitOffsets.length).toBeGreaterThan(4);
    const expected = danubeRows(0, 1000, 300).columns;
    const rows = await readRows(file.bytes);
    for (const name of ['topic_name', 'broker_addr', 'producer_name', 'subscription_name'] as const) {
      expect(rows.map((row) => row[name] ?? null)).toEqual(expected[name]);
    }
    expect(rows.map((row) => row.attributes ?? null)).toEqual(expected.attributes);
  });

  it('have data pages of about the size asked for', async () => {
    const writer = encoder.open(DANUBE_FILE);
    await writer.write(danubeRows(0, 15_000, 1000));
    const [group] = readFooter((await writer.finish()).bytes).row_groups;
    const payload = group?.columns.find(
      (chunk) => chunk.meta_data?.path_in_schema[0] === 'payload',
    )?.meta_data;
    const pages = payload?.encoding_stats?.reduce((sum, stat) => sum + stat.count, 0) ?? 0;
    expect(Number(payload?.total_uncompressed_size) / pages).toBeLessThan(1.25 * MiB);
  });

  it('hold a single row that is larger than the bound', async () => {
    const writer = encoder.open({ ...DANUBE_FILE, rowGroupBytes: 65_536 });
    await writer.write(danubeRows(0, 3, 200));
    await writer.write(danubeRows(3, 2, 3 * MiB));
    await writer.write(danubeRows(5, 3, 200));
    const file = await writer.finish();
    expect(readFooter(file.bytes).row_groups.map((group) => Number(group.num_rows))).toEqual([3, 1, 1, 3]);
    const rows = await readRows(file.bytes, { rowStart: 4, rowEnd: 5 });
    expect(Buffer.compare(rows[0]?.payload as Uint8Array, payloadOf(4, 3 * MiB))).toBe(0);
  });

  it.each([
    [300, 20_000],
    [10_000, 1200],
  ])('let a reader fetch one row of %i bytes through the offset index', async (payloadBytes, rowCount) => {
    const writer = encoder.open({ ...DANUBE_FILE, pageBytes: 64 * 1024 });
    await writer.write(danubeRows(0, rowCount, payloadBytes));
    const { bytes } = await writer.finish();
    const { file, counter } = countingBuffer(bytes);
    const at = Math.floor(rowCount * 0.7);
    const options = {
      rowStart: at,
      rowEnd: at + 1,
      columns: ['segment_offset', 'payload'],
      useOffsetIndex: true,
    };
    const rows = await readRows(bytes, options, file);
    expect(rows.map((row) => row.segment_offset)).toEqual([BigInt(at)]);
    expect(Buffer.compare(rows[0]?.payload as Uint8Array, payloadOf(at, payloadBytes))).toBe(0);
    // The reader's first 512 KiB are for the footer; beside them one page of each column and its index.
    expect(counter.bytesRead - 512 * 1024).toBeLessThan(300 * 1024);
    expect(bytes.byteLength).toBeGreaterThan(2.5 * MiB);
  });
});
