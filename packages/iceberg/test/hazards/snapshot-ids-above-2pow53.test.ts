/**
 * Ids and sequence numbers beyond 2^53 are ordinary, and two of them may be one double. Each must stay itself through
 * every place it is written to and compared in: metadata, manifest list, manifest, refs, logs, requirements.
 */
import { expect, test } from 'vitest';
import { IcebergError } from '../../src/errors.ts';
import {
  ancestorsOf,
  type Catalog,
  type CommitRequest,
  createMemoryCatalog,
  type DataFile,
  type LoadedTable,
  loadTableMetadata,
  prepareAppend,
  readManifest,
  readSnapshotManifests,
  snapshotById,
} from '../../src/index.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../../src/io/memory-file-io.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

const identifier = { namespace: ['default'], name: 'orders' };
/** One double for all three. */
const ids = [2n ** 62n + 1n, 2n ** 62n + 2n, 2n ** 62n + 3n] as const;

const dataFile = (name: string): DataFile => ({
  content: 'data',
  filePath: `mem://wh/default/orders/data/${name}.parquet`,
  fileFormat: 'PARQUET',
  partition: [],
  specId: 0,
  recordCount: 10,
  fileSizeInBytes: 1_000,
});

async function tableOfThree(): Promise<{ io: MemoryFileIO; catalog: Catalog; table: LoadedTable }> {
  const io = createMemoryFileIO();
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh/' });
  await catalog.createNamespace(['default']);
  let table = await catalog.createTable(identifier, {
    schema: { fields: [{ id: 1, name: 'n', required: true, type: 'long' }] },
  });
  for (const snapshotId of ids) {
    const dataFiles = [dataFile(String(snapshotId))];
    const { request } = await prepareAppend({ base: table, io, dataFiles, snapshotId, tags: ['newest'] });
    table = await catalog.commitTable(identifier, request);
  }
  return { io, catalog, table };
}

test('three snapshots whose ids are one double stay three, in every file and after every reading', async () => {
  expect(new Set(ids.map(Number)).size).toBe(1);
  const { io, table } = await tableOfThree();
  const metadata = await loadTableMetadata(io, table.metadataLocation);
  expect(metadata.snapshots.map(({ snapshotId }) => snapshotId)).toEqual(ids);
  expect(metadata.snapshots.map(({ parentSnapshotId }) => parentSnapshotId)).toEqual([
    undefined,
    ids[0],
    ids[1],
  ]);
  expect(metadata.currentSnapshotId).toBe(ids[2]);
  expect(metadata.refs).toMatchObject({ main: { snapshotId: ids[2] }, newest: { snapshotId: ids[2] } });
  expect(metadata.snapshotLog.map(({ snapshotId }) => snapshotId)).toEqual(ids);
  expect([...ancestorsOf(metadata, ids[2])].map(({ snapshotId }) => snapshotId)).toEqual(ids.toReversed());
  for (const [at, id] of ids.entries()) {
    const snapshot = snapshotById(metadata, id)!;
    expect(snapshot.manifestList).toContain(`snap-${id}-`);
    const [newest] = await readSnapshotManifests(io, snapshot);
    expect(newest!.addedSnapshotId).toBe(id);
    expect(newest!.sequenceNumber).toBe(BigInt(at + 1));
    const [entry] = [...(await readManifest(io, metadata, newest!))];
    expect(entry).toMatchObject({ snapshotId: id, dataFile: { filePath: dataFile(String(id)).filePath } });
  }
});

test('a commit that asserts the neighbour of the current snapshot, the same double, is a conflict', async () => {
  const { io, catalog, table } = await tableOfThree();
  const { request } = await prepareAppend({
    base: table,
    io,
    dataFiles: [dataFile('next')],
    snapshotId: ids[2] + 1n,
  });
  const asserting = (snapshotId: bigint): CommitRequest => ({
    ...request,
    requirements: request.requirements.map((requirement) =>
      requirement.type === 'assert-ref-snapshot-id' && requirement.ref === 'main'
        ? { ...requirement, snapshotId }
        : requirement,
    ),
  });
  for (const wrong of [ids[0], ids[1]]) {
    const refused = await catalog.commitTable(identifier, asserting(wrong)).catch((error: unknown) => error);
    expect(IcebergError.is(refused, 'COMMIT_CONFLICT')).toBe(true);
  }
  const committed = await catalog.commitTable(identifier, asserting(ids[2]));
  expect(committed.metadata.currentSnapshotId).toBe(ids[2] + 1n);
});

test('a snapshot id that is there already is refused, its neighbour is not', async () => {
  const { io, catalog, table } = await tableOfThree();
  const append = async (snapshotId: bigint) => {
    const { request } = await prepareAppend({ base: table, io, dataFiles: [], snapshotId });
    return catalog.commitTable(identifier, request);
  };
  await expect(append(ids[1])).rejects.toSatisfy((error) => IcebergError.is(error));
  expect((await append(ids[2] + 1n)).metadata.snapshots).toHaveLength(4);
});

test('sequence numbers go on exactly from beyond 2^53', async () => {
  const { io, table } = await tableOfThree();
  const start = 2n ** 60n + 1n;
  const text = formatTableMetadata(table.metadata).replace(
    '"last-sequence-number":3',
    `"last-sequence-number":${start}`,
  );
  const metadata = parseTableMetadata(text);
  const { request, snapshot } = await prepareAppend({
    base: { ...table, metadata },
    io,
    dataFiles: [dataFile('late')],
    snapshotId: ids[2] + 1n,
  });
  expect(snapshot.sequenceNumber).toBe(start + 1n);
  const [newest] = await readSnapshotManifests(io, snapshot);
  expect(newest!.sequenceNumber).toBe(start + 1n);
  expect(newest!.minSequenceNumber).toBe(start + 1n);
  const [entry] = [...(await readManifest(io, metadata, newest!))];
  expect(entry!.sequenceNumber).toBe(start + 1n);
  expect(entry!.fileSequenceNumber).toBe(start + 1n);
  expect(request.updates.find(({ action }) => action === 'add-snapshot')).toMatchObject({
    snapshot: { sequenceNumber: start + 1n },
  });
});
