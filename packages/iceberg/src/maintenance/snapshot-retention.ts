import { IcebergError } from '../errors.ts';
import { mainBranch, type Snapshot, type SnapshotRef } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';

/** What stays where a ref has no settings of its own. */
export interface RetentionSettings {
  /** Unix milliseconds; older snapshots may go. */
  readonly expireBeforeMs: number;
  /** So many snapshots of each branch stay, whatever their age. */
  readonly minSnapshotsToKeep: number;
  /** Refs older than this go. */
  readonly maxRefAgeMs: number;
}

/** What an expiry leaves of a table. */
export interface Retention {
  readonly expiredRefs: readonly string[];
  /** The snapshots that stay. */
  readonly retainedIds: ReadonlySet<bigint>;
}

/**
 * Which refs and snapshots stay. A ref goes when the snapshot it points at is older than the ref may be, or is
 * missing; `main` never does. Of each branch that stays, the head and its ancestors stay as long as there are too few
 * or they are young enough; the first that is neither ends it. What a tag points at stays. Snapshots that no ref leads
 * to (staged ones, rolled back ones) stay while they are young. Cost: linear in snapshots and refs.
 */
export function planRetention(
  metadata: TableMetadata,
  settings: RetentionSettings,
  nowMs: number,
): Retention {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const refs = refsOf(metadata);
  const isExpired = ([name, ref]: readonly [string, SnapshotRef]): boolean =>
    name !== mainBranch && isRefExpired(ref, byId, settings, nowMs);
  const retained = refs.filter((entry) => !isExpired(entry)).map(([, ref]) => ref);
  const retainedIds = new Set<bigint>();
  const referenced = new Set<bigint>();
  for (const ref of retained) {
    if (byId.has(ref.snapshotId)) retainedIds.add(ref.snapshotId);
    referenced.add(ref.snapshotId);
    if (ref.type === 'tag') continue;
    for (const id of retainedOfBranch(ref, byId, settings, nowMs)) retainedIds.add(id);
  }
  addAncestors(referenced, retained, byId);
  for (const { snapshotId, timestampMs } of metadata.snapshots) {
    if (!referenced.has(snapshotId) && timestampMs >= settings.expireBeforeMs) retainedIds.add(snapshotId);
  }
  return { expiredRefs: refs.filter(isExpired).map(([name]) => name), retainedIds };
}

/** The table's own settings (`history.expire.*`), where the caller says nothing else. */
export function retentionSettings(
  metadata: TableMetadata,
  options: { readonly olderThanMs?: number; readonly retainLast?: number },
  nowMs: number,
): RetentionSettings {
  const { properties } = metadata;
  const maxAgeMs =
    options.olderThanMs ?? numberOf(properties, 'history.expire.max-snapshot-age-ms', 432_000_000);
  return {
    expireBeforeMs: nowMs - maxAgeMs,
    minSnapshotsToKeep: options.retainLast ?? numberOf(properties, 'history.expire.min-snapshots-to-keep', 1),
    maxRefAgeMs: numberOf(properties, 'history.expire.max-ref-age-ms', Number.POSITIVE_INFINITY),
  };
}

/** All refs by name; `main` also of metadata that has no refs. */
export function refsOf(metadata: TableMetadata): readonly (readonly [string, SnapshotRef])[] {
  const { refs, currentSnapshotId } = metadata;
  const main: [string, SnapshotRef][] =
    currentSnapshotId === undefined || Object.hasOwn(refs, mainBranch)
      ? []
      : [[mainBranch, { snapshotId: currentSnapshotId, type: 'branch' }]];
  return [...main, ...Object.entries(refs)];
}

type SnapshotsById = ReadonlyMap<bigint, Snapshot>;

function isRefExpired(
  ref: SnapshotRef,
  byId: SnapshotsById,
  settings: RetentionSettings,
  nowMs: number,
): boolean {
  const snapshot = byId.get(ref.snapshotId);
  return snapshot === undefined || nowMs - snapshot.timestampMs > (ref.maxRefAgeMs ?? settings.maxRefAgeMs);
}

function* retainedOfBranch(
  ref: SnapshotRef,
  byId: SnapshotsById,
  settings: RetentionSettings,
  nowMs: number,
): Generator<bigint> {
  const expireBeforeMs =
    ref.maxSnapshotAgeMs === undefined ? settings.expireBeforeMs : nowMs - ref.maxSnapshotAgeMs;
  const least = ref.minSnapshotsToKeep ?? settings.minSnapshotsToKeep;
  const seen = new Set<bigint>();
  for (let snapshot = byId.get(ref.snapshotId); snapshot !== undefined; ) {
    if (seen.has(snapshot.snapshotId)) return;
    if (seen.size >= least && snapshot.timestampMs < expireBeforeMs) return;
    seen.add(snapshot.snapshotId);
    yield snapshot.snapshotId;
    snapshot = parentOf(snapshot, byId);
  }
}

/** Adds what the branches lead to; a line that was walked before is not walked again. */
function addAncestors(referenced: Set<bigint>, refs: readonly SnapshotRef[], byId: SnapshotsById): void {
  const walked = new Set<bigint>();
  for (const ref of refs) {
    if (ref.type === 'tag') continue;
    let snapshot = byId.get(ref.snapshotId);
    while (snapshot !== undefined && !walked.has(snapshot.snapshotId)) {
      walked.add(snapshot.snapshotId);
      referenced.add(snapshot.snapshotId);
      snapshot = parentOf(snapshot, byId);
    }
  }
}

function parentOf({ parentSnapshotId }: Snapshot, byId: SnapshotsById): Snapshot | undefined {
  return parentSnapshotId === undefined ? undefined : byId.get(parentSnapshotId);
}

/** What cannot be read as a number must not be guessed: snapshots would go that somebody meant to keep. */
function numberOf(properties: TableMetadata['properties'], key: string, fallback: number): number {
  const text = properties[key];
  if (text === undefined) return fallback;
  if (/^\d+$/.test(text.trim())) return Number(text);
  throw new IcebergError('INVALID_ARGUMENT', `the table property ${key} is "${text}", not a number`, {
    context: { key, value: text },
  });
}
