import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileIO } from '../../src/io/file-io.ts';

/** Every golden table has its files under this location; no such folder exists. */
export const goldenLocation = 'file:///danube-golden';

/** The tables that Iceberg Java made; see `test/fixtures/README.md`. */
export const goldenFolder = join(import.meta.dirname, '../fixtures/java');

/** A value in the printed form that the tests of all languages share; see `test/interop/scan_tables.py`. */
export type GoldenValue =
  | string
  | boolean
  | null
  | readonly GoldenValue[]
  | { readonly [name: string]: GoldenValue };
export type GoldenRow = Readonly<Record<string, GoldenValue>>;

/** Equal rows are counted; sorted by their JSON text. */
export type GoldenRows = readonly (readonly [row: GoldenRow, times: number])[];

/** A manifest as Java read it: 64-bit numbers as text, bounds in hex. */
export interface GoldenManifest {
  readonly path: string;
  readonly length: number;
  readonly content: 'data' | 'deletes';
  readonly specId: number;
  readonly sequenceNumber: string;
  readonly minSequenceNumber: string;
  readonly addedSnapshotId: string;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: string;
  readonly existingRows: string;
  readonly deletedRows: string;
  readonly firstRowId: string | null;
  readonly partitions: readonly {
    readonly containsNull: boolean;
    readonly containsNan: boolean | null;
    readonly lower: string | null;
    readonly upper: string | null;
  }[];
  readonly entries: readonly GoldenEntry[];
}

type Counts = Readonly<Record<string, string>>;

/** An entry with everything it inherits. */
export interface GoldenEntry {
  readonly status: 'existing' | 'added' | 'deleted';
  readonly snapshotId: string;
  readonly sequenceNumber: string;
  readonly fileSequenceNumber: string;
  readonly content: 'data' | 'position_deletes' | 'equality_deletes';
  readonly path: string;
  readonly format: 'PARQUET' | 'PUFFIN';
  readonly specId: number;
  readonly partition: GoldenRow;
  readonly recordCount: string;
  readonly fileSizeInBytes: string;
  readonly columnSizes?: Counts;
  readonly valueCounts?: Counts;
  readonly nullValueCounts?: Counts;
  readonly nanValueCounts?: Counts;
  readonly lowerBounds?: Counts;
  readonly upperBounds?: Counts;
  readonly splitOffsets?: readonly number[];
  readonly equalityIds?: readonly number[];
  readonly sortOrderId: number | null;
  readonly firstRowId: string | null;
  readonly referencedDataFile?: string | null;
  readonly contentOffset?: string | null;
  readonly contentSizeInBytes?: string | null;
}

export interface GoldenSnapshot {
  readonly snapshotId: bigint;
  /** With the schema of the snapshot. */
  readonly rows: GoldenRows;
  /** In the order of the manifest list. */
  readonly manifests: readonly GoldenManifest[];
}

/** A golden table, and what Iceberg Java reads of it. Rows are what is left after all deletes. */
export interface GoldenTable {
  readonly name: string;
  readonly metadataLocation: string;
  readonly formatVersion: number;
  /** The current state, with the current schema. */
  readonly rows: GoldenRows;
  /** With `_row_id` and `_last_updated_sequence_number`; only where the shape is about them. */
  readonly lineage?: GoldenRows;
  /** Branches with the current schema, tags with the one of their snapshot, as Java reads them. */
  readonly refs: ReadonlyMap<string, GoldenRows>;
  readonly snapshots: readonly GoldenSnapshot[];
  /** Of all snapshots; each once. */
  readonly manifests: readonly GoldenManifest[];
}

interface ExpectedJson {
  readonly metadata: string;
  readonly formatVersion: number;
  /** Where rows are those of a snapshot, its id stands for them. */
  readonly rows: string | GoldenRows;
  readonly lineage?: GoldenRows;
  readonly refs: Readonly<Record<string, string | GoldenRows>>;
  readonly snapshots: Readonly<
    Record<string, { readonly manifests: readonly (string | GoldenManifest)[]; readonly rows: GoldenRows }>
  >;
  readonly manifests: readonly GoldenManifest[];
}

/** The names of all golden tables. */
export function goldenNames(): string[] {
  return readdirSync(goldenFolder).sort();
}

export function goldenTable(name: string): GoldenTable {
  const json: ExpectedJson = JSON.parse(readFileSync(join(goldenFolder, name, 'expected.json'), 'utf8'));
  const rowsOf = (rows: string | GoldenRows): GoldenRows =>
    typeof rows === 'string' ? json.snapshots[rows]!.rows : rows;
  const manifests = new Map(json.manifests.map((manifest) => [manifest.path, manifest]));
  return {
    name,
    metadataLocation: json.metadata,
    formatVersion: json.formatVersion,
    rows: rowsOf(json.rows),
    ...(json.lineage ? { lineage: json.lineage } : {}),
    refs: new Map(Object.entries(json.refs).map(([ref, rows]) => [ref, rowsOf(rows)])),
    snapshots: Object.entries(json.snapshots).map(([id, { rows, manifests: listed }]) => ({
      snapshotId: BigInt(id),
      rows,
      manifests: listed.map((item) => (typeof item === 'string' ? manifests.get(item)! : item)),
    })),
    manifests: json.manifests,
  };
}

/** Puts rows in printed form into the shape of `GoldenRows`, to be compared with `toEqual`. */
export function countRows(rows: Iterable<unknown>): GoldenRows {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const text = JSON.stringify(row);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts.keys()].sort().map((text) => [JSON.parse(text), counts.get(text)!] as const);
}

/**
 * A FileIO over the golden tables. With `writeFolder` the golden location means a folder of one's own first (new files
 * go there, deletions too) and the fixtures second; without it writing fails.
 */
export function createGoldenFileIO(writeFolder?: string): FileIO {
  const pathIn = (folder: string, location: string): string => {
    if (!location.startsWith(`${goldenLocation}/`)) throw new Error(`${location} is not in a golden table`);
    return join(folder, location.slice(goldenLocation.length));
  };
  const find = async (location: string): Promise<string> => {
    const own = writeFolder === undefined ? undefined : pathIn(writeFolder, location);
    const isThere =
      own !== undefined &&
      (await stat(own).then(
        () => true,
        () => false,
      ));
    return isThere ? own : pathIn(goldenFolder, location);
  };
  const ownPath = (location: string): string => {
    if (writeFolder === undefined) throw new Error('golden tables are only read');
    return pathIn(writeFolder, location);
  };
  return {
    readFile: async (location) => readFile(await find(location)),
    async readRange(location, start, endExclusive) {
      const handle = await open(await find(location));
      try {
        const length = endExclusive - start;
        const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
    fileSize: async (location) => (await stat(await find(location))).size,
    async writeFile(location, data, options) {
      const path = ownPath(location);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, data, { flag: options?.ifAbsent ? 'wx' : 'w' });
    },
    deleteFile: (location) => rm(ownPath(location), { force: true }),
  };
}
