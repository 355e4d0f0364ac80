import { expect, test } from 'vitest';
import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { applyCommit } from './apply-commit.ts';
import type { TableUpdate } from './table-update.ts';

const start = 1_700_000_000_000;

function newTable(properties: Record<string, string> = {}): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    nowMs: start,
    schema: {
      fields: [
        { id: 1, name: 'a', required: true, type: 'long' },
        { id: 2, name: 'b', required: false, type: 'timestamptz' },
      ],
    },
    partitionSpec: { fields: [{ sourceId: 2, name: 'b_day', transform: 'day' }] },
    properties,
  });
}

function snapshot(id: number, extra: Partial<Snapshot> = {}): Snapshot {
  return {
    snapshotId: BigInt(id),
    sequenceNumber: BigInt(id),
    timestampMs: start + id * 1000,
    manifestList: `mem://t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
    schemaId: 0,
    ...extra,
  };
}

const main = (id: number): TableUpdate => ({
  action: 'set-snapshot-ref',
  refName: 'main',
  type: 'branch',
  snapshotId: BigInt(id),
});
const add = (id: number, extra: Partial<Snapshot> = {}): TableUpdate => ({
  action: 'add-snapshot',
  snapshot: snapshot(id, extra),
});
const apply = (base: TableMetadata, updates: TableUpdate[], nowMs = start + 500_000): TableMetadata =>
  applyCommit(base, { requirements: [], updates }, { nowMs });
const history = (metadata: TableMetadata): number[] =>
  metadata.snapshotLog.map((entry) => Number(entry.snapshotId));

function failure(base: TableMetadata, updates: TableUpdate[]): IcebergErrorCode {
  try {
    apply(base, updates);
  } catch (error) {
    if (IcebergError.is(error)) return error.code;
    throw error;
  }
  throw new Error('the commit was applied');
}

test('the base is not changed by a commit, nor by one that fails half-way', () => {
  const base = newTable({ a: '1' });
  const copy = structuredClone(base);
  apply(base, [add(1), main(1), { action: 'set-properties', updates: { b: '2' } }]);
  expect(failure(base, [add(1), main(1), { action: 'set-current-schema', schemaId: 9 }])).toBe(
    'INVALID_ARGUMENT',
  );
  expect(base).toEqual(copy);
});

test('a request without updates gives back the base', () => {
  const base = newTable();
  expect(applyCommit(base, { requirements: [], updates: [] }, { metadataLocation: 'mem://m' })).toBe(base);
});

test('last-updated-ms is the snapshot time or now, and never goes back', () => {
  const first = apply(newTable(), [add(1), main(1)]);
  expect(first.lastUpdatedMs).toBe(start + 1000);
  expect(first.snapshotLog).toEqual([{ timestampMs: start + 1000, snapshotId: 1n }]);
  const later = apply(first, [{ action: 'set-properties', updates: {} }], start + 5000);
  expect(later.lastUpdatedMs).toBe(start + 5000);
  const clockWentBack = apply(later, [{ action: 'set-properties', updates: {} }], start);
  expect(clockWentBack.lastUpdatedMs).toBe(start + 5000);
  const slightlyOlder = apply(later, [add(2, { timestampMs: start + 4000 }), main(2)]);
  expect(slightlyOlder.lastUpdatedMs).toBe(start + 5000);
  expect(slightlyOlder.snapshotLog.at(-1)!.timestampMs).toBe(start + 5000);
});

test('a snapshot more than a minute older than the table is a conflict: a clock that is ahead changed the table', () => {
  const base = apply(newTable(), [add(1, { timestampMs: start + 100_000 }), main(1)]);
  expect(failure(base, [add(2, { timestampMs: start + 39_999 })])).toBe('COMMIT_CONFLICT');
  apply(base, [add(2, { timestampMs: start + 40_000 })]);
});

test('the snapshot log gets an entry when the current snapshot changes, and only then', () => {
  const one = apply(newTable(), [add(1), main(1)]);
  expect(history(apply(one, [add(2)]))).toEqual([1]);
  expect(history(apply(one, [main(1)]))).toEqual([1]);
  const two = apply(one, [add(2), main(2)]);
  expect(history(two)).toEqual([1, 2]);
  const back = apply(two, [main(1)], start + 9_000);
  expect(history(back)).toEqual([1, 2, 1]);
  expect(back.snapshotLog[2]!.timestampMs).toBe(start + 9_000);
  expect(back.currentSnapshotId).toBe(1n);
});

test('times of the log do not go back when a commit moves main to an old snapshot and adds one made earlier', () => {
  const base = apply(newTable(), [add(1), main(1), add(2), main(2)]);
  const update = [main(1), add(3, { timestampMs: start }), main(3)];
  for (const updates of [update, update.slice(0, 2)]) {
    const after = apply(base, updates, start + 30_000);
    const times = [...after.snapshotLog.map((entry) => entry.timestampMs), after.lastUpdatedMs];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(after.lastUpdatedMs).toBe(start + 30_000);
  }
});

test('a snapshot that was current only within the commit leaves no history', () => {
  const metadata = apply(newTable(), [add(1), main(1), add(2), main(2)]);
  expect(history(metadata)).toEqual([2]);
  expect(metadata.snapshots).toHaveLength(2);
});

test('history before a removed snapshot goes, and so do statistics of it; a ref to it must go first', () => {
  let metadata = newTable();
  for (const id of [1, 2, 3, 4]) metadata = apply(metadata, [add(id), main(id)]);
  metadata = apply(metadata, [{ action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId: 2n }]);
  metadata = {
    ...metadata,
    partitionStatistics: [
      { snapshotId: 2n, statisticsPath: 'mem://s', fileSizeInBytes: 1 },
      { snapshotId: 3n, statisticsPath: 'mem://s', fileSizeInBytes: 1 },
    ],
  };
  expect(failure(metadata, [{ action: 'remove-snapshots', snapshotIds: [2n, 77n] }])).toBe('COMMIT_CONFLICT');
  const after = apply(metadata, [
    { action: 'remove-snapshot-ref', refName: 't' },
    { action: 'remove-snapshots', snapshotIds: [2n, 77n] },
  ]);
  expect(history(after)).toEqual([3, 4]);
  expect(Object.keys(after.refs)).toEqual(['main']);
  expect(after.partitionStatistics).toHaveLength(1);
  expect(after.snapshots.map((s) => s.snapshotId)).toEqual([1n, 3n, 4n]);
});

test('without main the table has no current snapshot; history stays while its snapshots do', () => {
  const base = apply(newTable(), [add(1), main(1)]);
  const removeMain: TableUpdate = { action: 'remove-snapshot-ref', refName: 'main' };
  for (const [updates, left] of [
    [[removeMain], [1]],
    [[removeMain, { action: 'remove-snapshots', snapshotIds: [1n] }], []],
  ] as [TableUpdate[], number[]][]) {
    const after = apply(base, updates);
    expect(after.currentSnapshotId).toBeUndefined();
    expect('currentSnapshotId' in after).toBe(false);
    expect(history(after)).toEqual(left);
    expect(after.refs).toEqual({});
  }
});

test('a snapshot id that is there, or a sequence number that was used, is a conflict', () => {
  const base = apply(newTable(), [add(5), main(5)]);
  expect(failure(base, [add(5)])).toBe('COMMIT_CONFLICT');
  expect(failure(base, [add(6, { sequenceNumber: 5n })])).toBe('COMMIT_CONFLICT');
  expect(failure(base, [add(6, { sequenceNumber: 4n })])).toBe('COMMIT_CONFLICT');
  expect(apply(base, [add(6, { sequenceNumber: 9n })]).lastSequenceNumber).toBe(9n);
});

test.each<[string, TableUpdate]>([
  ['a snapshot id that is not positive', add(0, { sequenceNumber: 1n })],
  ['a summary without operation', add(1, { summary: {} })],
  ['main as a tag', { action: 'set-snapshot-ref', refName: 'main', type: 'tag', snapshotId: 1n }],
  ['a ref without name', { action: 'set-snapshot-ref', refName: '', type: 'tag', snapshotId: 1n }],
  [
    'a tag with snapshot retention',
    { action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId: 1n, minSnapshotsToKeep: 1 },
  ],
  [
    'a negative retention',
    { action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId: 1n, maxRefAgeMs: -1 },
  ],
  ['the last added schema without one', { action: 'set-current-schema', schemaId: -1 }],
  ['the last added spec without one', { action: 'set-default-spec', specId: -1 }],
  ['the last added order without one', { action: 'set-default-sort-order', sortOrderId: -1 }],
  ['an empty location', { action: 'set-location', location: '' }],
  [
    'a v3 type',
    {
      action: 'add-schema',
      schema: { schemaId: 1, fields: [{ id: 3, name: 'v', required: false, type: 'variant' }] },
    },
  ],
  [
    'a partition field with the id of another',
    {
      action: 'add-spec',
      spec: { fields: [{ sourceId: 1, fieldId: 1000, name: 'x', transform: 'identity' }] },
    },
  ],
  [
    'a partition field with the name of a column',
    { action: 'add-spec', spec: { fields: [{ sourceId: 2, name: 'a', transform: 'day' }] } },
  ],
  ['an update nobody knows', { action: 'set-colour' } as unknown as TableUpdate],
])('%s is INVALID_ARGUMENT', (_, update) => {
  const base = newTable();
  const needsSnapshot = update.action === 'set-snapshot-ref';
  expect(failure(base, needsSnapshot ? [add(1), update] : [update])).toBe('INVALID_ARGUMENT');
});

test('a dropped partition field gets its old id back when it returns', () => {
  const one = apply(newTable(), [
    { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: 'a_bucket', transform: 'bucket[4]' }] } },
    { action: 'set-default-spec', specId: -1 },
  ]);
  expect(one.partitionSpecs[1]!.fields[0]!.fieldId).toBe(1001);
  const two = apply(one, [
    {
      action: 'add-spec',
      spec: {
        fields: [
          { sourceId: 2, name: 'day', transform: 'day' },
          { sourceId: 2, name: 'hour', transform: 'hour' },
        ],
      },
    },
  ]);
  expect(two.partitionSpecs[2]!.fields.map((field) => field.fieldId)).toEqual([1000, 1002]);
  expect(two.lastPartitionId).toBe(1002);
});

test('the metadata log names the base, and is cut to what the table asks for', () => {
  let metadata = newTable({ 'write.metadata.previous-versions-max': '3' });
  for (let i = 0; i < 5; i += 1) {
    const request = {
      requirements: [],
      updates: [{ action: 'set-properties', updates: { i: String(i) } }],
    } as const;
    metadata = applyCommit(metadata, request, { metadataLocation: `mem://${i}`, nowMs: start + i });
  }
  expect(metadata.metadataLog).toEqual([
    { timestampMs: start + 1, metadataFile: 'mem://2' },
    { timestampMs: start + 2, metadataFile: 'mem://3' },
    { timestampMs: start + 3, metadataFile: 'mem://4' },
  ]);
});

