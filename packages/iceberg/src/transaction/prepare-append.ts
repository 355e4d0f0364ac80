import { randomUUID } from 'node:crypto';
import type { CommitRequest, LoadedTable } from '../catalog/catalog.ts';
import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { writeNewFile } from '../io/file-io-errors.ts';
import type { DataFile, ManifestFile } from '../manifest/data-file.ts';
import { hasCounts, withCounts } from '../manifest/manifest-counts.ts';
import { ManifestList } from '../manifest/manifest-list.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { readManifestList, readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { encodeAddedFilesManifest, manifestCodec } from '../manifest/manifest-writer.ts';
import { appendSummary, snapshotTotals } from '../manifest/snapshot-summary.ts';
import { metadataFolder } from '../metadata/metadata-file.ts';
import { mainBranch, type Snapshot, type SnapshotRef } from '../metadata/snapshot.ts';
import { generateSnapshotId } from '../metadata/snapshot-id.ts';
import {
  currentSnapshot,
  partitionSpecById,
  refByName,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { writableFormatVersion } from '../metadata/table-metadata-json.ts';

export interface PrepareAppendOptions {
  /** The state to append to. The commit succeeds only while the table is still there. */
  readonly base: LoadedTable;
  readonly io: FileIO;
  /** Data files that are complete and durable. None: a snapshot without rows, for properties and refs. */
  readonly dataFiles: readonly DataFile[];
  /** Default: a random id that the table does not have. */
  readonly snapshotId?: bigint;
  /** Unix milliseconds; the snapshot's time is this or the base's last update, whichever is later. Default: now. */
  readonly timestampMs?: number;
  /** Further entries of the snapshot's summary; the format's own keys win. */
  readonly summary?: Readonly<Record<string, string>>;
  /** Table properties to set in the same commit. */
  readonly setProperties?: Readonly<Record<string, string>>;
  /** Tags to assert at their base values (absent included) and to move to the new snapshot, like `main`. */
  readonly tags?: readonly string[];
  /** Number of the attempt, for the manifest list's name only. Default 1. */
  readonly attempt?: number;
  /** Saves reading the parent's manifest list when this writer wrote it. Default: none. */
  readonly manifestListCache?: ManifestListCache;
}

/** A commit that is ready to be sent, as often as needed. */
export interface PreparedCommit {
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly snapshot: Snapshot;
  /** Asserts table uuid, `main` and every tag at the base's values; adds the snapshot, moves them to it, sets properties. */
  readonly request: CommitRequest;
  /** Manifests and manifest list, durable. Orphans if the commit is given up; nothing here deletes them. */
  readonly writtenFiles: readonly string[];
}

/**
 * Writes the manifest and manifest list of a fast append on exactly this base and returns the commit that would
 * make them the table's next snapshot. It commits nothing, never moves to a newer base, never deletes.
 * Sending the same request again is safe: once it has landed (or anything else has), its assertions fail.
 *
 * All manifests of the parent are carried over unread, newest first, except those without a live file. Cost:
 * one write for each partition spec in `dataFiles`, one for the list, and reading the parent's list unless
 * cached.
 *
 * Errors: `INVALID_ARGUMENT` for data files that do not fit the table, `UNSUPPORTED_FORMAT_VERSION` for other
 * formats than v2, `IO_ERROR` with `context.writtenFiles` naming what may have been written. Spec:
 * https://iceberg.apache.org/spec/#snapshots
 */
export async function prepareAppend(options: PrepareAppendOptions): Promise<PreparedCommit> {
  const { io, dataFiles, tags = [] } = options;
  const { metadata } = options.base;
  checkWritable(metadata);
  checkDataFiles(dataFiles);
  checkTags(tags, metadata);
  const snapshotId = options.snapshotId ?? generateSnapshotId(metadata);
  checkSnapshotId(snapshotId, metadata);
  const parent = currentSnapshot(metadata);
  const sequenceNumber = metadata.lastSequenceNumber + 1n;
  const folder = metadataFolder(metadata);
  const commitUuid = randomUUID();

  const encoded = groupBySpec(dataFiles).map(([specId, files], index) =>
    encodeAddedFilesManifest({
      location: `${folder}/${commitUuid}-m${index}.avro`,
      metadata,
      spec: partitionSpecById(metadata, specId),
      snapshotId,
      sequenceNumber,
      files,
    }),
  );
  const inherited = await inheritedManifests(options, parent);
  const totals = await snapshotTotals(io, metadata, parent, inherited);
  const list = inherited.prepend(
    encoded.map(({ manifest }) => manifest),
    manifestCodec(metadata),
  );
  const manifestList = `${folder}/snap-${snapshotId}-${options.attempt ?? 1}-${commitUuid}.avro`;
  const listHeader = {
    snapshotId,
    sequenceNumber,
    ...(parent !== undefined && { parentSnapshotId: parent.snapshotId }),
  };
  const listBytes = list.encode(listHeader);

  const snapshot: Snapshot = {
    snapshotId,
    ...(parent !== undefined && { parentSnapshotId: parent.snapshotId }),
    sequenceNumber,
    timestampMs: Math.max(options.timestampMs ?? Date.now(), metadata.lastUpdatedMs),
    manifestList,
    summary: appendSummary(totals, dataFiles, options.summary),
    schemaId: metadata.currentSchemaId,
  };
  const writtenFiles = [...encoded.map(({ manifest }) => manifest.manifestPath), manifestList];
  await writeFiles(io, writtenFiles, [...encoded.map(({ bytes }) => bytes), listBytes]);
  options.manifestListCache?.set(manifestList, list);
  return {
    snapshotId,
    sequenceNumber,
    snapshot,
    request: appendRequest(metadata, snapshot, tags, options.setProperties),
    writtenFiles,
  };
}

/** The parent's manifests as the next list carries them. */
async function inheritedManifests(
  { io, base, manifestListCache }: PrepareAppendOptions,
  parent: Snapshot | undefined,
): Promise<ManifestList> {
  if (parent === undefined) return ManifestList.of([]);
  if (parent.manifests === undefined) {
    const list = await readManifestList(io, parent.manifestList, manifestListCache);
    if (list.manifests.every((manifest) => hasCounts(manifest) && hasLiveFiles(manifest))) return list;
  }
  const manifests = await readSnapshotManifests(io, parent, manifestListCache);
  const counted = await Promise.all(manifests.map((manifest) => withCounts(io, base.metadata, manifest)));
  return ManifestList.of(counted.filter(hasLiveFiles));
}

function appendRequest(
  metadata: TableMetadata,
  snapshot: Snapshot,
  tags: readonly string[],
  properties: Readonly<Record<string, string>> = {},
): CommitRequest {
  const refs = [mainBranch, ...tags];
  const requirements: TableRequirement[] = [
    { type: 'assert-table-uuid', uuid: metadata.tableUuid },
    ...refs.map((ref): TableRequirement => {
      const snapshotId = refByName(metadata, ref)?.snapshotId ?? null;
      return { type: 'assert-ref-snapshot-id', ref, snapshotId };
    }),
  ];
  const updates: TableUpdate[] = [
    { action: 'add-snapshot', snapshot },
    ...refs.map((refName): TableUpdate => {
      const type = refName === mainBranch ? 'branch' : 'tag';
      // Retention settings of the ref stay as they are.
      const { extra: _, ...ref }: SnapshotRef = {
        type,
        ...refByName(metadata, refName),
        snapshotId: snapshot.snapshotId,
      };
      return { action: 'set-snapshot-ref', refName, ...ref };
    }),
  ];
  if (Object.keys(properties).length > 0) updates.push({ action: 'set-properties', updates: properties });
  return { requirements, updates };
}

/** All or an error; which of them were written by then cannot be known, so all are named. */
async function writeFiles(
  io: FileIO,
  locations: readonly string[],
  contents: readonly Uint8Array[],
): Promise<void> {
  const outcomes = await Promise.allSettled(
    locations.map((location, index) => writeNewFile(io, location, contents[index]!)),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return;
  const cause: unknown = failed.reason;
  throw new IcebergError(
    'IO_ERROR',
    `the append's manifests could not be written: ${(cause as Error).message}`,
    {
      cause,
      context: { writtenFiles: locations },
      retryable: IcebergError.is(cause) && cause.retryable,
    },
  );
}

/** A manifest with nothing but deleted entries has done its work. */
function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0;
}

function groupBySpec(files: readonly DataFile[]): [number, DataFile[]][] {
  const groups = new Map<number, DataFile[]>();
  for (const file of files) {
    const group = groups.get(file.specId);
    if (group === undefined) groups.set(file.specId, [file]);
    else group.push(file);
  }
  return [...groups].sort(([left], [right]) => right - left);
}

function checkWritable(metadata: TableMetadata): void {
  if (metadata.formatVersion === writableFormatVersion) return;
  throw new IcebergError(
    'UNSUPPORTED_FORMAT_VERSION',
    `cannot append to a table of format version ${metadata.formatVersion} (this release writes ${writableFormatVersion})`,
    { context: { formatVersion: metadata.formatVersion, location: metadata.location } },
  );
}

function checkDataFiles(files: readonly DataFile[]): void {
  const paths = new Set<string>();
  for (const { filePath, content, recordCount, fileSizeInBytes } of files) {
    if (content !== 'data')
      throw refuse(`${filePath}: an append adds data files, not ${content}`, { filePath });
    if (paths.has(filePath)) throw refuse(`${filePath} is given twice`, { filePath });
    if (!Number.isSafeInteger(recordCount) || recordCount < 0) {
      throw refuse(`${filePath}: ${recordCount} is no record count`, { filePath });
    }
    if (!Number.isSafeInteger(fileSizeInBytes) || fileSizeInBytes < 0) {
      throw refuse(`${filePath}: ${fileSizeInBytes} is no file size`, { filePath });
    }
    paths.add(filePath);
  }
}

function checkTags(tags: readonly string[], metadata: TableMetadata): void {
  for (const tag of tags) {
    if (tag === mainBranch || tag === '' || refByName(metadata, tag)?.type === 'branch') {
      throw refuse(`"${tag}" cannot be moved as a tag`, { tag });
    }
  }
  if (new Set(tags).size !== tags.length) throw refuse('a tag is named twice', { tags });
}

function checkSnapshotId(snapshotId: bigint, metadata: TableMetadata): void {
  if (snapshotId <= 0n || snapshotId >= 2n ** 63n)
    throw refuse(`${snapshotId} is no snapshot id`, { snapshotId });
  if (snapshotById(metadata, snapshotId) !== undefined) {
    throw refuse(`the table already has snapshot ${snapshotId}`, { snapshotId });
  }
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
