import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from '../metadata/table-metadata-json.ts';
import { applyCommit } from './apply-commit.ts';
import type { TableUpdate } from './table-update.ts';

const start = 1_700_000_000_000;
/** Few and large, so that updates meet each other and no id fits a double. */
const snapshotId = fc.integer({ min: 1, max: 6 }).map((n) => 2n ** 62n + BigInt(n));
const refName = fc.constantFrom('main', 'main', 'a', 'b');
const text = fc.string({ unit: 'grapheme', maxLength: 6 });

const update: fc.Arbitrary<TableUpdate> = fc.oneof(
  fc.tuple(snapshotId, fc.integer({ min: 1, max: 20 }), fc.integer({ min: -70_000, max: 200_000 })).map(
    ([id, sequence, time]): TableUpdate => ({
      action: 'add-snapshot',
      snapshot: {
        snapshotId: id,
        sequenceNumber: BigInt(sequence),
        timestampMs: start + time,
        manifestList: `mem://snap-${id}`,
        summary: { operation: 'append' },
      },
    }),
  ),
  fc.tuple(refName, snapshotId).map(
    ([name, id]): TableUpdate => ({
      action: 'set-snapshot-ref',
      refName: name,
      type: name === 'main' ? 'branch' : 'tag',
      snapshotId: id,
    }),
  ),
  refName.map((name): TableUpdate => ({ action: 'remove-snapshot-ref', refName: name })),
  fc
    .array(snapshotId, { maxLength: 2 })
    .map((ids): TableUpdate => ({ action: 'remove-snapshots', snapshotIds: ids })),
  fc
    .dictionary(text, text, { maxKeys: 3, noNullPrototype: true })
    .map((updates): TableUpdate => ({ action: 'set-properties', updates })),
  fc
    .array(text, { maxLength: 2 })
    .map((removals): TableUpdate => ({ action: 'remove-properties', removals })),
  fc.constantFrom('identity', 'bucket[4]', 'truncate[3]').map(
    (transform): TableUpdate => ({
      action: 'add-spec',
      spec: { fields: [{ sourceId: 1, name: `p_${transform}`, transform }] },
    }),
  ),
  fc.integer({ min: -1, max: 3 }).map((specId): TableUpdate => ({ action: 'set-default-spec', specId })),
);

/** What must be true of every state, whatever was committed. */
function checkInvariants(before: TableMetadata, after: TableMetadata): void {
  expect(parseTableMetadata(formatTableMetadata(after))).toEqual(after);
  expect(after.refs.main?.snapshotId).toBe(after.currentSnapshotId);
  const last = after.snapshotLog.at(-1)?.snapshotId;
  if (after.currentSnapshotId !== undefined) expect(last).toBe(after.currentSnapshotId);
  const ids = new Set(after.snapshots.map((snapshot) => snapshot.snapshotId));
  for (const entry of after.snapshotLog) expect(ids.has(entry.snapshotId)).toBe(true);
  const times = [...after.snapshotLog.map((entry) => entry.timestampMs), after.lastUpdatedMs];
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(after.lastUpdatedMs).toBeGreaterThanOrEqual(before.lastUpdatedMs);
  expect(after.lastSequenceNumber).toBeGreaterThanOrEqual(before.lastSequenceNumber);
  expect(after.lastPartitionId).toBeGreaterThanOrEqual(before.lastPartitionId);
}

test('whatever is committed, every state is sound, is written and read back, and time does not go back', () => {
  let applied = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(update, { minLength: 1, maxLength: 4 }), fc.nat(300_000)), {
        maxLength: 12,
      }),
      (commits) => {
        let table = createTableMetadata({
          location: 'mem://t',
          nowMs: start,
          schema: { fields: [{ id: 1, name: 'c', required: true, type: 'string' }] },
        });
        for (const [updates, time] of commits) {
          try {
            const next = applyCommit(table, { requirements: [], updates }, { nowMs: start + time });
            checkInvariants(table, next);
            table = next;
            applied += 1;
          } catch (error) {
            if (!IcebergError.is(error)) throw error;
            expect(['INVALID_ARGUMENT', 'COMMIT_CONFLICT']).toContain(error.code);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(applied).toBeGreaterThan(100);
});
