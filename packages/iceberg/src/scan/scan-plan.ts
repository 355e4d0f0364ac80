import { IcebergError } from '../errors.ts';
import { alwaysTrue, type Expression } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import type { BoundExpression, ColumnReference, PartitionReference } from '../expression/expression-bound.ts';
import { projectToPartition } from '../expression/expression-projection.ts';
import { mayMatch } from '../expression/expression-stats.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile, ManifestContent, ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import {
  currentSchema,
  currentSnapshot,
  partitionSpecById,
  schemaById,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { type DeleteFile, DeleteIndex } from './scan-deletes.ts';
import { dataFileStats, partitionStats, summaryStats } from './scan-stats.ts';

/** What to plan. */
export interface PlanFilesOptions {
  /** The snapshot to read. Default the current one. */
  readonly snapshotId?: bigint;
  /** Rows wanted. Default all. */
  readonly filter?: Expression;
  /** Manifest lists read before, to save reading them again. */
  readonly cache?: ManifestListCache;
}

/** A data file that may hold wanted rows, and what is needed to read them. */
export interface FileScanTask {
  readonly dataFile: DataFile;
  /** Data sequence number: of two files with the same row, the lower one was there first. */
  readonly sequenceNumber: bigint;
  /** The snapshot that added the file. */
  readonly snapshotId: bigint;
  /** Delete files that may remove rows of the file. `scanRows` refuses a file that has any. */
  readonly deletes: readonly DeleteFile[];
  /** The filter that its rows must still be put to. */
  readonly residual: Expression;
  /** The spec of the file's partition values. */
  readonly partitionSpec: PartitionSpec;
  /** The schema to read it with. */
  readonly schema: Schema;
}

/**
 * The schema a scan reads with: the current one, or for an older snapshot the one that was current then.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND`, `INVALID_METADATA`
 */
export function scanSchema(metadata: TableMetadata, snapshotId?: bigint): Schema {
  if (snapshotId === undefined) return currentSchema(metadata);
  const { schemaId } = wantedSnapshot(metadata, snapshotId);
  return schemaId === undefined ? currentSchema(metadata) : schemaById(metadata, schemaId);
}

function wantedSnapshot(metadata: TableMetadata, snapshotId: bigint): Snapshot {
  const snapshot = snapshotById(metadata, snapshotId);
  if (snapshot) return snapshot;
  throw new IcebergError('SNAPSHOT_NOT_FOUND', `the table has no snapshot ${snapshotId}`, {
    context: { snapshotId },
  });
}

/**
 * Finds the data files that may hold wanted rows. Whole manifests are left out by their partition summaries,
 * files by their partition values, bounds and null counts; a file with a wanted row is never left out.
 *
 * Files come in the manifests' order as manifests are read, a few ahead; one manifest's entries at a time are in
 * memory, and all delete files of the snapshot. A table without snapshot has no files.
 *
 * @throws IcebergError `INVALID_ARGUMENT` at once when the filter does not fit the schema, `SNAPSHOT_NOT_FOUND`
 *   at once; while iterating `IO_ERROR`, `INVALID_MANIFEST`
 * @see https://iceberg.apache.org/spec/#scan-planning
 */
export function planFiles(
  metadata: TableMetadata,
  io: FileIO,
  options: PlanFilesOptions = {},
): AsyncIterable<FileScanTask> {
  const { snapshotId, filter = alwaysTrue } = options;
  const schema = scanSchema(metadata, snapshotId);
  const planner = new Planner(metadata, io, schema, filter);
  return { [Symbol.asyncIterator]: () => planner.plan(options) };
}

class Planner {
  readonly #metadata: TableMetadata;
  readonly #io: FileIO;
  readonly #schema: Schema;
  readonly #filter: Expression;
  readonly #bound: BoundExpression<ColumnReference>;
  readonly #projections = new Map<number, BoundExpression<PartitionReference>>();

