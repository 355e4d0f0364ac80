import { setImmediate } from 'node:timers/promises';
import type { Catalog, TableIdentifier } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import { updateProperties } from '../evolution/update-properties.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { currentSnapshot } from '../metadata/table-metadata.ts';
import { commitTransaction } from '../transaction/commit-transaction.ts';
import { fastAppend } from '../transaction/fast-append.ts';
import { mergeAppend } from '../transaction/merge-append.ts';
import { type CommitFault, createFaultCatalog, type FaultCatalog } from './fault-catalog.ts';
import { seededRandom } from './seeded-random.ts';

export interface RandomWritersOptions {
  readonly catalog: Catalog;
  /** An unpartitioned table without snapshots; nobody else writes to it. */
  readonly identifier: TableIdentifier;
  readonly io: FileIO;
  /** The same faults in the same order for the same seed; how writers take turns is up to the catalog. */
  readonly seed: number;
  readonly writers: number;
  readonly appendsEach: number;
  /** Which part of all replies is lost, delayed or refused, from 0 to 1. */
  readonly faultRate: number;
}

/** What writers were told of their appends, and what the table has. */
export interface RandomWritersReport {
  readonly committed: number;
  readonly conflicts: number;
  readonly unknown: number;
  /** Of the unknown ones. */
  readonly unknownLanded: number;
  readonly attempts: number;
  /** What contradicts what writers were told; empty when all is well. */
  readonly violations: readonly string[];
}

type Told = 'committed' | 'conflict' | 'unknown';

/**
 * Writers that append to one table at the same time, each behind a network that loses and delays replies and requests,
 * then a reckoning: every append that was reported committed is in the table once, none that was reported failed is,
 * and of the unknown ones each is in it once or not at all, also after every delayed request has arrived.
 */
export async function runRandomWriters(options: RandomWritersOptions): Promise<RandomWritersReport> {
  const random = seededRandom(options.seed);
  const networks: FaultCatalog[] = [];
  const told = new Map<string, Told>();
  const count = { attempts: 0 };
  const network = (): FaultCatalog =>
    createFaultCatalog(options.catalog, {
      onCommit: async () => {
        const late = networks.find(({ delayedCount }) => delayedCount > 0);
        if (late !== undefined && random() < 0.3) await late.landDelayed(1);
        return random() < options.faultRate ? pick(faults, random) : 'deliver';
      },
      onLoad: () => {
        if (random() < options.faultRate / 4) throw new IcebergError('CATALOG_UNAVAILABLE', 'busy');
      },
    });
  for (let writer = 0; writer < options.writers; writer += 1) networks.push(network());
  await Promise.all(
    networks.map(async (catalog, writer) => {
      for (let turn = 0; turn < options.appendsEach; turn += 1) {
        const name = `w${writer}-${turn}`;
        told.set(name, await append({ ...options, catalog }, name, random, count));
      }
    }),
  );
  for (const catalog of networks) await catalog.landDelayed();
  return reckon(options, told, count.attempts);
}

const faults: readonly CommitFault[] = [
  'lose-reply',
  'lose-request',
  'delay',
  { throws: new IcebergError('CATALOG_UNAVAILABLE', 'busy') },
  { repliesWith: new IcebergError('COMMIT_STATE_UNKNOWN', 'bad gateway') },
  // A proxy that sends a request twice passes on the second answer.
  { repliesWith: new IcebergError('COMMIT_CONFLICT', 'main has moved') },
  { throws: new IcebergError('ACCESS_DENIED', 'the token has expired') },
];

async function append(
  { catalog, identifier, io }: RandomWritersOptions,
  name: string,
  random: () => number,
  count: { attempts: number },
): Promise<Told> {
  const target = { catalog, identifier, io };
  const operation = (random() < 0.5 ? fastAppend : mergeAppend)({ dataFiles: [fileNamed(name)] });
  const patience = {
    base: await loadPatiently(catalog, identifier),
    retry: { numRetries: random() < 0.2 ? 0 : 30 },
    statusCheck: { numRetries: 3 },
    wait: () => setImmediate(),
  };
  if (random() < 0.2) {
    // A change that moves no ref and takes no sequence number: what is on its way can still land after it.
    const note = updateProperties({ set: { 'last-writer': name } });
    await commitTransaction(target, [note], patience).catch(failure);
  }
  try {
    const pinned = random() < 0.2 ? { pinnedRefs: [] } : {};
    const { attempts } = await commitTransaction(target, [operation], { ...patience, ...pinned });
    count.attempts += attempts;
    return 'committed';
  } catch (error) {
    return failure(error);
  }
}

const failures: ReadonlySet<string> = new Set(['COMMIT_CONFLICT', 'CATALOG_UNAVAILABLE', 'ACCESS_DENIED']);

function failure(error: unknown): Told {
  if (IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')) return 'unknown';
  if (IcebergError.is(error) && failures.has(error.code)) return 'conflict';
  throw error;
}

async function loadPatiently(catalog: Catalog, identifier: TableIdentifier) {
  for (;;) {
    try {
      return await catalog.loadTable(identifier);
    } catch (error) {
      if (!IcebergError.is(error, 'CATALOG_UNAVAILABLE')) throw error;
    }
  }
}

/** A file in name only. */
function fileNamed(name: string): DataFile {
  return {
    content: 'data',
    filePath: `mem://data/${name}`,
    fileFormat: 'PARQUET',
    partition: [],
    specId: 0,
    recordCount: 1,
    fileSizeInBytes: 1,
  };
}

async function reckon(
  { catalog, identifier, io }: RandomWritersOptions,
  told: ReadonlyMap<string, Told>,
  attempts: number,
): Promise<RandomWritersReport> {
  const { metadata } = await catalog.loadTable(identifier);
  const head = currentSnapshot(metadata);
  const found = new Map<string, number>();
  for (const manifest of head === undefined ? [] : await readSnapshotManifests(io, head)) {
    for (const { dataFile } of await readManifest(io, metadata, manifest)) {
      const name = dataFile.filePath.slice(dataFile.filePath.lastIndexOf('/') + 1);
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  const violations: string[] = [];
  for (const [name, times] of found) {
    if (!told.has(name) || times > 1) violations.push(`${name} is there ${times} times`);
  }
  for (const [name, outcome] of told) {
    const times = found.get(name) ?? 0;
    if (outcome === 'committed' && times === 0)
      violations.push(`${name} was reported committed and is not there`);
    if (outcome === 'conflict' && times > 0) violations.push(`${name} was reported failed and is there`);
  }
  if (metadata.snapshots.length !== found.size) {
    violations.push(`${metadata.snapshots.length} snapshots for ${found.size} appends`);
  }
  const outcomes = [...told];
  const number = (wanted: Told): number => outcomes.filter(([, outcome]) => outcome === wanted).length;
  return {
    committed: number('committed'),
    conflicts: number('conflict'),
    unknown: number('unknown'),
    unknownLanded: outcomes.filter(([name, outcome]) => outcome === 'unknown' && found.has(name)).length,
    attempts,
    violations,
  };
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)] as T;
}
