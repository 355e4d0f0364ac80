// A table in a warehouse of its own, one data file a commit, measured in windows: what the scenario `iceberg-commit` and
// the soak `iceberg-commits` share.
import {
  type CommittedTransaction,
  commitTransaction,
  createManifestListCache,
  deleteExpiredFiles,
  expireSnapshots,
  type FileIO,
  fastAppend,
  type LoadedTable,
  mergeAppend,
  type TransactionTarget,
} from '@danube/iceberg';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { round } from '../statistics.ts';
import { describeDataFile, tableOptions } from './iceberg-table.ts';

export interface CommitSettings {
  readonly append: 'fast' | 'merge';
  /** Whether the writer keeps the manifest lists it wrote. */
  readonly cache: boolean;
  readonly commits: number;
  /** Commits to a table of its own before the first window, so that the first windows do not pay for compilation. */
  readonly warmUp: number;
  readonly commitsPerWindow: number;
  /** After each so many commits all but the last `retained` snapshots expire, and their files go. */
  readonly commitsPerExpiry: number;
  readonly retained: number;
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
  readonly bytesWrittenPerCommit?: number;
  /** In use after a collection, at the end of some windows. */
  readonly heapBytes?: number;
}

/** Counts what is written through it. */
function counting(io: FileIO): FileIO & { readonly bytesWritten: number } {
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

/** Commits to a fresh table below `root`, which exists and is empty, and calls `onWindow` after each window. */
export async function runCommits(
  root: string,
  settings: CommitSettings,
  onWindow: (window: CommitWindow) => void,
): Promise<void> {
  const warehouse = localBaseUri(root);
  const io = counting(createFileIO({ store: await openLocalObjectStore({ root }), baseUri: warehouse }));
  const catalog = await openSqlCatalog({ file: `${root}/catalog.db`, name: 'bench', warehouse, io });
  try {
    await catalog.createNamespace(['bench']);
    const target = (name: string): TransactionTarget => ({
      ...{ catalog, io, identifier: { namespace: ['bench'], name } },
      ...(settings.cache && { manifestListCache: createManifestListCache({ maxLists: 2 }) }),
    });
    const commitTo = async (name: string) => {
      const table = await catalog.createTable({ namespace: ['bench'], name }, tableOptions);
      return new Committer(target(name), table, settings);
    };
    const warm = await commitTo('warm_up');
    for (let index = 0; index < settings.warmUp; index += 1) await warm.commit(index);
    const committer = await commitTo('events');
    for (let first = 0; first < settings.commits; first += settings.commitsPerWindow)
      onWindow(await measure(committer, io, first, settings.commitsPerWindow));
  } finally {
    await catalog.close();
  }
}

class Committer {
  readonly #target: TransactionTarget;
  readonly #settings: CommitSettings;
  /** What the commit before returned: a writer that is alone need not load the table again. */
  #base: LoadedTable;
  #expiryCpuMs = 0;

  constructor(target: TransactionTarget, table: LoadedTable, settings: CommitSettings) {
    this.#target = target;
    this.#base = table;
    this.#settings = settings;
  }

  /** Over the life of the table. */
  get expiryCpuMs(): number {
    return this.#expiryCpuMs;
  }

  /** @param index of the commit, from 0 */
  async commit(index: number): Promise<void> {
    const { append, commitsPerExpiry, retained } = this.#settings;
    const dataFiles = [describeDataFile(index, this.#base.metadata.location)];
    await this.#commit(append === 'fast' ? fastAppend({ dataFiles }) : mergeAppend({ dataFiles }));
    if ((index + 1) % commitsPerExpiry !== 0 || index < retained) return;
    const start = cpuMs();
    await this.#expire();
    this.#expiryCpuMs += cpuMs() - start;
  }

  async #expire(): Promise<void> {
    const before = this.#base.metadata;
    await this.#commit(expireSnapshots({ olderThanMs: 0, retainLast: this.#settings.retained }));
    const report = await deleteExpiredFiles({ io: this.#target.io, before, after: this.#base.metadata });
    if (report.failures.length > 0) throw new Error(`files stayed: ${JSON.stringify(report.failures)}`);
  }

  async #commit(operation: Parameters<typeof commitTransaction>[1][number]): Promise<void> {
    const committed: CommittedTransaction = await commitTransaction(this.#target, [operation], {
      base: this.#base,
    });
    this.#base = committed.table;
  }
}

async function measure(
  committer: Committer,
  io: { readonly bytesWritten: number },
  first: number,
  commits: number,
): Promise<CommitWindow> {
  const before = {
    cpu: cpuMs(),
    wall: performance.now(),
    bytes: io.bytesWritten,
    expiry: committer.expiryCpuMs,
  };
  for (let index = first; index < first + commits; index += 1) await committer.commit(index);
  const perCommit = (total: number) => round(total / commits);
  return {
    firstCommit: first + 1,
    lastCommit: first + commits,
    cpuMsPerCommit: perCommit(cpuMs() - before.cpu),
    expiryCpuMsPerCommit: perCommit(committer.expiryCpuMs - before.expiry),
    wallMsPerCommit: perCommit(performance.now() - before.wall),
    bytesWrittenPerCommit: Math.round((io.bytesWritten - before.bytes) / commits),
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
