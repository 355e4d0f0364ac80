import type { FileIO } from '../io/file-io.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { DataFile, ManifestFile } from './data-file.ts';
import type { ManifestList } from './manifest-list.ts';
import { readManifest } from './manifest-reader.ts';

/** The sums over the live files of a snapshot; every summary must carry all six, since writers add to the last ones. */
export interface SnapshotTotals {
  readonly 'total-data-files': bigint;
  readonly 'total-delete-files': bigint;
  readonly 'total-records': bigint;
  readonly 'total-files-size': bigint;
  readonly 'total-position-deletes': bigint;
  readonly 'total-equality-deletes': bigint;
}

const totalKeys: readonly (keyof SnapshotTotals)[] = [
  'total-data-files',
  'total-delete-files',
  'total-records',
  'total-files-size',
  'total-position-deletes',
  'total-equality-deletes',
];

const noTotals: SnapshotTotals = totals(() => 0n);

/**
 * The totals of a snapshot: from its summary, or, where the writer left some out, counted once over its
 * manifests (the summary written next has them again).
 */
export async function snapshotTotals(
  io: FileIO,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  list: ManifestList,
): Promise<SnapshotTotals> {
  if (snapshot === undefined) return noTotals;
  const { summary } = snapshot;
  if (totalKeys.every((key) => /^\d+$/.test(summary[key] ?? '')))
    return totals((key) => BigInt(summary[key]!));
  return countTotals(io, metadata, list.manifests);
}

/** The summary of an append of these data files on a state with those totals. */
export function appendSummary(
  previous: SnapshotTotals,
  files: readonly DataFile[],
  custom: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const records = sum(files, (file) => file.recordCount);
  const bytes = sum(files, (file) => file.fileSizeInBytes);
  const added = {
    'added-data-files': String(files.length),
    'added-records': String(records),
    'added-files-size': String(bytes),
  };
  const next: SnapshotTotals = {
    ...previous,
    'total-data-files': previous['total-data-files'] + BigInt(files.length),
    'total-records': previous['total-records'] + records,
    'total-files-size': previous['total-files-size'] + bytes,
  };
  return {
    ...custom,
    operation: 'append',
    ...(files.length > 0 && added),
    'changed-partition-count': String(new Set(files.map(partitionKey)).size),
    ...Object.fromEntries(Object.entries(next).map(([key, value]) => [key, String(value)])),
  };
}

async function countTotals(
  io: FileIO,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
): Promise<SnapshotTotals> {
  const count = { ...noTotals };
  for (const manifest of manifests) {
    for (const { status, dataFile } of await readManifest(io, metadata, manifest)) {
      if (status === 'deleted') continue;
      const records = BigInt(dataFile.recordCount);
      count['total-files-size'] += BigInt(dataFile.fileSizeInBytes);
      if (dataFile.content === 'data') {
        count['total-data-files'] += 1n;
        count['total-records'] += records;
        continue;
      }
      count['total-delete-files'] += 1n;
      const kind =
        dataFile.content === 'equality-deletes' ? 'total-equality-deletes' : 'total-position-deletes';
      count[kind] += records;
    }
  }
  return count;
}

function totals(value: (key: keyof SnapshotTotals) => bigint): Mutable<SnapshotTotals> {
  return Object.fromEntries(totalKeys.map((key) => [key, value(key)])) as Record<
    keyof SnapshotTotals,
    bigint
  >;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function sum(files: readonly DataFile[], value: (file: DataFile) => number): bigint {
  return files.reduce((total, file) => total + BigInt(value(file)), 0n);
}

function partitionKey(file: DataFile): string {
  const values = file.partition.map((value) =>
    value instanceof Uint8Array
      ? `x${Buffer.from(value).toString('hex')}`
      : `${typeof value}:${String(value)}`,
  );
  return JSON.stringify([file.specId, values]);
}
