// Tables that get one data file a commit, measured in windows: what the scenario `iceberg-commit` and the soak
// `iceberg-commits` share.
import {
  commitTransaction,
  createManifestListCache,
  expireSnapshotsAndFiles,
  type FileIO,
  fastAppend,
  type LoadedTable,
  mergeAppend,
  type TransactionTarget,
} from '@danube/iceberg';
import { openSqlCatalog, type SqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { round } from '../statistics.ts';
import { describeDataFile, tableOptions } from './iceberg-table.ts';

export interface AppendSettings {
  readonly append: 'fast' | 'merge';
  /** Whether the writer keeps the manifest lists it wrote. */
  readonly cache: boolean;
  /** After each so many commits all but the last `retained` snapshots expire, and their files go. */
  readonly commitsPerExpiry: number;
  readonly retained: number;
  /** Of the table, beside those all have. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface CommitSettings extends AppendSettings {
  readonly commits: number;
  /** Commits to a table of its own before the first window, so that the first windows do not pay for compilation. */
  readonly warmUp: number;
  readonly commitsPerWindow: number;
}

/** What so many commits in a row cost, expiry included; figures are means over the window. */
export interface CommitWindow {
  /** From 1. */
  readonly firstCommit: number;
  readonly lastCommit: number;
  /** User and system time of the whole process, all threads. */
  readonly cpuMsPerCommit: number;
  /** The part of it that was spent on expiry. */
  readonly expiryCpuMsPerCommit: number;
  readonly wallMsPerCommit: number;
  /** To files of the table, not to the catalog's database; ours only. */
  readonly bytesWrittenPerCommit?: number;
}

/** A warehouse and a catalog below one folder. */
export interface CommitBench {
  /** A new table. */
  createTable(name: string, settings: AppendSettings): Promise<MeasuredTable>;
  close(): Promise<void>;
}

/** @param root an empty folder */
export async function openCommitBench(root: string): Promise<CommitBench> {
  const warehouse = localBaseUri(root);
  const io = counting(createFileIO({ store: await openLocalObjectStore({ root }), baseUri: warehouse }));
  const catalog = await openSqlCatalog({ file: `${root}/catalog.db`, name: 'bench', warehouse, io });
  await catalog.createNamespace(['bench']);
  return {
    async createTable(name, settings) {
      const identifier = { namespace: ['bench'], name };
      const properties = { ...tableOptions.properties, ...settings.properties };
      const table = await catalog.createTable(identifier, { ...tableOptions, properties });
      return new MeasuredTable(catalog, io, table, settings);
    },
    close: () => catalog.close(),
  };
}

/** The scenario's run: warm-up, then window after window of one table. */
export async function runCommits(root: string, settings: CommitSettings): Promise<readonly CommitWindow[]> {
  const bench = await openCommitBench(root);
  try {
    await (await bench.createTable('warm_up', settings)).window(settings.warmUp);
    const table = await bench.createTable('events', settings);
    const windows: CommitWindow[] = [];
    for (let done = 0; done < settings.commits; done += settings.commitsPerWindow)
      windows.push(await table.window(settings.commitsPerWindow));
    return windows;
  } finally {
    await bench.close();
  }
}

type CountingIO = FileIO & { readonly bytesWritten: number };

function counting(io: FileIO): CountingIO {
  let bytesWritten = 0;
  return {
    ...io,
    get bytesWritten() {
      return bytesWritten;
    },
    writeFile(location, data, options) {
      bytesWritten += data.byteLength;
      return io.writeFile(location, data, options);
    },
  };
}

/** A table and its only writer. */
export class MeasuredTable {
  readonly #io: CountingIO;
  readonly #target: TransactionTarget;
  readonly #settings: AppendSettings;
  /** What the commit before returned: a writer that is alone need not load the table again. */
  #base: LoadedTable;
  #commits = 0;
  #expiryCpuMs = 0;

  constructor(catalog: SqlCatalog, io: CountingIO, table: LoadedTable, settings: AppendSettings) {
    this.#io = io;
    this.#base = table;
    this.#settings = settings;
    // As many as are alive between two expiries: those that are not there each expiry would have to read.
    const maxLists = settings.retained + 2 * settings.commitsPerExpiry;
    this.#target = {
      ...{ catalog, io, identifier: table.identifier },
      ...(settings.cache && { manifestListCache: createManifestListCache({ maxLists }) }),
    };
  }

  /** Makes the next commits and says what they cost. */
  async window(commits: number): Promise<CommitWindow> {
    const first = this.#commits;
    const [expiryCpu, bytes, wall, cpu] = [
      this.#expiryCpuMs,
      this.#io.bytesWritten,
      performance.now(),
      cpuMs(),
    ];
    while (this.#commits < first + commits) await this.#append();
    const perCommit = (total: number) => round(total / commits);
    return {
      firstCommit: first + 1,
      lastCommit: this.#commits,
      cpuMsPerCommit: perCommit(cpuMs() - cpu),
      expiryCpuMsPerCommit: perCommit(this.#expiryCpuMs - expiryCpu),
      wallMsPerCommit: perCommit(performance.now() - wall),
      bytesWrittenPerCommit: Math.round((this.#io.bytesWritten - bytes) / commits),
    };
  }

  async #append(): Promise<void> {
    const { append, commitsPerExpiry, retained } = this.#settings;
    const dataFiles = [describeDataFile(this.#commits, this.#base.metadata.location)];
    const operation = append === 'fast' ? fastAppend({ dataFiles }) : mergeAppend({ dataFiles });
    ({ table: this.#base } = await commitTransaction(this.#target, [operation], { base: this.#base }));
    this.#commits += 1;
    if (this.#commits % commitsPerExpiry !== 0 || this.#commits <= retained) return;
    const start = cpuMs();
    await this.#expire();
    this.#expiryCpuMs += cpuMs() - start;
  }

  async #expire(): Promise<void> {
    const { retained } = this.#settings;
    const options = { olderThanMs: 0, retainLast: retained, commit: { base: this.#base } };
    const { table, cleanup } = await expireSnapshotsAndFiles(this.#target, options);
    if (cleanup.kind === 'stopped') throw cleanup.error;
    if (cleanup.files.failureCount > 0) throw new Error(JSON.stringify(cleanup.files.failures));
    this.#base = table;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
