import { IcebergError } from '../errors.ts';
import type { Schema } from '../metadata/schema.ts';
import { mainBranch, type Snapshot } from '../metadata/snapshot.ts';
import {
  currentSchema,
  currentSnapshot,
  refByName,
  schemaById,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { checkBigint, type OptionKeys } from '../options.ts';

/** Which state of the table to read: at most one of these, by default the current one. */
export interface SnapshotSelection {
  /** The snapshot with this id, read with the columns of then. */
  readonly snapshotId?: bigint;
  /**
   * The snapshot that this branch or tag names. A branch is read with the table's present columns, a tag with those
   * of its snapshot, as in Java.
   */
  readonly ref?: string;
  /**
   * The snapshot that was current at this time (Unix milliseconds), by the table's snapshot log, read with the
   * columns of then. Exactly the time of a change is after it.
   */
  readonly asOfTimestampMs?: number;
}

export const selectionKeys: OptionKeys<SnapshotSelection> = {
  snapshotId: true,
  ref: true,
  asOfTimestampMs: true,
};

/** A state of the table and the schema to read it with. */
export interface SelectedSnapshot {
  /** Absent in a table that has no snapshot yet. */
  readonly snapshot: Snapshot | undefined;
  readonly schema: Schema;
}

/**
 * Finds the snapshot and schema to read.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND` when there is no such snapshot or ref, or the table had no snapshot at that
 *   time; `INVALID_ARGUMENT` for more than one selection, an id that is no bigint and times that are no number
 */
export function selectSnapshot(metadata: TableMetadata, selection: SnapshotSelection): SelectedSnapshot {
  const { snapshotId, ref, asOfTimestampMs } = selection;
  checkBigint('snapshotId', snapshotId);
  const given = Object.entries({ snapshotId, ref, asOfTimestampMs }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ');
    throw new IcebergError('INVALID_ARGUMENT', `${names} are given; a scan reads one snapshot`, {
      context: Object.fromEntries(given),
    });
  }
  if (ref !== undefined) return byRef(metadata, ref);
  const id = asOfTimestampMs === undefined ? snapshotId : snapshotIdAsOf(metadata, asOfTimestampMs);
  if (id === undefined) return { snapshot: currentSnapshot(metadata), schema: currentSchema(metadata) };
  const snapshot = wantedSnapshot(metadata, id);
  return { snapshot, schema: schemaOf(metadata, snapshot) };
}

/** The snapshot with this id; `SNAPSHOT_NOT_FOUND` if the table has none (any more). */
export function wantedSnapshot(metadata: TableMetadata, snapshotId: bigint): Snapshot {
  const snapshot = snapshotById(metadata, snapshotId);
  if (snapshot) return snapshot;
  throw new IcebergError('SNAPSHOT_NOT_FOUND', `the table has no snapshot ${snapshotId}`, {
    context: { snapshotId },
  });
}

function byRef(metadata: TableMetadata, name: string): SelectedSnapshot {
  const ref = refByName(metadata, name);
  // The main branch of a table without snapshots is there, though nothing names it.
  if (!ref && name === mainBranch) return { snapshot: undefined, schema: currentSchema(metadata) };
  if (!ref) {
    const known = Object.keys(metadata.refs).join(', ') || 'none';
    throw new IcebergError('SNAPSHOT_NOT_FOUND', `no branch or tag ${name}; there are: ${known}`, {
      context: { ref: name },
    });
  }
  const snapshot = wantedSnapshot(metadata, ref.snapshotId);
  return { snapshot, schema: ref.type === 'tag' ? schemaOf(metadata, snapshot) : currentSchema(metadata) };
}

function schemaOf(metadata: TableMetadata, { schemaId }: Snapshot): Schema {
  return schemaId === undefined ? currentSchema(metadata) : schemaById(metadata, schemaId);
}

/** The last entry of the log that is not later: the log is in the order of changes, whatever clocks did. */
function snapshotIdAsOf(metadata: TableMetadata, timestampMs: number): bigint {
  if (typeof timestampMs !== 'number' || Number.isNaN(timestampMs)) {
    throw new IcebergError('INVALID_ARGUMENT', `asOfTimestampMs is ${String(timestampMs)}, no number`);
  }
  const entry = metadata.snapshotLog.findLast((candidate) => candidate.timestampMs <= timestampMs);
  if (entry) return entry.snapshotId;
  throw new IcebergError('SNAPSHOT_NOT_FOUND', `no snapshot of ${timestampMs} or before is known`, {
    context: { asOfTimestampMs: timestampMs },
  });
}
