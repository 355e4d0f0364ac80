import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import type { ManifestFile } from '../manifest/data-file.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import {
  type FileRemovalOptions,
  type FileRemovalReport,
  FileRemover,
  type RemovedFile,
  removalKeys,
} from './file-deletion.ts';
import { checkGarbageCollected } from './garbage-collection.ts';
import { keptByAppends } from './kept-by-appends.ts';
import { LocationSet } from './location-set.ts';
import { readManifestPaths } from './manifest-paths.ts';
import {
  collectManifests,
  manifestListsOf,
  statisticsOf,
  type TableFiles,
  visitPaths,
} from './reachable-files.ts';

/** What must be known of a table before snapshots were expired. */
export type ExpiredState = TableFiles & Pick<TableMetadata, 'tableUuid' | 'lastSequenceNumber'>;

export interface DeleteExpiredFilesOptions extends FileRemovalOptions {
  readonly io: FileIO;
  /** The table before the expiry: a `TableMetadata`, or what is needed of it. */
  readonly before: ExpiredState;
  /** The table as it is now: loaded **after** the expiry's commit was known to have happened. */
  readonly after: TableMetadata;
  /** Saves reading manifest lists that this writer wrote. Default: none. */
  readonly manifestListCache?: ManifestListCache | undefined;
}

const optionKeys: OptionKeys<DeleteExpiredFilesOptions> = {
  ...removalKeys,
  io: true,
  before: true,
  after: true,
  manifestListCache: true,
};

/**
 * Deletes the files that only expired snapshots needed: those of `before` that `after` does not have. Everything that
 * can be reached from any snapshot of `after` stays.
 *
 * What is compared: manifests named by the lists of expired snapshots and by no list of a surviving one; of these the
 * live files that are live in no surviving manifest. Manifests are read only for expired snapshots that something else
 * than appends separates from a surviving one: a table that is only appended to loses no data file. Order of deletion:
 * data and delete files, manifests, manifest lists, statistics files. A crash in the middle leaves orphans and nothing
 * else; `removeOrphanFiles` finds them.
 *
 * Nothing at all is deleted if anything that survives cannot be read whole. What cannot be read of the expired
 * snapshots is reported, stays, and so does what it names.
 *
 * Memory: an entry for each distinct manifest of both states, 20 to 40 bytes for each file of manifests that go
 * (`LocationSet`), and `concurrency` manifests at a time. Each manifest list is read once, each surviving
 * manifest at most once, each that goes twice.
 *
 * **Others may commit meanwhile.** A commit that lands after `after` was loaded is made on the head of a ref. Heads
 * survive every expiry, and with them every manifest and file that such a commit carries over, also when it was begun
 * before the expiry: had its base not stayed a head, its assertion would fail. What it adds itself is named by no
 * expired snapshot. The exception are snapshots that are staged without moving a ref (they assert nothing), on a base
 * that is no head any more: what their own commit added is whole, what they carry over may be gone.
 *
 * Errors: `INVALID_ARGUMENT` (`gc.enabled=false`, states of two tables, or in the wrong order), `IO_ERROR` and `INVALID_MANIFEST`
 * naming what could not be read; then nothing was deleted. Failed deletions are in the report.
 */
export async function deleteExpiredFiles(options: DeleteExpiredFilesOptions): Promise<FileRemovalReport> {
  checkOptions('deleteExpiredFiles', options, optionKeys);
  return removeExpiredFiles(options);
}

/** As {@link deleteExpiredFiles}, of options that may have others beside them. */
export async function removeExpiredFiles(options: DeleteExpiredFilesOptions): Promise<FileRemovalReport> {
  const { io, before, after } = options;
  checkGarbageCollected(after, 'deleteExpiredFiles');
  checkStates(before, after);
  const remover = new FileRemover(io, options);
  const expiry = await planFiles(options, remover);
  await remover.remove(expiredPaths(io, expiry, remover));
  await remover.remove(filesOf('manifest', [...expiry.suspects.keys(), ...expiry.harmless.keys()]));
  await remover.remove(filesOf('manifest-list', expiry.lists));
  await remover.remove(filesOf('statistics', without(statisticsOf(before), statisticsOf(after))));
  return remover.report();
}

/** What is to go; nothing is deleted before this is complete. */
interface ExpiredFiles {
  /** Manifests whose live files are all needed by what survives. */
  readonly harmless: ReadonlyMap<string, ManifestFile>;
  /** Manifests that may name a file that nothing else needs. */
  readonly suspects: ReadonlyMap<string, ManifestFile>;
  /** The files that nothing else needs. */
  readonly paths: LocationSet;
  readonly lists: ReadonlySet<string>;
}

