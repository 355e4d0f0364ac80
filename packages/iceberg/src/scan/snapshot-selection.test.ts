import { describe, expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { Schema } from '../metadata/schema.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { planFiles, scanSchema } from './scan-plan.ts';
import { type SnapshotSelection, selectSnapshot } from './snapshot-selection.ts';

const schemaOf = (schemaId: number): Schema => ({
  schemaId,
  fields: [{ id: 1, name: `name${schemaId}`, required: false, type: 'int' }],
});
const snapshot = (snapshotId: bigint, schemaId?: number): Snapshot => ({
  snapshotId,
  sequenceNumber: snapshotId,
  timestampMs: Number(snapshotId) * 100,
  manifestList: `mem://${snapshotId}.avro`,
  summary: { operation: 'append' },
  ...(schemaId === undefined ? {} : { schemaId }),
});
const empty: TableMetadata = {
  ...createTableMetadata({ location: 'mem://t', schema: { fields: [] } }),
  schemas: [schemaOf(0), schemaOf(1), schemaOf(2)],
  currentSchemaId: 2,
};
const table: TableMetadata = {
  ...empty,
  snapshots: [snapshot(1n, 0), snapshot(2n, 1), snapshot(3n, 1), snapshot(4n)],
  currentSnapshotId: 3n,
  // Rolled back from 2 to 1, then on to 3; a clock went backwards.
  snapshotLog: [
    { timestampMs: 100, snapshotId: 1n },
    { timestampMs: 200, snapshotId: 2n },
    { timestampMs: 300, snapshotId: 1n },
    { timestampMs: 290, snapshotId: 3n },
    { timestampMs: 400, snapshotId: 9n },
  ],
  refs: {
    main: { snapshotId: 3n, type: 'branch' },
    audit: { snapshotId: 2n, type: 'branch' },
    'v1.0': { snapshotId: 1n, type: 'tag' },
    old: { snapshotId: 4n, type: 'tag' },
    lost: { snapshotId: 77n, type: 'tag' },
  },
};

test.each<[string, SnapshotSelection, bigint, number]>([
  ['nothing: the current one, with the present schema', {}, 3n, 2],
  ['an id: with the schema of then', { snapshotId: 2n }, 2n, 1],
  ['an id of a snapshot that knows no schema: with the present one', { snapshotId: 4n }, 4n, 2],
  ['main: with the present schema', { ref: 'main' }, 3n, 2],
  ['a branch: with the present schema', { ref: 'audit' }, 2n, 2],
  ['a tag: with the schema of then', { ref: 'v1.0' }, 1n, 0],
  ['exactly the time of a change: after it', { asOfTimestampMs: 200 }, 2n, 1],
  ['a time between changes', { asOfTimestampMs: 199 }, 1n, 0],
  ['a time of a rollback, by the order of the log', { asOfTimestampMs: 310 }, 3n, 1],
])('%s', (_what, selection, snapshotId, schemaId) => {
  const selected = selectSnapshot(table, selection);
  expect([selected.snapshot?.snapshotId, selected.schema.schemaId]).toEqual([snapshotId, schemaId]);
  expect(scanSchema(table, selection)).toBe(selected.schema);
});

test('main of a table without snapshots is empty', () => {
  expect(selectSnapshot(empty, { ref: 'main' })).toEqual({ snapshot: undefined, schema: schemaOf(2) });
  expect(scanSchema(table, 1n)).toEqual(schemaOf(0));
});

describe('what cannot be read is told at once', () => {
  test.each<[SnapshotSelection, string, string]>([
    [{ snapshotId: 99n }, 'SNAPSHOT_NOT_FOUND', 'no snapshot 99'],
    [{ ref: 'nope' }, 'SNAPSHOT_NOT_FOUND', 'no branch or tag nope; there are: main, audit'],
    [{ ref: 'constructor' }, 'SNAPSHOT_NOT_FOUND', 'no branch or tag constructor'],
    [{ ref: 'lost' }, 'SNAPSHOT_NOT_FOUND', 'no snapshot 77'],
    [{ asOfTimestampMs: 99 }, 'SNAPSHOT_NOT_FOUND', 'no snapshot of 99 or before'],
    [{ asOfTimestampMs: 500 }, 'SNAPSHOT_NOT_FOUND', 'no snapshot 9'],
    [{ asOfTimestampMs: Number.NaN }, 'INVALID_ARGUMENT', 'asOfTimestampMs is NaN'],
    [{ snapshotId: 1n, ref: 'main' }, 'INVALID_ARGUMENT', 'snapshotId and ref are given'],
    [{ ref: 'main', asOfTimestampMs: 200 }, 'INVALID_ARGUMENT', 'ref and asOfTimestampMs are given'],
  ])('%o', (selection, code, message) => {
    let thrown: unknown;
    try {
      planFiles(table, {} as never, selection);
    } catch (error) {
      thrown = error;
    }
    expect(IcebergError.is(thrown) && thrown.code).toBe(code);
    expect((thrown as Error).message).toContain(message);
  });
});
