import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { evolve } from '../../test/support/evolve.ts';
import { nestedSchema, primitivesSchema } from '../../test/support/fixture-schemas.ts';
import { type FixtureName, fixture } from '../../test/support/fixtures.ts';
import { append } from '../../test/support/scan-table.ts';
import { and, type Expression, eq, gtEq, isNull, lt } from '../expression/expression.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { Row } from '../metadata/row.ts';
import { highestFieldId, type Schema } from '../metadata/schema.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { applyTransform } from '../metadata/transform.ts';
import { planFiles } from '../scan/scan-plan.ts';
import { scanRows } from '../scan/scan-rows.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateSchema } from './update-schema.ts';

/** A table with the ids of a golden file, which holds that file. */
async function tableOf(
  name: FixtureName,
  schema: Schema,
  metrics: Partial<DataFile> = {},
): Promise<{ io: MemoryFileIO; metadata: TableMetadata }> {
  const io = createMemoryFileIO();
  const filePath = `mem://table/data/${name}`;
  io.files.set(filePath, new Uint8Array(await readFile(new URL(fixture(name).filePath))));
  const empty = createTableMetadata({
    location: 'mem://table',
    schema: { fields: [{ id: 1, name: 'x', required: false, type: 'int' }] },
  });
  const base = { ...empty, schemas: [schema], lastColumnId: highestFieldId(schema) };
  return { io, metadata: await append(base, io, [{ ...fixture(name), filePath, ...metrics }]) };
}

async function rowsOf(
  metadata: TableMetadata,
  io: MemoryFileIO,
  options: Parameters<typeof scanRows>[2] = {},
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of scanRows(metadata, io, options)) rows.push(row);
  return rows;
}

async function planned(metadata: TableMetadata, io: MemoryFileIO, filter: Expression): Promise<string[]> {
  const paths: string[] = [];
  for await (const { dataFile } of planFiles(metadata, io, { filter })) paths.push(dataFile.filePath);
  return paths;
}

const asLong = (value: unknown): unknown => (typeof value === 'number' ? BigInt(value) : value);

test('rows written before are read in the evolved shape: renamed, widened, dropped, added under an old name', async () => {
  const { io, metadata } = await tableOf('primitives-zstd.parquet', primitivesSchema);
  const before = await rowsOf(metadata, io);
  const after = evolve(
    metadata,
    updateSchema((schema) =>
      schema
        .widenColumn('i', 'long')
        .widenColumn('f', 'double')
        .widenColumn('dec9', 'decimal(38,2)')
        .renameColumn('s', 'text')
        .renameColumn('b', 's')
        .dropColumn('u')
        .dropColumn('d'),
    ),
    updateSchema((schema) => schema.addColumn('u', { type: 'string' }).addColumn('b', { type: 'date' })),
    updateSchema((schema) => schema.moveFirst('b').makeOptional('req').setDoc('i', 'wide')),
  );
  const rows = await rowsOf(after, io);
  expect(Object.keys(rows[0]!)).toEqual([
    'b',
    's',
    'i',
    'l',
    'f',
    'date',
    'time',
    'ts',
    'tstz',
    'text',
    'bin',
    'fix',
    'dec9',
    'dec18',
    'dec38',
    'req',
    'u',
  ]);
  expect(rows).toEqual(
    before.map(({ b, i, s, u: _u, d: _d, ...same }) => ({
      ...same,
      b: null,
      s: b,
      i: asLong(i),
      text: s,
      u: null,
    })),
  );
  expect(rows.some((row) => row.i !== null && row.text !== null && row.s !== null)).toBe(true);
  // The snapshot itself is still what it was when it was made.
  const { currentSnapshotId } = after;
  expect(await rowsOf(after, io, { snapshotId: currentSnapshotId! })).toEqual(before);
});

test('nested fields are renamed, widened, dropped and added in structs, lists and map values', async () => {
  const { io, metadata } = await tableOf('nested.parquet', nestedSchema);
  const before = await rowsOf(metadata, io);
  const after = evolve(
    metadata,
    updateSchema((schema) =>
      schema
        .renameColumn('place.city', 'town')
        .addColumn('place.at.z', { type: 'double' })
        .dropColumn('place.at.y')
        .moveFirst('place.at')
        .widenColumn('deep.element.element', 'long')
        .widenColumn('by_id.n', 'long')
        .addColumn('by_id.value.more', { type: { type: 'list', element: 'int' } })
        .dropColumn('attributes'),
    ),
  );
  const expected = before.map(({ attributes: _, place, deep, by_id, ...same }) => {
    const at = (place as Row | null)?.at as Row | null | undefined;
    return {
      ...same,
      place: place && { at: at && { x: at.x, z: null }, town: (place as Row).city },
      deep: (deep as unknown[][] | null)?.map((inner) => inner?.map(asLong) ?? inner) ?? deep,
      by_id:
        by_id &&
        new Map(
          [...(by_id as Map<unknown, Row | null>)].map(([key, value]) => [
            key,
            value && { n: asLong(value.n), l: value.l, more: null },
          ]),
        ),
    };
  });
  expect(await rowsOf(after, io)).toEqual(expected);
});

