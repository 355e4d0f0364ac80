import { IcebergError } from '../errors.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import { ancestorsOf, type TableMetadata } from '../metadata/table-metadata.ts';
import { checkBigint, type OptionKeys } from '../options.ts';
import { selectSnapshot, wantedSnapshot } from './snapshot-selection.ts';

/** Which snapshots' appended rows to read. */
export interface AppendRange {
  /** Snapshot read up to before: what came after it is wanted. It need not exist any more. Not with `fromSnapshotIdInclusive`. */
  readonly fromSnapshotIdExclusive?: bigint;
  /** First snapshot wanted. Without either start, the oldest ancestor that still exists. */
  readonly fromSnapshotIdInclusive?: bigint;
  /** Last snapshot wanted. Default that of `toRef`. */
  readonly toSnapshotIdInclusive?: bigint;
  /** Branch or tag to read up to. Default `main`. Not with `toSnapshotIdInclusive`. */
  readonly toRef?: string;
}

export const rangeKeys: OptionKeys<AppendRange> = {
  fromSnapshotIdExclusive: true,
  fromSnapshotIdInclusive: true,
  toSnapshotIdInclusive: true,
  toRef: true,
};

/**
 * The snapshots of a range that appended rows, oldest first. A start at the end of the range gives none: there is
 * nothing new.
 *
 * The chain of ancestors ends where snapshots have expired, and it does not lead to a start on another branch or one
 * that was rolled back. Reading what is left of it would silently leave out rows or repeat them, so a start that the
 * chain does not lead to is an error.
 *
 * @throws IcebergError `SNAPSHOT_NOT_FOUND`, with `positionLost: true` in its context when the end exists but the start
 *   is not before it (any more): read the table anew, or from where you know; `INVALID_ARGUMENT` for two starts or ends
 */
export function appendsIn(metadata: TableMetadata, range: AppendRange): readonly Snapshot[] {
  const { fromSnapshotIdExclusive: after, fromSnapshotIdInclusive: from } = range;
  checkBigint('fromSnapshotIdExclusive', after);
  checkBigint('fromSnapshotIdInclusive', from);
  checkBigint('toSnapshotIdInclusive', range.toSnapshotIdInclusive);
  if (after !== undefined && from !== undefined) {
    throw new IcebergError('INVALID_ARGUMENT', 'an incremental scan has one start, exclusive or inclusive');
  }
  const to = endOf(metadata, range);
  if (to === undefined) {
    if (after === undefined && from === undefined) return [];
    throw positionLost(after ?? (from as bigint), undefined);
  }
  if (to === after) return [];
  const snapshots: Snapshot[] = [];
  const hasStart = after !== undefined || from !== undefined;
  let reached = false;
  for (const snapshot of ancestorsOf(metadata, to)) {
    snapshots.push(snapshot);
    // An exclusive start may have expired: its child still names it.
    reached = hasStart && isFirst(snapshot, range);
    if (reached) break;
  }
  if (hasStart && !reached) throw positionLost(after ?? (from as bigint), to);
  return snapshots.filter(({ summary }) => summary['operation'] === 'append').reverse();
}

function isFirst(snapshot: Snapshot, range: AppendRange): boolean {
  const { fromSnapshotIdExclusive: after, fromSnapshotIdInclusive: from } = range;
  return after === undefined ? snapshot.snapshotId === from : snapshot.parentSnapshotId === after;
}

function endOf(metadata: TableMetadata, { toSnapshotIdInclusive, toRef }: AppendRange): bigint | undefined {
  if (toSnapshotIdInclusive === undefined) {
    return selectSnapshot(metadata, toRef === undefined ? {} : { ref: toRef }).snapshot?.snapshotId;
  }
  if (toRef !== undefined) {
    throw new IcebergError('INVALID_ARGUMENT', 'an incremental scan has one end, a snapshot or a ref');
  }
  return wantedSnapshot(metadata, toSnapshotIdInclusive).snapshotId;
}

function positionLost(fromSnapshotId: bigint, toSnapshotId: bigint | undefined): IcebergError {
  const end =
    toSnapshotId === undefined
      ? 'the table has no snapshot'
      : `snapshot ${toSnapshotId} does not come from it`;
  return new IcebergError(
    'SNAPSHOT_NOT_FOUND',
    `position lost: an incremental scan cannot start at snapshot ${fromSnapshotId}, since ${end} (snapshots between have expired, or the table was rolled back)`,
    { context: { positionLost: true, fromSnapshotId, toSnapshotId } },
  );
}
