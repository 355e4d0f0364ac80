/**
 * Work on metadata grows with the number of snapshots, not with its square: each step over 10,000 snapshots may take
 * five times what it takes ten times over 1,000 (linear is 1, quadratic 10). What is measured is this thread's processor
 * time, both in turns, the best of several: other load on the machine does not count.
 */
import { expect, test } from 'vitest';
import { applyCommit } from '../../src/catalog/apply-commit.ts';
import { ancestorsOf, type CommitRequest, createTableMetadata, type TableMetadata } from '../../src/index.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

const firstId = 2n ** 62n;
const startMs = 1_700_000_000_000;

/** A table with that many snapshots, a tag at every tenth. */
function tableOf(count: number): TableMetadata {
  const metadata = createTableMetadata({
    location: 'mem://t',
    schema: { fields: [{ id: 1, name: 'n', required: true, type: 'long' }] },
  });
  const snapshots = Array.from({ length: count }, (_, at) => ({
    snapshotId: firstId + BigInt(at),
    ...(at === 0 ? {} : { parentSnapshotId: firstId + BigInt(at - 1) }),
    sequenceNumber: BigInt(at + 1),
    timestampMs: startMs + at,
    manifestList: `mem://t/metadata/snap-${at}.avro`,
    summary: { operation: 'append', 'total-records': String(at) },
    schemaId: 0,
  }));
  const tags = snapshots
    .filter((_, at) => at % 10 === 0)
    .map(({ snapshotId }) => [`tag-${snapshotId}`, { snapshotId, type: 'tag' }] as const);
  const currentSnapshotId = firstId + BigInt(count - 1);
  return {
    ...metadata,
    lastSequenceNumber: BigInt(count),
    lastUpdatedMs: startMs + count,
    currentSnapshotId,
    snapshots,
    snapshotLog: snapshots.map(({ snapshotId, timestampMs }) => ({ snapshotId, timestampMs })),
    refs: { main: { snapshotId: currentSnapshotId, type: 'branch' }, ...Object.fromEntries(tags) },
  };
}

function append(metadata: TableMetadata): CommitRequest {
  const snapshotId = firstId + 1_000_000n;
  const parentSnapshotId = metadata.currentSnapshotId!;
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata.tableUuid },
      { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: parentSnapshotId },
    ],
    updates: [
      {
        action: 'add-snapshot',
        snapshot: {
          snapshotId,
          parentSnapshotId,
          sequenceNumber: metadata.lastSequenceNumber + 1n,
          timestampMs: metadata.lastUpdatedMs + 1,
          manifestList: 'mem://t/metadata/snap-new.avro',
          summary: { operation: 'append' },
          schemaId: 0,
        },
      },
      { action: 'set-snapshot-ref', refName: 'main', snapshotId, type: 'branch' },
    ],
  };
}

/** Half of the snapshots, none of which a ref needs. */
function expire(metadata: TableMetadata): CommitRequest {
  const tagged = new Set(Object.values(metadata.refs).map(({ snapshotId }) => snapshotId));
  const old = metadata.snapshots.slice(0, metadata.snapshots.length / 2);
  const snapshotIds = old.map(({ snapshotId }) => snapshotId).filter((id) => !tagged.has(id));
  return { requirements: [], updates: [{ action: 'remove-snapshots', snapshotIds }] };
}

const texts = new Map<number, string>();
const steps: Readonly<Record<string, (metadata: TableMetadata) => unknown>> = {
  parse: ({ snapshots }) => parseTableMetadata(texts.get(snapshots.length)!),
  format: (metadata) => formatTableMetadata(metadata),
  append: (metadata) => applyCommit(metadata, append(metadata)),
  'remove half the snapshots': (metadata) => applyCommit(metadata, expire(metadata)),
  'walk the ancestors': (metadata) => [...ancestorsOf(metadata, metadata.currentSnapshotId!)].length,
  // The planted bug: looks each snapshot up in the list of all.
  'a quadratic walk': ({ snapshots }) =>
    snapshots.filter(({ snapshotId }) => snapshots.findIndex((other) => other.snapshotId === snapshotId) < 0),
};

/** Processor time of this thread, in microseconds. */
function cost(step: (metadata: TableMetadata) => unknown, metadata: TableMetadata, times: number): number {
  const before = process.threadCpuUsage();
  for (let time = 0; time < times; time += 1) step(metadata);
  const { user, system } = process.threadCpuUsage(before);
  return Math.max(1, user + system);
}

const [small, large] = [1_000, 10_000].map((count) => {
  const metadata = tableOf(count);
  texts.set(count, formatTableMetadata(metadata));
  return metadata;
}) as [TableMetadata, TableMetadata];

/** How much dearer the step is over 10,000 snapshots than ten times over 1,000. */
function ratioOf(name: string, rounds = 4): number {
  const step = steps[name]!;
  const repeats = Math.ceil(5_000 / cost(step, large, 1));
  let [few, many] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round += 1) {
    few = Math.min(few, cost(step, small, 10 * repeats));
    many = Math.min(many, cost(step, large, repeats));
  }
  return many / few;
}

test('10,000 snapshots come through reading and writing', () => {
  expect(parseTableMetadata(texts.get(10_000)!)).toEqual(large);
});

test.each(['parse', 'format', 'append', 'remove half the snapshots', 'walk the ancestors'])(
  '%s is not quadratic',
  (name) => {
    expect(ratioOf(name)).toBeLessThan(5);
  },
);

test('a quadratic step is seen', () => {
  expect(ratioOf('a quadratic walk', 1)).toBeGreaterThan(6);
});

test('a commit on 10,000 snapshots gives all of them and the new one', () => {
  const next = applyCommit(large, append(large));
  expect(next.snapshots).toHaveLength(10_001);
  expect(next.currentSnapshotId).toBe(firstId + 1_000_000n);
  const left = applyCommit(large, expire(large));
  expect(left.snapshots).toHaveLength(5_500);
});
