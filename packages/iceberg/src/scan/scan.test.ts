import { beforeAll, describe, expect, test } from 'vitest';
import {
  addDeletes,
  append,
  emptyRegionTable,
  regionFile,
  regionRow,
  regionSchema,
} from '../../test/support/scan-table.ts';
import { IcebergError } from '../errors.ts';
import { and, type Expression, eq, gtEq, in_, isNull, lt, notEq, or } from '../expression/expression.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { Row } from '../metadata/row.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { currentSnapshot, type TableMetadata } from '../metadata/table-metadata.ts';
import { type FileScanTask, planFiles } from './scan-plan.ts';
import { readTask, scanBatches, scanRows } from './scan-rows.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const namesOf = (tasks: readonly FileScanTask[]) =>
  tasks.map(({ dataFile }) => dataFile.filePath.replace(/^.*\/|\.parquet$/g, '')).sort();

const offset = (i: number) => 2n ** 53n + BigInt(i);

/** Three commits: regions a and b, region c, and one file whose region is null. */
let io: MemoryFileIO;
let table: TableMetadata;
let older: TableMetadata;
beforeAll(async () => {
  io = createMemoryFileIO();
  const first = await append(emptyRegionTable(), io, [regionFile(io, 'a', 'a'), regionFile(io, 'b', 'b')]);
  older = await append(first, io, [regionFile(io, 'c', 'c')]);
  table = await append(older, io, [regionFile(io, 'none', null)]);
});

const readsOf = async (action: () => Promise<unknown>) => {
  io.reads.splice(0);
  await action();
  const kinds = io.reads.map((location) =>
    location.includes('/data/') ? 'data' : location.endsWith('.avro') ? 'avro' : 'other',
  );
  return {
    avro: kinds.filter((kind) => kind === 'avro').length,
    data: kinds.filter((kind) => kind === 'data').length,
  };
};

describe('planning', () => {
  const plan = (filter?: Expression) => collect(planFiles(table, io, filter ? { filter } : {}));

  test('finds every live file with what is needed to read it', async () => {
    const tasks = await plan();
    expect(namesOf(tasks)).toEqual(['a', 'b', 'c', 'none']);
    const task = tasks.find(({ dataFile }) => dataFile.filePath.endsWith('/c.parquet'));
    expect(task).toMatchObject({ sequenceNumber: 2n, deletes: [], residual: { type: 'true' } });
    expect(task?.snapshotId).toBe(currentSnapshot(older)?.snapshotId);
    expect(task?.schema).toEqual(regionSchema);
    expect(task?.partitionSpec.fields[0]?.name).toBe('region');
  });

  test.each<[string, Expression, string[]]>([
    ['by partition value', eq('region', 'b'), ['b']],
    ['by partition order', gtEq('region', 'b'), ['b', 'c']],
    ['by null partition', isNull('region'), ['none']],
    ['by bounds', gtEq('segment_offset', offset(3000)), []],
    ['by either', or(eq('region', 'a'), lt('segment_offset', offset(0))), ['a']],
    ['by nothing, when the filter cannot tell', notEq('payload', new Uint8Array(0)), ['a', 'b', 'c', 'none']],
  ])('leaves files out %s', async (_how, filter, expected) => {
    expect(namesOf(await plan(filter))).toEqual(expected);
  });

  test('does not read manifests whose summary rules them out, nor any data', async () => {
    expect(await readsOf(() => plan())).toEqual({ avro: 4, data: 0 });
    expect(await readsOf(() => plan(eq('region', 'c')))).toEqual({ avro: 2, data: 0 });
    expect(await readsOf(() => plan(eq('region', 'zz')))).toEqual({ avro: 1, data: 0 });
    expect(await readsOf(() => plan(in_('region', [])))).toEqual({ avro: 0, data: 0 });
  });

  test('a table without snapshot has no files', async () => {
    expect(await collect(planFiles(emptyRegionTable(), io))).toEqual([]);
  });

  test('an unknown snapshot and a filter that does not fit are told at once', () => {
    expect(() => planFiles(table, io, { snapshotId: 1n })).toThrow('SNAPSHOT_NOT_FOUND');
    expect(() => scanRows(table, io, { filter: eq('nope', 1) })).toThrow('INVALID_ARGUMENT: no column nope');
    expect(() => scanRows(table, io, { columns: ['nope'] })).toThrow('INVALID_ARGUMENT: no column nope');
  });

  test('a damaged manifest is an INVALID_MANIFEST that names it', async () => {
    const damaged = createMemoryFileIO();
    for (const [location, bytes] of io.files) damaged.files.set(location, bytes);
    const manifest = [...io.files.keys()].find((location) => /-m0\.avro$/.test(location)) as string;
    damaged.files.set(manifest, (io.files.get(manifest) as Uint8Array).subarray(0, 200));
    const error: unknown = await collect(planFiles(table, damaged)).catch((thrown: unknown) => thrown);
    expect(IcebergError.is(error, 'INVALID_MANIFEST')).toBe(true);
    expect((error as Error).message).toContain(manifest);
  });
});

