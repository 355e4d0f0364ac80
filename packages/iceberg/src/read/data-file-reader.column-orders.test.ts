import { expect, test } from 'vitest';
import { encodeParquet } from '../../test/support/parquet-file.ts';
import { eq } from '../expression/expression.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { NestedField } from '../metadata/schema.ts';
import { openDataFile } from './data-file-reader.ts';

const fields: NestedField[] = [{ id: 1, name: 's', required: true, type: 'string' }];

/** Bounds as signed bytes have them, where é is below a: they are only bounds to whoever knows that. */
async function rangesOf(columnOrders: boolean, wanted: string) {
  const io = createMemoryFileIO();
  const bytes = encodeParquet(fields, [{ s: 'a' }, { s: 'é' }], {
    statistics: false,
    columnOrders,
    pageIndex: { min: 'é', max: 'a' },
  });
  io.files.set('mem://f.parquet', bytes);
  const reader = await openDataFile(
    io,
    {
      content: 'data',
      filePath: 'mem://f.parquet',
      fileFormat: 'PARQUET',
      partition: [],
      specId: 0,
      recordCount: 2,
      fileSizeInBytes: bytes.length,
    },
    { fields },
  );
  expect(await reader.readRows()).toEqual([{ s: 'a' }, { s: 'é' }]);
  return reader.planRowRanges(eq('s', wanted));
}

test('a column index in an order that the footer does not tell rules no page out', async () => {
  expect(await rangesOf(false, 'é')).toEqual([{ start: 0, endExclusive: 2 }]);
  expect(await rangesOf(false, 'a')).toEqual([{ start: 0, endExclusive: 2 }]);
});

test('a column index in the order that the footer tells does', async () => {
  expect(await rangesOf(true, 'b')).toEqual([]);
});
