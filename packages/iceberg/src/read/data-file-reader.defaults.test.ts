import { expect, test } from 'vitest';
import { encodeParquet } from '../../test/support/parquet-file.ts';
import { IcebergError } from '../errors.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { NestedField } from '../metadata/schema.ts';
import { describeParquetFile } from '../metrics/describe-parquet-file.ts';
import { openDataFile } from './data-file-reader.ts';

const io = createMemoryFileIO();
const stored: NestedField = { id: 1, name: 'n', required: true, type: 'long' };
const broken: NestedField = { id: 2, name: 'since', required: true, type: 'date', initialDefault: 'soon' };
const filePath = 'mem://t/data/f.parquet';
const bytes = encodeParquet([stored], [{ n: 1n }]);
io.files.set(filePath, bytes);

async function failureOf(call: Promise<unknown>): Promise<IcebergError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (IcebergError.is(error)) return error;
  throw new Error('no IcebergError was thrown');
}

function expectNamed(error: IcebergError): void {
  expect(error.code).toBe('INVALID_METADATA');
  expect(error.message).toContain('mem://t/data/f.parquet lacks the field since (id 2)');
  expect(error.message).toContain('is no date: "soon"');
  expect(error.context).toMatchObject({ file: filePath, field: 'since', fieldId: 2, type: 'date' });
}

test('a default that is no value of its type is an error naming file and field, where rows are read', async () => {
  const common = { content: 'data', fileFormat: 'PARQUET', specId: 0, recordCount: 1 } as const;
  const file = { ...common, filePath, fileSizeInBytes: bytes.length, partition: [] };
  const reader = await openDataFile(io, file, { fields: [stored, broken] });
  expectNamed(await failureOf(reader.readRows()));
});

test('and where a partition value is found from it', async () => {
  const metadata = createTableMetadata({ location: 'mem://t', schema: { fields: [stored] } });
  const spec = {
    specId: 0,
    fields: [{ sourceId: 2, fieldId: 1000, name: 'since', transform: 'identity' as const }],
  };
  const table = {
    ...metadata,
    schemas: [{ schemaId: 0, fields: [stored, broken] }],
    partitionSpecs: [spec],
  };
  expectNamed(await failureOf(describeParquetFile(io, table, filePath)));
});
