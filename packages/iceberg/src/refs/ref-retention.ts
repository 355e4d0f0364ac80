import { IcebergError } from '../errors.ts';
import { mainBranch, type SnapshotRef } from '../metadata/snapshot.ts';
import { refByName } from '../metadata/table-metadata.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { checkState, refProblem } from './ref-checks.ts';
import { refPlan, setRef } from './ref-update.ts';

/**
 * What `expireSnapshots` leaves of a ref. Absent values are the table's own (`history.expire.*`), in milliseconds
 * where they are ages. Spec: https://iceberg.apache.org/spec/#snapshot-retention-policy
 */
export interface RefRetention {
  /** Branches only: so many snapshots stay, whatever their age; at least 1. */
  readonly minSnapshotsToKeep?: number;
  /** Branches only: younger snapshots stay. */
  readonly maxSnapshotAgeMs?: number;
  /** Not for `main`: the ref itself goes when the snapshot it points at is older. */
  readonly maxRefAgeMs?: number;
}

/** Changes of a retention: absent leaves a setting as it is, `null` gives it back to the table's properties. */
export type RefRetentionChange = { readonly [K in keyof RefRetention]?: RefRetention[K] | null };

export const retentionKeys: OptionKeys<RefRetention> = {
  minSnapshotsToKeep: true,
  maxSnapshotAgeMs: true,
  maxRefAgeMs: true,
};

const settings = ['minSnapshotsToKeep', 'maxSnapshotAgeMs', 'maxRefAgeMs'] as const;

/**
 * Changes how long a branch or tag, and the snapshots of a branch, are kept. The ref stays where it is, and must be
 * there when the commit happens; a ref that others move at the same time is planned anew.
 *
 * Errors: `INVALID_ARGUMENT` for a ref that does not exist or cannot have the setting (snapshot retention of a tag,
 * `maxRefAgeMs` of `main`), `COMMIT_CONFLICT` if others removed it meanwhile.
 */
export function setRefRetention(name: string, change: RefRetentionChange): TableOperation {
  checkOptions<RefRetentionChange>('setRefRetention', change, retentionKeys);
  return {
    name: 'setRefRetention',
    plan(context) {
      checkState(context, (metadata) => refProblem(metadata, name));
      const ref = refByName(context.metadata, name)!;
      const retention = changedRetention(ref, change);
      checkRetention(name, ref.type, retention);
      const { snapshotId, type } = ref;
      const unchanged = settings.every((key) => retention[key] === ref[key]);
      return refPlan(context, unchanged ? [] : [setRef(name, { snapshotId, type, ...retention })], [name]);
    },
  };
}

/** `INVALID_ARGUMENT` for settings that a ref of this name and type cannot have. */
export function checkRetention(name: string, type: SnapshotRef['type'], retention: RefRetention): void {
  const { minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs } = retention;
  if (type === 'tag' && (minSnapshotsToKeep ?? maxSnapshotAgeMs) !== undefined) {
    throw refuse(name, 'is a tag: only branches have minSnapshotsToKeep and maxSnapshotAgeMs');
  }
  if (name === mainBranch && maxRefAgeMs !== undefined) {
    throw refuse(name, 'never expires: leave maxRefAgeMs out');
  }
  if (minSnapshotsToKeep !== undefined && !(Number.isInteger(minSnapshotsToKeep) && minSnapshotsToKeep > 0)) {
    throw refuse(name, 'cannot keep that many snapshots: minSnapshotsToKeep is a whole number from 1');
  }
  for (const age of [maxSnapshotAgeMs, maxRefAgeMs]) {
    if (age !== undefined && !(age > 0))
      throw refuse(name, `cannot have the age ${age}: it must be above 0 ms`);
  }
}

/** The retention settings of a ref alone. */
export function retentionOf(ref: RefRetention): RefRetention {
  return changedRetention(ref, {});
}

function changedRetention(ref: RefRetention, change: RefRetentionChange): RefRetention {
  const entries = settings.map((key) => [key, change[key] === undefined ? ref[key] : change[key]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null));
}

function refuse(name: string, why: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', `ref ${name} ${why}`, { context: { ref: name } });
}
