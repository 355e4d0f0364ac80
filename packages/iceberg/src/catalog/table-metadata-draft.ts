import { randomUUID } from 'node:crypto';
import { IcebergError } from '../errors.ts';
import { withoutTrailingSlash } from '../metadata/create-table-metadata.ts';
import { checkLayoutColumns, checkPartitionNames } from '../metadata/layout-columns.ts';
import type { UnboundPartitionSpec } from '../metadata/partition-spec.ts';
import {
  bindPartitionFields,
  checkSortOrder,
  isSameLayout,
  isSameOrder,
} from '../metadata/partition-spec-binding.ts';
import { highestFieldId, type Schema } from '../metadata/schema.ts';
import { checkSchema } from '../metadata/schema-check.ts';
import { findSameSchema } from '../metadata/schema-equality.ts';
import { mainBranch, type Snapshot, type SnapshotRef } from '../metadata/snapshot.ts';
import type { UnboundSortOrder } from '../metadata/sort-order.ts';
import type { PartitionStatisticsFile, StatisticsFile } from '../metadata/statistics.ts';
import {
  currentSchema,
  defaultPartitionSpec,
  defaultSortOrder,
  type SnapshotLogEntry,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { checkReadable, writableFormatVersion } from '../metadata/table-metadata-json.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Stands for "the one this commit added last" where an id is expected. */
const lastAdded = -1;
/** Clocks of writers may differ by this much; a snapshot older than that is refused, as by Iceberg Java. */
const clockToleranceMs = 60_000;

/** Table metadata while a commit's updates are applied; each method is one update. */
export class TableMetadataDraft {
  readonly #base: TableMetadata;
  readonly #metadata: Mutable<TableMetadata>;
  readonly #nowMs: number;
  readonly #addedSnapshots = new Map<bigint, Snapshot>();
  #lastAddedSchemaId: number | undefined;
  #lastAddedSpecId: number | undefined;
  #lastAddedOrderId: number | undefined;
  readonly #removedSchemas = new Set<number>();
  #removedSnapshots = false;

  constructor(base: TableMetadata, nowMs: number) {
    this.#base = base;
    this.#metadata = { ...base };
    // A clock may be finer than the format.
    this.#nowMs = Math.max(Math.floor(nowMs), base.lastUpdatedMs);
    if (!Number.isSafeInteger(this.#nowMs)) throw refuse(`${nowMs} is no time in milliseconds`, { nowMs });
  }

  assignUuid(uuid: string): void {
    if (this.#metadata.tableUuid !== '' && this.#metadata.tableUuid.toLowerCase() !== uuid.toLowerCase()) {
      throw refuse('a table keeps its uuid for life', { uuid, tableUuid: this.#metadata.tableUuid });
    }
    this.#metadata.tableUuid = uuid;
  }

  upgradeFormatVersion(formatVersion: number): void {
    const current = this.#metadata.formatVersion;
    if (formatVersion < current) {
      throw refuse(`the format version cannot go back from ${current} to ${formatVersion}`, {
        formatVersion,
      });
    }
    if (formatVersion > writableFormatVersion) {
      throw new IcebergError(
        'UNSUPPORTED_FORMAT_VERSION',
        `cannot upgrade to format version ${formatVersion} (this release writes ${writableFormatVersion})`,
        { context: { formatVersion } },
      );
    }
    this.#metadata.formatVersion = formatVersion as TableMetadata['formatVersion'];
    if (this.#metadata.tableUuid === '') this.#metadata.tableUuid = randomUUID();
  }

  addSchema(schema: Schema): void {
    checkSchema(schema);
    const { schemas } = this.#metadata;
    const same = findSameSchema(schemas, schema);
    const schemaId = same?.schemaId ?? Math.max(...schemas.map((other) => other.schemaId)) + 1;
    if (same === undefined) this.#metadata.schemas = [...schemas, { ...schema, schemaId }];
    this.#metadata.lastColumnId = Math.max(this.#metadata.lastColumnId, highestFieldId(schema));
    this.#lastAddedSchemaId = schemaId;
  }

  setCurrentSchema(schemaId: number): void {
    const id = resolveLast(schemaId, this.#lastAddedSchemaId, 'schema');
    requireId(
      this.#metadata.schemas.some((schema) => schema.schemaId === id),
      'schema',
      id,
    );
    const before = currentSchema(this.#metadata);
    this.#metadata.currentSchemaId = id;
    checkPartitionNames(currentSchema(this.#metadata), before, this.#metadata.partitionSpecs);
  }

  addPartitionSpec(spec: UnboundPartitionSpec): void {
    const { partitionSpecs, lastPartitionId } = this.#metadata;
    const fields = bindPartitionFields(spec, currentSchema(this.#metadata), partitionSpecs, lastPartitionId);
    const same = partitionSpecs.find((other) => isSameLayout(other, { fields }));
    const specId = same?.specId ?? Math.max(-1, ...partitionSpecs.map((other) => other.specId)) + 1;
    if (same === undefined) this.#metadata.partitionSpecs = [...partitionSpecs, { specId, fields }];
    this.#metadata.lastPartitionId = Math.max(lastPartitionId, ...fields.map((field) => field.fieldId));
    this.#lastAddedSpecId = specId;
  }

  setDefaultPartitionSpec(specId: number): void {
    const id = resolveLast(specId, this.#lastAddedSpecId, 'partition spec');
    requireId(
      this.#metadata.partitionSpecs.some((spec) => spec.specId === id),
      'partition spec',
      id,
    );
    this.#metadata.defaultSpecId = id;
  }

  addSortOrder(order: UnboundSortOrder): void {
    checkSortOrder(order, currentSchema(this.#metadata));
    const { sortOrders } = this.#metadata;
    const same = sortOrders.find((other) => isSameOrder(other, order));
    const nextId = Math.max(0, ...sortOrders.map((other) => other.orderId)) + 1;
    const orderId = same?.orderId ?? (order.fields.length === 0 ? 0 : nextId);
    if (same === undefined) {
      this.#metadata.sortOrders = [...sortOrders, { orderId, fields: order.fields }];
    }
    this.#lastAddedOrderId = orderId;
  }

  setDefaultSortOrder(orderId: number): void {
    const id = resolveLast(orderId, this.#lastAddedOrderId, 'sort order');
    requireId(
      this.#metadata.sortOrders.some((order) => order.orderId === id),
      'sort order',
      id,
    );
    this.#metadata.defaultSortOrderId = id;
  }

  addSnapshot(snapshot: Snapshot): void {
    const { snapshotId, sequenceNumber, timestampMs } = snapshot;
    const { lastSequenceNumber, lastUpdatedMs, snapshots } = this.#metadata;
    if (snapshotId <= 0n) throw refuse('a snapshot id must be positive', { snapshotId });
    if (!Number.isSafeInteger(timestampMs)) {
      throw refuse(`${timestampMs} is no time in milliseconds`, { snapshotId, timestampMs });
    }
    checkStrings(`the summary of snapshot ${snapshotId}`, snapshot.summary);
    if (snapshotById(this.#metadata, snapshotId) !== undefined) {
      // The same commit sent twice looks like this: it landed, and a reload shows so.
      throw new IcebergError('COMMIT_CONFLICT', `the table already has snapshot ${snapshotId}`, {
        context: { snapshotId },
      });
    }
    if (sequenceNumber <= lastSequenceNumber) {
      throw new IcebergError(
        'COMMIT_CONFLICT',
        `snapshot ${snapshotId} has sequence number ${sequenceNumber}, the table is at ${lastSequenceNumber} already`,
        { context: { snapshotId, sequenceNumber, lastSequenceNumber } },
      );
    }
    if (timestampMs < lastUpdatedMs - clockToleranceMs) {
      // It was not when it was made: others, with clocks that are ahead, have changed the table since.
      throw new IcebergError(
        'COMMIT_CONFLICT',
        `snapshot ${snapshotId} is more than a minute older than the table`,
        { context: { snapshotId, timestampMs, lastUpdatedMs } },
      );
    }
    if (snapshot.summary.operation === undefined) {
      throw refuse(`the summary of snapshot ${snapshotId} has no operation`, { snapshotId });
    }
    this.#metadata.snapshots = [...snapshots, snapshot];
    this.#metadata.lastSequenceNumber = sequenceNumber;
    this.#metadata.lastUpdatedMs = Math.max(lastUpdatedMs, timestampMs);
    this.#addedSnapshots.set(snapshotId, snapshot);
  }

  setSnapshotRef(name: string, ref: SnapshotRef): void {
    checkRef(name, ref);
    if (snapshotById(this.#metadata, ref.snapshotId) === undefined) {
      throw refuse(`ref ${name} cannot point at snapshot ${ref.snapshotId}, which the table does not have`, {
        ref: name,
        snapshotId: ref.snapshotId,
      });
    }
    const { refs } = this.#metadata;
    const extra = Object.hasOwn(refs, name) ? refs[name]!.extra : undefined;
    this.#metadata.refs = { ...refs, [name]: extra === undefined ? ref : { extra, ...ref } };
    if (name !== mainBranch || this.#metadata.currentSnapshotId === ref.snapshotId) return;
    this.#metadata.currentSnapshotId = ref.snapshotId;
    const { snapshotLog, lastUpdatedMs } = this.#metadata;
    const changedMs = this.#addedSnapshots.has(ref.snapshotId) ? lastUpdatedMs : this.#nowMs;
    // An earlier update of the same commit may have written a later time than a snapshot that was made before it.
    const timestampMs = Math.max(changedMs, snapshotLog.at(-1)?.timestampMs ?? 0);
    this.#metadata.snapshotLog = [...snapshotLog, { timestampMs, snapshotId: ref.snapshotId }];
  }

  /** What was current stays in the log: a table that is replaced goes through this, and keeps its history. */
  removeSnapshotRef(name: string): void {
    this.#metadata.refs = without(this.#metadata.refs, (ref) => ref === name);
    if (name !== mainBranch) return;
    delete this.#metadata.currentSnapshotId;
  }

  /**
   * Statistics of the removed snapshots go with them. A ref to one of them is a conflict: somebody made it after the
   * commit was planned, and was told that it is there. (A commit that means refs to go removes them first.)
   */
  removeSnapshots(snapshotIds: readonly bigint[]): void {
    const removed = new Set(snapshotIds);
    const kept = <T extends { snapshotId: bigint }>(list: readonly T[]): readonly T[] =>
      list.filter((entry) => !removed.has(entry.snapshotId));
    this.#metadata.snapshots = kept(this.#metadata.snapshots);
    this.#metadata.statistics = kept(this.#metadata.statistics);
    this.#metadata.partitionStatistics = kept(this.#metadata.partitionStatistics);
    for (const [name, ref] of Object.entries(this.#metadata.refs)) {
      if (!removed.has(ref.snapshotId)) continue;
      throw new IcebergError(
        'COMMIT_CONFLICT',
        `ref ${name} keeps snapshot ${ref.snapshotId} from being removed`,
        {
          context: { ref: name, snapshotId: ref.snapshotId },
        },
      );
    }
    this.#removedSnapshots = true;
  }

  setLocation(location: string): void {
    if (location === '') throw refuse('a table location cannot be empty', {});
    this.#metadata.location = withoutTrailingSlash(location);
  }

  setProperties(updates: Readonly<Record<string, string>>): void {
    checkStrings('the properties', updates);
    this.#metadata.properties = { ...this.#metadata.properties, ...updates };
  }

  removeProperties(removals: readonly string[]): void {
    const removed = new Set(removals);
    this.#metadata.properties = without(this.#metadata.properties, (key) => removed.has(key));
  }

  /** A snapshot has at most one statistics file: the new one takes the place of an older. */
  setStatistics(statistics: StatisticsFile): void {
    checkSizes(statistics, [statistics.fileSizeInBytes, statistics.fileFooterSizeInBytes]);
    this.removeStatistics(statistics.snapshotId);
    this.#metadata.statistics = [...this.#metadata.statistics, statistics];
  }

  removeStatistics(snapshotId: bigint): void {
    this.#metadata.statistics = this.#metadata.statistics.filter((file) => file.snapshotId !== snapshotId);
  }

  setPartitionStatistics(statistics: PartitionStatisticsFile): void {
    checkSizes(statistics, [statistics.fileSizeInBytes]);
    this.removePartitionStatistics(statistics.snapshotId);
    this.#metadata.partitionStatistics = [...this.#metadata.partitionStatistics, statistics];
  }

  removePartitionStatistics(snapshotId: bigint): void {
    this.#metadata.partitionStatistics = this.#metadata.partitionStatistics.filter(
      (file) => file.snapshotId !== snapshotId,
    );
  }

  removePartitionSpecs(specIds: readonly number[]): void {
    const { partitionSpecs, defaultSpecId } = this.#metadata;
    if (specIds.includes(defaultSpecId)) {
      throw refuse(`partition spec ${defaultSpecId} is the default one`, { specId: defaultSpecId });
    }
    this.#metadata.partitionSpecs = partitionSpecs.filter((spec) => !specIds.includes(spec.specId));
  }

  /** Whether snapshots that stay need them is seen at the end, since the same commit may remove snapshots. */
  removeSchemas(schemaIds: readonly number[]): void {
    const { schemas, currentSchemaId } = this.#metadata;
    if (schemaIds.includes(currentSchemaId)) {
      throw refuse(`schema ${currentSchemaId} is the current one`, { schemaId: currentSchemaId });
    }
    this.#metadata.schemas = schemas.filter((schema) => !schemaIds.includes(schema.schemaId));
    for (const id of schemaIds) this.#removedSchemas.add(id);
  }

  /** The metadata with its logs and time in order. */
  finish(previousMetadataLocation: string | undefined): TableMetadata {
    const metadata = this.#metadata;
    if (metadata.formatVersion !== writableFormatVersion) {
      throw new IcebergError(
        'UNSUPPORTED_FORMAT_VERSION',
        `cannot change a table of format version ${metadata.formatVersion} (this release writes ${writableFormatVersion})`,
        { context: { formatVersion: metadata.formatVersion, location: metadata.location } },
      );
    }
    this.#checkLayout();
    this.#checkSnapshotSchemas();
    if (this.#addedSnapshots.size === 0) metadata.lastUpdatedMs = this.#nowMs;
    metadata.snapshotLog = this.#snapshotLog();
    metadata.lastUpdatedMs = Math.max(metadata.lastUpdatedMs, metadata.snapshotLog.at(-1)?.timestampMs ?? 0);
    if (previousMetadataLocation !== undefined) {
      metadata.metadataLog = [
        ...metadata.metadataLog,
        { timestampMs: this.#base.lastUpdatedMs, metadataFile: previousMetadataLocation },
      ].slice(-previousVersionsMax(metadata.properties));
    }
    return metadata;
  }

  /** What a commit leaves as it was is not its fault: other writers are less strict, and appends must go on. */
  #checkLayout(): void {
    const [base, metadata] = [this.#base, this.#metadata];
    const same =
      base.currentSchemaId === metadata.currentSchemaId &&
      base.defaultSpecId === metadata.defaultSpecId &&
      base.defaultSortOrderId === metadata.defaultSortOrderId;
    if (same) return;
    checkLayoutColumns(currentSchema(metadata), defaultPartitionSpec(metadata), defaultSortOrder(metadata));
    checkReadable(metadata);
  }

  /** A snapshot is read with the schema it names: none is removed while it does, and no new one names one that is not there. */
  #checkSnapshotSchemas(): void {
    const present = new Set(this.#metadata.schemas.map((schema) => schema.schemaId));
    for (const { snapshotId, schemaId } of this.#metadata.snapshots) {
      if (schemaId === undefined || present.has(schemaId)) continue;
      const context = { schemaId, snapshotId };
      if (this.#removedSchemas.has(schemaId)) {
        throw refuse(`schema ${schemaId} cannot be removed while snapshot ${snapshotId} names it`, context);
      }
      if (this.#addedSnapshots.has(snapshotId)) {
        // It had it when the commit was planned: others removed it since.
        throw new IcebergError(
          'COMMIT_CONFLICT',
          `snapshot ${snapshotId} names schema ${schemaId}, which the table does not have`,
          { context },
        );
      }
    }
  }

  /**
   * Snapshots that were current only in the middle of this commit leave no trace; history before a removed
   * snapshot goes, since a reader would take what is left for all.
   */
  #snapshotLog(): readonly SnapshotLogEntry[] {
    const { snapshotLog, snapshots, currentSnapshotId } = this.#metadata;
    const inserted = this.#addedSnapshots;
    const log = snapshotLog.filter(
      (entry) => entry.snapshotId === currentSnapshotId || !inserted.has(entry.snapshotId),
    );
    if (!this.#removedSnapshots) return log;
    const present = new Set(snapshots.map((snapshot) => snapshot.snapshotId));
    return log.slice(log.findLastIndex((entry) => !present.has(entry.snapshotId)) + 1);
  }
}

function previousVersionsMax(properties: Readonly<Record<string, string>>): number {
  const value = Number.parseInt(properties['write.metadata.previous-versions-max'] ?? '100', 10);
  return Math.max(1, Number.isNaN(value) ? 100 : value);
}

function checkRef(name: string, ref: SnapshotRef): void {
  const context = { ref: name };
  if (name === '') throw refuse('a ref needs a name', context);
  if (name === mainBranch && ref.type !== 'branch') throw refuse('main is a branch', context);
  if (ref.type === 'tag' && (ref.minSnapshotsToKeep ?? ref.maxSnapshotAgeMs) !== undefined) {
    throw refuse(`tag ${name} cannot have a snapshot retention, only branches can`, context);
  }
  for (const value of [ref.minSnapshotsToKeep, ref.maxSnapshotAgeMs, ref.maxRefAgeMs]) {
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw refuse(`ref ${name}: a retention of ${value} is no positive whole number`, context);
  }
}

/** What is written here must be read again: another value would make the table unreadable for everybody. */
function checkStrings(what: string, values: Readonly<Record<string, unknown>>): void {
  const wrong = Object.entries(values).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) throw refuse(`${what}: the value of ${wrong[0]} is no string`, { key: wrong[0] });
}

function checkSizes(
  { snapshotId, statisticsPath }: Pick<StatisticsFile, 'snapshotId' | 'statisticsPath'>,
  sizes: readonly number[],
): void {
  if (sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) return;
  throw refuse(`${statisticsPath}: a size is no whole number of bytes`, { snapshotId, statisticsPath });
}

function resolveLast(id: number, last: number | undefined, what: string): number {
  if (id !== lastAdded) return id;
  if (last === undefined) throw refuse(`-1 means the ${what} this commit added, and it added none`, {});
  return last;
}

function requireId(found: boolean, what: string, id: number): void {
  if (!found) throw refuse(`the table has no ${what} with id ${id}`, { id });
}

function without<T>(record: Readonly<Record<string, T>>, drop: (key: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !drop(key)));
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