describe('rows', () => {
  const everything = ['a', 'b', 'c', null].flatMap((region) =>
    Array.from({ length: 3000 }, (_, i) => regionRow(region, i)),
  );
  const key = (row: Readonly<Record<string, unknown>>) => `${row.region} ${row.segment_offset}`;
  const sorted = (rows: readonly Readonly<Record<string, unknown>>[]) =>
    rows.toSorted((left, right) => (key(left) < key(right) ? -1 : 1));

  test.each<[string, Expression | undefined, (row: Record<string, unknown>) => boolean]>([
    ['all', undefined, () => true],
    [
      'a window of offsets',
      and(gtEq('segment_offset', offset(1990)), lt('segment_offset', offset(2010))),
      (row) =>
        (row.segment_offset as bigint) >= offset(1990) && (row.segment_offset as bigint) < offset(2010),
    ],
    [
      'one column stored and one from the partition',
      or(and(eq('region', 'a'), eq('routing_key', 'k3')), and(isNull('region'), isNull('routing_key'))),
      (row) =>
        (row.region === 'a' && row.routing_key === 'k3') || (row.region === null && row.routing_key === null),
    ],
    ['a region that is not', notEq('region', 'a'), (row) => row.region !== 'a' && row.region !== null],
  ])('%s', async (_what, filter, expected) => {
    const rows = await collect(scanRows(table, io, filter ? { filter } : {}));
    expect(sorted(rows)).toEqual(sorted(everything.filter(expected)));
  });

  test('only the columns asked for, though the filter needs another', async () => {
    const filter = and(eq('region', 'b'), eq('segment_offset', offset(7)));
    const rows = await collect(scanRows(table, io, { filter, columns: ['topic_name'] }));
    expect(rows).toEqual([{ topic_name: '/default/t0' }]);
  });

  test('come in batches with the file they are from, each small, none empty', async () => {
    let rows = 0;
    for await (const batch of scanBatches(table, io, {
      batchBytes: 4096,
      filter: gtEq('segment_offset', offset(2500)),
    })) {
      expect(batch.rows.length).toBeGreaterThan(0);
      expect(batch.rows.length).toBeLessThan(200);
      for (const row of batch.rows) expect(row.region).toBe(batch.task.dataFile.partition[0]);
      rows += batch.rows.length;
    }
    expect(rows).toBe(4 * 500);
  });

  test('a scan that is given up reads no further', async () => {
    const reads = await readsOf(async () => {
      for await (const row of scanRows(table, io, { columns: ['segment_offset'] })) {
        expect(row).toEqual({ segment_offset: offset(0) });
        break;
      }
    });
    expect(reads.data).toBeLessThanOrEqual(3);
  });

  test('of an older snapshot are those of then, with the columns of then', async () => {
    const snapshotId = currentSnapshot(older)?.snapshotId as bigint;
    const now: TableMetadata = {
      ...table,
      schemas: [
        regionSchema,
        {
          schemaId: 1,
          fields: regionSchema.fields.map((field) =>
            field.id === 6 ? { ...field, name: 'position' } : field,
          ),
        },
      ],
      currentSchemaId: 1,
    };
    const [first] = await collect(
      scanRows(now, io, { filter: eq('position', offset(1)), columns: ['position'] }),
    );
    expect(first).toEqual({ position: offset(1) });
    const then = await collect(scanRows(now, io, { snapshotId, filter: eq('segment_offset', offset(1)) }));
    expect(then.map((row) => row.region).sort()).toEqual(['a', 'b', 'c']);
  });

  test('of tasks planned before can be read apart', async () => {
    const tasks = await collect(planFiles(table, io, { filter: eq('segment_offset', offset(2)) }));
    const rows: Row[] = [];
    for (const task of tasks)
      for await (const part of readTask(io, task, { columns: ['region'] })) rows.push(...part);
    expect(rows.map((row) => row.region).sort()).toEqual(['a', 'b', 'c', null]);
  });
});

