import { describe, expect, test } from 'vitest';
import {
  addSnapshot,
  apply,
  chain,
  commitOperation,
  emptyTable,
  idOf,
  planOn,
  refusal,
  startMs,
  withRef,
} from '../../test/support/snapshot-table.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { createBranch, createTag } from './create-ref.ts';
import { setRefRetention } from './ref-retention.ts';
import { removeRef, renameBranch } from './remove-ref.ts';
import { fastForward, replaceBranch, replaceTag } from './replace-ref.ts';
import { rollbackToSnapshot, rollbackToTimestamp, setCurrentSnapshot } from './rollback.ts';

const without = (table: TableMetadata, refName: string): TableMetadata =>
  apply(table, { action: 'remove-snapshot-ref', refName });
const expired = (table: TableMetadata, n: number): TableMetadata =>
  apply(table, { action: 'remove-snapshots', snapshotIds: [idOf(n)] });

describe('what the operations do', () => {
  test('branches and tags are made at main, at a ref, at a snapshot, with their retention', async () => {
    let table = chain(3);
    table = await commitOperation(
      table,
      createBranch('audit', { minSnapshotsToKeep: 2, maxSnapshotAgeMs: 5 }),
    );
    table = await commitOperation(table, createTag('eom', { at: idOf(1), maxRefAgeMs: 86_400_000 }));
    table = await commitOperation(table, createTag('copy', { at: 'eom' }));
    expect(table.refs).toEqual({
      main: { snapshotId: idOf(3), type: 'branch' },
      audit: { snapshotId: idOf(3), type: 'branch', minSnapshotsToKeep: 2, maxSnapshotAgeMs: 5 },
      eom: { snapshotId: idOf(1), type: 'tag', maxRefAgeMs: 86_400_000 },
      copy: { snapshotId: idOf(1), type: 'tag' },
    });
  });

  test('replacing moves a ref anywhere and keeps its retention and members nobody knows', async () => {
    let table = withRef(chain(3), 'b', 3, { type: 'branch', maxRefAgeMs: 7 });
    table = { ...table, refs: { ...table.refs, b: { ...table.refs.b!, extra: { owner: 'me' } } } };
    const moved = await commitOperation(table, replaceBranch('b', idOf(1)));
    expect(moved.refs.b).toEqual({
      snapshotId: idOf(1),
      type: 'branch',
      maxRefAgeMs: 7,
      extra: { owner: 'me' },
    });
    const tagged = await commitOperation(withRef(table, 't', 1), replaceTag('t', 'b'));
    expect(tagged.refs.t).toEqual({ snapshotId: idOf(3), type: 'tag' });
  });

  test('a branch is renamed and removed; its snapshots stay', async () => {
    const table = addSnapshot(withRef(chain(2), 'b', 2, { type: 'branch', minSnapshotsToKeep: 4 }), 3, {
      branch: 'b',
    });
    const renamed = await commitOperation(table, renameBranch('b', 'c'));
    expect(renamed.refs).toEqual({ main: table.refs.main, c: table.refs.b });
    const removed = await commitOperation(renamed, removeRef('c'));
    expect(Object.keys(removed.refs)).toEqual(['main']);
    expect(removed.snapshots).toHaveLength(3);
  });

  test('retention settings are set, left and given back one by one', async () => {
    let table = withRef(chain(1), 'b', 1, { type: 'branch', minSnapshotsToKeep: 2, maxSnapshotAgeMs: 10 });
    table = await commitOperation(table, setRefRetention('b', { maxSnapshotAgeMs: null, maxRefAgeMs: 99 }));
    expect(table.refs.b).toEqual({
      snapshotId: idOf(1),
      type: 'branch',
      minSnapshotsToKeep: 2,
      maxRefAgeMs: 99,
    });
    table = await commitOperation(table, setRefRetention('main', { minSnapshotsToKeep: 7 }));
    expect(table.refs.main).toEqual({ snapshotId: idOf(1), type: 'branch', minSnapshotsToKeep: 7 });
    expect((await planOn(table, setRefRetention('main', { minSnapshotsToKeep: 7 }))).updates).toEqual([]);
  });

  test('fast-forward goes along the line only, keeps retention, and makes a branch that is not there', async () => {
    let table = withRef(chain(2), 'audit', 2, { type: 'branch' });
    table = addSnapshot(addSnapshot(table, 3, { branch: 'audit' }), 4, { branch: 'audit' });
    table = await commitOperation(table, setRefRetention('main', { minSnapshotsToKeep: 9 }));
    const published = await commitOperation(table, fastForward('main', 'audit'));
    expect(published.refs.main).toEqual({ snapshotId: idOf(4), type: 'branch', minSnapshotsToKeep: 9 });
    expect(published.currentSnapshotId).toBe(idOf(4));
    expect(published.snapshotLog.at(-1)!.snapshotId).toBe(idOf(4));
    expect((await commitOperation(table, fastForward('main', idOf(3)))).currentSnapshotId).toBe(idOf(3));
    const made = await commitOperation(table, fastForward('fresh', 'audit'));
    expect(made.refs.fresh).toEqual({ snapshotId: idOf(4), type: 'branch' });
    expect((await planOn(table, fastForward('audit', idOf(4)))).updates).toEqual([]);
    expect(await refusal(planOn(published, fastForward('main', idOf(1))))).toBe('INVALID_ARGUMENT');
    const diverged = addSnapshot(table, 5);
    expect(await refusal(planOn(diverged, fastForward('main', 'audit')))).toBe('INVALID_ARGUMENT');
  });

  test('main of a table without a current snapshot is published by fast-forward', async () => {
    const staged = addSnapshot(emptyTable(), 1, { branch: null, parent: null });
    const published = await commitOperation(staged, fastForward('main', idOf(1)));
    expect(published.currentSnapshotId).toBe(idOf(1));
  });

  test('rollback goes to ancestors of main only, setCurrentSnapshot anywhere', async () => {
    let table = withRef(chain(3), 'b', 1, { type: 'branch' });
    table = addSnapshot(table, 4, { branch: 'b' });
    expect((await commitOperation(table, rollbackToSnapshot(idOf(2)))).currentSnapshotId).toBe(idOf(2));
    expect(await refusal(planOn(table, rollbackToSnapshot(idOf(4))))).toBe('INVALID_ARGUMENT');
    expect((await commitOperation(table, setCurrentSnapshot(idOf(4)))).currentSnapshotId).toBe(idOf(4));
    expect((await planOn(table, rollbackToSnapshot(idOf(3)))).updates).toEqual([]);
  });

  test('rollback to a moment takes the latest ancestor that is older, not one of that very millisecond', async () => {
    const table = addSnapshot(withRef(chain(3), 'b', 1, { type: 'branch' }), 4, { branch: 'b' });
    const at = async (ms: number): Promise<bigint | undefined> =>
      (await commitOperation(table, rollbackToTimestamp(startMs + ms))).currentSnapshotId;
    expect(await at(2001)).toBe(idOf(2));
    expect(await at(2000)).toBe(idOf(1));
    // Snapshot 4 is younger than 3 and older than that, but not main's.
    expect(await at(9000)).toBe(idOf(3));
    expect(await refusal(planOn(table, rollbackToTimestamp(startMs + 1000)))).toBe('INVALID_ARGUMENT');
    expect(await refusal(planOn(emptyTable(), rollbackToTimestamp(startMs)))).toBe('INVALID_ARGUMENT');
  });

  test('after a rollback the walk from main ends where it should: what was rolled back is no ancestor', async () => {
    const back = await commitOperation(chain(3), rollbackToSnapshot(idOf(1)));
    const next = addSnapshot(back, 4);
    expect(await refusal(planOn(next, rollbackToSnapshot(idOf(3))))).toBe('INVALID_ARGUMENT');
    expect((await commitOperation(next, rollbackToSnapshot(idOf(1)))).currentSnapshotId).toBe(idOf(1));
  });
});

