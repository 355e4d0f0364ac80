import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Catalog,
  commitTransaction,
  createBranch,
  createMemoryCatalog,
  createTag,
  currentSnapshot,
  type DataFile,
  expireSnapshotsAndFiles,
  fastAppend,
  fastForward,
  type ListableFileIO,
  type LoadedTable,
  mergeAppend,
  readManifest,
  readSnapshotManifests,
  removeOrphanFiles,
  rollbackToSnapshot,
  setRefRetention,
  type TableOperation,
} from '../../src/index.ts';
import { createLocalFileIO, judge } from './judge.ts';

const identifier = { namespace: ['default'], name: 'orders' };
const io: ListableFileIO = { ...createLocalFileIO(), listFiles };
let folder: string;

interface Inspection {
  readonly refs: Readonly<
    Record<string, readonly [string, string, number | null, number | null, number | null]>
  >;
  readonly snapshots: readonly string[];
  readonly history: readonly string[];
  readonly schemas: readonly number[];
  readonly specs: readonly number[];
  readonly rowsAtRef: Readonly<Record<string, readonly number[]>>;
  readonly duckdbSnapshots: readonly string[];
  readonly duckdbRows: Readonly<Record<string, readonly number[]>>;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-maintenance-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function* listFiles(prefix: string): ReturnType<ListableFileIO['listFiles']> {
  const root = prefix.replace(/^file:\/\//, '');
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    yield { location: prefix + path.slice(root.length), sizeBytes: size, lastModifiedMs: mtimeMs };
  }
}

async function run<T>(command: string, request: object): Promise<T> {
  const script = join(import.meta.dirname, 'maintenance_judge.py');
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const { stdout } = await promisify(execFile)(python, [script, command, JSON.stringify(request)]);
  return JSON.parse(stdout) as T;
}

const inspect = (table: LoadedTable): Promise<Inspection> =>
  run('inspect', { metadata: table.metadataLocation });

/** A table whose data files with offsets 0 to 9, one row each, are written and not appended yet. */
async function newTable(name: string): Promise<{ catalog: Catalog; files: DataFile[] }> {
  const warehouse = `file://${join(folder, name)}`;
  const catalog = createMemoryCatalog({ io, warehouse });
  await catalog.createNamespace(['default']);
  const { metadata } = await catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'segment_offset', required: true, type: 'long' },
        { id: 2, name: 'append_time', required: true, type: 'timestamptz' },
        { id: 3, name: 'payload', required: false, type: 'binary' },
      ],
    },
  });
  const names = Array.from({ length: 10 }, (_, n) => `${metadata.location}/data/${n}.parquet`);
  const paths = names.map((one) => one.replace('file://', ''));
  const { sizes } = await judge<{ sizes: Record<string, number> }>('parquet', {
    files: paths.map((path, n) => ({ path, rows: [[n, n, `message ${n}`]] })),
  });
  const files = names.map(
    (filePath, n): DataFile => ({
      content: 'data',
      filePath,
      fileFormat: 'PARQUET',
      partition: [],
      specId: 0,
      recordCount: 1,
      fileSizeInBytes: sizes[paths[n]!]!,
      columnSizes: new Map([1, 2, 3].map((id) => [id, 100])),
    }),
  );
  return { catalog, files };
}

async function commit(catalog: Catalog, ...operations: TableOperation[]): Promise<bigint> {
  const { table } = await commitTransaction({ catalog, io, identifier }, operations);
  return table.metadata.currentSnapshotId!;
}

/** Offsets of the live rows of a snapshot, by the names of its files. */
async function offsetsAt(table: LoadedTable, snapshotId: bigint): Promise<number[]> {
  const snapshot = table.metadata.snapshots.find((one) => one.snapshotId === snapshotId)!;
  const offsets: number[] = [];
  for (const manifest of await readSnapshotManifests(io, snapshot)) {
    for (const { status, dataFile } of await readManifest(io, table.metadata, manifest)) {
      if (status !== 'deleted') offsets.push(Number(/(\d+)\.parquet$/.exec(dataFile.filePath)?.[1]));
    }
  }
  return offsets.sort((a, b) => a - b);
}

