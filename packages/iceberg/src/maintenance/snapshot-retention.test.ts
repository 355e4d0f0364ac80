import { describe, expect, test } from 'vitest';
import {
  addSnapshot,
  apply,
  chain,
  commitOperation,
  emptyTable,
  idOf,
  numbersOf,
  planOn,
  refusal,
  startMs,
  withRef,
} from '../../test/support/snapshot-table.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { type ExpireSnapshotsOptions, expireSnapshots } from './expire-snapshots.ts';

/** Snapshot n is this old in these tests when the clock stands at `nowMs`: 100 - n seconds. */
const nowMs = startMs + 100_000;
const ageOf = (n: number): number => 100_000 - n * 1000;

const left = async (table: TableMetadata, options: ExpireSnapshotsOptions = {}): Promise<number[]> =>
  numbersOf(await commitOperation(table, expireSnapshots(options), { nowMs }));

describe('which snapshots stay', () => {
  test('those young enough and the last ones; the head always', async () => {
    const table = chain(6);
    expect(await left(table)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await left(table, { olderThanMs: 0 })).toEqual([6]);
    // A snapshot of exactly that age stays.
    expect(await left(table, { olderThanMs: ageOf(4) })).toEqual([4, 5, 6]);
    expect(await left(table, { olderThanMs: ageOf(4) - 1 })).toEqual([5, 6]);
    expect(await left(table, { olderThanMs: 0, retainLast: 3 })).toEqual([4, 5, 6]);
    expect(await left(table, { olderThanMs: 0, retainLast: 30 })).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('the table’s own settings count where the caller says nothing', async () => {
    const table = chain(6, {
      'history.expire.max-snapshot-age-ms': String(ageOf(6)),
      'history.expire.min-snapshots-to-keep': '2',
    });
    expect(await left(table)).toEqual([5, 6]);
    expect(await left(table, { olderThanMs: ageOf(3) })).toEqual([3, 4, 5, 6]);
    expect(await left(table, { retainLast: 1 })).toEqual([6]);
    const forever = chain(2, { 'history.expire.max-snapshot-age-ms': '9223372036854775807' });
    expect(await left(forever)).toEqual([1, 2]);
    const nonsense = chain(2, { 'history.expire.max-snapshot-age-ms': '5 days' });
    expect(await refusal(left(nonsense))).toBe('INVALID_ARGUMENT');
  });

  test('a branch keeps to its own settings, on its own line', async () => {
    let table = withRef(chain(4), 'audit', 2, { type: 'branch', minSnapshotsToKeep: 3, maxSnapshotAgeMs: 1 });
    for (const n of [5, 6]) table = addSnapshot(table, n, { branch: 'audit' });
    // audit: 6 5 2 1, of which three stay; main: 4 3 2 1, of which one stays.
    expect(await left(table, { olderThanMs: 0 })).toEqual([2, 4, 5, 6]);
    const byAge = withRef(chain(4), 'main', 4, { type: 'branch', maxSnapshotAgeMs: ageOf(2) });
    expect(await left(byAge, { olderThanMs: 0 })).toEqual([2, 3, 4]);
  });

  test('a tag holds its old snapshot, and that one only', async () => {
    expect(await left(withRef(chain(5), 'eom', 2), { olderThanMs: 0 })).toEqual([2, 5]);
  });

  test('a ref that is too old goes, and what it alone held with it; main never does', async () => {
    const table = withRef(withRef(chain(5), 'old', 2, { maxRefAgeMs: ageOf(2) - 1 }), 'young', 3, {
      maxRefAgeMs: ageOf(3),
    });
    const after = await commitOperation(table, expireSnapshots({ olderThanMs: 0 }), { nowMs });
    expect(Object.keys(after.refs).sort()).toEqual(['main', 'young']);
    expect(numbersOf(after)).toEqual([3, 5]);
    const byTable = withRef(chain(5, { 'history.expire.max-ref-age-ms': '1' }), 't', 5);
    expect(Object.keys((await commitOperation(byTable, expireSnapshots(), { nowMs })).refs)).toEqual([
      'main',
    ]);
  });

  test('a branch that goes holds nothing back', async () => {
    let table = withRef(chain(2), 'b', 1, { type: 'branch', maxRefAgeMs: 1, minSnapshotsToKeep: 9 });
    table = addSnapshot(table, 3, { branch: 'b' });
    expect(await left(table, { olderThanMs: 0 })).toEqual([2]);
  });

  test('snapshots that no ref leads to (staged, rolled back) stay while they are young', async () => {
    let table = addSnapshot(chain(2), 3, { branch: null, parent: 1 });
    table = addSnapshot(addSnapshot(table, 8), 9, { branch: null, parent: 2 });
    expect(await left(table, { olderThanMs: ageOf(9) })).toEqual([8, 9]);
    expect(await left(table, { olderThanMs: ageOf(3) })).toEqual([3, 8, 9]);
    expect(await left(table, { olderThanMs: 0 })).toEqual([8]);
    // An ancestor of main is not "unreferenced": young or not, main's own rule counts.
    const rolledBack = withRef(chain(3), 'main', 1, { type: 'branch' });
    expect(await left(rolledBack, { olderThanMs: ageOf(2) })).toEqual([1, 2, 3]);
  });

  test('an ancestor that its branch lets go does not stay for being young: it is not unreferenced', async () => {
    const table = withRef(chain(5), 'main', 5, { type: 'branch', maxSnapshotAgeMs: 1 });
    expect(await left(table, { olderThanMs: ageOf(1) })).toEqual([5]);
  });

  test('metadata without refs: main is the current snapshot', async () => {
    const { refs: _, ...rest } = chain(3);
    expect(
      (await planOn({ ...rest, refs: {} }, expireSnapshots({ olderThanMs: 0 }), { nowMs })).updates,
    ).toEqual([{ action: 'remove-snapshots', snapshotIds: [idOf(1), idOf(2)] }]);
  });

  test('a ring of parents, as damaged metadata may have, ends', async () => {
    const table = chain(2);
    const ring = table.snapshots.map((s) => ({ ...s, parentSnapshotId: idOf(3) - s.snapshotId + idOf(0) }));
    expect(await left({ ...table, snapshots: ring }, { olderThanMs: 0, retainLast: 9 })).toEqual([1, 2]);
  });

  test('nothing to expire: nothing to commit, also for an empty table', async () => {
    expect((await planOn(chain(1), expireSnapshots({ olderThanMs: 0 }), { nowMs })).updates).toEqual([]);
    expect((await planOn(emptyTable(), expireSnapshots({ olderThanMs: 0 }), { nowMs })).updates).toEqual([]);
  });
});

describe('snapshots by id', () => {
  const table = withRef(withRef(chain(5), 'eom', 2), 'gone', 3, { maxRefAgeMs: 1 });

  test('given alone only they go, whatever else is old', async () => {
    expect(await left(table, { snapshotIds: [idOf(1), idOf(4)] })).toEqual([2, 3, 5]);
    expect(await left(table, { snapshotIds: [idOf(1)], olderThanMs: ageOf(5) })).toEqual([2, 5]);
    expect(await left(table, { snapshotIds: [idOf(4)], olderThanMs: 1, retainLast: 2 })).toEqual([2, 5]);
  });

  test('the head of a ref is refused; not of one that goes in the same expiry', async () => {
    expect(await refusal(left(table, { snapshotIds: [idOf(2)] }))).toBe('INVALID_ARGUMENT');
    expect(await refusal(left(table, { snapshotIds: [idOf(5)] }))).toBe('INVALID_ARGUMENT');
    expect(await refusal(left(table, { snapshotIds: [idOf(3)] }))).toBe('INVALID_ARGUMENT');
    expect(await left(table, { snapshotIds: [idOf(3)], olderThanMs: ageOf(5) })).toEqual([2, 5]);
  });

  test('one that the table never had is not found; one that others expired meanwhile is done', async () => {
    expect(await refusal(left(table, { snapshotIds: [idOf(9)] }))).toBe('SNAPSHOT_NOT_FOUND');
    const others = apply(table, { action: 'remove-snapshots', snapshotIds: [idOf(1)] });
    const plan = await planOn(others, expireSnapshots({ snapshotIds: [idOf(1)] }), { start: table, nowMs });
    expect(plan.updates).toEqual([]);
  });
});

describe('concurrent changes', () => {
  const table = withRef(chain(4), 't', 4);
  const operation = expireSnapshots({ olderThanMs: 0 });

  test.each<[string, (table: TableMetadata) => TableMetadata]>([
    ['somebody appends', (t) => addSnapshot(t, 5)],
    ['main is rolled back to a snapshot that was to go', (t) => withRef(t, 'main', 2, { type: 'branch' })],
    ['a tag is moved to a snapshot that was to go', (t) => withRef(t, 't', 2)],
    ['a tag is made on a snapshot that was to go', (t) => withRef(t, 'new', 2)],
    ['a branch is made on a snapshot that was to go', (t) => withRef(t, 'new', 2, { type: 'branch' })],
  ])('between plan and commit %s: the expiry does not land', async (_, change) => {
    await commitOperation(table, operation, { nowMs });
    const target = change(table);
    expect(await refusal(commitOperation(table, operation, { nowMs, target }))).toBe('COMMIT_CONFLICT');
  });

  test('planned anew it keeps what is referenced now', async () => {
    const moved = withRef(table, 't', 2);
    expect(numbersOf(await commitOperation(moved, operation, { start: table, nowMs }))).toEqual([2, 4]);
  });

  test('an id that became the head of a ref meanwhile is a conflict, not the caller’s error', async () => {
    const byId = expireSnapshots({ snapshotIds: [idOf(2)] });
    const tagged = withRef(table, 'new', 2);
    expect(await refusal(planOn(tagged, byId, { start: table, nowMs }))).toBe('COMMIT_CONFLICT');
  });
});

test('gc.enabled=false refuses, and so do settings out of range', async () => {
  expect(await refusal(left(chain(3, { 'gc.enabled': 'FALSE' })))).toBe('INVALID_ARGUMENT');
  for (const options of [
    { retainLast: 0 },
    { retainLast: 1.5 },
    { olderThanMs: -1 },
    { olderThanMs: Number.NaN },
  ]) {
    expect(await refusal((async () => left(chain(1), options))())).toBe('INVALID_ARGUMENT');
  }
});

test('10,000 snapshots on 2,000 refs: no snapshot is walked over once for each ref', async () => {
  const count = 10_000;
  const base = chain(1);
  const [first] = base.snapshots;
  let steps = 0;
  const snapshots = Array.from({ length: count }, (_, i) => ({
    ...first!,
    snapshotId: idOf(i + 1),
    timestampMs: startMs + i,
    get parentSnapshotId() {
      steps += 1;
      return idOf(i);
    },
  }));
  const refs = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, i) => [
      `b${i}`,
      { snapshotId: idOf(count - i), type: 'branch' as const, minSnapshotsToKeep: 2 },
    ]),
  );
  const main = { snapshotId: idOf(count), type: 'branch' as const };
  const table = { ...base, snapshots, refs: { ...refs, main }, currentSnapshotId: idOf(count) };
  const { updates } = await planOn(table, expireSnapshots({ olderThanMs: 0 }), { nowMs });
  const removed = updates.flatMap((update) =>
    update.action === 'remove-snapshots' ? update.snapshotIds : [],
  );
  expect(removed).toHaveLength(count - 2_001);
  // Each snapshot once for what is referenced, each ref twice for what it keeps; the other way were 18,000,000.
  expect(steps).toBeGreaterThanOrEqual(count);
  expect(steps).toBeLessThan(count + 3 * 2_001);
});