test('what can never work is refused as the caller’s error', async () => {
  const table = withRef(withRef(chain(2), 't', 1), 'b', 2, { type: 'branch' });
  const refused: [TableOperation | (() => TableOperation), string][] = [
    [createTag('t'), 'INVALID_ARGUMENT'],
    [createBranch('main'), 'INVALID_ARGUMENT'],
    [createTag('x', { at: idOf(9) }), 'SNAPSHOT_NOT_FOUND'],
    [createTag('x', { at: 'nowhere' }), 'INVALID_ARGUMENT'],
    [() => createTag(''), 'INVALID_ARGUMENT'],
    [() => createTag('main'), 'INVALID_ARGUMENT'],
    [() => createBranch('x', { minSnapshotsToKeep: 0 }), 'INVALID_ARGUMENT'],
    [() => createBranch('x', { minSnapshotsToKeep: 1.5 }), 'INVALID_ARGUMENT'],
    [() => createBranch('x', { maxSnapshotAgeMs: Number.NaN }), 'INVALID_ARGUMENT'],
    [replaceBranch('t', idOf(2)), 'INVALID_ARGUMENT'],
    [replaceTag('b', idOf(2)), 'INVALID_ARGUMENT'],
    [replaceTag('x', idOf(2)), 'INVALID_ARGUMENT'],
    [replaceBranch('b', idOf(9)), 'SNAPSHOT_NOT_FOUND'],
    [() => removeRef('main'), 'INVALID_ARGUMENT'],
    [removeRef('x'), 'INVALID_ARGUMENT'],
    [() => renameBranch('main', 'x'), 'INVALID_ARGUMENT'],
    [renameBranch('t', 'x'), 'INVALID_ARGUMENT'],
    [renameBranch('b', 't'), 'INVALID_ARGUMENT'],
    [setRefRetention('t', { minSnapshotsToKeep: 3 }), 'INVALID_ARGUMENT'],
    [setRefRetention('main', { maxRefAgeMs: 3 }), 'INVALID_ARGUMENT'],
    [setRefRetention('b', { maxRefAgeMs: 0 }), 'INVALID_ARGUMENT'],
    [fastForward('t', idOf(2)), 'INVALID_ARGUMENT'],
    [fastForward('b', idOf(9)), 'SNAPSHOT_NOT_FOUND'],
    [rollbackToSnapshot(idOf(9)), 'SNAPSHOT_NOT_FOUND'],
    [setCurrentSnapshot(idOf(9)), 'SNAPSHOT_NOT_FOUND'],
  ];
  for (const [made, code] of refused) {
    const run = async (): Promise<unknown> => planOn(table, typeof made === 'function' ? made() : made);
    expect(await refusal(run()), typeof made === 'function' ? String(made) : made.name).toBe(code);
  }
});

