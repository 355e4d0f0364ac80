import type { FileIO } from '../io/file-io.ts';
import type { Snapshot, SnapshotOperation } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { DataFile, ManifestFile } from './data-file.ts';
import { readManifest } from './manifest-reader.ts';
import { partitionKey } from './partition-key.ts';

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
 * The totals of a snapshot, to which `counts` are to be added: from its summary, or, where the writer left some
 * out, counted once over its manifests (the summary written next has them again).
 */
export async function snapshotTotals(
  io: FileIO,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
  list: { readonly manifests: readonly ManifestFile[] },
  counts: SnapshotCounts,
): Promise<SnapshotTotals> {
  if (snapshot === undefined) return noTotals;
  const { summary } = snapshot;
  if (totalKeys.every((key) => /^\d+$/.test(summary[key] ?? ''))) {
    const stated = totals((key) => BigInt(summary[key]!));
    // Some writer miscounted if more is removed than there was.
    if (counts.fits(stated)) return stated;
  }
  // Not before: putting a long list together takes its time.
  return countTotals(io, metadata, list.manifests);
}

/** What a snapshot adds and removes, counted for its summary. */
export class SnapshotCounts {
  readonly #counts = new Map<string, bigint>();
  readonly #partitions = new Set<string>();
  readonly #change = { ...noTotals };

  addFile(file: DataFile): void {
    this.#count(file, 'added', 1n);
  }

  removeFile(file: DataFile): void {
    this.#count(file, 'removed', -1n);
  }

  /** Counts under a name of the specification that no file stands for, such as `manifests-replaced`. */
  set(name: string, value: number): void {
    this.#counts.set(name, BigInt(value));
  }

  /** Whether nothing would become negative. */
  fits(previous: SnapshotTotals): boolean {
    return totalKeys.every((key) => previous[key] + this.#change[key] >= 0n);
  }

  /** The summary of a snapshot that makes these changes to a state with those totals; `custom` entries lose. */
  summary(
    operation: SnapshotOperation,
    previous: SnapshotTotals,
    custom: Readonly<Record<string, string>> = {},
  ): Record<string, string> {
    const counted = [...this.#counts].filter(([, count]) => count > 0n);
    const next = totals((key) => previous[key] + this.#change[key]);
    return {
      ...custom,
      operation,
      ...Object.fromEntries(counted.map(([key, count]) => [key, String(count)])),
      'changed-partition-count': String(this.#partitions.size),
      ...Object.fromEntries(totalKeys.map((key) => [key, String(next[key])])),
    };
  }

  #count(file: DataFile, direction: 'added' | 'removed', sign: 1n | -1n): void {
    const records = BigInt(file.recordCount);
    const size = BigInt(file.fileSizeInBytes);
    this.#partitions.add(partitionKey(file));
    this.#increase(`${direction}-files-size`, size);
    this.#change['total-files-size'] += sign * size;
    // The specification says deleted, not removed, where it speaks of data.
    const gone = direction === 'added' ? 'added' : 'deleted';
    if (file.content === 'data') {
      this.#increase(`${gone}-data-files`, 1n);
      this.#increase(`${gone}-records`, records);
      this.#change['total-data-files'] += sign;
      this.#change['total-records'] += sign * records;
      return;
    }
    const kind = file.content === 'equality-deletes' ? 'equality' : 'position';
    this.#increase(`${direction}-delete-files`, 1n);
    if (file.fileFormat === 'PUFFIN') this.#increase(`${direction}-dvs`, 1n);
    else this.#increase(`${direction}-${kind}-delete-files`, 1n);
    this.#increase(`${direction}-${kind}-deletes`, records);
    this.#change['total-delete-files'] += sign;
    this.#change[`total-${kind}-deletes`] += sign * records;
  }

  #increase(name: string, by: bigint): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0n) + by);
  }
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
