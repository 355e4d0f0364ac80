import { expect, test } from 'vitest';
import { append, emptyRegionTable, regionFile } from '../test/support/scan-table.ts';
import { createDeleteFileCache } from './deletes/delete-file-cache.ts';
import { IcebergError } from './errors.ts';
import { createMemoryFileIO } from './io/memory-file-io.ts';
import { createManifestListCache } from './manifest/manifest-list-cache.ts';
import { currentSchema } from './metadata/table-metadata.ts';
import { metadataTables } from './metadata-tables/metadata-tables.ts';
import { describeParquetFile } from './metrics/describe-parquet-file.ts';
import { openDataFile } from './read/data-file-reader.ts';
import { planAppends, planFiles, scanSchema } from './scan/scan-plan.ts';
import { readTask, scanAppendBatches, scanAppends, scanBatches, scanRows } from './scan/scan-rows.ts';

const io = createMemoryFileIO();
const file = regionFile(io, 'a', 'a');
const table = await append(emptyRegionTable(), io, [file]);

async function failureOf(call: () => unknown): Promise<IcebergError> {
  try {
    await call();
  } catch (error) {
    if (IcebergError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function taskOf() {
  for await (const task of planFiles(table, io)) return task;
  throw new Error('no task');
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const opened = () => openDataFile(io, file, currentSchema(table));

/** Each call with options, and one that it has. */
const calls: readonly (readonly [string, (options: object) => unknown, string])[] = [
  ['scanRows', (options) => scanRows(table, io, options), 'filter'],
  ['scanBatches', (options) => scanBatches(table, io, options), 'snapshotId'],
  ['scanAppends', (options) => scanAppends(table, io, options), 'fromSnapshotIdExclusive'],
  ['scanAppendBatches', (options) => scanAppendBatches(table, io, options), 'toRef'],
  ['planFiles', (options) => planFiles(table, io, options), 'asOfTimestampMs'],
  ['planAppends', (options) => planAppends(table, io, options), 'toSnapshotIdInclusive'],
  ['scanSchema', (options) => scanSchema(table, options), 'ref'],
  ['readTask', async (options) => all(readTask(io, await taskOf(), options)), 'columns'],
  ['openDataFile', (options) => openDataFile(io, file, currentSchema(table), options), 'nameMapping'],
  ['readRows', async (options) => (await opened()).readRows(options), 'rowStart'],
  ['readBatches', async (options) => all((await opened()).readBatches(options)), 'batchBytes'],
  ['describeParquetFile', (options) => describeParquetFile(io, table, file.filePath, options), 'specId'],
  ['createDeleteFileCache', (options) => createDeleteFileCache(options), 'maxBytes'],
  ['createManifestListCache', (options) => createManifestListCache(options), 'maxLists'],
  ['files', (options) => metadataTables.files(table, io, options), 'snapshotId'],
  ['manifests', (options) => metadataTables.manifests(table, io, options), 'ref'],
  ['partitions', (options) => metadataTables.partitions(table, io, options), 'ref'],
];

test.each(calls)(
  '%s refuses an option that it does not have, and says which there are',
  async (_name, call, known) => {
    const error = await failureOf(() => call({ fliter: undefined }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('has no option "fliter"; there are ');
    expect(error.context['known']).toContain(known);
    expect(error.context['option']).toBe('fliter');
  },
);

test('whoever plans and reads apart may give both the same options', async () => {
  const options = { columns: ['region'], filter: undefined, batchBytes: 1024, ref: 'main' } as object;
  const [task] = await all(planFiles(table, io, options));
  expect((await all(readTask(io, task as NonNullable<typeof task>, options))).flat()).toHaveLength(3000);
});

test.each([
  ['snapshotId', (id: bigint) => scanRows(table, io, { snapshotId: id })],
  ['snapshotId', (id: bigint) => scanSchema(table, { snapshotId: id })],
  ['snapshotId', (id: bigint) => scanSchema(table, id)],
  ['snapshotId', (id: bigint) => metadataTables.files(table, io, { snapshotId: id })],
  ['fromSnapshotIdExclusive', (id: bigint) => scanAppends(table, io, { fromSnapshotIdExclusive: id })],
  ['fromSnapshotIdInclusive', (id: bigint) => scanAppends(table, io, { fromSnapshotIdInclusive: id })],
  ['toSnapshotIdInclusive', (id: bigint) => planAppends(table, io, { toSnapshotIdInclusive: id })],
])('%s as a number is refused: a bigint is expected', async (name, call) => {
  const error = await failureOf(() => call(1 as unknown as bigint));
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).toContain(`${name} is the number 1; a bigint is expected, as in 1n`);
});

test('options that are no object are refused', async () => {
  const error = await failureOf(() => scanRows(table, io, null as unknown as object));
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).toContain('are null, no object');
});