describe('concurrent changes', () => {
  const start = withRef(withRef(chain(3), 't', 1), 'b', 2, { type: 'branch' });

  test.each<[string, TableOperation, (table: TableMetadata) => TableMetadata]>([
    ['createTag: the name was taken', createTag('x'), (t) => withRef(t, 'x', 1)],
    [
      'createTag: the snapshot was expired',
      createTag('x', { at: idOf(1) }),
      (t) => expired(without(t, 't'), 1),
    ],
    ['createTag: the ref it is made at was removed', createTag('x', { at: 't' }), (t) => without(t, 't')],
    ['replaceBranch: the branch was removed', replaceBranch('b', idOf(1)), (t) => without(t, 'b')],
    [
      'replaceTag: the tag became a branch',
      replaceTag('t', idOf(2)),
      (t) => withRef(t, 't', 1, { type: 'branch' }),
    ],
    ['removeRef: it was removed', removeRef('t'), (t) => without(t, 't')],
    ['renameBranch: the new name was taken', renameBranch('b', 'x'), (t) => withRef(t, 'x', 1)],
    [
      'setRefRetention: the ref was removed',
      setRefRetention('b', { maxRefAgeMs: 5 }),
      (t) => without(t, 'b'),
    ],
    [
      'fastForward: the branch has diverged',
      fastForward('b', 'main'),
      (t) => addSnapshot(t, 9, { branch: 'b' }),
    ],
    [
      'fastForward: the branch was removed, not to be made anew',
      fastForward('b', 'main'),
      (t) => without(t, 'b'),
    ],
    [
      'rollbackToSnapshot: main was taken elsewhere',
      rollbackToSnapshot(idOf(2)),
      (t) => withRef(t, 'main', 1, { type: 'branch' }),
    ],
    ['setCurrentSnapshot: it was expired', setCurrentSnapshot(idOf(1)), (t) => expired(without(t, 't'), 1)],
  ])('%s: a conflict, not the caller’s error', async (_, operation, change) => {
    await planOn(start, operation);
    expect(await refusal(planOn(change(start), operation, { start }))).toBe('COMMIT_CONFLICT');
  });

  test.each<[string, TableOperation, (table: TableMetadata) => TableMetadata]>([
    ['createTag at main: main moved', createTag('x'), (t) => addSnapshot(t, 9)],
    ['createTag at a ref: it moved', createTag('x', { at: 'b' }), (t) => addSnapshot(t, 9, { branch: 'b' })],
    ['createTag: the name was taken', createTag('x', { at: idOf(1) }), (t) => withRef(t, 'x', 2)],
    [
      'replaceBranch: the branch moved',
      replaceBranch('b', idOf(1)),
      (t) => addSnapshot(t, 9, { branch: 'b' }),
    ],
    ['replaceBranch: what it follows moved', replaceBranch('b', 'main'), (t) => addSnapshot(t, 9)],
    ['removeRef: somebody wrote to the branch', removeRef('b'), (t) => addSnapshot(t, 9, { branch: 'b' })],
    ['renameBranch: somebody wrote to it', renameBranch('b', 'x'), (t) => addSnapshot(t, 9, { branch: 'b' })],
    ['renameBranch: the name was taken', renameBranch('b', 'x'), (t) => withRef(t, 'x', 2)],
    [
      'setRefRetention: the branch moved',
      setRefRetention('b', { maxRefAgeMs: 5 }),
      (t) => addSnapshot(t, 9, { branch: 'b' }),
    ],
    ['fastForward: the branch moved', fastForward('b', 'main'), (t) => addSnapshot(t, 9, { branch: 'b' })],
    ['fastForward: the target moved', fastForward('b', 'main'), (t) => addSnapshot(t, 9)],
    ['rollbackToSnapshot: main moved', rollbackToSnapshot(idOf(2)), (t) => addSnapshot(t, 9)],
    ['rollbackToTimestamp: main moved', rollbackToTimestamp(startMs + 2500), (t) => addSnapshot(t, 9)],
    ['setCurrentSnapshot: main moved', setCurrentSnapshot(idOf(2)), (t) => addSnapshot(t, 9)],
  ])('between plan and commit, %s: the commit does not land', async (_, operation, change) => {
    await commitOperation(start, operation);
    expect(await refusal(commitOperation(start, operation, { target: change(start) }))).toBe(
      'COMMIT_CONFLICT',
    );
  });

  test('a conflict at planning is the caller’s own error when the caller’s transaction made it so', async () => {
    const own = { start, attemptBase: start };
    expect(await refusal(planOn(withRef(start, 'x', 1), createTag('x'), own))).toBe('INVALID_ARGUMENT');
  });
});
