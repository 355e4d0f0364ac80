import { IcebergError } from '../errors.ts';
import type { JsonObject } from '../json/json.ts';
import type { PartitionSpec } from './partition-spec.ts';
import type { Schema } from './schema.ts';
import { mainBranch, type Snapshot, type SnapshotRef } from './snapshot.ts';
import type { SortOrder } from './sort-order.ts';
import type { PartitionStatisticsFile, StatisticsFile } from './statistics.ts';

/** When a snapshot became current. */
export interface SnapshotLogEntry {
  readonly timestampMs: number;
  readonly snapshotId: bigint;
  readonly extra?: JsonObject;
}

/** A metadata file that came before the present one. */
export interface MetadataLogEntry {
  readonly timestampMs: number;
  readonly metadataFile: string;
  readonly extra?: JsonObject;
}

/** v3: a key that encrypts other keys or files. */
export interface EncryptedKey {
  readonly keyId: string;
  /** Base64. */
  readonly encryptedKeyMetadata: string;
  readonly encryptedById?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly extra?: JsonObject;
}

/**
 * All that a metadata file says about a table; immutable. Tables of format v1 are presented in the same
 * shape (one schema, sequence numbers 0, `main` ref). Spec: https://iceberg.apache.org/spec/#table-metadata-fields
 */
export interface TableMetadata {
  readonly formatVersion: 1 | 2 | 3;
  /** Empty only in v1 tables that have none. */
  readonly tableUuid: string;
  /** Base URI. A trailing slash is not part of the names made from it. */
  readonly location: string;
  readonly lastSequenceNumber: bigint;
  /** Unix milliseconds. */
  readonly lastUpdatedMs: number;
  /** Highest column id ever assigned. */
  readonly lastColumnId: number;
  readonly schemas: readonly Schema[];
  readonly currentSchemaId: number;
  readonly partitionSpecs: readonly PartitionSpec[];
  readonly defaultSpecId: number;
  /** Highest partition field id ever assigned; 999 while there is none. */
  readonly lastPartitionId: number;
  readonly sortOrders: readonly SortOrder[];
  readonly defaultSortOrderId: number;
  readonly properties: Readonly<Record<string, string>>;
  /** Absent while the table has no current snapshot. */
  readonly currentSnapshotId?: bigint;
  readonly snapshots: readonly Snapshot[];
  readonly snapshotLog: readonly SnapshotLogEntry[];
  readonly metadataLog: readonly MetadataLogEntry[];
  readonly refs: Readonly<Record<string, SnapshotRef>>;
  readonly statistics: readonly StatisticsFile[];
  readonly partitionStatistics: readonly PartitionStatisticsFile[];
  /** v3. */
  readonly nextRowId?: bigint;
  /** v3. */
  readonly encryptionKeys?: readonly EncryptedKey[];
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** The schema rows are written with. */
export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata.currentSchemaId);
}

/** The schema with this id; `INVALID_METADATA` if the table has none. */
export function schemaById(metadata: TableMetadata, schemaId: number): Schema {
  return present(
    metadata.schemas.find((schema) => schema.schemaId === schemaId),
    metadata,
    `no schema with id ${schemaId}`,
  );
}

/** The spec new files are written with. */
export function defaultPartitionSpec(metadata: TableMetadata): PartitionSpec {
  return partitionSpecById(metadata, metadata.defaultSpecId);
}

/** The spec with this id; `INVALID_METADATA` if the table has none. */
export function partitionSpecById(metadata: TableMetadata, specId: number): PartitionSpec {
  return present(
    metadata.partitionSpecs.find((spec) => spec.specId === specId),
    metadata,
    `no partition spec with id ${specId}`,
  );
}

/** The order new files should have. */
export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  return present(
    metadata.sortOrders.find((order) => order.orderId === metadata.defaultSortOrderId),
    metadata,
    `no sort order with id ${metadata.defaultSortOrderId}`,
  );
}

/** The snapshot with this id, or undefined (never there, or expired). */
export function snapshotById(metadata: TableMetadata, snapshotId: bigint): Snapshot | undefined {
  // Newest last: what is asked for most often is found first.
  return metadata.snapshots.findLast((snapshot) => snapshot.snapshotId === snapshotId);
}

/** The snapshot readers see, or undefined in a table that has none yet. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata.currentSnapshotId;
  return id === undefined ? undefined : snapshotById(metadata, id);
}

/** The ref with this name, or undefined. `main` is the current snapshot even in files without refs. */
export function refByName(metadata: TableMetadata, name: string): SnapshotRef | undefined {
  if (Object.hasOwn(metadata.refs, name)) return metadata.refs[name];
  return name === mainBranch && metadata.currentSnapshotId !== undefined
    ? { snapshotId: metadata.currentSnapshotId, type: 'branch' }
    : undefined;
}

/** The chain from a snapshot to its oldest ancestor that still exists, itself first. */
export function* ancestorsOf(metadata: TableMetadata, snapshotId: bigint): Generator<Snapshot> {
  const seen = new Set<bigint>();
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  for (let next: bigint | undefined = snapshotId; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    const snapshot = byId.get(next);
    if (snapshot === undefined) return;
    yield snapshot;
    next = snapshot.parentSnapshotId;
  }
}

function present<T>(value: T | undefined, metadata: TableMetadata, message: string): T {
  if (value !== undefined) return value;
  throw new IcebergError('INVALID_METADATA', message, { context: { location: metadata.location } });
}
