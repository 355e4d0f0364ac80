import type { FileIO } from '../io/file-io.ts';
import { readAhead } from '../io/read-ahead.ts';
import type {
  DataFile,
  EntryStatus,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
} from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkOptions } from '../options.ts';
import { type SnapshotSelection, selectionKeys, selectSnapshot } from '../scan/snapshot-selection.ts';
import { type PartitionRecord, PartitionRecords } from './partition-record.ts';
import { metricsReader, type ReadableMetrics } from './readable-metrics.ts';

/** A file as its manifest describes it, its partition by name and its metrics also in readable form. */
export interface FileRow extends Omit<DataFile, 'partition'> {
  readonly partition: PartitionRecord;
  readonly readableMetrics: ReadableMetrics;
}

/** A line of a manifest: what a snapshot added, kept or removed. */
export interface EntryRow {
  readonly status: EntryStatus;
  /** The snapshot that added (or deleted) the file. */
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
  readonly fileSequenceNumber: bigint;
  readonly dataFile: Omit<FileRow, 'readableMetrics'>;
  readonly readableMetrics: ReadableMetrics;
}

/**
 * The lines of a snapshot's manifests, deleted ones included, in the order of its manifests. One manifest at a time
 * is in memory, a few read ahead.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND` and `INVALID_ARGUMENT` at once; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`
 */
export function entries(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<EntryRow> {
  const read = snapshotEntries(metadata, io, selection);
  const records = new PartitionRecords(metadata);
  const readMetrics = metricsReader(currentSchema(metadata));
  return mapped(read, ({ status, snapshotId, sequenceNumber, fileSequenceNumber, dataFile }) => ({
    status,
    snapshotId,
    sequenceNumber,
    fileSequenceNumber,
    dataFile: { ...dataFile, partition: records.record(dataFile.specId, dataFile.partition) },
    readableMetrics: readMetrics(dataFile),
  }));
}

/** The files of a snapshot, data files and delete files. Order, memory and errors as for {@link entries}. */
export function files(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<FileRow> {
  return mapped(liveEntries(metadata, io, selection), toFileRow(metadata));
}

/** The data files of a snapshot. Order, memory and errors as for {@link entries}. */
export function dataFiles(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<FileRow> {
  return mapped(liveEntries(metadata, io, selection, 'data'), toFileRow(metadata));
}

/** The delete files of a snapshot: position and equality deletes. Order, memory and errors as for {@link entries}. */
export function deleteFiles(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection = {},
): AsyncIterable<FileRow> {
  return mapped(liveEntries(metadata, io, selection, 'deletes'), toFileRow(metadata));
}

/**
 * The files of all snapshots. A manifest that several snapshots share is read once; a file that several manifests
 * name is there for each. In memory are one manifest and the paths of all. Errors while iterating: `IO_ERROR`,
 * `INVALID_MANIFEST`.
 */
export function allFiles(metadata: TableMetadata, io: FileIO): AsyncIterable<FileRow> {
  return mapped(allLiveEntries(metadata, io), toFileRow(metadata));
}

/** {@link allFiles} without delete files. */
export function allDataFiles(metadata: TableMetadata, io: FileIO): AsyncIterable<FileRow> {
  return mapped(allLiveEntries(metadata, io, 'data'), toFileRow(metadata));
}

/** {@link allFiles} without data files. */
export function allDeleteFiles(metadata: TableMetadata, io: FileIO): AsyncIterable<FileRow> {
  return mapped(allLiveEntries(metadata, io, 'deletes'), toFileRow(metadata));
}

/** Entries of a snapshot whose file is part of it. */
export function liveEntries(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection,
  content?: ManifestContent,
): AsyncIterable<ManifestEntry> {
  const wanted = (manifest: ManifestFile): boolean =>
    (content === undefined || manifest.content === content) && mayHaveLiveFiles(manifest);
  return live(snapshotEntries(metadata, io, selection, wanted));
}

function snapshotEntries(
  metadata: TableMetadata,
  io: FileIO,
  selection: SnapshotSelection,
  wanted: (manifest: ManifestFile) => boolean = () => true,
): AsyncIterable<ManifestEntry> {
  checkOptions('a metadata table', selection, selectionKeys);
  const { snapshot } = selectSnapshot(metadata, selection);
  return {
    async *[Symbol.asyncIterator]() {
      if (snapshot === undefined) return;
      const manifests = await readSnapshotManifests(io, snapshot);
      yield* manifestEntries(metadata, io, manifests.filter(wanted));
    },
  };
}

function allLiveEntries(
  metadata: TableMetadata,
  io: FileIO,
  content?: ManifestContent,
): AsyncIterable<ManifestEntry> {
  return live({
    async *[Symbol.asyncIterator]() {
      const seen = new Set<string>();
      const lists = readAhead(metadata.snapshots, (snapshot) => readSnapshotManifests(io, snapshot));
      for await (const { result } of lists) {
        const unread = result.filter(
          (manifest) =>
            (content === undefined || manifest.content === content) && !seen.has(manifest.manifestPath),
        );
        for (const { manifestPath } of unread) seen.add(manifestPath);
        yield* manifestEntries(metadata, io, unread.filter(mayHaveLiveFiles));
      }
    },
  });
}

async function* manifestEntries(
  metadata: TableMetadata,
  io: FileIO,
  manifests: readonly ManifestFile[],
): AsyncGenerator<ManifestEntry> {
  for await (const { result } of readAhead(manifests, (manifest) => readManifest(io, metadata, manifest))) {
    yield* result;
  }
}

/** Counts are missing in v1 lists; then only the manifest can tell. */
function mayHaveLiveFiles({ addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return addedFilesCount !== 0 || existingFilesCount !== 0;
}

function live(source: AsyncIterable<ManifestEntry>): AsyncIterable<ManifestEntry> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const entry of source) if (entry.status !== 'deleted') yield entry;
    },
  };
}

/** A view of each item; like its source it may be iterated again. */
function mapped<T, R>(source: AsyncIterable<T>, map: (item: T) => R): AsyncIterable<R> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const item of source) yield map(item);
    },
  };
}

function toFileRow(metadata: TableMetadata): (entry: ManifestEntry) => FileRow {
  const records = new PartitionRecords(metadata);
  const readMetrics = metricsReader(currentSchema(metadata));
  return ({ dataFile }) => ({
    ...dataFile,
    partition: records.record(dataFile.specId, dataFile.partition),
    readableMetrics: readMetrics(dataFile),
  });
}
