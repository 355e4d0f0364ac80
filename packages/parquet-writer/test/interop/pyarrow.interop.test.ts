/**
 * Goal: an independent reader (pyarrow, the C++ Parquet reader that PyIceberg uses too) sees the schema
 * Iceberg asks for and the values that were written. Method: one topic file of several row groups is
 * written to disk; a Python helper prints all it saw as JSON.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createParquetEncoder, type FileOptions } from '../../src/index.ts';
import { DANUBE_FIELDS, DANUBE_FILE, danubeRows } from '../support/danube-fields.ts';

interface Seen {
  readonly rows: number;
  readonly fields: Readonly<Record<string, readonly [number, string]>>;
  readonly logical: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly physical: Readonly<Record<string, string>>;
  readonly rowGroups: readonly {
    readonly rows: number;
    readonly columns: Readonly<Record<string, SeenColumn>>;
  }[];
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
}
interface SeenColumn {
  readonly codec: string;
  readonly columnIndex: boolean;
  readonly offsetIndex: boolean;
  readonly dictionary: boolean;
  readonly bloomFilter: boolean;
  readonly bounds: readonly [string, string] | null;
}

const encoder = createParquetEncoder();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parquet-interop-'));
});
afterAll(async () => {
  await encoder.close();
  await rm(folder, { recursive: true, force: true });
});

async function seenByPyarrow(
  options: FileOptions,
  ...batches: ReturnType<typeof danubeRows>[]
): Promise<Seen> {
  const writer = encoder.open(options);
  for (const batch of batches) await writer.write(batch);
  const path = join(folder, 'file.parquet');
  await writeFile(path, (await writer.finish()).bytes);
  const helper = fileURLToPath(new URL('./read_parquet.py', import.meta.url));
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const { stdout } = await promisify(execFile)(python, [helper, path], { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Seen;
}

describe('pyarrow', () => {
  it('sees field ids, requiredness, types and values of a topic table', async () => {
    const extremes = danubeRows(1500, 2, 20);
    extremes.columns.request_id.set([2n ** 63n - 1n, -(2n ** 63n)]);
    extremes.columns.publish_time.set([-62_135_596_800_000_000n, 253_402_300_799_999_999n]);
    extremes.columns.attributes = [{ ключ: '', '': '\u{1f40b}' }, null];
    const seen = await seenByPyarrow(
      { ...DANUBE_FILE, rowGroupBytes: 65_536 },
      danubeRows(0, 1500, 100),
      extremes,
    );
    expect(seen.rows).toBe(1502);
    expect(seen.rowGroups.length).toBeGreaterThan(2);

    const fields = Object.fromEntries(
      DANUBE_FIELDS.map((field) => [field.name, [field.id, field.required ? 'required' : 'optional']]),
    );
    expect(seen.fields).toEqual({
      ...fields,
      'attributes.key': [16, 'required'],
      'attributes.value': [17, 'required'],
    });
    for (const name of ['publish_time', 'append_time']) {
      expect(seen.logical[name]).toMatchObject({
        Type: 'Timestamp',
        isAdjustedToUTC: true,
        timeUnit: 'microseconds',
      });
    }
    expect(seen.logical['attributes.key_value.key']).toEqual({ Type: 'String' });
    expect([seen.physical.payload, seen.logical.payload]).toEqual(['BYTE_ARRAY', { Type: 'None' }]);
    expect(seen.physical.schema_version).toBe('INT32');

    const before = danubeRows(0, 1500, 100).columns;
    const both = <T>(pick: (columns: typeof before) => ArrayLike<T>): T[] => [
      ...Array.from(pick(before)),
      ...Array.from(pick(extremes.columns)),
    ];
    const longs = ['request_id', 'producer_id', 'segment_offset', 'publish_time', 'append_time'] as const;
    for (const name of longs) expect(seen.columns[name]).toEqual(both<bigint>((c) => c[name]).map(String));
    const texts = ['topic_name', 'broker_addr', 'producer_name', 'subscription_name', 'routing_key'] as const;
    for (const name of texts) expect(seen.columns[name]).toEqual(both<string | null>((c) => c[name]));
    expect(seen.columns.payload).toEqual(
      both<Uint8Array>((c) => c.payload).map((p) => Buffer.from(p).toString('hex')),
    );
    expect(seen.columns.attributes).toEqual(
      both<Record<string, string> | null>((c) => c.attributes).map((map) => map && Object.entries(map)),
    );
    expect(seen.columns.schema_version).toEqual(both<number | null>((c) => c.schema_version));
    for (const name of ['segment_id', 'schema_id'])
      expect(new Set(seen.columns[name])).toEqual(new Set([null]));
  });

  it('sees zstd, exact bounds and page indexes where seeks need them, and none of what was left out', async () => {
    const seen = await seenByPyarrow({ ...DANUBE_FILE, rowGroupBytes: 65_536 }, danubeRows(0, 1500, 100));
    let next = 0;
    for (const group of seen.rowGroups) {
      const { segment_offset: offset, payload, topic_name: topic, append_time: time } = group.columns;
      for (const column of Object.values(group.columns))
        expect([column.codec, column.bloomFilter]).toEqual(['ZSTD', false]);
      expect([offset?.columnIndex, offset?.offsetIndex]).toEqual([true, true]);
      expect(offset?.bounds).toEqual([String(next), String(next + group.rows - 1)]);
      const at = (row: number) => String(1_790_000_000_000_000 + row * 1000 + 500);
      expect(time?.bounds).toEqual([at(next), at(next + group.rows - 1)]);
      expect(topic?.bounds).toEqual(['/default/orders', '/default/orders']);
      expect([payload?.bounds, payload?.dictionary, payload?.offsetIndex]).toEqual([null, false, true]);
      next += group.rows;
    }
  });

  it('reads a file without rows', async () => {
    const seen = await seenByPyarrow(DANUBE_FILE);
    expect([seen.rows, seen.rowGroups, Object.keys(seen.fields).length]).toEqual([0, [], 17]);
  });

  it.each(['snappy', 'none'] as const)('reads %s', async (compression) => {
    const seen = await seenByPyarrow({ ...DANUBE_FILE, compression }, danubeRows(0, 100, 1000));
    expect(seen.columns.segment_offset?.at(-1)).toBe('99');
  });
});
