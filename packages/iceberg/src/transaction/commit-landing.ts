import { applyCommit } from '../catalog/apply-commit.ts';
import type { LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import { formatTableMetadata } from '../metadata/table-metadata-json.ts';
import type { PreparedTransaction } from './prepare-transaction.ts';

/**
 * What the table's present state says of a request whose outcome is not known:
 *
 * - `landed`: it happened.
 * - `base-unchanged`: the table is still what the request asserts. It has not happened yet, and may be sent again.
 * - `not-landed`: others changed the table and the request did not happen; whether it still can says {@link mayLand}.
 * - `uncertain`: what became of the table in between can no longer be seen.
 */
export type Landing = 'landed' | 'base-unchanged' | 'not-landed' | 'uncertain';

/** Compares the table as it is now, and as it was in between, with what the request was to make of it. */
export async function findLanding(
  prepared: PreparedTransaction,
  table: LoadedTable,
  io: FileIO,
): Promise<Landing> {
  const { base, snapshots } = prepared;
  const { metadata } = table;
  if (hasLandedSnapshot(prepared, metadata)) return 'landed';
  if (table.metadataLocation === base.metadataLocation) return 'base-unchanged';
  if (snapshots.length === 0) return findEffect(prepared, table, io);
  return showsAllSince(base.metadata, metadata) ? 'not-landed' : 'uncertain';
}

/**
 * Whether a snapshot of the request, or of another attempt of the same transaction, is in the table. Ids may be the
 * caller's, and others' commits have them, too: what counts is whose manifest list it is.
 */
export function hasLandedSnapshot({ snapshots }: PreparedTransaction, now: TableMetadata): boolean {
  return snapshots.some(({ snapshotId, manifestList }) => {
    const found = snapshotById(now, snapshotId);
    const ours = transactionOf(manifestList);
    return found !== undefined && (ours === undefined || transactionOf(found.manifestList) === ours);
  });
}

/** The uuid in the name of a manifest list, the same for all attempts; none in the names of other writers. */
function transactionOf(manifestList: string): string | undefined {
  return /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.avro$/.exec(manifestList)?.[1];
}

/**
 * Whether a request that is still on its way may land on this state or a later one. Sequence numbers only grow: once a
 * snapshot's is taken it cannot. What else the request asserts may come back to what it was.
 */
export function mayLand({ snapshots: [first] }: PreparedTransaction, now: TableMetadata): boolean {
  return first === undefined || first.sequenceNumber > now.lastSequenceNumber;
}

/** Whether every snapshot made after `base` is still there: each has a sequence number of its own. */
function showsAllSince(base: TableMetadata, now: TableMetadata): boolean {
  const newer = now.snapshots.filter((snapshot) => snapshot.sequenceNumber > base.lastSequenceNumber);
  return BigInt(newer.length) === now.lastSequenceNumber - base.lastSequenceNumber;
}

/**
 * A change of metadata has no name. Had it happened, some state since the base would show it, though later commits
 * may have changed the same thing again: a rollback that others have appended to must not be done a second time.
 */
async function findEffect(prepared: PreparedTransaction, table: LoadedTable, io: FileIO): Promise<Landing> {
  if (hasEffect(prepared, table.metadata)) return 'landed';
  const earlier = table.metadata.metadataLog.map((entry) => entry.metadataFile);
  const first = earlier.lastIndexOf(prepared.base.metadataLocation);
  if (first === -1) return 'uncertain';
  for (const location of earlier.slice(first + 1)) {
    try {
      if (hasEffect(prepared, await loadTableMetadata(io, location))) return 'landed';
    } catch (error) {
      // Deleted, as old metadata files are: it may have been the one.
      if (IcebergError.is(error)) return 'uncertain';
      throw error;
    }
  }
  return 'not-landed';
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
