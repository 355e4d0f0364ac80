import { IcebergError } from '../errors.ts';
import { mainBranch } from '../metadata/snapshot.ts';
import { refByName, snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import type { OptionKeys } from '../options.ts';

/** What every operation that makes a snapshot can be told. */
export interface SnapshotOptions {
  /** The branch that moves to the snapshot. One that is not there is made, from `main`. Default `main`. */
  readonly branch?: string;
  /** Tags that move to the snapshot in the same commit, or are made; asserted as they were, like the branch. */
  readonly tags?: readonly string[];
  /** Default: a random id that the table does not have. The same for all attempts of a transaction. */
  readonly snapshotId?: bigint;
  /** Unix milliseconds; the snapshot's time is this or the base's last update, whichever is later. Default: now. */
  readonly timestampMs?: number;
  /** Further entries of the snapshot's summary; the format's own keys win. */
  readonly summary?: Readonly<Record<string, string>>;
}

/** For operations that have these options and others. */
export const snapshotKeys: OptionKeys<SnapshotOptions> = {
  branch: true,
  tags: true,
  snapshotId: true,
  timestampMs: true,
  summary: true,
};

/** `INVALID_ARGUMENT` unless a snapshot can be made with these options. */
export function checkSnapshotOptions(options: SnapshotOptions, metadata: TableMetadata): void {
  const { branch = mainBranch, tags = [], snapshotId } = options;
  if (branch === '' || refByName(metadata, branch)?.type === 'tag') {
    throw refuse(`"${branch}" is a tag: only branches are written to`, { branch });
  }
  for (const tag of tags) {
    if (tag === mainBranch || tag === '' || tag === branch || refByName(metadata, tag)?.type === 'branch') {
      throw refuse(`"${tag}" cannot be moved as a tag`, { tag });
    }
  }
  if (new Set(tags).size !== tags.length) throw refuse('a tag is named twice', { tags });
  if (snapshotId === undefined) return;
  if (snapshotId <= 0n || snapshotId >= 2n ** 63n) {
    throw refuse(`${snapshotId} is no snapshot id: it must be positive and have 63 bits`, { snapshotId });
  }
  if (snapshotById(metadata, snapshotId) !== undefined) {
    throw refuse(`the table already has snapshot ${snapshotId}`, { snapshotId });
  }
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