test('bounds that were written before a column was widened still rule files out, and only rightly', async () => {
  const { io, metadata } = await tableOf('primitives-zstd.parquet', primitivesSchema);
  const ints = (await rowsOf(metadata, io)).map((row) => row.i as number | null).filter((i) => i !== null);
  const [low, high] = [Math.min(...ints), Math.max(...ints)];
  const floats = (await rowsOf(metadata, io)).map((row) => row.f as number | null);
  const finite = floats.filter((f) => f !== null && !Number.isNaN(f)) as number[];
  const [lowFloat, highFloat] = [Math.min(...finite), Math.max(...finite)];
  const bounded = await tableOf('primitives-zstd.parquet', primitivesSchema, {
    lowerBounds: new Map([
      [2, encodeSingleValue('int', low)],
      [4, encodeSingleValue('float', lowFloat)],
    ]),
    upperBounds: new Map([
      [2, encodeSingleValue('int', high)],
      [4, encodeSingleValue('float', highFloat)],
    ]),
  });
  const wide = evolve(
    bounded.metadata,
    updateSchema((schema) => schema.widenColumn('i', 'long').widenColumn('f', 'double')),
  );
  const count = async (filter: Expression): Promise<number> =>
    (await planned(wide, bounded.io, filter)).length;
  expect(await count(eq('i', BigInt(low)))).toBe(1);
  expect(await count(eq('i', BigInt(high)))).toBe(1);
  expect(await count(lt('i', BigInt(low)))).toBe(0);
  // Beyond what the old type could hold, which a bound read in the wrong width might allow.
  expect(await count(gtEq('i', 2n ** 40n))).toBe(0);
  expect(await count(lt('i', -(2n ** 40n)))).toBe(0);
  expect(await count(eq('f', lowFloat))).toBe(1);
  expect(await rowsOf(wide, bounded.io, { filter: eq('i', BigInt(low)) })).toHaveLength(
    ints.filter((i) => i === low).length,
  );
});

test('a filter on a column that files lack keeps the rows where it is null', async () => {
  const { io, metadata } = await tableOf('primitives-zstd.parquet', primitivesSchema);
  const after = evolve(
    metadata,
    updateSchema((schema) => schema.dropColumn('s').addColumn('s', { type: 'string' })),
  );
  const all = (await rowsOf(after, io)).length;
  expect(await rowsOf(after, io, { filter: isNull('s') })).toHaveLength(all);
  expect(await rowsOf(after, io, { filter: gtEq('s', '') })).toEqual([]);
});

test('files of every spec that a table had are pruned by their own', async () => {
  const io = createMemoryFileIO();
  const start = createTableMetadata({
    location: 'mem://table',
    schema: {
      fields: [
        { id: 1, name: 'ts', required: true, type: 'timestamp' },
        { id: 2, name: 'id', required: false, type: 'int' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 1, name: 'ts_day', transform: 'day' }] },
  });
  const file = (name: string, metadata: TableMetadata, partition: DataFile['partition']): DataFile => ({
    content: 'data',
    filePath: `mem://table/data/${name}`,
    fileFormat: 'PARQUET',
    partition,
    specId: metadata.defaultSpecId,
    recordCount: 1,
    fileSizeInBytes: 1,
  });
  let metadata = await append(start, io, [file('day-100', start, [100]), file('day-101', start, [101])]);
  metadata = evolve(
    metadata,
    updatePartitionSpec((spec) =>
      spec.removeField('ts_day').addField('ts', 'hour').addField('id', 'bucket[4]'),
    ),
  );
  // Of the int; the filter asks with the long that it becomes.
  const bucketOf7 = applyTransform('bucket[4]', 'int', 7) as number;
  metadata = await append(metadata, io, [
    file('hour-2400', metadata, [2400, bucketOf7]),
    file('hour-2424', metadata, [2424, bucketOf7]),
    file('hour-2424-other', metadata, [2424, (bucketOf7 + 1) % 4]),
  ]);
  metadata = evolve(
    metadata,
    updatePartitionSpec((spec) => spec.removeField('ts_hour').removeField('id_bucket_4').addField('id')),
  );
  metadata = await append(metadata, io, [file('id-7', metadata, [7]), file('id-8', metadata, [8])]);
  metadata = evolve(
    metadata,
    updateSchema((schema) => schema.widenColumn('id', 'long').renameColumn('ts', 'at')),
    updatePartitionSpec((spec) => spec.removeField('id')),
  );
  metadata = await append(metadata, io, [file('all', metadata, [])]);
  const dayUs = 86_400_000_000n;
  const names = async (filter: Expression): Promise<string[]> =>
    (await planned(metadata, io, filter)).map((path) => path.replace('mem://table/data/', '')).sort();
  expect(await names(lt('at', 101n * dayUs))).toEqual(['all', 'day-100', 'hour-2400', 'id-7', 'id-8']);
  expect(await names(gtEq('at', 101n * dayUs + 3_600_000_000n))).toEqual(['all', 'day-101', 'id-7', 'id-8']);
  expect(await names(and(gtEq('at', 101n * dayUs), eq('id', 7n)))).toEqual([
    'all',
    'day-101',
    'hour-2424',
    'id-7',
  ]);
});
