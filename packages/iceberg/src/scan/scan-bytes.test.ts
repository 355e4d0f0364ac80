import { expect, test } from 'vitest';
import {
  emptyTable,
  equalityDeletes,
  parquetFile,
  positionDeletes,
  withSnapshot,
} from '../../test/support/delete-table.ts';
import { logSchema } from '../../test/support/fixture-schemas.ts';
import { createFixtureFileIO, type FixtureName, fixture } from '../../test/support/fixtures.ts';
import { and, eq, gtEq, lt } from '../expression/expression.ts';
import { createCountingFileIO } from '../io/counting-file-io.ts';
import type { FileIO } from '../io/file-io.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { Schema } from '../metadata/schema.ts';
import type { ScanOptions } from './scan-options.ts';
import { scanRows } from './scan-rows.ts';

/** Goal: what is not wanted is not read. Method: bytes asked of the FileIO, beside those of a scan of everything. */

const schema: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'kind', required: true, type: 'string' },
    { id: 3, name: 'payload', required: true, type: 'binary' },
  ],
};
const rowCount = 4_000;
const rowsPerGroup = 400;

function table() {
  const memory = createMemoryFileIO();
  const rows = Array.from({ length: rowCount }, (_, i) => ({
    id: BigInt(i),
    kind: `kind ${i % 4}`,
    payload: new Uint8Array(1_000).fill(i),
  }));
  const data = parquetFile(memory, 'rows', schema.fields, rows, {}, { rowsPerGroup });
  const io = createCountingFileIO(memory);
  return {
    memory,
    io,
    data,
    metadata: withSnapshot(emptyTable([schema]), memory, [{ file: data, sequenceNumber: 1n }]),
  };
}

async function count(rows: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const _row of rows) found += 1;
  return found;
}

test('a projection reads its columns, a filter the row groups that may hold its rows, and no file whole', async () => {
  const { io, data, metadata } = table();
  const bytesOf = async (options: ScanOptions, expected: number) => {
    io.reset();
    expect(await count(scanRows(metadata, io, options))).toBe(expected);
    return io.bytesRead(data.filePath);
  };
  const size = data.fileSizeInBytes;
  expect(size).toBeGreaterThan(4_000_000);
  const whole = await bytesOf({}, rowCount);
  expect(whole).toBeGreaterThanOrEqual(size * 0.98);
  expect(whole).toBeLessThan(size * 1.05);
  // The last 64 KiB, for the footer, and two of three columns in ten row groups.
  expect(await bytesOf({ columns: ['id', 'kind'] }, rowCount)).toBeLessThan(0.06 * size);
  expect(await bytesOf({ columns: ['id'] }, rowCount)).toBeLessThan(0.03 * size);
  // One of ten row groups.
  const window = and(gtEq('id', 800n), lt('id', 1_200n));
  expect(await bytesOf({ filter: window }, 400)).toBeLessThan(0.13 * size);
  expect(await bytesOf({ filter: window, columns: ['kind'] }, 400)).toBeLessThan(0.03 * size);
  // Nothing is in the way of the footer alone.
  expect(await bytesOf({ filter: eq('id', -1n) }, 0)).toBeLessThanOrEqual(64 * 1024);
});

test('within a row group only pages that may hold wanted rows are read', async () => {
  const io = createCountingFileIO(createFixtureFileIO());
  const memory = createMemoryFileIO();
  const scanOf = async (name: FixtureName, options: ScanOptions) => {
    const metadata = withSnapshot(emptyTable([logSchema]), memory, [
      { file: fixture(name), sequenceNumber: 1n },
    ]);
    const both: FileIO = {
      ...io,
      readFile: (location) =>
        location.startsWith('mem:') ? memory.readFile(location) : io.readFile(location),
    };
    io.reset();
    const found = await count(scanRows(metadata, both, options));
    // The first read is the file's tail, for the footer.
    const [tail] = io.reads;
    return { found, bytes: io.bytesRead() - (tail?.length ?? 0) };
  };
  const start = 2n ** 53n + 500n;
  const filter = and(gtEq('segment_offset', start), lt('segment_offset', start + 10n));
  const paged = await scanOf('log.parquet', { filter });
  const unpaged = await scanOf('log-no-index.parquet', { filter });
  expect([paged.found, unpaged.found]).toEqual([10, 10]);
  expect(unpaged.bytes).toBeGreaterThan(60_000);
  expect(paged.bytes).toBeLessThan(0.35 * unpaged.bytes);
});

test('deletes read their own columns and little else', async () => {
  const { memory, io, data } = table();
  const positions = positionDeletes(
    memory,
    'positions',
    Array.from({ length: 40_000 }, (_, i) => [i < 10 ? data.filePath : `mem://other/${i % 100}`, i] as const),
    {},
    { rowsPerGroup: 1_000 },
  );
  const equality = equalityDeletes(
    memory,
    'equality',
    schema.fields,
    Array.from({ length: 1_000 }, (_, i) => ({
      id: BigInt(i),
      kind: 'none',
      payload: new Uint8Array(1_000),
    })),
    { equalityIds: [1] },
  );
  const metadata = withSnapshot(emptyTable([schema]), memory, [
    { file: data, sequenceNumber: 1n },
    { file: { ...positions, referencedDataFile: data.filePath }, sequenceNumber: 2n },
    { file: equality, sequenceNumber: 2n },
  ]);
  expect(await count(scanRows(metadata, io, { columns: ['kind'] }))).toBe(rowCount - 1_000);
  // Of the positions the row groups that name the data file, of the equality deletes one column of three.
  expect(io.bytesRead(positions.filePath)).toBeLessThan(0.15 * positions.fileSizeInBytes);
  expect(io.bytesRead(equality.filePath)).toBeLessThan(0.1 * equality.fileSizeInBytes);
  expect(io.bytesRead(data.filePath)).toBeLessThan(0.06 * data.fileSizeInBytes);
});
