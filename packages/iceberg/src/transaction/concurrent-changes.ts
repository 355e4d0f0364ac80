import { DeleteIndex } from '../deletes/delete-index.ts';
import { IcebergError } from '../errors.ts';
import type { Expression } from '../expression/expression.ts';
import type { DataFile, EntryStatus, ManifestContent, ManifestEntry } from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { type FilePartition, partitionKey } from '../manifest/partition-key.ts';
import type { Snapshot, SnapshotOperation } from '../metadata/snapshot.ts';
import { currentSchema, partitionSpecById } from '../metadata/table-metadata.ts';
import { branchHead, snapshotsSince } from './branch-history.ts';
import { describedRows, filterTest } from './file-removal.ts';
import type { SnapshotContext } from './snapshot-operation.ts';

/** Which files an operation cares about: those that may hold rows of the filter, or are of the partitions. */
export interface ConflictScope {
  readonly filter?: Expression;
  readonly partitions?: readonly FilePartition[];
}

/**
 * What others committed to the branch since the caller decided, put to the rules of an operation. Which kinds of
 * snapshots matter for which question is as in Iceberg Java's `MergingSnapshotProducer`: a `replace` has the rows
 * that were there before, so what it adds is not new.
 *
 * Every check rejects with `COMMIT_CONFLICT` naming the file that is in the way.
 */
export class ConcurrentChanges {
  readonly #context: SnapshotContext;
  readonly #snapshots: readonly Snapshot[];

  /** `COMMIT_CONFLICT` when the branch's history does not lead back to what the caller decided on. */
  constructor(context: SnapshotContext) {
    this.#context = context;
    this.#snapshots = snapshotsSince(context, context.branch);
  }

  /** No data file was added that may hold rows of the scope. */
  async checkNoDataAdded(scope: ConflictScope): Promise<void> {
    const matches = this.#inScope(scope);
    for await (const { dataFile } of this.#entries('data', 'added', ['append', 'overwrite'])) {
      if (matches(dataFile)) throw conflict(`${dataFile.filePath} was added meanwhile`, dataFile);
    }
  }

  /** No data file was removed that may have held rows of the scope. */
  async checkNoDataRemoved(scope: ConflictScope): Promise<void> {
    const matches = this.#inScope(scope);
    for await (const { dataFile } of this.#entries('data', 'deleted', ['overwrite', 'replace', 'delete'])) {
      if (matches(dataFile)) throw conflict(`${dataFile.filePath} was removed meanwhile`, dataFile);
    }
  }

  /** No delete file was added that may concern rows of the scope. */
  async checkNoDeletesAdded(scope: ConflictScope): Promise<void> {
    for await (const { dataFile } of this.#addedDeletes(scope)) {
      throw conflict(`${dataFile.filePath} was added meanwhile and deletes rows`, dataFile);
    }
  }

  /** No delete file was added that may delete rows of these data files, written before the caller decided. */
  async checkNoDeletesFor(
    files: readonly DataFile[],
    scope: ConflictScope & { readonly ignore?: (deletes: DataFile) => boolean } = {},
  ): Promise<void> {
    const { start, base, branch } = this.#context;
    const index = new DeleteIndex([currentSchema(base), ...base.schemas.toReversed()]);
    for await (const entry of this.#addedDeletes(scope)) {
      index.add(entry, partitionSpecById(base, entry.dataFile.specId));
    }
    const decidedAt = branchHead(start, branch)?.sequenceNumber ?? 0n;
    for (const file of files) {
      const deletes = index.deletesOf(file, decidedAt, partitionSpecById(base, file.specId));
      const found = deletes.find(({ dataFile }) => !scope.ignore?.(dataFile));
      if (found === undefined) continue;
      const { filePath } = found.dataFile;
      throw conflict(`${filePath} was added meanwhile and deletes rows of ${file.filePath}`, found.dataFile);
    }
  }

  #inScope({ filter, partitions }: ConflictScope): (file: DataFile) => boolean {
    const inFilter = filter === undefined ? undefined : filterTest(filter, this.#context.metadata);
    const keys = partitions === undefined ? undefined : new Set(partitions.map(partitionKey));
    return (file) =>
      (inFilter === undefined || inFilter.match(file) !== 'none') &&
      (keys === undefined || keys.has(partitionKey(file)));
  }

  async *#addedDeletes(scope: ConflictScope): AsyncGenerator<ManifestEntry> {
    const matches = this.#inScope(scope);
    for await (const entry of this.#entries('deletes', 'added', ['overwrite', 'delete'])) {
      const rows = describedRows(entry.dataFile);
      // Equality deletes without partition concern every partition.
      if (matches(rows) || (scope.partitions !== undefined && rows.partition.length === 0)) yield entry;
    }
  }

  /** What the snapshots did themselves, of one status; a snapshot that does not say what it did is looked at. */
  async *#entries(
    content: ManifestContent,
    status: EntryStatus,
    operations: readonly SnapshotOperation[],
  ): AsyncGenerator<ManifestEntry> {
    const { io, base, manifestListCache } = this.#context;
    for (const snapshot of this.#snapshots) {
      const { snapshotId } = snapshot;
      const operation = snapshot.summary.operation as SnapshotOperation | undefined;
      if (operation !== undefined && !operations.includes(operation)) continue;
      for (const manifest of await readSnapshotManifests(io, snapshot, manifestListCache)) {
        if (manifest.content !== content || manifest.addedSnapshotId !== snapshotId) continue;
        for (const entry of await readManifest(io, base, manifest)) {
          if (entry.status === status && entry.snapshotId === snapshotId) yield entry;
        }
      }
    }
  }
}

function conflict(what: string, { filePath }: DataFile): IcebergError {
  return new IcebergError('COMMIT_CONFLICT', `${what}: decide anew on the present state`, {
    context: { filePath },
  });
}
