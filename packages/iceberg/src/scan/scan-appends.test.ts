import { beforeAll, describe, expect, test } from 'vitest';
import { append, emptyRegionTable, regionFile } from '../../test/support/scan-table.ts';
import { IcebergError } from '../errors.ts';
import { eq } from '../expression/expression.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import { currentSnapshot, type TableMetadata } from '../metadata/table-metadata.ts';
import type { AppendRange } from './append-range.ts';
import type { PlanAppendsOptions } from './scan-options.ts';
import { planAppends } from './scan-plan.ts';
import { scanAppendBatches, scanAppends } from './scan-rows.ts';

/** Appends a, b, [c, d] in three snapshots. */
let io: MemoryFileIO;
let table: TableMetadata;
let ids: readonly bigint[];
beforeAll(async () => {
  io = createMemoryFileIO();
  table = emptyRegionTable();
  const commits: readonly (readonly string[])[] = [['a'], ['b'], ['c', 'd']];
  const snapshotIds: bigint[] = [];
  for (const names of commits) {
    table = await append(
      table,
      io,
      names.map((name) => regionFile(io, name, name)),
    );
    snapshotIds.push(currentSnapshot(table)?.snapshotId as bigint);
  }
  ids = snapshotIds;
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const planned = async (options: PlanAppendsOptions, metadata = table) =>
  (await collect(planAppends(metadata, io, options))).map(({ dataFile }) =>
    dataFile.filePath.replace(/^.*\/|\.parquet$/g, ''),
  );
const id = (index: number) => ids[index] as bigint;

describe('files appended in a range of snapshots, oldest first', () => {
  test.each<[string, () => AppendRange, readonly string[]]>([
    ['all there are', () => ({}), ['a', 'b', 'c', 'd']],
    ['after the first', () => ({ fromSnapshotIdExclusive: id(0) }), ['b', 'c', 'd']],
    ['from the second', () => ({ fromSnapshotIdInclusive: id(1) }), ['b', 'c', 'd']],
    ['from the first', () => ({ fromSnapshotIdInclusive: id(0) }), ['a', 'b', 'c', 'd']],
    ['up to the second', () => ({ toSnapshotIdInclusive: id(1) }), ['a', 'b']],
    ['one in the middle', () => ({ fromSnapshotIdExclusive: id(0), toSnapshotIdInclusive: id(1) }), ['b']],
    ['one, inclusive', () => ({ fromSnapshotIdInclusive: id(1), toSnapshotIdInclusive: id(1) }), ['b']],
    ['nothing new', () => ({ fromSnapshotIdExclusive: id(2) }), []],
    ['up to a tag', () => ({ fromSnapshotIdExclusive: id(0), toRef: 'second' }), ['b']],
    ['up to main', () => ({ fromSnapshotIdExclusive: id(1), toRef: 'main' }), ['c', 'd']],
  ])('%s', async (_what, range, expected) => {
    const tagged: TableMetadata = {
      ...table,
      refs: { ...table.refs, second: { snapshotId: id(1), type: 'tag' } },
    };
    expect(await planned(range(), tagged)).toEqual(expected);
  });

  test('that may hold wanted rows, their rows filtered and projected, each with the snapshot that brought it', async () => {
    expect(await planned({ filter: eq('region', 'b') })).toEqual(['b']);
    const filter = eq('segment_offset', 2n ** 53n + 5n);
    const options = { filter, columns: ['region'], fromSnapshotIdExclusive: id(0) };
    expect(await collect(scanAppends(table, io, options))).toEqual([
      { region: 'b' },
      { region: 'c' },
      { region: 'd' },
    ]);
    const batches = await collect(scanAppendBatches(table, io, options));
    expect(batches.map(({ task }) => task.snapshotId)).toEqual([id(1), id(2), id(2)]);
  });

  test('by reading the lists of these snapshots and the manifests they wrote, no others', async () => {
    io.reads.splice(0);
    expect(await planned({ fromSnapshotIdExclusive: id(1) })).toEqual(['c', 'd']);
    expect(io.reads.length).toBe(2);
  });

  test('not those that other operations brought, nor what they removed', async () => {
    const snapshots = table.snapshots.map((snapshot) =>
      snapshot.snapshotId === id(1)
        ? { ...snapshot, summary: { operation: 'overwrite' as const } }
        : snapshot,
    );
    expect(await planned({}, { ...table, snapshots })).toEqual(['a', 'c', 'd']);
  });

  test('of a table without snapshots there are none', async () => {
    expect(await planned({}, emptyRegionTable())).toEqual([]);
  });
});

describe('a start that does not lead to the end', () => {
  const failure = (range: AppendRange, metadata = table): IcebergError => {
    try {
      planAppends(metadata, io, range);
    } catch (error) {
      if (IcebergError.is(error)) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };
  const expire = (...expired: readonly bigint[]): TableMetadata => ({
    ...table,
    snapshots: table.snapshots.filter(({ snapshotId }) => !expired.includes(snapshotId)),
  });

  test('is no loss when only the start itself has expired', async () => {
    expect(await planned({ fromSnapshotIdExclusive: id(0) }, expire(id(0)))).toEqual(['b', 'c', 'd']);
  });

  test('is a lost position when a snapshot after it has expired: never a part of the rows', () => {
    const error = failure({ fromSnapshotIdExclusive: id(0) }, expire(id(0), id(1)));
    expect(error.code).toBe('SNAPSHOT_NOT_FOUND');
    expect(error.message).toContain('position lost');
    expect(error.context).toEqual({ positionLost: true, fromSnapshotId: id(0), toSnapshotId: id(2) });
    expect(failure({ fromSnapshotIdInclusive: id(0) }, expire(id(0))).context['positionLost']).toBe(true);
  });

  test('is a lost position when it is not an ancestor: after a rollback, or of another branch', async () => {
    const ahead = await append(table, io, [regionFile(io, 'e', 'e')]);
    const rolledBack: TableMetadata = { ...ahead, currentSnapshotId: id(2), refs: table.refs };
    const lost = currentSnapshot(ahead)?.snapshotId as bigint;
    expect(failure({ fromSnapshotIdExclusive: lost }, rolledBack).context['positionLost']).toBe(true);
    expect(failure({ fromSnapshotIdExclusive: 12345n }).context['positionLost']).toBe(true);
    expect(failure({ fromSnapshotIdInclusive: 12345n }).context['positionLost']).toBe(true);
    expect(
      failure({ fromSnapshotIdExclusive: id(1), toSnapshotIdInclusive: id(0) }).context['positionLost'],
    ).toBe(true);
    expect(failure({ fromSnapshotIdExclusive: 1n }, emptyRegionTable()).context['positionLost']).toBe(true);
  });

  test('an end that does not exist is told as that', () => {
    expect(failure({ toSnapshotIdInclusive: 5n }).message).toContain('no snapshot 5');
    expect(failure({ toSnapshotIdInclusive: 5n }).context['positionLost']).toBeUndefined();
    expect(failure({ toRef: 'nope' }).code).toBe('SNAPSHOT_NOT_FOUND');
  });

  test('two starts or two ends are refused', () => {
    const start = { fromSnapshotIdExclusive: id(0), fromSnapshotIdInclusive: id(0) };
    expect(failure(start).code).toBe('INVALID_ARGUMENT');
    expect(failure({ toSnapshotIdInclusive: id(0), toRef: 'main' }).code).toBe('INVALID_ARGUMENT');
  });
});
