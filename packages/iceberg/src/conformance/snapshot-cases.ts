import assert from 'node:assert/strict';
import { refByName } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import { assertFails, type CatalogConformanceCase } from './conformance-case.ts';
import {
  commit,
  commitAppend,
  createOrders,
  createWithRows,
  dataFile,
  liveNames,
  orders,
} from './conformance-table.ts';

export const snapshotCases: readonly CatalogConformanceCase[] = [
  {
    name: 'snapshot, refs and properties of one commit appear together or not at all',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const options = { base, io, dataFiles: [dataFile(base, 'a', 0, 10)], tags: ['ledger'] };
      const first = await prepareAppend({ ...options, setProperties: { ledger: 'first' } });
      const second = await prepareAppend({ ...options, setProperties: { ledger: 'second' } });
      await catalog.commitTable(orders, first.request);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, second.request));
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.currentSnapshotId, first.snapshotId);
      assert.deepEqual(metadata.refs, {
        main: { snapshotId: first.snapshotId, type: 'branch' },
        ledger: { snapshotId: first.snapshotId, type: 'tag' },
      });
      assert.equal(metadata.properties.ledger, 'first');
      assert.equal(metadata.snapshots.length, 1);
    },
  },
  {
    name: 'a delayed commit does not land after main was rolled back to its base, since its tag has moved',
    async run({ catalog, other, io }) {
      const base = await commitAppend(catalog, await createOrders(catalog), { io, tags: ['ledger'] });
      const delayed = await prepareAppend({ base, io, dataFiles: [], tags: ['ledger'] });
      await commitAppend(catalog, base, { io, tags: ['ledger'] });
      const old = base.metadata.currentSnapshotId!;
      const back = await commit(other, [
        { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: old },
      ]);
      assert.equal(back.metadata.currentSnapshotId, old);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, delayed.request));
      assert.deepEqual((await catalog.loadTable(orders)).metadata, back.metadata);
    },
  },
  {
    name: 'refs are made, kept apart from main, and removed',
    async run({ catalog, other, io }) {
      const table = await commitAppend(catalog, await createOrders(catalog), { io });
      const snapshotId = table.metadata.currentSnapshotId!;
      await commit(catalog, [
        { action: 'set-snapshot-ref', refName: 'audit', type: 'branch', snapshotId, minSnapshotsToKeep: 3 },
        { action: 'set-snapshot-ref', refName: 'eom', type: 'tag', snapshotId, maxRefAgeMs: 86_400_000 },
      ]);
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(refByName(metadata, 'audit'), { snapshotId, type: 'branch', minSnapshotsToKeep: 3 });
      assert.deepEqual(refByName(metadata, 'eom'), { snapshotId, type: 'tag', maxRefAgeMs: 86_400_000 });
      const after = await commit(other, [{ action: 'remove-snapshot-ref', refName: 'audit' }]);
      assert.deepEqual(Object.keys(after.metadata.refs).sort(), ['eom', 'main']);
    },
  },
  {
    name: 'removed snapshots are gone from the table and from its history',
    async run({ catalog, other, io }) {
      const first = await commitAppend(catalog, await createOrders(catalog), { io });
      const second = await commitAppend(catalog, first, { io });
      await commit(catalog, [
        { action: 'remove-snapshots', snapshotIds: [first.metadata.currentSnapshotId!] },
      ]);
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.snapshotId),
        [second.metadata.currentSnapshotId],
      );
      assert.deepEqual(
        metadata.snapshotLog.map((entry) => entry.snapshotId),
        [second.metadata.currentSnapshotId],
      );
      assert.equal(metadata.currentSnapshotId, second.metadata.currentSnapshotId);
    },
  },
  {
    name: 'snapshot ids above 2^53 keep every digit',
    async run({ catalog, other, io }) {
      let table = await createOrders(catalog);
      const ids = [2n ** 53n + 1n, 7591105599309644717n, 2n ** 63n - 1n];
      for (const snapshotId of ids)
        table = await commitAppend(catalog, table, { io, snapshotId, tags: ['t'] });
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.snapshotId),
        ids,
      );
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.parentSnapshotId),
        [undefined, ids[0], ids[1]],
      );
      assert.equal(metadata.currentSnapshotId, ids[2]);
      assert.equal(metadata.refs.t!.snapshotId, ids[2]);
      assert.deepEqual(
        metadata.snapshotLog.map((entry) => entry.snapshotId),
        ids,
      );
    },
  },
  {
    name: 'appends follow each other: files, parents, sequence numbers, times and the log agree',
    async run({ catalog, other, io }) {
      let table = await createOrders(catalog);
      assert.deepEqual(await liveNames(io, table), []);
      for (const client of [catalog, other, catalog]) table = await commitAppend(client, table, { io });
      const loaded = await other.loadTable(orders);
      assert.deepEqual(await liveNames(io, loaded), ['f0', 'f1', 'f2']);
      const { snapshots, snapshotLog, lastSequenceNumber, lastUpdatedMs, metadataLog } = loaded.metadata;
      assert.deepEqual(
        snapshots.map((snapshot) => [snapshot.sequenceNumber, snapshot.parentSnapshotId]),
        snapshots.map((_, i) => [BigInt(i + 1), snapshots[i - 1]?.snapshotId]),
      );
      assert.deepEqual(
        snapshotLog.map((entry) => [entry.snapshotId, entry.timestampMs]),
        snapshots.map((snapshot) => [snapshot.snapshotId, snapshot.timestampMs]),
      );
      assert.equal(lastSequenceNumber, 3n);
      assert.ok(snapshots.every((snapshot) => snapshot.timestampMs <= lastUpdatedMs));
      assert.equal(metadataLog.length, 3);
    },
  },
  {
    name: 'a tag that moved, was made or was removed meanwhile fails the commit that asserts it',
    async run({ catalog, other, io }) {
      const first = await createWithRows(catalog, io);
      const snapshotId = first.metadata.currentSnapshotId!;
      const asserting = (expected: bigint | null) => ({
        requirements: [{ type: 'assert-ref-snapshot-id', ref: 't', snapshotId: expected }] as const,
        updates: [{ action: 'set-properties', updates: { asserted: String(expected) } }] as const,
      });
      await commit(catalog, [{ action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId }]);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, asserting(null)));
      const second = await commitAppend(catalog, await catalog.loadTable(orders), { io, tags: ['t'] });
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, asserting(snapshotId)));
      await other.commitTable(orders, asserting(second.metadata.currentSnapshotId!));
      await commit(other, [{ action: 'remove-snapshot-ref', refName: 't' }]);
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, asserting(snapshotId)));
      await catalog.commitTable(orders, asserting(null));
      assert.equal((await other.loadTable(orders)).metadata.properties.asserted, 'null');
    },
  },
  {
    name: 'a rollback of main keeps what came after until it is removed, and the log tells',
    async run({ catalog, other, io }) {
      const first = await createWithRows(catalog, io);
      const second = await commitAppend(catalog, first, { io, tags: ['newest'] });
      const [old, late] = [first.metadata.currentSnapshotId!, second.metadata.currentSnapshotId!];
      await commit(other, [{ action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: old }]);
      const back = await catalog.loadTable(orders);
      assert.equal(back.metadata.currentSnapshotId, old);
      assert.deepEqual(
        back.metadata.snapshotLog.map((entry) => entry.snapshotId),
        [old, late, old],
      );
      assert.equal(refByName(back.metadata, 'newest')?.snapshotId, late);
      assert.deepEqual(await liveNames(io, back), ['f0']);
      const after = await commit(other, [
        { action: 'remove-snapshot-ref', refName: 'newest' },
        { action: 'remove-snapshots', snapshotIds: [late] },
      ]);
      assert.deepEqual(Object.keys(after.metadata.refs), ['main']);
      assert.equal(after.metadata.snapshots.length, 1);
      // Sequence numbers go on: those of a removed snapshot are not used again.
      assert.equal(after.metadata.lastSequenceNumber, 2n);
    },
  },
  {
    name: 'statistics are set, replaced and removed, and go with their snapshot',
    async run({ catalog, other, io }) {
      const table = await createWithRows(catalog, io);
      const snapshotId = table.metadata.currentSnapshotId!;
      const file = (name: string) => ({
        snapshotId,
        statisticsPath: `${table.metadata.location}/metadata/${name}.puffin`,
        fileSizeInBytes: 413,
      });
      const blob = {
        type: 'apache-datasketches-theta-v1',
        snapshotId,
        sequenceNumber: 1n,
        fields: [1],
        properties: { ndv: '10' },
      };
      const puffin = (name: string) => ({ ...file(name), fileFooterSizeInBytes: 42, blobMetadata: [blob] });
      await commit(catalog, [
        { action: 'set-statistics', statistics: puffin('a') },
        { action: 'set-partition-statistics', partitionStatistics: file('p') },
      ]);
      await commit(other, [{ action: 'set-statistics', statistics: puffin('b') }]);
      const { metadata } = await catalog.loadTable(orders);
      assert.deepEqual(metadata.statistics, [puffin('b')]);
      assert.deepEqual(metadata.partitionStatistics, [file('p')]);
      const without = await commit(other, [{ action: 'remove-statistics', snapshotId }]);
      assert.deepEqual(without.metadata.statistics, []);
      await commitAppend(other, without, { io });
      const after = await commit(catalog, [{ action: 'remove-snapshots', snapshotIds: [snapshotId] }]);
      assert.deepEqual(after.metadata.partitionStatistics, []);
    },
  },
];
