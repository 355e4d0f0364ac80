import { describe, expect, test } from 'vitest';
import {
  deletionVectors,
  emptyTable,
  equalityDeletes,
  parquetFile,
  positionDeletes,
  withSnapshot,
} from '../../test/support/delete-table.ts';
import { createDeleteFileCache } from '../deletes/delete-file-cache.ts';
import { IcebergError } from '../errors.ts';
import { eq, gtEq, lt } from '../expression/expression.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { Row } from '../metadata/row.ts';
import type { NestedField, Schema, Type } from '../metadata/schema.ts';
import type { ScanOptions } from './scan-options.ts';
import { planFiles } from './scan-plan.ts';
import { readTask, scanRows } from './scan-rows.ts';

const optional = (id: number, name: string, type: Type): NestedField => ({ id, name, required: false, type });
const id = optional(1, 'id', 'long');
const name = optional(2, 'name', 'string');
const ratio = optional(3, 'ratio', 'double');
const raw = optional(4, 'raw', 'binary');
const place = optional(5, 'place', {
  type: 'struct',
  fields: [optional(6, 'city', 'string'), optional(7, 'zip', 'int')],
});
const schema: Schema = { schemaId: 0, fields: [id, name, ratio, raw, place] };

const row = (values: Partial<Record<string, Row[string]>>): Row => ({
  ...Object.fromEntries(schema.fields.map((field) => [field.name, null])),
  ...(values as Row),
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface Scenario {
  readonly rows: readonly Row[];
  readonly fileFields?: readonly NestedField[];
  readonly schemas?: readonly Schema[];
  /** Delete files, all one commit later than the data. */
  readonly deletes: (io: MemoryFileIO, data: DataFile) => readonly DataFile[];
  readonly options?: ScanOptions;
  readonly rowsPerGroup?: number;
}

/** What a scan gives of one data file and its delete files. */
async function scan(scenario: Scenario): Promise<Row[]> {
  const { rows, fileFields = schema.fields, schemas = [schema], deletes, options, rowsPerGroup } = scenario;
  const io = createMemoryFileIO();
  const data = parquetFile(io, 'rows', fileFields, rows, {}, rowsPerGroup ? { rowsPerGroup } : {});
  const files = [
    { file: data, sequenceNumber: 1n },
    ...deletes(io, data).map((file) => ({ file, sequenceNumber: 2n })),
  ];
  return collect(scanRows(withSnapshot(emptyTable(schemas), io, files), io, options));
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => row({ id: BigInt(i), name: `n${i % 3}` }));
const idsOf = (rows: readonly Row[]) => rows.map((each) => each['id']);

describe('deletes by position', () => {
  const deleted = [0, 3, 4, 9];
  const rest = [1n, 2n, 5n, 6n, 7n, 8n];

  test.each<[string, Scenario['deletes']]>([
    [
      'a position delete file',
      (io, data) => [
        positionDeletes(
          io,
          'p',
          deleted.map((i) => [data.filePath, i] as const),
        ),
      ],
    ],
    [
      'several, which say some positions twice and speak of other files too',
      (io, data) => [
        positionDeletes(io, 'p', [
          [data.filePath, 0],
          [data.filePath, 3],
          ['mem://table/data/other', 5],
        ]),
        positionDeletes(io, 'q', [
          [`${data.filePath}x`, 6],
          [data.filePath, 3],
          [data.filePath, 4],
          [data.filePath, 9],
        ]),
      ],
    ],
    ['a deletion vector', (io, data) => deletionVectors(io, 'dv', [{ of: data, positions: deleted }])],
    [
      'a deletion vector, which hides position deletes of before',
      (io, data) => [
        positionDeletes(io, 'p', [[data.filePath, 1]]),
        ...deletionVectors(io, 'dv', [{ of: data, positions: deleted }]),
      ],
    ],
    [
      'a file that names its data file',
      (io, data) => [
        positionDeletes(
          io,
          'p',
          deleted.map((i) => [data.filePath, i] as const),
          { referencedDataFile: data.filePath },
        ),
      ],
    ],
  ])('%s', async (_what, deletes) => {
    const rows = numbered(10);
    expect(idsOf(await scan({ rows, deletes }))).toEqual(rest);
    expect(await scan({ rows, deletes, options: { columns: ['name'], batchBytes: 1 } })).toEqual(
      rest.map((each) => ({ name: `n${each % 3n}` })),
    );
  });

  test('count from the beginning of the file, whatever row groups the filter leaves out', async () => {
    const deletes: Scenario['deletes'] = (io, data) => [
      positionDeletes(
        io,
        'p',
        [2, 5, 7].map((i) => [data.filePath, i] as const),
      ),
    ];
    const scanOf = (filter: ScanOptions['filter']) =>
      scan({ rows: numbered(10), rowsPerGroup: 2, deletes, options: filter ? { filter } : {} });
    expect(idsOf(await scanOf(gtEq('id', 5n)))).toEqual([6n, 8n, 9n]);
    expect(idsOf(await scanOf(lt('id', 4n)))).toEqual([0n, 1n, 3n]);
    expect(idsOf(await scanOf(eq('name', 'n2')))).toEqual([8n]);
  });

  test('a position that the data file does not have is DATA_FILE_CORRUPT naming the delete file', async () => {
    for (const position of [10, -1, 2 ** 60]) {
      const deletes: Scenario['deletes'] = (io, data) => [
        positionDeletes(io, 'p', [[data.filePath, position]]),
      ];
      const error: unknown = await scan({ rows: numbered(10), deletes }).catch((thrown: unknown) => thrown);
      expect(IcebergError.is(error, 'DATA_FILE_CORRUPT')).toBe(true);
      expect((error as Error).message).toContain(
        'mem://table/data/p.parquet: deletes of mem://table/data/rows',
      );
    }
  });
});

describe('deletes by equality', () => {
  /** The ids of rows left when these keys are deleted. */
  const left = async (
    rows: readonly Row[],
    fields: readonly NestedField[],
    keys: readonly Row[],
    more: Partial<Scenario> = {},
  ) => idsOf(await scan({ rows, deletes: (io) => [equalityDeletes(io, 'e', fields, keys)], ...more }));

  test('null equals null, and nothing else', async () => {
    const rows = [row({ id: 1n }), row({ id: 2n, name: '' }), row({ id: 3n, name: 'null' })];
    expect(await left(rows, [name], [{ name: null }])).toEqual([2n, 3n]);
    expect(await left(rows, [name], [{ name: '' }])).toEqual([1n, 3n]);
  });

  test('NaN equals NaN; -0 and 0 are two values, as in Java', async () => {
    const ratios = [Number.NaN, 0, -0, 1, null];
    const rows = ratios.map((value, i) => row({ id: BigInt(i), ratio: value }));
    expect(await left(rows, [ratio], [{ ratio: Number.NaN }])).toEqual([1n, 2n, 3n, 4n]);
    expect(await left(rows, [ratio], [{ ratio: 0 }])).toEqual([0n, 2n, 3n, 4n]);
    expect(await left(rows, [ratio], [{ ratio: -0 }])).toEqual([0n, 1n, 3n, 4n]);
    expect(
      await left(
        rows,
        [ratio, id],
        [
          { ratio: -0, id: 2n },
          { ratio: -0, id: 1n },
        ],
      ),
    ).toEqual([0n, 1n, 3n, 4n]);
  });

  test('bytes by value, several columns all together, in any order of their ids', async () => {
    const rows = [
      row({ id: 1n, raw: Uint8Array.of(0xff, 0), name: 'a' }),
      row({ id: 2n, raw: Uint8Array.of(0xff), name: 'a' }),
      row({ id: 3n, raw: null, name: 'a' }),
      row({ id: 4n, raw: new Uint8Array(0), name: null }),
    ];
    expect(await left(rows, [raw], [{ raw: Uint8Array.of(0xff) }])).toEqual([1n, 3n, 4n]);
    expect(await left(rows, [raw, name], [{ raw: new Uint8Array(0), name: null }])).toEqual([1n, 2n, 3n]);
    expect(
      await left(
        rows,
        [name, raw],
        [
          { raw: null, name: 'a' },
          { raw: null, name: null },
        ],
      ),
    ).toEqual([1n, 2n, 4n]);
  });

  test('several columns are compared one by one, not as one text', async () => {
    const b = (text: string) => Buffer.from(text);
    const rows = [
      row({ id: 1n, name: 'a', raw: b('b:c') }),
      row({ id: 2n, name: 'a:b', raw: b('c') }),
      row({ id: 3n, name: null, raw: b('') }),
      row({ id: 4n, name: 'n', raw: b('') }),
      row({ id: 5n, name: '0:', raw: null }),
      row({ id: 6n, name: '', raw: b('n') }),
    ];
    for (const gone of rows) {
      const key = { name: gone['name'] ?? null, raw: gone['raw'] ?? null };
      const rest = idsOf(rows).filter((each) => each !== gone['id']);
      expect(await left(rows, [name, raw], [key])).toEqual(rest);
    }
  });

  test('columns that are not asked for are read for it and taken away again', async () => {
    const rows = numbered(6);
    const deletes: Scenario['deletes'] = (io) => [equalityDeletes(io, 'e', [name], [{ name: 'n1' }])];
    expect(await scan({ rows, deletes, options: { columns: ['id'] } })).toEqual(
      [0n, 2n, 3n, 5n].map((each) => ({ id: each })),
    );
    const filtered = await scan({ rows, deletes, options: { columns: ['ratio'], filter: gtEq('id', 3n) } });
    expect(filtered).toEqual([{ ratio: null }, { ratio: null }]);
    expect(await scan({ rows, deletes, options: { columns: [] } })).toEqual([{}, {}, {}, {}]);
  });

  test('fields of structs; a struct that is null has null in them', async () => {
    const rows = [
      row({ id: 1n, place: { city: 'Ulm', zip: 1 } }),
      row({ id: 2n, place: { city: null, zip: 1 } }),
      row({ id: 3n, place: null }),
      row({ id: 4n, place: { city: 'Ulm', zip: 2 } }),
    ];
    const key = {
      ...place,
      type: { type: 'struct', fields: [optional(6, 'city', 'string'), optional(7, 'zip', 'int')] },
    };
    const deletesOf =
      (ids: readonly number[], keys: readonly Row[]): Scenario['deletes'] =>
      (io) => [equalityDeletes(io, 'e', [key as NestedField], keys, { equalityIds: ids })];
    const scanOf = async (ids: readonly number[], keys: readonly Row[], columns = ['id']) =>
      idsOf(await scan({ rows, deletes: deletesOf(ids, keys), options: { columns } }));
    const city = (value: string | null, zip: number | null = null): Row => ({ place: { city: value, zip } });
    expect(await scanOf([6], [city('Ulm')])).toEqual([2n, 3n]);
    expect(await scanOf([6], [city(null)])).toEqual([1n, 4n]);
    expect(await scanOf([6, 7], [city('Ulm', 2)])).toEqual([1n, 2n, 3n]);
    expect(await scanOf([7, 6], [city('Ulm', 2)], ['place', 'id'])).toEqual([1n, 2n, 3n]);
  });

  test('a column renamed and widened since is compared as it is now', async () => {
    const before = optional(1, 'old_id', 'int');
    const widened: Schema = { schemaId: 1, fields: [id, name] };
    const result = await scan({
      fileFields: [before, name],
      rows: [1, 2, 3].map((value) => ({ old_id: value, name: null })),
      schemas: [{ schemaId: 0, fields: [before, name] }, widened],
      deletes: (io) => [
        equalityDeletes(io, 'e', [before], [{ old_id: 1 }]),
        equalityDeletes(io, 'f', [id], [{ id: 3n }]),
      ],
    });
    expect(idsOf(result)).toEqual([2n]);
  });

  test('by a column dropped since: rows of then are gone, rows without it are kept', async () => {
    const gone: NestedField = { id: 8, name: 'name', required: true, type: 'string' };
    const schemas = [
      { schemaId: 0, fields: [id, gone] },
      { ...schema, schemaId: 1 },
    ];
    const deletes: Scenario['deletes'] = (io) => [equalityDeletes(io, 'e', [gone], [{ name: 'x' }])];
    const rows = [
      { id: 1n, name: 'x' },
      { id: 2n, name: 'y' },
    ];
    expect(idsOf(await scan({ rows, fileFields: [id, gone], schemas, deletes }))).toEqual([2n]);
    expect(idsOf(await scan({ rows, fileFields: [id, name], schemas, deletes }))).toEqual([1n, 2n]);
  });

  test('a column that data files of before lack is null in them, or its initial default', async () => {
    const added: NestedField = { ...optional(9, 'added', 'int'), initialDefault: 7 };
    const schemas = [
      { schemaId: 0, fields: [id] },
      { schemaId: 1, fields: [id, added] },
    ];
    const rows = [{ id: 1n }];
    const scanOf = (value: number | null) =>
      scan({
        rows,
        fileFields: [id],
        schemas,
        deletes: (io) => [equalityDeletes(io, 'e', [added], [{ added: value }])],
      });
    expect(await scanOf(7)).toEqual([]);
    expect(await scanOf(null)).toEqual([{ id: 1n, added: 7 }]);
  });

  test('a column that stands in the partition alone is compared with its value there', async () => {
    const spec = {
      specId: 1,
      fields: [{ sourceId: 2, fieldId: 1000, name: 'name', transform: 'identity' }],
    } as const;
    const io = createMemoryFileIO();
    const inPartition = (file: string, value: string | null) =>
      parquetFile(io, file, [id], [{ id: 1n }, { id: 2n }], { specId: 1, partition: [value] });
    const key = { name: 'a', id: 1n };
    const metadata = withSnapshot(
      emptyTable([{ schemaId: 0, fields: [id, name] }], [{ specId: 0, fields: [] }, spec]),
      io,
      [
        { file: inPartition('a', 'a'), sequenceNumber: 1n },
        { file: inPartition('b', null), sequenceNumber: 1n },
        { file: equalityDeletes(io, 'e', [name, id], [key]), sequenceNumber: 2n },
      ],
    );
    const rows = await collect(scanRows(metadata, io, { columns: ['id'] }));
    expect(idsOf(rows)).toEqual([2n, 1n, 2n]);
  });

  test('a value that stands in the partition alone is an int again in a snapshot of before it was widened', async () => {
    const part = optional(2, 'part', 'int');
    const spec = {
      specId: 0,
      fields: [{ sourceId: 2, fieldId: 1000, name: 'part', transform: 'identity' }],
    } as const;
    const io = createMemoryFileIO();
    const data = parquetFile(io, 'rows', [id], [{ id: 1n }], { partition: [5] });
    const deletes = equalityDeletes(io, 'e', [part], [{ part: 5 }], { partition: [5] });
    const added = { file: data, sequenceNumber: 1n };
    const before = emptyTable([{ schemaId: 0, fields: [id, part] }], [spec]);
    const deleted = [added, { file: deletes, sequenceNumber: 2n }];
    const table = withSnapshot(withSnapshot(before, io, [added], 1n), io, deleted, 2n);
    const widened: Schema = { schemaId: 1, fields: [id, optional(2, 'part', 'long')] };
    const now = { ...table, schemas: [...table.schemas, widened], currentSchemaId: 1 };
    for (const metadata of [table, now]) {
      const first = { snapshotId: 1n, filter: eq('part', 5) };
      expect(await collect(scanRows(metadata, io, first))).toEqual([{ id: 1n, part: 5 }]);
      expect(await collect(scanRows(metadata, io, { snapshotId: 2n }))).toEqual([]);
    }
  });

  test('an equality delete file that lacks its column deletes nothing by mistake: it is DATA_FILE_CORRUPT', async () => {
    const rows = [row({ id: 1n }), row({ id: 2n, name: 'a' })];
    const deletes: Scenario['deletes'] = (io) => [
      equalityDeletes(io, 'e', [id], [{ id: 5n }], { equalityIds: [2] }),
    ];
    const error: unknown = await scan({ rows, deletes }).catch((thrown: unknown) => thrown);
    expect(IcebergError.is(error, 'DATA_FILE_CORRUPT')).toBe(true);
    expect((error as Error).message).toContain('mem://table/data/e.parquet');
  });

  test('many delete files delete what each of them does', async () => {
    const deletes: Scenario['deletes'] = (io) =>
      Array.from({ length: 20 }, (_, i) =>
        equalityDeletes(io, `e${i}`, [id], [{ id: BigInt(4 * i) }, { id: BigInt(4 * i + 1) }]),
      );
    const left = numbered(80).filter((_, i) => i % 4 > 1);
    expect(await scan({ rows: numbered(80), deletes })).toEqual(left);
  });
});

test('deletes of all kinds together leave what none of them deletes', async () => {
  const rows = numbered(12);
  const result = await scan({
    rows,
    deletes: (io, data) => [
      ...deletionVectors(io, 'dv', [{ of: data, positions: [0, 11] }]),
      equalityDeletes(io, 'e', [name], [{ name: 'n1' }]),
      equalityDeletes(io, 'f', [id], [{ id: 2n }, { id: 5n }]),
    ],
  });
  expect(idsOf(result)).toEqual([3n, 6n, 8n, 9n]);
});

describe.each(['AVRO', 'ORC'] as const)('a delete file in %s', (fileFormat) => {
  test.each(['position-deletes', 'equality-deletes'] as const)(
    'of %s is UNSUPPORTED_FEATURE',
    async (content) => {
      const deletes: Scenario['deletes'] = (io) => [
        equalityDeletes(io, 'e', [id], [{ id: 1n }], { content, fileFormat }),
      ];
      const error: unknown = await scan({ rows: numbered(3), deletes }).catch((thrown: unknown) => thrown);
      expect(IcebergError.is(error, 'UNSUPPORTED_FEATURE')).toBe(true);
      expect((error as Error).message).toContain(`mem://table/data/e.parquet: files of format ${fileFormat}`);
    },
  );
});

describe('a delete file that is damaged is DATA_FILE_CORRUPT naming it', () => {
  const damaged: readonly [string, (io: MemoryFileIO, file: DataFile) => DataFile][] = [
    [
      'cut',
      (io, file) => {
        io.files.set(file.filePath, (io.files.get(file.filePath) as Uint8Array).subarray(0, -9));
        return file;
      },
    ],
    ['of other length', (_io, file) => ({ ...file, fileSizeInBytes: file.fileSizeInBytes - 1 })],
    ['of another number of rows', (_io, file) => ({ ...file, recordCount: file.recordCount + 1 })],
    [
      'not Parquet',
      (io, file) => {
        io.files.set(file.filePath, new Uint8Array(file.fileSizeInBytes));
        return file;
      },
    ],
  ];
  test.each(damaged)('%s', async (_what, damage) => {
    const kinds: Scenario['deletes'][] = [
      (io, data) => [damage(io, positionDeletes(io, 'd', [[data.filePath, 1]]))],
      (io, data) => [
        damage(io, positionDeletes(io, 'd', [[data.filePath, 1]], { referencedDataFile: data.filePath })),
      ],
      (io) => [damage(io, equalityDeletes(io, 'd', [id], [{ id: 1n }]))],
    ];
    for (const deletes of kinds) {
      const error: unknown = await scan({ rows: numbered(3), deletes }).catch((thrown: unknown) => thrown);
      expect(IcebergError.is(error, 'DATA_FILE_CORRUPT')).toBe(true);
      expect((error as Error).message).toContain('mem://table/data/d.parquet');
    }
  });

  test('a path or position that is null', async () => {
    const nullable = [optional(2147483546, 'file_path', 'string'), optional(2147483545, 'pos', 'long')];
    for (const values of [
      { pos: 1n, file_path: null },
      { pos: null, file_path: 'mem://table/data/rows.parquet' },
    ]) {
      const deletes: Scenario['deletes'] = (io) => [
        parquetFile(io, 'd', nullable, [values], { content: 'position-deletes' }),
      ];
      const error: unknown = await scan({ rows: numbered(3), deletes }).catch((thrown: unknown) => thrown);
      expect(IcebergError.is(error, 'DATA_FILE_CORRUPT')).toBe(true);
    }
  });
});

describe('delete files that concern many data files', () => {
  const table = () => {
    const io = createMemoryFileIO();
    const data = Array.from({ length: 10 }, (_, i) =>
      parquetFile(io, `rows${i}`, schema.fields, numbered(20)),
    );
    const deletes = [
      positionDeletes(
        io,
        'p',
        data.flatMap(({ filePath }, i) => [[filePath, i] as const, [filePath, 19] as const]),
        {},
        { rowsPerGroup: 2 },
      ),
      equalityDeletes(io, 'e', [id], [{ id: 11n }]),
    ];
    const metadata = withSnapshot(emptyTable([schema]), io, [
      ...data.map((file) => ({ file, sequenceNumber: 1n })),
      ...deletes.map((file) => ({ file, sequenceNumber: 2n })),
    ]);
    const readsOf = (which: string) => io.reads.filter((location) => location.endsWith(which)).length;
    return { io, metadata, readsOf };
  };
  const expected = (i: number) =>
    numbered(20).filter((_, position) => position !== i && position !== 19 && position !== 11);

  test('are read once for a scan', async () => {
    const { io, metadata, readsOf } = table();
    const rows = await collect(scanRows(metadata, io));
    expect(rows).toEqual(Array.from({ length: 10 }, (_, i) => expected(i)).flat());
    // Small files: the tail is the file.
    expect([readsOf('/p.parquet'), readsOf('/e.parquet')]).toEqual([1, 1]);
  });

  test('are looked up for each data file when they are too large to keep, in the row groups that name it', async () => {
    const { io, metadata, readsOf } = table();
    const deleteCache = createDeleteFileCache({ maxBytes: 10 });
    const rows = await collect(scanRows(metadata, io, { deleteCache }));
    expect(rows).toEqual(Array.from({ length: 10 }, (_, i) => expected(i)).flat());
    expect(readsOf('/e.parquet')).toBe(10);
  });

  test('are read once for tasks that share a cache, also when they are read at once', async () => {
    const { io, metadata, readsOf } = table();
    const deleteCache = createDeleteFileCache();
    const tasks = await collect(planFiles(metadata, io));
    const rows = await Promise.all(
      tasks.map(async (task) => (await collect(readTask(io, task, { deleteCache }))).flat()),
    );
    expect(rows).toEqual(Array.from({ length: 10 }, (_, i) => expected(i)));
    expect([readsOf('/p.parquet'), readsOf('/e.parquet')]).toEqual([1, 1]);
  });

  test('are not read for data files of which the filter wants no row', async () => {
    const { io, metadata, readsOf } = table();
    expect(await collect(scanRows(metadata, io, { filter: eq('id', 500n) }))).toEqual([]);
    expect([readsOf('/p.parquet'), readsOf('/e.parquet')]).toEqual([0, 0]);
  });
});