async function planFiles(
  { io, before, after, manifestListCache }: DeleteExpiredFilesOptions,
  remover: FileRemover,
): Promise<ExpiredFiles> {
  const { concurrency } = remover;
  const remaining = new Set(after.snapshots.map((snapshot) => snapshot.snapshotId));
  const expired = before.snapshots.filter((snapshot) => !remaining.has(snapshot.snapshotId));
  const lists = without(manifestListsOf(expired), manifestListsOf(after.snapshots));
  if (expired.length === 0) {
    return { harmless: new Map(), suspects: new Map(), paths: new LocationSet(), lists };
  }
  const surviving = await collectManifests(io, after.snapshots, concurrency, undefined, manifestListCache);
  const collect = async (snapshots: readonly Snapshot[]) => {
    const stays = (snapshot: Snapshot, error: unknown) => {
      lists.delete(snapshot.manifestList);
      remover.fail(listOf(snapshot), asIcebergError(error));
    };
    const found = await collectManifests(io, snapshots, concurrency, stays, manifestListCache);
    for (const path of surviving.keys()) found.delete(path);
    return found;
  };
  const kept = keptByAppends(expired, after.snapshots);
  const harmless = await collect([...kept]);
  const suspects = await collect(expired.filter((snapshot) => !kept.has(snapshot)));
  for (const path of harmless.keys()) suspects.delete(path);
  const paths = await candidatePaths(io, remover, suspects);
  // Reading stops as soon as nothing is left to be protected.
  await visitPaths(io, whileAny(paths, surviving.values()), concurrency, ({ isLive, location }) => {
    if (isLive) paths.delete(location);
  });
  return { harmless, suspects, paths, lists };
}

/** The live files of suspects. One that cannot be read is taken out of them. */
async function candidatePaths(
  io: FileIO,
  remover: FileRemover,
  manifests: Map<string, ManifestFile>,
): Promise<LocationSet> {
  const paths = new LocationSet();
  await visitPaths(
    io,
    [...manifests.values()],
    remover.concurrency,
    ({ isLive, location }) => {
      if (isLive) paths.add(location);
    },
    ({ manifestPath }, error) => {
      manifests.delete(manifestPath);
      remover.fail({ kind: 'manifest', location: manifestPath }, asIcebergError(error));
    },
  );
  return paths;
}

/** Each file once, whichever of the manifests names it. */
async function* expiredPaths(
  io: FileIO,
  { suspects, paths }: ExpiredFiles,
  remover: FileRemover,
): AsyncGenerator<RemovedFile> {
  for (const manifest of whileAny(paths, suspects.values())) {
    try {
      for (const { isLive, kind, location } of await readManifestPaths(io, manifest)) {
        if (isLive && paths.delete(location)) yield { kind, location };
      }
    } catch (error) {
      // It could be read a moment ago: what it names becomes orphans, nothing worse.
      remover.fail({ kind: 'manifest', location: manifest.manifestPath }, asIcebergError(error));
    }
  }
}

function* whileAny<T>(paths: LocationSet, items: Iterable<T>): Generator<T> {
  for (const item of items) {
    if (paths.size === 0) return;
    yield item;
  }
}

function* filesOf(kind: RemovedFile['kind'], locations: Iterable<string>): Generator<RemovedFile> {
  for (const location of locations) yield { kind, location };
}

function listOf({ manifestList, manifests }: Snapshot): RemovedFile {
  return manifests === undefined
    ? { kind: 'manifest-list', location: manifestList }
    : { kind: 'manifest', location: manifests.join(', ') };
}

function without(all: ReadonlySet<string>, kept: ReadonlySet<string>): Set<string> {
  return new Set([...all].filter((location) => !kept.has(location)));
}

/** Of a state that is older than `before` the newest snapshots would look expired. */
function checkStates(before: ExpiredState, after: TableMetadata): void {
  const isSame = before.tableUuid.toLowerCase() === after.tableUuid.toLowerCase();
  if (isSame && after.lastSequenceNumber >= before.lastSequenceNumber) return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    isSame
      ? 'the state "after" is older than the one "before": load it after the expiry was committed'
      : `these are states of two tables: ${before.tableUuid} and ${after.tableUuid}`,
    { context: { before: before.tableUuid, after: after.tableUuid, location: after.location } },
  );
}

function asIcebergError(error: unknown): IcebergError {
  if (IcebergError.is(error)) return error;
  throw error;
}
