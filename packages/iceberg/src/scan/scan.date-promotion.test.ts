import { expect, test } from 'vitest';
import { encodeParquet } from '../../test/support/parquet-file.ts';
import { append } from '../../test/support/scan-table.ts';
import { eq, gt, isNull } from '../expression/expression.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { Row } from '../metadata/row.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { openDataFile } from '../read/data-file-reader.ts';
import { planFiles } from './scan-plan.ts';
import { scanRows } from './scan-rows.ts';

const io = createMemoryFileIO();

/** A table partitioned by a date, with files of which one lacks the column: its rows have it from the partition. */
async function tableOfDates(): Promise<TableMetadata> {
  const fields = [
    { id: 1, name: 'n', required: true, type: 'long' },
    { id: 2, name: 'd', required: false, type: 'date' },
  ] as const;
  const metadata = createTableMetadata({
    location: 'mem://dates',
    schema: { fields: [...fields] },
    partitionSpec: { fields: [{ sourceId: 2, name: 'd', transform: 'identity' }] },
  });
  const file = (name: string, d: number | null, stored: boolean): DataFile => {
    const filePath = `mem://dates/data/${name}.parquet`;
    const bytes = encodeParquet(stored ? fields : fields.slice(0, 1), [{ n: BigInt(name), d }]);
    io.files.set(filePath, bytes);
    const fileSizeInBytes = bytes.length;
    const common = { content: 'data', fileFormat: 'PARQUET', specId: 0, recordCount: 1 } as const;
    return { ...common, filePath, fileSizeInBytes, partition: [d] };
  };
  return append(metadata, io, [file('1', 20_000, true), file('2', -1, false), file('3', null, false)]);
}

/** Format v3 lets a date become a timestamp; the manifests stay as they are. */
function promoted(metadata: TableMetadata, type: 'timestamp' | 'timestamp_ns'): TableMetadata {
  const [schema] = metadata.schemas;
  if (!schema) throw new Error('no schema');
  const fields = schema.fields.map((field) => (field.name === 'd' ? { ...field, type } : field));
  return {
    ...metadata,
    formatVersion: 3,
    schemas: [schema, { ...schema, schemaId: 1, fields }],
    currentSchemaId: 1,
  };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const numbersOf = (rows: readonly Row[]) => rows.map((row) => Number(row['n'])).sort();

test.each([
  ['timestamp', 86_400_000_000n],
  ['timestamp_ns', 86_400_000_000_000n],
] as const)('an identity partition of dates is found as %s', async (type, perDay) => {
  const table = promoted(await tableOfDates(), type);
  const rows = await collect(scanRows(table, io));
  expect(new Map(rows.map((row) => [row['n'], row['d']]))).toEqual(
    new Map([
      [1n, 20_000n * perDay],
      [2n, -perDay],
      [3n, null],
    ]),
  );
  const found = async (filter: Parameters<typeof eq>[1]) =>
    numbersOf(await collect(scanRows(table, io, { filter: eq('d', filter) })));
  expect(await found(20_000n * perDay)).toEqual([1]);
  expect(await found(-perDay)).toEqual([2]);
  expect(await found(20_000n)).toEqual([]);
  expect(numbersOf(await collect(scanRows(table, io, { filter: isNull('d') })))).toEqual([3]);
  const tasks = await collect(planFiles(table, io, { filter: gt('d', 0n) }));
  expect(tasks.map(({ dataFile }) => dataFile.partition)).toEqual([[20_000n * perDay]]);
});

test('a snapshot from before the column became a timestamp is read with its dates', async () => {
  for (const type of ['timestamp', 'timestamp_ns'] as const) {
    const table = promoted(await tableOfDates(), type);
    const snapshotId = table.currentSnapshotId as bigint;
    const rows = await collect(scanRows(table, io, { snapshotId }));
    expect(rows.map((row) => row['d']).sort()).toEqual([-1, 20_000, null]);
    for (const [day, n] of [
      [20_000, 1],
      [-1, 2],
    ] as const) {
      const found = await collect(scanRows(table, io, { snapshotId, filter: eq('d', day) }));
      expect(numbersOf(found)).toEqual([n]);
    }
  }
});

test('a file planned with timestamps is not opened with dates: in what unit it counts is not known', async () => {
  const table = promoted(await tableOfDates(), 'timestamp');
  const [schema] = table.schemas;
  const tasks = await collect(planFiles(table, io, { filter: eq('d', -86_400_000_000n) }));
  const { dataFile, partitionSpec } = tasks[0] as (typeof tasks)[0];
  const reader = await openDataFile(io, dataFile, schema as typeof schema & object, { partitionSpec });
  await expect(reader.readRows()).rejects.toThrow(/^INVALID_ARGUMENT: the partition value -86400000000 /);
});
