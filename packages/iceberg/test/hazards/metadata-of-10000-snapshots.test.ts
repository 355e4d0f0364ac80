/**
 * Work on metadata grows with the number of snapshots, not with its square. Counted, not timed: how often a step looks at
 * a snapshot's id, over 10,000 snapshots and over 1,000 (linear is 10 times as often, quadratic 100). Parsing makes its
 * snapshots itself and is timed against ten times a tenth (linear is 1, quadratic 10).
 */
import { expect, test } from 'vitest';
import { applyCommit } from '../../src/catalog/apply-commit.ts';
import {
  ancestorsOf,
  type CommitRequest,
  createTableMetadata,
  type Snapshot,
  type TableMetadata,
} from '../../src/index.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

/** How often the id of any counted snapshot was read. */
let looks = 0;

/** The same snapshot; its id counts who reads it. */
function counted(snapshot: Snapshot): Snapshot {
  const { snapshotId } = snapshot;
  return Object.defineProperty({ ...snapshot }, 'snapshotId', {
    enumerable: true,
    get: () => {
      looks += 1;
      return snapshotId;
    },
  });
}

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

const steps: Readonly<Record<string, (metadata: TableMetadata) => unknown>> = {
  format: (metadata) => formatTableMetadata(metadata),
  append: (metadata) => applyCommit(metadata, append(metadata)),
  'remove half the snapshots': (metadata) => applyCommit(metadata, expire(metadata)),
  'walk the ancestors': (metadata) => [...ancestorsOf(metadata, metadata.currentSnapshotId!)].length,
  // The planted bug: looks each snapshot up in the list of all.
  'a quadratic walk': ({ snapshots }) =>
    snapshots.filter(({ snapshotId }) => snapshots.findIndex((other) => other.snapshotId === snapshotId) < 0),
};

function looksOf(name: string, metadata: TableMetadata): number {
  const watched = { ...metadata, snapshots: metadata.snapshots.map(counted) };
  looks = 0;
  steps[name]!(watched);
  return looks;
}

const [small, large] = [tableOf(1_000), tableOf(10_000)];
const [smallText, largeText] = [formatTableMetadata(small), formatTableMetadata(large)];

test('10,000 snapshots come through reading and writing', () => {
  expect(parseTableMetadata(largeText)).toEqual(large);
});

test.each(['format', 'append', 'remove half the snapshots', 'walk the ancestors'])(
  '%s is not quadratic',
  (name) => {
    expect(looksOf(name, large)).toBeLessThan(15 * looksOf(name, small));
  },
);

test('a quadratic step is seen', () => {
  const tenth = looksOf('a quadratic walk', tableOf(100));
  expect(looksOf('a quadratic walk', small)).toBeGreaterThan(15 * tenth);
});

test('parse is not quadratic', () => {
  const timed = (text: string, times: number) => {
    const start = performance.now();
    for (let time = 0; time < times; time += 1) parseTableMetadata(text);
    return performance.now() - start;
  };
  timed(largeText, 1);
  const rounds = [1, 2, 3].map(() => ({ few: timed(smallText, 10), many: timed(largeText, 1) }));
  const best = (of: 'few' | 'many') => Math.min(...rounds.map((round) => round[of]));
  expect(best('many')).toBeLessThan(5 * best('few'));
});

test('a commit on 10,000 snapshots gives all of them and the new one', () => {
  const next = applyCommit(large, append(large));
  expect(next.snapshots).toHaveLength(10_001);
  expect(next.currentSnapshotId).toBe(firstId + 1_000_000n);
  const left = applyCommit(large, expire(large));
  expect(left.snapshots).toHaveLength(5_500);
});