test('a table with branches and tags that we expired and swept is read by PyIceberg and DuckDB, at every ref', {
  timeout: 180_000,
}, async () => {
  const { catalog, files } = await newTable('ours');
  const at = (n: number, branch = 'main') => fastAppend({ dataFiles: [files[n]!], branch });
  await commit(catalog, at(0));
  const second = await commit(catalog, at(1));
  await commit(catalog, createTag('eom', { at: second, maxRefAgeMs: 86_400_000 }));
  await commit(catalog, at(2));
  await commit(catalog, createBranch('audit', { minSnapshotsToKeep: 2 }));
  await commit(catalog, at(3, 'audit'));
  await commit(catalog, at(4, 'audit'));
  await commit(catalog, fastForward('main', 'audit'));
  const published = await commit(catalog, at(5));
  await commit(catalog, at(6));
  await commit(catalog, rollbackToSnapshot(published));
  // Merges manifests: what the merged ones alone held goes with the expiry.
  await commit(catalog, mergeAppend({ dataFiles: [files[7]!] }));
  await commit(catalog, setRefRetention('main', { minSnapshotsToKeep: 2, maxSnapshotAgeMs: 1 }));

  const target = { catalog, io, identifier };
  const lost = files.slice(8).map((file) => file.filePath);
  const expiry = await expireSnapshotsAndFiles(target, { olderThanMs: 0, cleanExpiredMetadata: true });
  expect(expiry.cleanup.kind).toBe('done');
  const swept = await removeOrphanFiles(target, { olderThanMs: 0, allowRecent: true, dryRun: false });
  // Old metadata files are not there: the log holds them all. Offset 6 was rolled back, and its snapshot expired.
  expect(swept.files.map((file) => file.location).sort()).toEqual(lost.sort());

  const table = await catalog.loadTable(identifier);
  const seen = await inspect(table);
  const id = (name: string): string => String(table.metadata.refs[name]!.snapshotId);
  expect(seen.refs).toEqual({
    main: ['BRANCH', id('main'), null, 2, 1],
    audit: ['BRANCH', id('audit'), null, 2, null],
    eom: ['TAG', String(second), 86_400_000, null, null],
  });
  expect(seen.rowsAtRef).toEqual({ main: [0, 1, 2, 3, 4, 5, 7], audit: [0, 1, 2, 3, 4], eom: [0, 1] });
  const ids = table.metadata.snapshots.map((snapshot) => String(snapshot.snapshotId));
  expect(ids).toHaveLength(5);
  expect(seen.snapshots).toEqual(ids);
  expect(seen.duckdbSnapshots).toEqual(ids);
  for (const { snapshotId } of table.metadata.snapshots) {
    expect(seen.duckdbRows[String(snapshotId)]).toEqual(await offsetsAt(table, snapshotId));
  }
  expect(seen.duckdbRows[id('main')]).toEqual([0, 1, 2, 3, 4, 5, 7]);
  expect(seen.history.at(-1)).toBe(id('main'));
});

test('a table that PyIceberg expired is read, expired further and cleaned by us, and then read by it', {
  timeout: 180_000,
}, async () => {
  const { catalog, files } = await newTable('theirs');
  const first = await commit(catalog, fastAppend({ dataFiles: files.slice(0, 2) }));
  await commit(catalog, createTag('ours', { at: first }));
  await commit(catalog, fastAppend({ dataFiles: files.slice(2, 3) }));
  const { metadataLocation } = await catalog.loadTable(identifier);
  const warehouse = `file://${join(folder, 'theirs')}`;
  const { metadata } = await run<{ metadata: string }>('expire', {
    metadata: metadataLocation,
    sqlite: join(folder, 'theirs.db'),
    warehouse,
  });

  const later = createMemoryCatalog({ io, warehouse });
  await later.createNamespace(['default']);
  const table = await later.registerTable(identifier, metadata);
  // It keeps the heads of refs: two tags and main.
  expect(table.metadata.snapshots).toHaveLength(3);
  expect(table.metadata.refs).toMatchObject({
    ours: { snapshotId: first, type: 'tag' },
    main: { snapshotId: currentSnapshot(table.metadata)!.snapshotId },
  });
  await commit(later, fastAppend({ dataFiles: files.slice(3, 4) }));
  const target = { catalog: later, io, identifier };
  const { expiredSnapshotIds, cleanup } = await expireSnapshotsAndFiles(target, { olderThanMs: 0 });
  expect(expiredSnapshotIds).toHaveLength(1);
  expect(cleanup).toMatchObject({ kind: 'done', files: { failureCount: 0, counts: { 'manifest-list': 1 } } });
  // PyIceberg leaves the files of what it expired to us.
  const swept = await removeOrphanFiles(target, { olderThanMs: 0, allowRecent: true, dryRun: false });
  expect(swept.files.filter((file) => file.location.includes('/snap-'))).toHaveLength(2);

  const now = await later.loadTable(identifier);
  const seen = await inspect(now);
  expect(seen.rowsAtRef).toEqual({
    main: [0, 1, 2, 3, 1000, 1001, 1002],
    ours: [0, 1],
    theirs: [0, 1, 2, 1000],
  });
  expect(seen.duckdbRows[String(now.metadata.currentSnapshotId)]).toEqual(seen.rowsAtRef.main);
});