  constructor(metadata: TableMetadata, io: FileIO, schema: Schema, filter: Expression) {
    this.#metadata = metadata;
    this.#io = io;
    this.#schema = schema;
    this.#filter = filter;
    this.#bound = bindExpression(schema, filter);
  }

  async *plan(options: PlanFilesOptions): AsyncGenerator<FileScanTask> {
    const { snapshotId, cache } = options;
    const snapshot =
      snapshotId === undefined ? currentSnapshot(this.#metadata) : wantedSnapshot(this.#metadata, snapshotId);
    if (!snapshot || this.#bound.type === 'false') return;
    const manifests = await readSnapshotManifests(this.#io, snapshot, cache);
    const wanted = (content: ManifestContent) =>
      manifests.filter((manifest) => manifest.content === content && this.#mayHold(manifest));
    const deletes = await this.#indexDeletes(wanted('deletes'));
    for await (const { entry, spec } of this.#entries(wanted('data'))) {
      const { dataFile, sequenceNumber } = entry;
      if (!mayMatch(this.#bound, dataFileStats(dataFile, spec))) continue;
      yield {
        dataFile,
        sequenceNumber,
        snapshotId: entry.snapshotId,
        deletes: deletes.deletesOf(dataFile, sequenceNumber),
        residual: this.#filter,
        partitionSpec: spec,
        schema: this.#schema,
      };
    }
  }

  /** Delete files are judged by partition alone: their bounds speak of the rows they hold, not of those they remove. */
  async #indexDeletes(manifests: readonly ManifestFile[]): Promise<DeleteIndex> {
    const index = new DeleteIndex();
    for await (const { entry, spec } of this.#entries(manifests)) index.add(entry, spec.fields.length === 0);
    return index;
  }

  /** Live entries whose partition may hold wanted rows. */
  async *#entries(
    manifests: readonly ManifestFile[],
  ): AsyncGenerator<{ entry: ManifestEntry; spec: PartitionSpec }> {
    const read = (manifest: ManifestFile) => readManifest(this.#io, this.#metadata, manifest);
    for await (const { item: manifest, result: entries } of readAhead(manifests, read)) {
      const spec = partitionSpecById(this.#metadata, manifest.partitionSpecId);
      const projection = this.#projection(spec);
      for (const entry of entries) {
        if (entry.status === 'deleted') continue;
        if (mayMatch(projection, partitionStats(entry.dataFile.partition))) yield { entry, spec };
      }
    }
  }

  #mayHold(manifest: ManifestFile): boolean {
    if (manifest.addedFilesCount === 0 && manifest.existingFilesCount === 0) return false;
    if (!manifest.partitions) return true;
    const spec = partitionSpecById(this.#metadata, manifest.partitionSpecId);
    return mayMatch(this.#projection(spec), summaryStats(manifest.partitions));
  }

  #projection(spec: PartitionSpec): BoundExpression<PartitionReference> {
    const known = this.#projections.get(spec.specId);
    if (known) return known;
    const projection = projectToPartition(this.#schema, spec, this.#bound);
    this.#projections.set(spec.specId, projection);
    return projection;
  }
}

const manifestsAhead = 3;

/** Runs an asynchronous step over items in order, a few started ahead. */
async function* readAhead<T, R>(
  items: readonly T[],
  step: (item: T) => Promise<R>,
): AsyncGenerator<{ item: T; result: R }> {
  const started: Promise<R>[] = [];
  for (const [index, item] of items.entries()) {
    for (let next = started.length; next <= Math.min(index + manifestsAhead, items.length - 1); next += 1) {
      const promise = step(items[next] as T);
      // Should the consumer stop, or an earlier step fail, nobody awaits this one: its failure is not unhandled.
      promise.catch(() => {});
      started.push(promise);
    }
    const result = await (started[index] as Promise<R>);
    // Let go of what was read: the list would keep every manifest alive.
    started[index] = Promise.resolve(undefined as R);
    yield { item, result };
  }
}
