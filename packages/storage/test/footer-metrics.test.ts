/**
 * The metrics that the writer measures of the rows and those that the table format takes from the file's footer are made
 * by two packages that share no code. Of the same file they say the same.
 */

import { createTableMetadata, type DataFile, describeParquetFile } from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';
import { createParquetEncoder, type WriterField } from '@danube/parquet-writer';
import { afterAll, expect, test } from 'vitest';

const fields = [
  { id: 1, name: 'n', required: true, type: 'long' },
  { id: 2, name: 'text', required: false, type: 'string' },
  { id: 3, name: 'bytes', required: false, type: 'binary' },
  { id: 4, name: 'ratio', required: false, type: 'double' },
  { id: 5, name: 'at', required: true, type: 'timestamptz' },
  { id: 6, name: 'nothing', required: false, type: 'int' },
] as const satisfies readonly WriterField[];

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

const hex = (map: ReadonlyMap<number, Uint8Array> | undefined) =>
  Object.fromEntries([...(map ?? [])].map(([id, value]) => [id, Buffer.from(value).toString('hex')]));

const view = (file: Omit<DataFile, 'content' | 'filePath' | 'fileFormat' | 'partition' | 'specId'>) => ({
  recordCount: file.recordCount,
  fileSizeInBytes: file.fileSizeInBytes,
  columnSizes: Object.fromEntries(file.columnSizes ?? []),
  valueCounts: Object.fromEntries(file.valueCounts ?? []),
  nullValueCounts: Object.fromEntries(file.nullValueCounts ?? []),
  lowerBounds: hex(file.lowerBounds),
  upperBounds: hex(file.upperBounds),
  splitOffsets: file.splitOffsets,
});

test.each(['truncate(16)', 'full'] as const)('writer and footer agree on %s', async (mode) => {
  const writer = encoder.open({ fields, metrics: { default: mode } });
  const count = 50;
  const rows = Array.from({ length: count }, (_, i) => i);
  await writer.write({
    rowCount: count,
    columns: {
      n: BigInt64Array.from(rows, (i) => 2n ** 53n + BigInt(i * 7919) - 100_000n),
      text: rows.map((i) => (i % 5 === 0 ? null : `${'\u{10ffff}'.repeat(i % 20)}é${i}`)),
      bytes: rows.map((i) => (i % 7 === 0 ? null : new Uint8Array(i).fill(255))),
      ratio: rows.map((i) => (i % 3 === 0 ? null : i === 1 ? 0 : -i / 4)),
      at: BigInt64Array.from(rows, (i) => BigInt(i - 10) * 1_000_001n),
    },
  });
  const written = await writer.finish();
  const io = createMemoryFileIO();
  const filePath = 'mem://t/data/0.parquet';
  io.files.set(filePath, written.bytes);
  const metadata = createTableMetadata({
    location: 'mem://t',
    schema: { fields },
    properties: { 'write.metadata.metrics.default': mode },
  });
  const described = await describeParquetFile(io, metadata, filePath);
  expect(view(described)).toEqual(view(written));
});
