import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Catalog,
  type CreateTableOptions,
  createManifestListCache,
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  encodeSingleValue,
  type LoadedTable,
  type PartitionValue,
  prepareAppend,
  readManifest,
  readSnapshotManifests,
} from '../../src/index.ts';
import { createLocalFileIO, judge } from './judge.ts';

const identifier = { namespace: ['default'], name: 'orders' };
const dayUs = 86_400_000_000;
const io = createLocalFileIO();
const manifestListCache = createManifestListCache();
let folder: string;

type Row = [offset: number, timeUs: number, payload: string | null];

interface Reading {
  readonly pyiceberg: {
    readonly rows: number;
    readonly sum: string;
    readonly payloads: readonly string[];
    readonly filesPlanned: number;
    readonly filesPlannedFiltered: number;
    readonly rowsFiltered: number;
    readonly snapshots: number;
    readonly currentSnapshot: string;
    readonly summary: Readonly<Record<string, string>>;
    readonly refs: Readonly<Record<string, readonly [string, string]>>;
    readonly properties: Readonly<Record<string, string>>;
    readonly inspectFiles: number;
    readonly inspectEntries: number;
    readonly inspectManifests: number;
  };
  readonly duckdb: {
    readonly rows: number;
    readonly distinct: number;
    readonly sum: string;
    readonly payloads: number;
    readonly snapshots: number;
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-interop-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Rows of one day; the first has no payload. */
function rowsOf(day: number, from: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => [
    from + i,
    day * dayUs + i,
    i === 0 ? null : `message ${from + i}`,
  ]);
}

/** Has pyarrow write the rows and describes the file for a manifest. */
async function writeDataFile(table: LoadedTable, day: number, rows: Row[]): Promise<DataFile> {
  const filePath = `${table.metadata.location}/data/append_day=${day}/${rows[0]![0]}.parquet`;
  const path = new URL(filePath).pathname;
  const { sizes } = await judge<{ sizes: Record<string, number> }>('parquet', { files: [{ path, rows }] });
  const offset = (row: Row): Uint8Array => encodeSingleValue('long', BigInt(row[0]));
  return {
    content: 'data',
    filePath,
    fileFormat: 'PARQUET',
    partition: [day],
    specId: 0,
    recordCount: rows.length,
    fileSizeInBytes: sizes[path]!,
    // PyIceberg's `inspect.entries` needs sizes.
    columnSizes: new Map([1, 2, 3].map((id) => [id, 100])),
    valueCounts: new Map([1, 2, 3].map((id) => [id, rows.length])),
    nullValueCounts: new Map([
      [1, 0],
      [2, 0],
      [3, rows.filter((row) => row[2] === null).length],
    ]),
    lowerBounds: new Map([[1, offset(rows[0]!)]]),
    upperBounds: new Map([[1, offset(rows.at(-1)!)]]),
    splitOffsets: [4],
  };
}

async function append(
  catalog: Catalog,
  base: LoadedTable,
  dataFiles: DataFile[],
  extra: { tags?: string[]; setProperties?: Record<string, string> } = {},
): Promise<LoadedTable> {
  // With the cache successive lists share blocks: readers must not mind.
  const { request } = await prepareAppend({ base, io, dataFiles, manifestListCache, ...extra });
  return catalog.commitTable(identifier, request);
}

test('PyIceberg and DuckDB read our table; PyIceberg appends on our manifests, we on its, and both read all', {
  timeout: 180_000,
}, async () => {
  const warehouse = pathToFileURL(join(folder, 'round-trip')).href;
  const catalog = createMemoryCatalog({ io, warehouse });
  await catalog.createNamespace(['default']);
  let table = await catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'segment_offset', required: true, type: 'long' },
        { id: 2, name: 'append_time', required: true, type: 'timestamptz' },
        { id: 3, name: 'payload', required: false, type: 'binary' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 2, name: 'append_day', transform: 'day' }] },
    sortOrder: {
      fields: [{ sourceId: 1, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }],
    },
    properties: { owner: 'interop' },
  });
  for (const [index, day] of [20000, 20001, 20001, 20002].entries()) {
    table = await append(catalog, table, [await writeDataFile(table, day, rowsOf(day, index * 100, 100))]);
  }
  table = await append(catalog, table, [], {
    tags: ['danube.ledger'],
    setProperties: { 'danube.ledger./default/orders': '{"v":1}' },
  });

  // Both engines see the 400 rows through a head snapshot that added nothing.
  const ours = await judge<Reading>('read', { metadata: table.metadataLocation, from_offset: 350 });
  const sum = String((399 * 400) / 2);
  const head = String(table.metadata.currentSnapshotId);
  expect(ours.duckdb).toEqual({ rows: 400, distinct: 400, sum, payloads: 396, snapshots: 5 });
  expect(ours.pyiceberg).toMatchObject({
    rows: 400,
    sum,
    filesPlanned: 4,
    filesPlannedFiltered: 1,
    rowsFiltered: 50,
    snapshots: 5,
    currentSnapshot: head,
    refs: { main: [head, 'branch'], 'danube.ledger': [head, 'tag'] },
    inspectFiles: 4,
    inspectEntries: 4,
    inspectManifests: 4,
  });
  expect(ours.pyiceberg.properties['danube.ledger./default/orders']).toBe('{"v":1}');

  // PyIceberg appends on our manifests; our reader sees its file with inherited values.
  const theirs = await judge<{ metadata: string }>('append', {
    metadata: table.metadataLocation,
    sqlite: join(folder, 'catalog.db'),
    warehouse,
    rows: rowsOf(20003, 400, 50),
  });
  const foreign = createMemoryCatalog({ io, warehouse });
  await foreign.createNamespace(['default']);
  table = await foreign.registerTable(identifier, theirs.metadata);
  const manifests = await readSnapshotManifests(io, currentSnapshot(table.metadata)!);
  const entries = [];
  for (const manifest of manifests) entries.push(...(await readManifest(io, table.metadata, manifest)));
  expect(entries).toHaveLength(5);
  const added = entries.find((entry) => entry.snapshotId === table.metadata.currentSnapshotId)!;
  expect(added.dataFile).toMatchObject({ partition: [20003], recordCount: 50, specId: 0 });
  expect(added.sequenceNumber).toBe(table.metadata.lastSequenceNumber);

  // We append on PyIceberg's, and everybody reads all of it.
  table = await append(foreign, table, [await writeDataFile(table, 20004, rowsOf(20004, 450, 50))]);
  const all = await judge<Reading>('read', { metadata: table.metadataLocation, from_offset: 450 });
  const total = String((499 * 500) / 2);
  expect(all.duckdb).toMatchObject({ rows: 500, distinct: 500, sum: total, snapshots: 7 });
  expect(all.pyiceberg).toMatchObject({ rows: 500, sum: total, filesPlannedFiltered: 1, rowsFiltered: 50 });
  expect(all.pyiceberg.summary).toMatchObject({ 'total-records': '500', 'total-data-files': '6' });
});

