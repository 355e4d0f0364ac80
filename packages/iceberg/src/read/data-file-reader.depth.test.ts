import { expect, test } from 'vitest';
import { type ThriftField, thriftStruct } from '../../test/support/thrift-writer.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { NestedField, Type } from '../metadata/schema.ts';
import { maxTypeDepth } from '../metadata/schema-json.ts';
import { currentSchema } from '../metadata/table-metadata.ts';
import { describeParquetFile } from '../metrics/describe-parquet-file.ts';
import { openDataFile } from './data-file-reader.ts';

const io = createMemoryFileIO();

/** A column of lists in lists, with ids as a new table has them. */
function listsOf(depth: number): NestedField {
  let type: Type = 'int';
  for (let level = depth; level > 0; level -= 1) {
    type = { type: 'list', elementId: level + 1, elementRequired: false, element: type };
  }
  return { id: 1, name: 'deep', required: false, type };
}

/** A Parquet file with one row: a 7 in as many lists, each of three levels. */
function deepFile(depth: number): DataFile {
  const element = (repetition: number, name: string, rest: ThriftField[]): ThriftField[] => [
    [3, 'i32', repetition],
    [4, 'text', name],
    ...rest,
  ];
  const schema: ThriftField[][] = [
    [
      [4, 'text', 'root'],
      [5, 'i32', 1],
    ],
  ];
  for (let level = 1; level <= depth; level += 1) {
    const name = level === 1 ? 'deep' : 'element';
    schema.push(
      element(1, name, [
        [5, 'i32', 1],
        [6, 'i32', 3],
        [9, 'i32', level],
      ]),
    );
    schema.push(element(2, 'list', [[5, 'i32', 1]]));
  }
  schema.push([[1, 'i32', 1], ...element(1, 'element', [[9, 'i32', depth + 1]])]);
  // One run of one value in each: the first entry of the row, and there to the last level.
  const run = (level: number) => Uint8Array.of(2, 0, 0, 0, 2, level);
  const data = Buffer.concat([run(0), run(2 * depth + 1), Uint8Array.of(7, 0, 0, 0)]);
  const header = thriftStruct([
    [1, 'i32', 0],
    [2, 'i32', data.length],
    [3, 'i32', data.length],
    [
      5,
      'struct',
      [
        [1, 'i32', 1],
        [2, 'i32', 0],
        [3, 'i32', 3],
        [4, 'i32', 3],
      ],
    ],
  ]);
  const size = header.length + data.length;
  const chunk: ThriftField[] = [
    [1, 'i32', 1],
    [2, 'i32s', [0, 3]],
    [3, 'texts', ['deep']],
    [4, 'i32', 0],
    [5, 'i64', 1],
    [6, 'i64', size],
    [7, 'i64', size],
    [9, 'i64', 4],
  ];
  const columns: ThriftField[] = [
    [2, 'i64', 4],
    [3, 'struct', chunk],
  ];
  const footer = thriftStruct([
    [1, 'i32', 1],
    [2, 'structs', schema],
    [3, 'i64', 1],
    [
      4,
      'structs',
      [
        [
          [1, 'structs', [columns]],
          [2, 'i64', size],
          [3, 'i64', 1],
        ],
      ],
    ],
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  const magic = Buffer.from('PAR1');
  const bytes = Buffer.concat([magic, header, data, footer, length, magic]);
  const filePath = `mem://deep-${depth}.parquet`;
  io.files.set(filePath, bytes);
  const common = { content: 'data', fileFormat: 'PARQUET', specId: 0, recordCount: 1 } as const;
  return { ...common, filePath, fileSizeInBytes: bytes.length, partition: [] };
}

test('lists as deep as a table may have them are described and read', async () => {
  const metadata = createTableMetadata({ location: 'mem://t', schema: { fields: [listsOf(maxTypeDepth)] } });
  const file = deepFile(maxTypeDepth);
  const described = await describeParquetFile(io, metadata, file.filePath);
  expect(described.recordCount).toBe(1);
  const reader = await openDataFile(io, described, currentSchema(metadata));
  const [row] = await reader.readRows();
  let value: unknown = row?.['deep'];
  for (let level = 0; level < maxTypeDepth; level += 1) {
    expect(value).toHaveLength(1);
    value = (value as unknown[])[0];
  }
  expect(value).toBe(7);
});

test('deeper ones are refused, naming the file', async () => {
  const file = deepFile(maxTypeDepth + 1);
  const opening = openDataFile(io, file, { fields: [listsOf(maxTypeDepth + 1)] });
  await expect(opening).rejects.toThrow(/^DATA_FILE_CORRUPT: mem:\/\/deep-101\.parquet.* nested too deeply/);
});