test('a v1 table takes no commit but the upgrade to v2, which gives it a uuid', () => {
  const v1: TableMetadata = { ...newTable(), formatVersion: 1, tableUuid: '' };
  expect(failure(v1, [{ action: 'set-properties', updates: {} }])).toBe('UNSUPPORTED_FORMAT_VERSION');
  const v2 = apply(v1, [{ action: 'upgrade-format-version', formatVersion: 2 }]);
  expect(v2.formatVersion).toBe(2);
  expect(v2.tableUuid).toMatch(/^[0-9a-f-]{36}$/);
  expect(failure(v2, [{ action: 'upgrade-format-version', formatVersion: 3 }])).toBe(
    'UNSUPPORTED_FORMAT_VERSION',
  );
  const v3: TableMetadata = { ...newTable(), formatVersion: 3, nextRowId: 0n };
  expect(failure(v3, [{ action: 'set-properties', updates: {} }])).toBe('UNSUPPORTED_FORMAT_VERSION');
});

test('properties and refs named like members of every object are kept apart from those', () => {
  const updates = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": "c"}') as Record<
    string,
    string
  >;
  const after = apply(newTable(), [
    { action: 'set-properties', updates },
    add(1),
    { action: 'set-snapshot-ref', refName: '__proto__', type: 'tag', snapshotId: 1n },
  ]);
  expect(Object.keys(after.properties)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(Object.keys(after.refs)).toEqual(['__proto__']);
  const request = {
    requirements: [{ type: 'assert-ref-snapshot-id', ref: 'constructor', snapshotId: null }],
    updates: [{ action: 'remove-properties', removals: ['__proto__'] }],
  } as const;
  expect(Object.keys(applyCommit(after, request).properties)).toEqual(['constructor', 'toString']);
});

test('what could not be read again is refused; a clock finer than milliseconds is cut', () => {
  const base = apply(newTable(), [add(1), main(1)]);
  const fresh = { snapshotId: 1n, statisticsPath: 'x', blobMetadata: [] };
  const sizes = { fileSizeInBytes: 1.5, fileFooterSizeInBytes: 1 };
  const wrong: unknown[] = [
    add(2, { timestampMs: start + 0.5 }),
    add(2, { timestampMs: Number.NaN }),
    add(2, { summary: { operation: 'append', rows: 5 } as never }),
    { action: 'set-properties', updates: { a: 5 } },
    { action: 'set-properties', updates: { a: undefined } },
    { action: 'set-snapshot-ref', refName: 't', type: 'tag', snapshotId: 1n, maxRefAgeMs: 1.5 },
    {
      action: 'set-snapshot-ref',
      refName: 't',
      type: 'tag',
      snapshotId: 1n,
      maxRefAgeMs: Number.POSITIVE_INFINITY,
    },
    { action: 'set-statistics', statistics: { ...fresh, ...sizes } },
    { action: 'set-partition-statistics', partitionStatistics: { ...fresh, fileSizeInBytes: -1 } },
  ];
  for (const update of wrong) expect(failure(base, [update as TableUpdate])).toBe('INVALID_ARGUMENT');
  const request = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } } as const] };
  expect(applyCommit(base, request, { nowMs: start + 1e6 + 0.75 }).lastUpdatedMs).toBe(start + 1e6);
  expect(() => applyCommit(base, request, { nowMs: Number.NaN })).toThrow(/^INVALID_ARGUMENT/);
});