test('a table without snapshot, and one whose only snapshot is an empty append, are empty to both engines', {
  timeout: 120_000,
}, async () => {
  const catalog = createMemoryCatalog({ io, warehouse: pathToFileURL(join(folder, 'empty')).href });
  await catalog.createNamespace(['default']);
  const created = await catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'segment_offset', required: true, type: 'long' },
        { id: 2, name: 'append_time', required: true, type: 'timestamptz' },
        { id: 3, name: 'payload', required: false, type: 'binary' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 2, name: 'append_day', transform: 'day' }] },
  });
  const claimed = await append(catalog, created, [], { tags: ['danube.ledger'] });
  const withRows = await append(catalog, claimed, [
    await writeDataFile(claimed, 20000, rowsOf(20000, 0, 10)),
  ]);
  for (const [table, rows] of [
    [created, 0],
    [claimed, 0],
    [withRows, 10],
  ] as const) {
    const seen = await judge<{ pyiceberg: number; duckdb: number }>('count', {
      metadata: table.metadataLocation,
    });
    expect(seen).toEqual({ pyiceberg: rows, duckdb: rows });
  }
});

test('PyIceberg reads partition values of every type and transform, nulls included', {
  timeout: 120_000,
}, async () => {
  const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7';
  const columns = {
    boolean: [true, 'True'],
    int: [-7, '-7'],
    long: [-(2n ** 62n), String(-(2n ** 62n))],
    float: [1.5, '1.5'],
    double: [-2.25, '-2.25'],
    date: [20000, '20000'],
    time: [3_600_000_001n, '3600000001'],
    timestamp: [1_700_000_000_000_001n, '1700000000000001'],
    timestamptz: [-1n, '-1'],
    string: ['ü – 😀', 'ü – 😀'],
    uuid: [uuid, uuid],
    binary: [Uint8Array.of(0, 255), 'hex:00ff'],
    'fixed[3]': [Uint8Array.of(1, 2, 3), 'hex:010203'],
    'decimal(9,2)': [-1234n, '-12.34'],
    'decimal(38,3)': [10n ** 37n, `${10n ** 34n}.000`],
  } as const;
  const entries = Object.entries(columns) as [keyof typeof columns, readonly [PartitionValue, string]][];
  const warehouse = pathToFileURL(join(folder, 'partitions')).href;
  const catalog = createMemoryCatalog({ io, warehouse });
  await catalog.createNamespace(['default']);
  const schema: CreateTableOptions['schema'] = {
    fields: entries.map(([type], index) => ({ id: index + 1, name: `c${index}`, required: false, type })),
  };
  const transforms = [
    { sourceId: 8, name: 'y', transform: 'year', value: 53, text: '53' },
    { sourceId: 8, name: 'm', transform: 'month', value: -1, text: '-1' },
    { sourceId: 9, name: 'day of it', transform: 'day', value: 20000, text: '20000' },
    { sourceId: 9, name: '1h', transform: 'hour', value: 5, text: '5' },
    { sourceId: 10, name: 'b', transform: 'bucket[16]', value: 3, text: '3' },
    { sourceId: 10, name: 't', transform: 'truncate[2]', value: 'ü ', text: 'ü ' },
    { sourceId: 2, name: 'v', transform: 'void', value: null, text: null },
    // The same named Avro types a second time.
    { sourceId: 11, name: 'uuid2', transform: 'identity', value: uuid, text: uuid },
    {
      sourceId: 13,
      name: 'fixed2',
      transform: 'identity',
      value: Uint8Array.of(4, 5, 6),
      text: 'hex:040506',
    },
    { sourceId: 14, name: 'decimal2', transform: 'identity', value: 5n, text: '0.05' },
  ] as const;
  let table = await catalog.createTable(identifier, {
    schema,
    partitionSpec: {
      fields: [
        ...entries.map((_, index) => ({ sourceId: index + 1, name: `p${index}`, transform: 'identity' })),
        ...transforms.map(({ sourceId, name, transform }) => ({ sourceId, name, transform })),
      ],
    },
  });
  const values = [...entries.map(([, [value]]) => value), ...transforms.map(({ value }) => value)];
  const file = (name: string, partition: PartitionValue[]): DataFile => ({
    content: 'data',
    filePath: `${table.metadata.location}/data/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition,
    specId: 0,
    recordCount: 1,
    fileSizeInBytes: 100,
  });
  const files = [
    file('a', values),
    file(
      'b',
      values.map(() => null),
    ),
  ];
  table = await append(catalog, table, files);

  const plan = await judge<{ files: { path: string; partition: unknown[] }[] }>('plan', {
    metadata: table.metadataLocation,
  });
  const expected = [...entries.map(([, [, text]]) => text), ...transforms.map(({ text }) => text)];
  expect(plan.files.map((planned) => planned.path)).toEqual(files.map((given) => given.filePath));
  expect(plan.files[0]!.partition).toEqual(expected);
  expect(plan.files[1]!.partition).toEqual(values.map(() => null));

  const [manifest] = await readSnapshotManifests(io, currentSnapshot(table.metadata)!);
  const read = [...(await readManifest(io, table.metadata, manifest!))].map((entry) => entry.dataFile);
  expect(read).toEqual(files);
});
