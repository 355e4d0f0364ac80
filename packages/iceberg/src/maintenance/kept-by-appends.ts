import type { Snapshot } from '../metadata/snapshot.ts';

/**
 * Of the snapshots that go, those whose every live file is surely live in one that stays: only appends, which by the
 * specification remove no file, lie between the two. Nothing they name can be a file that nothing else needs, so their
 * manifests need not be read. (A writer that calls something else an append makes an orphan of what it removed.)
 */
export function keptByAppends(
  expired: readonly Snapshot[],
  surviving: readonly Snapshot[],
): ReadonlySet<Snapshot> {
  const byId = new Map(expired.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const kept = new Set<Snapshot>();
  for (const start of surviving) {
    let snapshot: Snapshot = start;
    while (snapshot.summary.operation === 'append' && snapshot.parentSnapshotId !== undefined) {
      const parent = byId.get(snapshot.parentSnapshotId);
      if (parent === undefined || kept.has(parent)) break;
      kept.add(parent);
      snapshot = parent;
    }
  }
  return kept;
}
