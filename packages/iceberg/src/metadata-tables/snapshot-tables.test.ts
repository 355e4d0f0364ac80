import { expect, test } from 'vitest';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { history, metadataLogEntries, refs, snapshots } from './snapshot-tables.ts';

const big = 7_591_105_599_309_644_717n;

function snapshot(snapshotId: bigint, parentSnapshotId: bigint | undefined, timestampMs: number): Snapshot {
  return {
    snapshotId,
    ...(parentSnapshotId !== undefined && { parentSnapshotId }),
    sequenceNumber: BigInt(timestampMs),
    timestampMs,
    manifestList: `mem://t/snap-${snapshotId}.avro`,
    summary: { operation: 'append', 'total-records': String(timestampMs) },
    schemaId: timestampMs,
  };
}

const empty = createTableMetadata({
  location: 'mem://t',
  schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
  nowMs: 5,
});

/** 1 <- big, rolled back to 1, then 3; the parent of 1 has expired. */
const rolledBack: TableMetadata = {
  ...empty,
  snapshots: [snapshot(1n, 99n, 10), snapshot(big, 1n, 20), snapshot(3n, 1n, 40)],
  snapshotLog: [
    { timestampMs: 10, snapshotId: 1n },
    { timestampMs: 20, snapshotId: big },
    { timestampMs: 30, snapshotId: 1n },
    { timestampMs: 40, snapshotId: 3n },
  ],
  currentSnapshotId: 3n,
  refs: {
    main: { snapshotId: 3n, type: 'branch' },
    kept: { snapshotId: big, type: 'tag', maxRefAgeMs: Number.POSITIVE_INFINITY },
    audit: { snapshotId: 1n, type: 'branch', minSnapshotsToKeep: 3, maxSnapshotAgeMs: 1000 },
  },
  metadataLog: [
    { timestampMs: 5, metadataFile: 'mem://t/0.json' },
    { timestampMs: 15, metadataFile: 'mem://t/1.json' },
    { timestampMs: 20, metadataFile: 'mem://t/2.json' },
  ],
  lastUpdatedMs: 40,
};

test('a table without snapshots has no history, snapshots and refs, and one metadata file', () => {
  expect(history(empty)).toEqual([]);
  expect(snapshots(empty)).toEqual([]);
  expect(refs(empty)).toEqual([]);
  const table = { metadata: empty, metadataLocation: 'mem://t/0.json' };
  expect(metadataLogEntries(table.metadata, table.metadataLocation)).toEqual([
    { timestampMs: 5, file: 'mem://t/0.json' },
  ]);
});

test('history tells what was current when, and what a rollback left behind', () => {
  expect(history(rolledBack)).toEqual([
    { madeCurrentAtMs: 10, snapshotId: 1n, parentId: 99n, isCurrentAncestor: true },
    { madeCurrentAtMs: 20, snapshotId: big, parentId: 1n, isCurrentAncestor: false },
    { madeCurrentAtMs: 30, snapshotId: 1n, parentId: 99n, isCurrentAncestor: true },
    { madeCurrentAtMs: 40, snapshotId: 3n, parentId: 1n, isCurrentAncestor: true },
  ]);
});

test('a snapshot that has expired is in the history, its parent unknown', () => {
  const expired = { ...rolledBack, snapshots: rolledBack.snapshots.slice(1) };
  expect(history(expired)[0]).toEqual({ madeCurrentAtMs: 10, snapshotId: 1n, isCurrentAncestor: false });
});

test('the operation of a snapshot is a column of its own', () => {
  expect(snapshots(rolledBack)[1]).toEqual({
    committedAtMs: 20,
    snapshotId: big,
    parentId: 1n,
    operation: 'append',
    manifestList: `mem://t/snap-${big}.avro`,
    summary: { 'total-records': '20' },
  });
});

test('refs have their retention, and main is one even in metadata that names no refs', () => {
  expect(refs(rolledBack)).toEqual([
    { name: 'main', type: 'branch', snapshotId: 3n },
    { name: 'kept', type: 'tag', snapshotId: big, maxReferenceAgeInMs: Number.POSITIVE_INFINITY },
    { name: 'audit', type: 'branch', snapshotId: 1n, minSnapshotsToKeep: 3, maxSnapshotAgeInMs: 1000 },
  ]);
  expect(refs({ ...rolledBack, refs: {} })).toEqual([{ name: 'main', type: 'branch', snapshotId: 3n }]);
});

test('each metadata file has the snapshot that was current in it', () => {
  const rows = metadataLogEntries(rolledBack, 'mem://t/3.json');
  expect(rows).toEqual([
    { timestampMs: 5, file: 'mem://t/0.json' },
    {
      timestampMs: 15,
      file: 'mem://t/1.json',
      latestSnapshotId: 1n,
      latestSchemaId: 10,
      latestSequenceNumber: 10n,
    },
    {
      timestampMs: 20,
      file: 'mem://t/2.json',
      latestSnapshotId: big,
      latestSchemaId: 20,
      latestSequenceNumber: 20n,
    },
    {
      timestampMs: 40,
      file: 'mem://t/3.json',
      latestSnapshotId: 3n,
      latestSchemaId: 40,
      latestSequenceNumber: 40n,
    },
  ]);
});

test('the metadata log without the location of the present file is refused, saying what to give', () => {
  const given = [{}, undefined] as unknown as Parameters<typeof metadataLogEntries>;
  expect(() => metadataLogEntries(...given)).toThrow(
    /^INVALID_ARGUMENT: metadataLogEntries takes the metadata and its location/,
  );
});
