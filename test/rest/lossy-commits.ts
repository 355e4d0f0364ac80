import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../packages/iceberg/src/conformance/seeded-random.ts';
import {
  ancestorsOf,
  type Catalog,
  currentSnapshot,
  type DataFile,
  type FileIO,
  type LoadedTable,
  readManifest,
  readSnapshotManifests,
} from '../../packages/iceberg/src/index.ts';
import { restAsk } from '../../packages/iceberg-catalog-rest/test/support/rest-call.ts';
import { type Fault, openFaultProxy } from '../../packages/objectstore/test/support/fault-proxy.ts';

/** Appends one data file, as one commit of one snapshot, and resolves when it has happened. */
export type Append = (catalog: Committing, file: DataFile) => Promise<void>;

/** What a commit needs of a catalog. */
export type Committing = Pick<Catalog, 'loadTable' | 'commitTable'> & { close(): Promise<void> };

export interface LossyCommitsOptions {
  /** Of the server itself. */
  readonly uri: string;
  readonly io: FileIO;
  readonly commits: number;
  /** Which replies fail, and how. */
  readonly seed: number;
  /** Share of the replies that fail, 0 to 1. */
  readonly share: number;
  /** The client's limit of an attempt. */
  readonly timeoutMs: number;
  readonly openClient: (uri: string, timeoutMs: number) => Promise<Committing>;
  readonly append: Append;
  readonly onProgress?: (commits: number) => void;
}

/** What came of it. */
export interface LossyCommitsReport {
  readonly seed: number;
  readonly commits: number;
  readonly snapshots: number;
  readonly requests: number;
  readonly faults: number;
  readonly seconds: number;
  /** What contradicts that each append happened once; empty when all is well. */
  readonly violations: readonly string[];
}

export const lossyTable = { namespace: ['lossy'], name: 't' };

const error = (status: number) => ({
  status,
  headers: { 'Content-Type': 'application/json', 'Retry-After': '0' },
  body: JSON.stringify({ error: { message: 'By the fault proxy.', type: 'ServerError', code: status } }),
});
const page = { status: 502, headers: { 'Content-Type': 'text/html' }, body: '<html>Bad gateway</html>' };

/** What a reply may meet with. After most of them the server has done what it was asked. */
const faultsOf = (lateMs: number): readonly Fault[] => [
  { kind: 'lose-reply', by: 'rst' },
  { kind: 'lose-reply', by: 'fin' },
  { kind: 'hold-reply', forMs: lateMs },
  { kind: 'late-request', byMs: lateMs },
  { kind: 'replace-reply', by: () => error(500) },
  { kind: 'replace-reply', by: () => error(503) },
  { kind: 'replace-reply', by: () => error(504) },
  { kind: 'replace-reply', by: () => page },
  { kind: 'replace-reply', by: (own) => ({ ...own, body: own.body?.slice(0, 100) ?? '' }) },
  { kind: 'reset-before' },
  { kind: 'answer', ...error(429) },
  { kind: 'answer', ...error(503) },
  { kind: 'answer', ...page },
];

const nameOf = (index: number): string => `mem://data/${index}`;

/**
 * Appends so many files, one after another, through a proxy that makes a share of the replies fail, and then asks the
 * server itself what there is. The table's snapshots are all kept.
 */
export async function runLossyCommits(options: LossyCommitsOptions): Promise<LossyCommitsReport> {
  const { uri, io, commits, timeoutMs, openClient } = options;
  const lateMs = 1.4 * timeoutMs;
  const faults = faultsOf(lateMs);
  await restAsk(uri, 'POST', 'namespaces', { namespace: lossyTable.namespace });
  const schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [{ id: 1, name: 'id', required: true, type: 'long' }],
  };
  await restAsk(uri, 'POST', `namespaces/${lossyTable.namespace}/tables`, { name: lossyTable.name, schema });
  const proxy = await openFaultProxy(new URL(uri).origin);
  const catalog = await openClient(new URL(new URL(uri).pathname, proxy.endpoint).href, timeoutMs);
  const random = seededRandom(options.seed);
  proxy.rule('lots', {
    times: Number.POSITIVE_INFINITY,
    fault: () => {
      const [isFault, which] = [random() < options.share, random()];
      return isFault ? faults[Math.floor(which * faults.length)]! : { kind: 'pass' };
    },
  });
  const began = performance.now();
  try {
    for (let index = 0; index < commits; index += 1) {
      await options.append(catalog, fileNamed(index));
      options.onProgress?.(index + 1);
    }
  } finally {
    await catalog.close();
  }
  // Requests that were given up may still land.
  await sleep(2 * lateMs);
  const seconds = Math.round(performance.now() - began) / 1000;
  await proxy.close();
  const direct = await openClient(uri, 30_000);
  const table = await direct.loadTable(lossyTable);
  await direct.close();
  return {
    seed: options.seed,
    commits,
    snapshots: table.metadata.snapshots.length,
    requests: proxy.requests.length,
    faults: proxy.fired('lots'),
    seconds,
    violations: [...chainViolations(table, commits), ...fileViolations(await liveFiles(table, io), commits)],
  };
}

/** A data file in name only: commits do not look into files. */
function fileNamed(index: number): DataFile {
  return {
    content: 'data',
    filePath: nameOf(index),
    fileFormat: 'PARQUET',
    partition: [],
    specId: 0,
    recordCount: 1,
    fileSizeInBytes: 1,
  };
}

function chainViolations({ metadata }: LoadedTable, commits: number): string[] {
  const found: string[] = [];
  const { length } = metadata.snapshots;
  if (length !== commits) found.push(`${length} snapshots for ${commits} appends`);
  const head = currentSnapshot(metadata);
  const chain = head === undefined ? 0 : [...ancestorsOf(metadata, head.snapshotId)].length;
  if (chain !== length) found.push(`${chain} of ${length} snapshots are in the chain of the current one`);
  return found;
}

function fileViolations(files: readonly string[], commits: number): string[] {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(file, (counts.get(file) ?? 0) + 1);
  const found: string[] = [];
  for (let index = 0; index < commits; index += 1) {
    const count = counts.get(nameOf(index)) ?? 0;
    if (count !== 1) found.push(`the file of append ${index} is there ${count} times`);
  }
  return found;
}

async function liveFiles({ metadata }: LoadedTable, io: FileIO): Promise<string[]> {
  const head = currentSnapshot(metadata);
  const files: string[] = [];
  for (const manifest of head === undefined ? [] : await readSnapshotManifests(io, head)) {
    for (const { status, dataFile } of await readManifest(io, metadata, manifest)) {
      if (status !== 'deleted') files.push(dataFile.filePath);
    }
  }
  return files;
}
