import { describe, expect, test } from 'vitest';
import {
  alwaysTrue,
  commitTransaction,
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  deleteDataFiles,
  type FileIO,
  readManifest,
  readSnapshotManifests,
  rewriteManifests,
  scanBatches,
  scanSchema,
  type TableMetadata,
  type TableOperation,
  upgradeFormatVersion,
} from '../../src/index.ts';
import { createMemoryFileIO } from '../../src/io/memory-file-io.ts';
import {
  countRows,
  createGoldenFileIO,
  type GoldenRows,
  goldenNames,
  goldenTable,
} from '../support/golden.ts';
import { printRow } from '../support/printed.ts';

// Goal: what Iceberg Java wrote, with its manifests, deletes, evolved specs and old versions, stands our operations.
// Method: on each of its tables manifests are rewritten, one file is removed, then all; rows are compared after each.

const identifier = { namespace: ['golden'], name: 't' };
const golden = createGoldenFileIO();

/** The golden files with those on top that are written, in memory. */
function overlay(): FileIO {
  const written = createMemoryFileIO();
  const of = (location: string): FileIO => (written.files.has(location) ? written : golden);
  return {
    ...written,
    readFile: (location) => of(location).readFile(location),
    readRange: (location, start, endExclusive) => of(location).readRange(location, start, endExclusive),
    fileSize: (location) => of(location).fileSize(location),
  };
}

/** Printed rows by the data file they come from. */
async function rowsByFile(metadata: TableMetadata, io: FileIO): Promise<Map<string, unknown[]>> {
  const type = { type: 'struct', fields: scanSchema(metadata).fields } as const;
  const rows = new Map<string, unknown[]>();
  for await (const { rows: batch, task } of scanBatches(metadata, io)) {
    const { filePath } = task.dataFile;
    const printed = batch.map((row) => printRow(type, row));
    rows.set(filePath, [...(rows.get(filePath) ?? []), ...printed]);
  }
  return rows;
}

const counted = (rows: Map<string, unknown[]>): GoldenRows => countRows([...rows.values()].flat());

async function liveData(metadata: TableMetadata, io: FileIO): Promise<DataFile[]> {
  const files: DataFile[] = [];
  for (const manifest of await readSnapshotManifests(io, currentSnapshot(metadata)!)) {
    for (const { status, dataFile } of await readManifest(io, metadata, manifest)) {
      if (status !== 'deleted' && dataFile.content === 'data') files.push(dataFile);
    }
  }
  return files;
}

const names = goldenNames().filter((name) => {
  const { formatVersion, snapshots } = goldenTable(name);
  return formatVersion <= 2 && snapshots.length > 0;
});

describe.each(names)('%s, as Iceberg Java wrote it', (name) => {
  test('has the same rows after its manifests were rewritten, and loses just the files that are removed', async () => {
    const { metadataLocation, rows, formatVersion } = goldenTable(name);
    const io = overlay();
    const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh' });
    await catalog.createNamespace(identifier.namespace);
    await catalog.registerTable(identifier, metadataLocation);
    const commit = async (...operations: TableOperation[]): Promise<TableMetadata> =>
      (await commitTransaction({ catalog, identifier, io }, operations)).table.metadata;

    if (formatVersion === 1) await commit(upgradeFormatVersion(2));
    const rewritten = await commit(rewriteManifests());
    const before = await rowsByFile(rewritten, io);
    expect(counted(before)).toEqual(rows);

    const [file] = await liveData(rewritten, io);
    if (file === undefined) return;
    const without = await commit(deleteDataFiles({ files: [file] }));
    before.delete(file.filePath);
    expect(counted(await rowsByFile(without, io))).toEqual(counted(before));
    const live = await liveData(without, io);
    const records = live.reduce((sum, { recordCount }) => sum + recordCount, 0);
    expect(currentSnapshot(without)!.summary).toMatchObject({
      'total-data-files': String(live.length),
      'total-records': String(records),
    });

    const empty = await commit(deleteDataFiles({ filter: alwaysTrue }));
    expect(counted(await rowsByFile(empty, io))).toEqual([]);
    expect(await liveData(empty, io)).toEqual([]);
    expect(currentSnapshot(empty)!.summary).toMatchObject({
      'total-delete-files': '0',
      'total-files-size': '0',
    });
  });
});
