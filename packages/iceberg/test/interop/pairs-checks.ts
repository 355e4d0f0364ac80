import { expect } from 'vitest';
import {
  currentSnapshot,
  type DataFile,
  type ManifestEntry,
  readManifest,
  readSnapshotManifests,
  type Snapshot,
  scanRows,
  scanSchema,
  snapshotById,
  type TableMetadata,
} from '../../src/index.ts';
import { countRows } from '../support/golden.ts';
import { type PrintedRow, printRow } from '../support/printed.ts';
import type { PairTable } from './pairs-table.ts';

/** Somebody who reads a table from its metadata file. */
export interface PairReader {
  readonly name: string;
  /** Whether it is asked for older snapshots too. */
  readonly readsSnapshots?: boolean;
  /** Whether it reads with the schema of the snapshot also when the table has a newer one; it is not asked then. */
  readonly lagsBehindSchema?: boolean;
  /** Its error for tables with equality deletes, if it refuses them. */
  readonly refusesEqualityDeletes?: RegExp;
  rows(metadataLocation: string, snapshotId?: bigint): Promise<readonly PrintedRow[]>;
}

/** Everybody sees the rows of the model, and what manifests and summary say of them is true. */
export async function checkTable(table: PairTable, readers: readonly PairReader[]): Promise<void> {
  const { metadata } = await table.load();
  const expected = table.model.printed();
  expectRows('we', await ourRows(table, metadata), expected);
  const snapshot = currentSnapshot(metadata);
  const entries = snapshot === undefined ? [] : await liveEntries(table, metadata, snapshot);
  const lags = snapshot?.schemaId !== metadata.currentSchemaId;
  for (const reader of readers) {
    if (!lags || !reader.lagsBehindSchema) await checkReader(table, reader, entries, expected);
  }
  if (snapshot !== undefined) checkEntries(entries, metadata, snapshot);
  checkSnapshots(metadata);
}

/** Branches and tags show what they did when they were made: a branch in the columns of now, a tag in those of then. */
export async function checkRefs(table: PairTable, readers: readonly PairReader[]): Promise<void> {
  const { metadata } = await table.load();
  for (const [name, rows] of table.refs) {
    const { snapshotId, type } = metadata.refs[name]!;
    const snapshot = snapshotById(metadata, snapshotId)!;
    // Of a commit that came late it may be the schema that it was decided on.
    const then = table.model.printed(rows, table.columnsOf.get(snapshot.schemaId!));
    const ours = type === 'branch' ? table.model.printed(rows) : then;
    expectRows(`we at ${name}`, await ourRows(table, metadata, name), ours);
    const entries = await liveEntries(table, metadata, snapshot);
    for (const reader of readers.filter(({ readsSnapshots }) => readsSnapshots)) {
      await checkReader(table, reader, entries, then, snapshotId);
    }
  }
}

async function checkReader(
  table: PairTable,
  { name, rows, refusesEqualityDeletes }: PairReader,
  entries: readonly ManifestEntry[],
  expected: readonly PrintedRow[],
  snapshotId?: bigint,
): Promise<void> {
  const seen = rows((await table.load()).metadataLocation, snapshotId);
  const hasEqualityDeletes = entries.some(({ dataFile }) => dataFile.content === 'equality-deletes');
  if (!hasEqualityDeletes || !refusesEqualityDeletes) expectRows(name, await seen, expected);
  else await expect(seen).rejects.toThrow(refusesEqualityDeletes);
}

function expectRows(who: string, seen: readonly PrintedRow[], expected: readonly PrintedRow[]): void {
  expect({ who, rows: countRows(seen) }).toEqual({ who, rows: countRows(expected) });
}

async function ourRows({ io }: PairTable, metadata: TableMetadata, ref?: string): Promise<PrintedRow[]> {
  const selection = ref === undefined ? {} : { ref };
  const schema = scanSchema(metadata, selection);
  const rows: PrintedRow[] = [];
  for await (const row of scanRows(metadata, io, selection)) rows.push(printRow(schema, row));
  return rows;
}

async function liveEntries(
  { io }: PairTable,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for (const manifest of await readSnapshotManifests(io, snapshot)) {
    for (const entry of await readManifest(io, metadata, manifest)) {
      if (entry.status !== 'deleted') entries.push(entry);
    }
  }
  return entries;
}

/** No file is there twice, totals carried from summary to summary are those counted, numbers are those of the commits. */
function checkEntries(entries: readonly ManifestEntry[], metadata: TableMetadata, head: Snapshot): void {
  const paths = entries.map(({ dataFile }) => dataFile.filePath);
  expect(new Set(paths).size).toBe(paths.length);
  expect(head.summary).toMatchObject(countTotals(entries.map(({ dataFile }) => dataFile)));
  for (const { snapshotId, sequenceNumber, fileSequenceNumber } of entries) {
    const added = snapshotId === undefined ? undefined : snapshotById(metadata, snapshotId);
    if (added !== undefined) expect(fileSequenceNumber).toBe(added.sequenceNumber);
    expect(sequenceNumber! <= fileSequenceNumber!).toBe(true);
    expect(fileSequenceNumber! <= head.sequenceNumber).toBe(true);
  }
}

function countTotals(files: readonly DataFile[]): Record<string, string> {
  const count = (content: DataFile['content'], of: (file: DataFile) => number) =>
    files.filter((file) => file.content === content).reduce((sum, file) => sum + of(file), 0);
  const one = () => 1;
  const records = ({ recordCount }: DataFile) => recordCount;
  const totals = {
    'total-data-files': count('data', one),
    'total-delete-files': count('position-deletes', one) + count('equality-deletes', one),
    'total-records': count('data', records),
    'total-position-deletes': count('position-deletes', records),
    'total-equality-deletes': count('equality-deletes', records),
    // Of a deletion vector its own size, not that of the file with others.
    'total-files-size': files.reduce(
      (sum, file) => sum + (file.contentSizeInBytes ?? file.fileSizeInBytes),
      0,
    ),
  };
  return Object.fromEntries(Object.entries(totals).map(([name, value]) => [name, String(value)]));
}

/** A snapshot's number is above its parent's, no two have the same, and the table's is the highest; in v1 all are 0. */
function checkSnapshots({ snapshots, lastSequenceNumber }: TableMetadata): void {
  const numbers = snapshots.map(({ sequenceNumber }) => sequenceNumber).filter((number) => number > 0n);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers.every((number) => number <= lastSequenceNumber)).toBe(true);
  const byId = new Map(snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  for (const { parentSnapshotId, sequenceNumber } of snapshots) {
    const parent = parentSnapshotId === undefined ? undefined : byId.get(parentSnapshotId);
    if (parent !== undefined && sequenceNumber > 0n)
      expect(sequenceNumber > parent.sequenceNumber).toBe(true);
  }
}
