import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  currentSchema,
  type LoadedTable,
  loadTableMetadata,
  metadataTables,
  parseJson,
  type TableMetadata,
} from '../../src/index.ts';
import { makeInspectedTables } from './inspected-tables.ts';
import { createLocalFileIO } from './judge.ts';
import { type PrintedRow, RowPrinter } from './printed-tables.ts';

/** What `metadata_tables.py` prints of a table: for each metadata table its rows. */
interface InspectedTable {
  readonly metadata: string;
  readonly current: Readonly<Record<string, readonly PrintedRow[]>>;
  /** By snapshot id. */
  readonly past: Readonly<Record<string, Readonly<Record<string, readonly PrintedRow[]>>>>;
}

const io = createLocalFileIO();
let folder: string;
let inspected: { readonly theirs: readonly InspectedTable[]; readonly ours: readonly InspectedTable[] };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-inspect-'));
  const ours = await makeInspectedTables(io, pathToFileURL(join(folder, 'ours')).href);
  const script = join(import.meta.dirname, 'metadata_tables.py');
  const locations = JSON.stringify(ours.map((table) => table.metadataLocation));
  const { stdout } = await promisify(execFile)(
    process.env.DANUBE_PYTHON ?? 'python3',
    [script, folder, locations],
    {
      maxBuffer: 256 * 2 ** 20,
    },
  );
  inspected = parseJson(stdout) as unknown as typeof inspected;
}, 300_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Rows in an order of their own: PyIceberg reads manifests side by side. */
const sorted = (rows: readonly PrintedRow[]): readonly PrintedRow[] =>
  [...rows].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));

async function printAll<T>(rows: AsyncIterable<T>, print: (row: T) => PrintedRow): Promise<PrintedRow[]> {
  const all: PrintedRow[] = [];
  for await (const row of rows) all.push(print(row));
  return all;
}

/** Only what their table has: it has no partition and spec without specs, and no fields of specs it did not meet. */
function asTheirs(rows: readonly PrintedRow[], theirs: readonly PrintedRow[]): readonly PrintedRow[] {
  const [like] = theirs;
  if (like === undefined) return rows;
  return rows.map((row) => {
    const kept = Object.entries(row).filter(([name]) => Object.hasOwn(like, name));
    const known = like.partition as PrintedRow | undefined;
    if (known === undefined) return Object.fromEntries(kept);
    const fields = Object.entries(row.partition as PrintedRow);
    for (const [name, value] of fields) if (!Object.hasOwn(known, name)) expect(value).toBeNull();
    const partition = Object.fromEntries(fields.filter(([name]) => Object.hasOwn(known, name)));
    return { ...Object.fromEntries(kept), partition };
  });
}

async function compareSnapshot(
  metadata: TableMetadata,
  selection: { readonly snapshotId?: bigint },
  theirs: InspectedTable['current'],
): Promise<number> {
  const print = new RowPrinter(metadata, currentSchema(metadata));
  const file = (row: Parameters<RowPrinter['file']>[0] & Parameters<RowPrinter['metrics']>[0]) => ({
    ...print.file(row),
    readable_metrics: print.metrics(row),
  });
  // Their entries have no spec id.
  const entry = (row: Parameters<RowPrinter['entry']>[0]) => {
    const { spec_id: _, ...dataFile } = print.entry(row).data_file as PrintedRow;
    return { ...print.entry(row), data_file: dataFile };
  };
  const ours = {
    files: await printAll(metadataTables.files(metadata, io, selection), file),
    data_files: await printAll(metadataTables.dataFiles(metadata, io, selection), file),
    delete_files: await printAll(metadataTables.deleteFiles(metadata, io, selection), file),
    entries: await printAll(metadataTables.entries(metadata, io, selection), entry),
    partitions: await printAll(metadataTables.partitions(metadata, io, selection), (row) =>
      print.partition(row),
    ),
  };
  let compared = 0;
  for (const [name, rows] of Object.entries(ours)) {
    const expected = theirs[name];
    if (expected === undefined) continue;
    const mine = name === 'partitions' ? asTheirs(rows, expected) : rows;
    expect(sorted(mine), name).toEqual(sorted(expected));
    compared += expected.length;
  }
  return compared;
}

async function compareTable({ metadata: location, current, past }: InspectedTable): Promise<number> {
  const metadata = await loadTableMetadata(io, location);
  const table: Pick<LoadedTable, 'metadata' | 'metadataLocation'> = { metadata, metadataLocation: location };
  const print = new RowPrinter(metadata, currentSchema(metadata));
  expect(metadataTables.history(metadata).map(print.history), location).toEqual(current.history);
  const snapshots = current.snapshots!.map((row) => ({
    ...row,
    summary: [...(row.summary as string[][])].sort(),
  }));
  expect(metadataTables.snapshots(metadata).map(print.snapshot), location).toEqual(snapshots);
  expect(sorted(metadataTables.refs(metadata).map(print.ref)), location).toEqual(sorted(current.refs!));
  expect(
    metadataTables.metadataLogEntries(table.metadata, table.metadataLocation).map(print.metadataLog),
    location,
  ).toEqual(current.metadata_log_entries);
  const manifests = await printAll(metadataTables.manifests(metadata, io), (row) => print.manifest(row));
  expect(manifests, location).toEqual(current.manifests);
  const all = await printAll(metadataTables.allManifests(metadata, io), (row) => print.allManifests(row));
  expect(sorted(all), location).toEqual(sorted(current.all_manifests!));
  const allFiles = await printAll(metadataTables.allFiles(metadata, io), (row) => ({
    ...print.file(row),
    readable_metrics: print.metrics(row),
  }));
  expect(sorted(allFiles), location).toEqual(sorted(current.all_files!));
  let compared = await compareSnapshot(metadata, {}, current);
  for (const [id, theirs] of Object.entries(past)) {
    compared += await compareSnapshot(metadata, { snapshotId: BigInt(id) }, theirs);
  }
  return compared;
}

test('metadata tables of tables PyIceberg wrote are what PyIceberg shows', { timeout: 120_000 }, async () => {
  let rows = 0;
  for (const table of inspected.theirs) rows += await compareTable(table);
  expect(inspected.theirs.length).toBeGreaterThanOrEqual(15);
  expect(rows).toBeGreaterThan(700);
});

test('metadata tables of our tables are what PyIceberg shows: deletes, evolved specs, rollback, refs', {
  timeout: 120_000,
}, async () => {
  let rows = 0;
  for (const table of inspected.ours) rows += await compareTable(table);
  expect(inspected.ours).toHaveLength(2);
  const [changed] = inspected.ours;
  expect(changed!.current.delete_files).toHaveLength(2);
  expect(changed!.current.history!.some((row) => row.is_current_ancestor === false)).toBe(true);
  expect(rows).toBeGreaterThan(30);
});
