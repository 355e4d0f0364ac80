import {
  type Catalog,
  type CommitTransactionOptions,
  type CommittedTransaction,
  commitTransaction,
  createMemoryCatalog,
  type DataFile,
  encodeSingleValue,
  type LoadedTable,
  type ManifestEntry,
  readManifest,
  readSnapshotManifests,
  refByName,
  type SnapshotOperation,
  snapshotById,
  type TableMetadata,
  type TableOperation,
} from '../../src/index.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../../src/io/memory-file-io.ts';
import { SnapshotCounts } from '../../src/manifest/snapshot-summary.ts';
import { snapshotOperation } from '../../src/transaction/snapshot-operation.ts';

/** A table of rows with an id and a category, partitioned by category. Its data files exist in name only. */
export interface TestTable {
  readonly io: MemoryFileIO;
  readonly catalog: Catalog;
  readonly identifier: { readonly namespace: readonly string[]; readonly name: string };
  load(): Promise<LoadedTable>;
  /** Commits operations; waits cost no time. */
  commit(
    operations: TableOperation | TableOperation[],
    options?: CommitTransactionOptions,
  ): Promise<CommittedTransaction>;
}

export const noWait = async (): Promise<void> => undefined;

export async function newTestTable(
  properties: Record<string, string> = {},
  catalogOf?: (io: MemoryFileIO) => Catalog,
): Promise<TestTable> {
  const io = createMemoryFileIO();
  const catalog = catalogOf?.(io) ?? createMemoryCatalog({ io, warehouse: 'mem://wh' });
  const identifier = { namespace: ['default'], name: 'events' };
  await catalog.createNamespace(['default']);
  await createTestTable(catalog, identifier, properties);
  return {
    io,
    catalog,
    identifier,
    load: () => catalog.loadTable(identifier),
    commit: (operations, options) =>
      commitTransaction({ catalog, identifier, io }, [operations].flat(), { wait: noWait, ...options }),
  };
}

export function createTestTable(
  catalog: Catalog,
  identifier: TestTable['identifier'],
  properties: Record<string, string> = {},
): Promise<LoadedTable> {
  return catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'id', required: true, type: 'long' },
        { id: 2, name: 'category', required: true, type: 'string' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 2, name: 'category', transform: 'identity' }] },
    properties,
  });
}

/** A data file of one category with ids from `from` to `to`, ten rows. */
export function dataFile(
  name: string,
  category = 'a',
  [from, to]: readonly [number, number] = [0, 9],
): DataFile {
  return {
    content: 'data',
    filePath: `mem://wh/data/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition: [category],
    specId: 0,
    recordCount: 10,
    fileSizeInBytes: 1000,
    valueCounts: new Map([[1, 10]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, encodeSingleValue('long', BigInt(from))]]),
    upperBounds: new Map([[1, encodeSingleValue('long', BigInt(to))]]),
  };
}

/** Position deletes for one data file. */
export function positionDeletes(name: string, file: DataFile): DataFile {
  const path = Buffer.from(file.filePath);
  return {
    ...dataFile(name, String(file.partition[0])),
    content: 'position-deletes',
    recordCount: 1,
    lowerBounds: new Map([[2147483546, path]]),
    upperBounds: new Map([[2147483546, path]]),
  };
}

/** Equality deletes of ids in a category. */
export function equalityDeletes(
  name: string,
  category = 'a',
  ids: readonly [number, number] = [0, 9],
): DataFile {
  return { ...dataFile(name, category, ids), content: 'equality-deletes', recordCount: 2, equalityIds: [1] };
}

/** What another engine does: adds delete files, and perhaps data files, in one snapshot. */
export function rowDelta(
  deletes: readonly DataFile[],
  dataFiles: readonly DataFile[] = [],
  operation: SnapshotOperation = dataFiles.length > 0 ? 'overwrite' : 'delete',
): TableOperation {
  return snapshotOperation('rowDelta', {}, async (context) => {
    const added = (file: DataFile) => ({ status: 'added' as const, dataFile: file });
    const newManifests = [
      ...(await context.writeManifests('data', 0, dataFiles.map(added))),
      ...(await context.writeManifests('deletes', 0, deletes.map(added))),
    ];
    const counts = new SnapshotCounts();
    for (const file of [...dataFiles, ...deletes]) counts.addFile(file);
    return { operation, newManifests, carried: context.inherited, counts };
  });
}

/** The live entries of a branch, by the files' short names. */
export async function liveEntries(
  { io }: Pick<TestTable, 'io'>,
  { metadata }: { readonly metadata: TableMetadata },
  branch = 'main',
): Promise<Map<string, ManifestEntry>> {
  const live = new Map<string, ManifestEntry>();
  const head = refByName(metadata, branch);
  if (head === undefined) return live;
  for (const manifest of await readSnapshotManifests(io, snapshotById(metadata, head.snapshotId)!)) {
    for (const entry of await readManifest(io, metadata, manifest)) {
      if (entry.status === 'deleted') continue;
      const name = shortName(entry.dataFile);
      if (live.has(name)) throw new Error(`${name} is live twice`);
      live.set(name, entry);
    }
  }
  return live;
}

/** The short names of the live files, sorted, and the totals of the summary held against them. */
export async function liveFiles(table: TestTable, branch = 'main'): Promise<string[]> {
  const loaded = await table.load();
  const live = await liveEntries(table, loaded, branch);
  const head = refByName(loaded.metadata, branch);
  if (head !== undefined) {
    const { summary } = snapshotById(loaded.metadata, head.snapshotId)!;
    const data = [...live.values()].filter(({ dataFile: file }) => file.content === 'data');
    const records = data.reduce((sum, { dataFile: file }) => sum + file.recordCount, 0);
    const totals = [summary['total-data-files'], summary['total-delete-files'], summary['total-records']];
    const counted = [data.length, live.size - data.length, records].map(String);
    if (totals.join() !== counted.join())
      throw new Error(`totals ${totals.join()}, counted ${counted.join()}`);
  }
  return [...live.keys()].sort();
}

export function shortName({ filePath }: DataFile): string {
  return filePath.slice(filePath.lastIndexOf('/') + 1).replace('.parquet', '');
}
