import { applyCommit } from '../catalog/apply-commit.ts';
import type { LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import { snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import { formatTableMetadata } from '../metadata/table-metadata-json.ts';
import type { PreparedTransaction } from './prepare-transaction.ts';

/**
 * What the table's present state says of a request whose outcome is not known:
 *
 * - `landed`: it happened.
 * - `base-unchanged`: the table is still what the request asserts. It has not happened yet, and may be sent again.
 * - `not-landed`: others changed the table and the request did not happen. It cannot any more: it asserts a ref that
 *   has moved, and a sequence number that is taken.
 * - `uncertain`: snapshots made since have been expired, and it may have been one of them.
 */
export type Landing = 'landed' | 'base-unchanged' | 'not-landed' | 'uncertain';

/** Compares the table as it is now with what the request was to make of it. */
export function findLanding(prepared: PreparedTransaction, table: LoadedTable): Landing {
  const { base, snapshots } = prepared;
  const { metadata } = table;
  if (snapshots.some(({ snapshotId }) => snapshotById(metadata, snapshotId) !== undefined)) return 'landed';
  if (table.metadataLocation === base.metadataLocation) return 'base-unchanged';
  if (snapshots.length === 0) return hasEffect(prepared, metadata) ? 'landed' : 'not-landed';
  return showsAllSince(base.metadata, metadata) ? 'not-landed' : 'uncertain';
}

/** Whether every snapshot made after `base` is still there: each has a sequence number of its own. */
function showsAllSince(base: TableMetadata, now: TableMetadata): boolean {
  const newer = now.snapshots.filter((snapshot) => snapshot.sequenceNumber > base.lastSequenceNumber);
  return BigInt(newer.length) === now.lastSequenceNumber - base.lastSequenceNumber;
}

/** Whether making the change again would change nothing: then the state is what the caller asked for. */
function hasEffect({ request }: PreparedTransaction, now: TableMetadata): boolean {
  try {
    const again = applyCommit(
      now,
      { requirements: [], updates: request.updates },
      { nowMs: now.lastUpdatedMs },
    );
    return formatTableMetadata(again) === formatTableMetadata(now);
  } catch (error) {
    if (IcebergError.is(error)) return false;
    throw error;
  }
}
