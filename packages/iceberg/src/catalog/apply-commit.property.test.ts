import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import { highestFieldId, type NestedField } from '../metadata/schema.ts';
import {
  currentSchema,
  defaultPartitionSpec,
  defaultSortOrder,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
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
        schemaId: sequence % 3,
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

const columns: readonly NestedField[] = [
  { id: 1, name: 'c', required: true, type: 'string' },
  { id: 2, name: 'd', required: false, type: 'int' },
  { id: 2, name: 'd', required: false, type: 'long' },
  { id: 3, name: 'p_identity', required: false, type: 'date' },
  { id: 9, name: 'e', required: false, type: 'timestamptz' },
];
const smallId = fc.integer({ min: -1, max: 3 });

/** Updates of schema and layout, which meet each other, too. */
const evolution: fc.Arbitrary<TableUpdate> = fc.oneof(
  fc
    .subarray([...columns], { minLength: 1 })
    .map((fields): TableUpdate => ({ action: 'add-schema', schema: { schemaId: 0, fields } })),
  smallId.map((schemaId): TableUpdate => ({ action: 'set-current-schema', schemaId })),
  fc.subarray([1, 2, 9]).map(
    (sourceIds): TableUpdate => ({
      action: 'add-sort-order',
      sortOrder: {
        fields: sourceIds.map((sourceId) => ({
          sourceId,
          transform: 'identity',
          direction: 'asc',
          nullOrder: 'nulls-first',
        })),
      },
    }),
  ),
  smallId.map((sortOrderId): TableUpdate => ({ action: 'set-default-sort-order', sortOrderId })),
  fc.subarray([0, 1, 2, 3]).map((schemaIds): TableUpdate => ({ action: 'remove-schemas', schemaIds })),
  fc.subarray([0, 1, 2]).map((specIds): TableUpdate => ({ action: 'remove-partition-specs', specIds })),
  snapshotId.map(
    (id): TableUpdate => ({
      action: 'set-partition-statistics',
      partitionStatistics: { snapshotId: id, statisticsPath: 'mem://s', fileSizeInBytes: 1 },
    }),
  ),
  snapshotId.map((id): TableUpdate => ({ action: 'remove-partition-statistics', snapshotId: id })),
);

const distinct = (values: readonly unknown[]): void => expect(new Set(values).size).toBe(values.length);

function checkLayout(before: TableMetadata, after: TableMetadata): void {
  const schema = currentSchema(after);
  const ids = new Set(schema.fields.map((field) => field.id));
  for (const field of defaultPartitionSpec(after).fields) expect(ids.has(field.sourceId)).toBe(true);
  for (const field of defaultSortOrder(after).fields) expect(ids.has(field.sourceId)).toBe(true);
  const partitionNames = after.partitionSpecs.flatMap((spec) => spec.fields.map((field) => field.name));
  const named = schema.fields.filter((field) => partitionNames.includes(field.name));
  // The one name that both may have, and a spec that came after the column cannot take it either.
  expect(named).toEqual([]);
  distinct(after.schemas.map((one) => one.schemaId));
  distinct(after.schemas.map((one) => JSON.stringify(one.fields)));
  distinct(after.partitionSpecs.map((one) => one.specId));
  distinct(after.partitionSpecs.map((one) => JSON.stringify(one.fields)));
  distinct(after.sortOrders.map((one) => one.orderId));
  distinct(after.partitionStatistics.map((one) => one.snapshotId));
  expect(after.lastColumnId).toBeGreaterThanOrEqual(before.lastColumnId);
  for (const one of after.schemas) expect(after.lastColumnId).toBeGreaterThanOrEqual(highestFieldId(one));
  const schemaIds = new Set(after.schemas.map((one) => one.schemaId));
  for (const { schemaId } of after.snapshots) expect(schemaIds.has(schemaId!)).toBe(true);
}

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
      fc.array(
        fc.tuple(fc.array(fc.oneof(update, evolution), { minLength: 1, maxLength: 4 }), fc.nat(300_000)),
        {
          maxLength: 12,
        },
      ),
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
            checkLayout(table, next);
            table = next;
            applied += 1;
          } catch (error) {
            if (!IcebergError.is(error)) throw error;
            expect(['INVALID_ARGUMENT', 'COMMIT_CONFLICT']).toContain(error.code);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(applied).toBeGreaterThan(100);
});
