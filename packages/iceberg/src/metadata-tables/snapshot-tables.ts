import { IcebergError } from '../errors.ts';
import { mainBranch, type SnapshotRef } from '../metadata/snapshot.ts';
import { ancestorsOf, refByName, type TableMetadata } from '../metadata/table-metadata.ts';

/** A change of the table's current snapshot. */
export interface HistoryRow {
  /** Unix milliseconds. */
  readonly madeCurrentAtMs: number;
  readonly snapshotId: bigint;
  /** Absent for a first snapshot, and for one that has expired. */
  readonly parentId?: bigint;
  /** False for what a rollback left behind. */
  readonly isCurrentAncestor: boolean;
}

/** A snapshot that the table still has. */
export interface SnapshotRow {
  /** Unix milliseconds. */
  readonly committedAtMs: number;
  readonly snapshotId: bigint;
  /** Absent for a first snapshot. The parent itself may have expired. */
  readonly parentId?: bigint;
  /** Absent only in v1 snapshots without summary. */
  readonly operation?: string;
  readonly manifestList: string;
  /** The counts and whatever the writer noted, without the operation. */
  readonly summary: Readonly<Record<string, string>>;
}

/** A branch or tag; ages are absent where the table's own defaults apply, infinite for "for ever". */
export interface RefRow {
  readonly name: string;
  readonly type: SnapshotRef['type'];
  readonly snapshotId: bigint;
  readonly maxReferenceAgeInMs?: number;
  readonly minSnapshotsToKeep?: number;
  readonly maxSnapshotAgeInMs?: number;
}

/** A metadata file, present or past, and the snapshot that was current in it. */
export interface MetadataLogRow {
  /** When it became the table's state; Unix milliseconds. */
  readonly timestampMs: number;
  readonly file: string;
  /** These three are absent while the table had no snapshot, the last two also if that snapshot has expired. */
  readonly latestSnapshotId?: bigint;
  readonly latestSchemaId?: number;
  readonly latestSequenceNumber?: bigint;
}

/** What was current and when, oldest first; a snapshot that was current twice is there twice. */
export function history(metadata: TableMetadata): readonly HistoryRow[] {
  const { snapshots, currentSnapshotId, snapshotLog } = metadata;
  const parents = new Map(snapshots.map((snapshot) => [snapshot.snapshotId, snapshot.parentSnapshotId]));
  const ancestors = new Set<bigint>();
  if (currentSnapshotId !== undefined) {
    for (const { snapshotId } of ancestorsOf(metadata, currentSnapshotId)) ancestors.add(snapshotId);
  }
  return snapshotLog.map(({ timestampMs, snapshotId }) => {
    const parentId = parents.get(snapshotId);
    return {
      madeCurrentAtMs: timestampMs,
      snapshotId,
      ...(parentId !== undefined && { parentId }),
      isCurrentAncestor: ancestors.has(snapshotId),
    };
  });
}

/** The snapshots the table has, in the order of its metadata. */
export function snapshots(metadata: TableMetadata): readonly SnapshotRow[] {
  return metadata.snapshots.map(({ timestampMs, snapshotId, parentSnapshotId, manifestList, summary }) => {
    const { operation, ...rest } = summary;
    return {
      committedAtMs: timestampMs,
      snapshotId,
      ...(parentSnapshotId !== undefined && { parentId: parentSnapshotId }),
      ...(operation !== undefined && { operation }),
      manifestList,
      summary: rest,
    };
  });
}

/** Branches and tags, `main` among them as soon as there is a snapshot. */
export function refs(metadata: TableMetadata): readonly RefRow[] {
  const names = new Set([...Object.keys(metadata.refs), mainBranch]);
  return [...names].flatMap((name) => {
    const ref = refByName(metadata, name);
    return ref === undefined ? [] : [refRow(name, ref)];
  });
}

/**
 * The metadata files that the table's log names, oldest first, and the present one last.
 *
 * @param metadataLocation where the metadata itself is, which it does not say: `LoadedTable.metadataLocation`
 * @throws IcebergError `INVALID_ARGUMENT` when it is not given
 */
export function metadataLogEntries(
  metadata: TableMetadata,
  metadataLocation: string,
): readonly MetadataLogRow[] {
  if (typeof metadataLocation !== 'string') {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'metadataLogEntries takes the metadata and its location: table.metadata, table.metadataLocation',
    );
  }
  const present = { timestampMs: metadata.lastUpdatedMs, metadataFile: metadataLocation };
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  return [...metadata.metadataLog, present].map(({ timestampMs, metadataFile }) => {
    const latest = metadata.snapshotLog.findLast((entry) => entry.timestampMs <= timestampMs)?.snapshotId;
    const snapshot = latest === undefined ? undefined : byId.get(latest);
    return {
      timestampMs,
      file: metadataFile,
      ...(latest !== undefined && { latestSnapshotId: latest }),
      ...(snapshot?.schemaId !== undefined && { latestSchemaId: snapshot.schemaId }),
      ...(snapshot !== undefined && { latestSequenceNumber: snapshot.sequenceNumber }),
    };
  });
}

function refRow(name: string, ref: SnapshotRef): RefRow {
  const { snapshotId, type, maxRefAgeMs, minSnapshotsToKeep, maxSnapshotAgeMs } = ref;
  return {
    name,
    type,
    snapshotId,
    ...(maxRefAgeMs !== undefined && { maxReferenceAgeInMs: maxRefAgeMs }),
    ...(minSnapshotsToKeep !== undefined && { minSnapshotsToKeep }),
    ...(maxSnapshotAgeMs !== undefined && { maxSnapshotAgeInMs: maxSnapshotAgeMs }),
  };
}
