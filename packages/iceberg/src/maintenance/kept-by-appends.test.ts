import { expect, test } from 'vitest';
import type { Snapshot, SnapshotOperation } from '../metadata/snapshot.ts';
import { keptByAppends } from './kept-by-appends.ts';

const snapshot = (id: number, operation: SnapshotOperation, parent?: number): Snapshot => ({
  snapshotId: BigInt(id),
  ...(parent !== undefined && { parentSnapshotId: BigInt(parent) }),
  sequenceNumber: BigInt(id),
  timestampMs: id,
  manifestList: `list-${id}`,
  summary: { operation },
});
const ids = (snapshots: Iterable<Snapshot>) =>
  [...snapshots].map(({ snapshotId }) => Number(snapshotId)).sort();

test('all ancestors are kept through appends, none beyond anything else', () => {
  const expired = [
    ...[snapshot(1, 'append'), snapshot(2, 'append', 1), snapshot(3, 'delete', 2)],
    ...[snapshot(4, 'append', 3), snapshot(5, 'append', 4)],
  ];
  expect(ids(keptByAppends(expired, [snapshot(6, 'append', 5)]))).toEqual([3, 4, 5]);
  expect(ids(keptByAppends(expired, [snapshot(6, 'overwrite', 5)]))).toEqual([]);
  expect(ids(keptByAppends(expired, [snapshot(6, 'replace', 5), snapshot(7, 'append', 6)]))).toEqual([]);
});

test('a snapshot that no surviving one descends from is not kept, such as one rolled back', () => {
  const expired = [snapshot(1, 'append'), snapshot(2, 'append', 1), snapshot(3, 'append', 1)];
  expect(ids(keptByAppends(expired, [snapshot(4, 'append', 3)]))).toEqual([1, 3]);
});

test('one branch is enough, whichever comes first', () => {
  const expired = [snapshot(1, 'append'), snapshot(2, 'append', 1)];
  const branches = [snapshot(3, 'delete', 2), snapshot(4, 'append', 1)];
  expect(ids(keptByAppends(expired, branches))).toEqual([1]);
  expect(ids(keptByAppends(expired, branches.toReversed()))).toEqual([1]);
  expect(ids(keptByAppends(expired, [snapshot(5, 'append', 9), snapshot(6, 'append')]))).toEqual([]);
});
