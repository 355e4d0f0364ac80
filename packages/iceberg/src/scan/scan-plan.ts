import type { DeleteFile } from '../deletes/delete-file.ts';
import { DeleteIndex } from '../deletes/delete-index.ts';
import { alwaysTrue, type Expression } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import type { BoundExpression, ColumnReference, PartitionReference } from '../expression/expression-bound.ts';
import { projectToPartition } from '../expression/expression-projection.ts';
import { mayMatch } from '../expression/expression-stats.ts';
import { dataFileStats, partitionStats, summaryStats } from '../expression/manifest-stats.ts';
import type { FileIO } from '../io/file-io.ts';
import { readAhead } from '../io/read-ahead.ts';
import type { DataFile, ManifestContent, ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { type NameMapping, nameMappingProperty } from '../metadata/name-mapping.ts';
import { parseNameMapping } from '../metadata/name-mapping-json.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import { appendsIn } from './append-range.ts';
import {
  checkAppendOptions,
  checkScanOptions,
  type PlanAppendsOptions,
  type PlanFilesOptions,
  type PlanOptions,
} from './scan-options.ts';
import { type SnapshotSelection, selectSnapshot } from './snapshot-selection.ts';

/** A data file that may hold wanted rows, and what is needed to read them. */
export interface FileScanTask {
  /** Its partition values have the types of `schema`. */
  readonly dataFile: DataFile;
  /** Data sequence number: of two files with the same row, the lower one was there first. */
  readonly sequenceNumber: bigint;
  /** The snapshot that added the file. */
  readonly snapshotId: bigint;
  /** Delete files that may remove rows of the file; `readTask` and the scans apply them. */
  readonly deletes: readonly DeleteFile[];
  /** The filter that its rows must still be put to. */
  readonly residual: Expression;
  /** The spec of the file's partition values. */
  readonly partitionSpec: PartitionSpec;
  /** The schema to read it with. */
  readonly schema: Schema;
  /** The table's name mapping, for files without field ids. */
  readonly nameMapping?: NameMapping;
}

/**
 * The schema a scan reads with: the table's, or for an older snapshot or a tag the one that was current then.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND`, `INVALID_ARGUMENT`, `INVALID_METADATA`
 */
export function scanSchema(metadata: TableMetadata, selection: SnapshotSelection | bigint = {}): Schema {
  const wanted = typeof selection === 'object' ? selection : { snapshotId: selection };
  checkScanOptions('scanSchema', wanted);
  return selectSnapshot(metadata, wanted).schema;
}

/**
 * Finds the data files that may hold wanted rows. Whole manifests are left out by their partition summaries,
 * files by their partition values, bounds and null counts; a file with a wanted row is never left out.
 *
 * Files come in the manifests' order as manifests are read, a few ahead; one manifest's entries at a time are in
 * memory, and all delete files of the snapshot. A table without snapshot has no files.
 *
 * @throws IcebergError `INVALID_ARGUMENT` at once when the filter does not fit the schema, several snapshots are
 *   asked for or an option is not known, `SNAPSHOT_NOT_FOUND` and `INVALID_METADATA` (a broken name mapping) at once; while iterating `IO_ERROR`,
 *   `INVALID_MANIFEST`
 * @see https://iceberg.apache.org/spec/#scan-planning
 */
export function planFiles(
  metadata: TableMetadata,
  io: FileIO,
  options: PlanFilesOptions = {},
): AsyncIterable<FileScanTask> {
  checkScanOptions('planFiles', options);
  const { snapshot, schema } = selectSnapshot(metadata, options);
  const planner = new Planner(metadata, io, schema, options);
  return { [Symbol.asyncIterator]: () => planner.planSnapshot(snapshot) };
}

/**
 * Finds the data files that were appended in a range of snapshots and may hold wanted rows, oldest snapshot first:
 * what a reader of new rows has not seen yet. As Java's `IncrementalAppendScan`:
 *
 * - only snapshots of the operation `append` count, and of those only files they added: what a compaction rewrote
 *   comes once, what an overwrite brought does not come at all;
 * - delete files are not applied: the rows come as they were appended;
 * - the schema is the table's present one.
 *
 * @throws IcebergError at once `SNAPSHOT_NOT_FOUND` (with `positionLost: true` in its context when the start is not
 *   before the end, because it was rolled back or too much has expired), `INVALID_ARGUMENT`, `INVALID_METADATA`; while
 *   iterating `IO_ERROR`, `INVALID_MANIFEST`
 */
export function planAppends(
  metadata: TableMetadata,
  io: FileIO,
  options: PlanAppendsOptions = {},
): AsyncIterable<FileScanTask> {
  checkAppendOptions('planAppends', options);
  const snapshots = appendsIn(metadata, options);
  const planner = new Planner(metadata, io, currentSchema(metadata), options);
  return { [Symbol.asyncIterator]: () => planner.planAppended(snapshots) };
}

class Planner {
  readonly #metadata: TableMetadata;
  readonly #io: FileIO;
  readonly #schema: Schema;
  readonly #filter: Expression;
  readonly #cache: ManifestListCache | undefined;
  readonly #nameMapping: NameMapping | undefined;
  readonly #bound: BoundExpression<ColumnReference>;
  readonly #projections = new Map<number, BoundExpression<PartitionReference>>();

  constructor(metadata: TableMetadata, io: FileIO, schema: Schema, options: PlanOptions) {
    this.#metadata = metadata;
    this.#io = io;
    this.#schema = schema;
    this.#filter = options.filter ?? alwaysTrue;
    this.#cache = options.cache;
    this.#bound = bindExpression(schema, this.#filter);
    const mapping = metadata.properties[nameMappingProperty];
    this.#nameMapping = mapping === undefined ? undefined : parseNameMapping(mapping);
  }

  async *planSnapshot(snapshot: Snapshot | undefined): AsyncGenerator<FileScanTask> {
    if (!snapshot || this.#bound.type === 'false') return;
    const manifests = await readSnapshotManifests(this.#io, snapshot, this.#cache);
    const wanted = (content: ManifestContent) =>
      manifests.filter((manifest) => manifest.content === content && this.#mayHold(manifest));
    const deletes = await this.#indexDeletes(wanted('deletes'));
    for await (const { entry, spec } of this.#entries(wanted('data'))) {
      const { dataFile, sequenceNumber } = entry;
      if (!mayMatch(this.#bound, dataFileStats(dataFile, spec))) continue;
      yield this.#task(entry, spec, deletes.deletesOf(dataFile, sequenceNumber, spec));
    }
  }

  async *planAppended(snapshots: readonly Snapshot[]): AsyncGenerator<FileScanTask> {
    if (this.#bound.type === 'false') return;
    for (const snapshot of snapshots) {
      const { snapshotId } = snapshot;
      const manifests = await readSnapshotManifests(this.#io, snapshot, this.#cache);
      // What a snapshot added stands as added only in manifests that it wrote itself, merged ones included.
      const written = manifests.filter(
        (manifest) =>
          manifest.content === 'data' && manifest.addedSnapshotId === snapshotId && this.#mayHold(manifest),
      );
      for await (const { entry, spec } of this.#entries(written)) {
        if (entry.status !== 'added' || entry.snapshotId !== snapshotId) continue;
        if (mayMatch(this.#bound, dataFileStats(entry.dataFile, spec))) yield this.#task(entry, spec, []);
      }
    }
  }

  #task(entry: ManifestEntry, partitionSpec: PartitionSpec, deletes: readonly DeleteFile[]): FileScanTask {
    return {
      dataFile: entry.dataFile,
      sequenceNumber: entry.sequenceNumber,
      snapshotId: entry.snapshotId,
      deletes,
      residual: this.#filter,
      partitionSpec,
      schema: this.#schema,
      ...(this.#nameMapping ? { nameMapping: this.#nameMapping } : {}),
    };
  }

  /** Delete files are judged by partition alone: their bounds speak of the rows they hold, not of those they remove. */
  async #indexDeletes(manifests: readonly ManifestFile[]): Promise<DeleteIndex> {
    const index = new DeleteIndex([this.#schema, ...this.#metadata.schemas.toReversed()]);
    for await (const { entry, spec } of this.#entries(manifests)) index.add(entry, spec);
    return index;
  }

  /** Live entries whose partition may hold wanted rows. */
  async *#entries(
    manifests: readonly ManifestFile[],
  ): AsyncGenerator<{ entry: ManifestEntry; spec: PartitionSpec }> {
    const read = (manifest: ManifestFile) => readManifest(this.#io, this.#metadata, manifest, this.#schema);
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
