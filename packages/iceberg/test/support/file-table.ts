import {
  type Catalog,
  commitTransaction,
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  fastAppend,
  type LoadedTable,
  type TableMetadata,
  type TableOperation,
} from '../../src/index.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../../src/io/memory-file-io.ts';
import { readSnapshotManifests } from '../../src/manifest/manifest-list-reader.ts';
import { readManifest } from '../../src/manifest/manifest-reader.ts';
import type { NewManifestEntry } from '../../src/manifest/manifest-writer.ts';
import { SnapshotCounts } from '../../src/manifest/snapshot-summary.ts';
import { prepareTransaction } from '../../src/transaction/prepare-transaction.ts';
import { snapshotOperation } from '../../src/transaction/snapshot-operation.ts';

const identifier = { namespace: ['default'], name: 'orders' };

interface StageOptions {
  /** Default: a `wap.id`. */
  readonly summary?: Record<string, string>;
  /** Default `fastAppend`. */
  readonly append?: typeof fastAppend;
}

/** A table in memory whose data files are there, too, with a clock that goes a second further with each commit. */
export class FileTable {
  readonly identifier = identifier;
  readonly io: MemoryFileIO;
  readonly catalog: Catalog;
  #clockMs = Date.now();

  private constructor(io: MemoryFileIO, catalog: Catalog) {
    this.io = io;
    this.catalog = catalog;
  }

  static async create(
    properties: Record<string, string> = {},
    location = 'mem://wh/default/orders',
  ): Promise<FileTable> {
    const io = createMemoryFileIO();
    const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh' });
    await catalog.createNamespace(['default']);
    await catalog.createTable(identifier, {
      schema: { fields: [{ id: 1, name: 'a', required: true, type: 'long' }] },
      properties,
      location,
    });
    return new FileTable(io, catalog);
  }

  /** What transactions and maintenance are given. */
  get target() {
    const { io, catalog } = this;
    return { io, catalog, identifier, now: () => this.#clockMs };
  }

  /** Lets time pass. */
  wait(ms: number): void {
    this.#clockMs += ms;
  }

  load(): Promise<LoadedTable> {
    return this.catalog.loadTable(identifier);
  }

  async metadata(): Promise<TableMetadata> {
    return (await this.load()).metadata;
  }

  /** Commits operations, and gives the id of the snapshot they made, or of `main`. */
  async commit(...operations: TableOperation[]): Promise<bigint> {
    this.#clockMs += 1000;
    const { snapshots, table } = await commitTransaction(this.target, operations);
    return (snapshots.at(-1)?.snapshotId ?? table.metadata.currentSnapshotId)!;
  }

  /** Appends files of these names. */
  async append(names: readonly string[], branch = 'main'): Promise<bigint> {
    return this.commit(fastAppend({ dataFiles: await this.dataFiles(names), branch }));
  }

  /** Adds a snapshot that no ref leads to, on the present `main`. */
  async stage(
    names: readonly string[],
    { summary = { 'wap.id': 'w' }, append = fastAppend }: StageOptions = {},
  ): Promise<bigint> {
    this.#clockMs += 1000;
    const operation = append({ dataFiles: await this.dataFiles(names), summary });
    const { request, snapshots } = await prepareTransaction(await this.load(), [operation], this.target);
    await this.catalog.commitTable(identifier, {
      requirements: request.requirements.filter(({ type }) => type === 'assert-table-uuid'),
      updates: request.updates.filter(({ action }) => action === 'add-snapshot'),
    });
    return snapshots[0]!.snapshotId;
  }

  /** Writes all entries of a branch into one new manifest, those of these names as removed. */
  async rewrite(removedNames: readonly string[] = [], branch = 'main'): Promise<bigint> {
    const removed = new Set(removedNames.map((name) => this.pathOf(name)));
    return this.commit(
      snapshotOperation('rewrite', { branch }, async (context) => {
        const entries: NewManifestEntry[] = [];
        const counts = new SnapshotCounts();
        for (const manifest of context.inherited.manifests) {
          for (const entry of await readManifest(this.io, context.metadata, manifest)) {
            if (entry.status === 'deleted') continue;
            const isRemoved = removed.has(entry.dataFile.filePath);
            if (isRemoved) counts.removeFile(entry.dataFile);
            entries.push({
              ...entry,
              status: isRemoved ? 'deleted' : 'existing',
              snapshotId: isRemoved ? context.snapshotId : entry.snapshotId,
            });
          }
        }
        return {
          operation: 'overwrite' as const,
          newManifests: entries.length === 0 ? [] : await context.writeManifests('data', 0, entries),
          carried: [],
          counts,
        };
      }),
    );
  }

  pathOf(name: string): string {
    return `mem://wh/default/orders/data/${name}.parquet`;
  }

  async dataFiles(names: readonly string[]): Promise<DataFile[]> {
    const files: DataFile[] = [];
    for (const name of names) {
      const filePath = this.pathOf(name);
      await this.io.writeFile(filePath, Buffer.from(name));
      files.push({
        content: 'data',
        filePath,
        fileFormat: 'PARQUET',
        partition: [],
        specId: 0,
        recordCount: 1,
        fileSizeInBytes: name.length,
      });
    }
    return files;
  }

  /** The names of the data files that are there. */
  dataNames(): string[] {
    return this.#namesIn('/data/').map((name) => name.replace('.parquet', ''));
  }

  /** The manifests and manifest lists that are there. */
  avroFiles(): string[] {
    return this.#namesIn('/metadata/').filter((name) => name.endsWith('.avro'));
  }

  /** The manifests of the head of `main`. */
  async headManifests(): Promise<string[]> {
    const manifests = await readSnapshotManifests(this.io, currentSnapshot(await this.metadata())!);
    return manifests.map((manifest) => manifest.manifestPath);
  }

  /** Every file that any snapshot needs, found the long way, with every manifest read whole. */
  async reachable(metadata?: TableMetadata): Promise<Set<string>> {
    const state = metadata ?? (await this.metadata());
    const files = new Set(
      [...state.statistics, ...state.partitionStatistics].map((file) => file.statisticsPath),
    );
    for (const snapshot of state.snapshots) {
      files.add(snapshot.manifestList);
      for (const manifest of await readSnapshotManifests(this.io, snapshot)) {
        files.add(manifest.manifestPath);
        for (const { status, dataFile } of await readManifest(this.io, state, manifest)) {
          if (status !== 'deleted') files.add(dataFile.filePath);
        }
      }
    }
    return files;
  }

  #namesIn(folder: string): string[] {
    return [...this.io.files.keys()]
      .filter((location) => location.includes(folder))
      .map((location) => location.slice(location.lastIndexOf('/') + 1))
      .sort();
  }
}
