import type { LoadedTable } from '../catalog/catalog.ts';
import { IcebergError } from '../errors.ts';
import { updateProperties } from '../evolution/update-properties.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { type AppendOptions, appendKeys, fastAppend } from './fast-append.ts';
import {
  componentKeys,
  type PreparedTransaction,
  prepareTransaction,
  type TransactionComponents,
} from './prepare-transaction.ts';

export interface PrepareAppendOptions extends AppendOptions, TransactionComponents {
  /** The state to append to. The commit succeeds only while `main` and the tags are still there. */
  readonly base: LoadedTable;
  /** Table properties to set in the same commit, as by `updateProperties`. */
  readonly setProperties?: Readonly<Record<string, string>>;
}

const optionKeys: OptionKeys<PrepareAppendOptions> = {
  ...appendKeys,
  ...componentKeys,
  base: true,
  setProperties: true,
};

/** An append that is ready to be sent, as often as needed. */
export interface PreparedAppend extends PreparedTransaction {
  readonly snapshot: Snapshot;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
}

/**
 * A fast append on exactly this base, for writers that decide anew after each conflict: `prepareTransaction` of one
 * `fastAppend` with `main` and its tags pinned. Cost: one write for each partition spec in `dataFiles`, one for the
 * manifest list, and reading the parent's list unless cached.
 *
 * Errors: as `prepareTransaction`.
 */
export async function prepareAppend(options: PrepareAppendOptions): Promise<PreparedAppend> {
  checkOptions('prepareAppend', options, optionKeys);
  const { base, setProperties = {}, io, manifestListCache, now, ...append } = options;
  const operations = [fastAppend(append), updateProperties({ set: setProperties })];
  const prepared = await prepareTransaction(base, operations, {
    io,
    ...(manifestListCache !== undefined && { manifestListCache }),
    ...(now !== undefined && { now }),
    pinnedRefs: append.tags ?? [],
  });
  const [snapshot] = prepared.snapshots;
  if (snapshot === undefined) throw new IcebergError('INVALID_ARGUMENT', 'the append makes no snapshot');
  return { ...prepared, snapshot, snapshotId: snapshot.snapshotId, sequenceNumber: snapshot.sequenceNumber };
}