describe('delete files', () => {
  const deleteFile = (name: string, region: string | null, extra: Partial<DataFile>): DataFile => ({
    ...regionFile(createMemoryFileIO(), name, region),
    content: 'position-deletes',
    ...extra,
  });
  const pathBounds = (name: string) => {
    const bound = new Map([[2147483546, encodeSingleValue('string', `mem://table/data/${name}.parquet`)]]);
    return { lowerBounds: bound, upperBounds: bound };
  };

  /** The files that have deletes once these delete files are there. */
  async function concerned(sequenceNumber: bigint, ...files: DataFile[]): Promise<string[]> {
    const fresh = createMemoryFileIO();
    const one = await append(emptyRegionTable(), fresh, [
      regionFile(fresh, 'a1', 'a'),
      regionFile(fresh, 'b1', 'b'),
    ]);
    const two = await append(one, fresh, [regionFile(fresh, 'a2', 'a')]);
    await addDeletes(two, fresh, files, sequenceNumber);
    const tasks = await collect(planFiles(two, fresh));
    return namesOf(tasks.filter(({ deletes }) => deletes.length > 0));
  }

  test('concern files of their partition that are not younger', async () => {
    const bounds = { lowerBounds: new Map(), upperBounds: new Map() };
    expect(await concerned(2n, deleteFile('d', 'a', bounds))).toEqual(['a1', 'a2']);
    expect(await concerned(1n, deleteFile('d', 'a', bounds))).toEqual(['a1']);
    const equality = { ...bounds, content: 'equality-deletes', equalityIds: [6] } as const;
    expect(await concerned(2n, deleteFile('d', 'a', equality))).toEqual(['a1']);
    expect(await concerned(3n, deleteFile('d', 'b', equality))).toEqual(['b1']);
    expect(await concerned(3n, deleteFile('d', null, bounds))).toEqual([]);
  });

  test('concern only the file they name, when they name one', async () => {
    expect(await concerned(2n, deleteFile('d', 'a', pathBounds('a2')))).toEqual(['a2']);
    const referencedDataFile = 'mem://table/data/a1.parquet';
    expect(await concerned(2n, deleteFile('d', 'a', { referencedDataFile }))).toEqual(['a1']);
  });

  test('in a format that is not read make reading their files an error, never rows that were deleted', async () => {
    const fresh = createMemoryFileIO();
    const metadata = await append(emptyRegionTable(), fresh, [
      regionFile(fresh, 'a1', 'a'),
      regionFile(fresh, 'b1', 'b'),
    ]);
    await addDeletes(
      metadata,
      fresh,
      [deleteFile('d', 'a', { ...pathBounds('a1'), fileFormat: 'AVRO' })],
      1n,
    );
    const error: unknown = await collect(scanRows(metadata, fresh)).catch((thrown: unknown) => thrown);
    expect(IcebergError.is(error, 'UNSUPPORTED_FEATURE')).toBe(true);
    expect((error as Error).message).toContain('mem://table/data/d.parquet: files of format AVRO');
    const others = await collect(
      scanRows(metadata, fresh, { filter: eq('region', 'b'), columns: ['region'] }),
    );
    expect(others.length).toBe(3000);
  });
});
