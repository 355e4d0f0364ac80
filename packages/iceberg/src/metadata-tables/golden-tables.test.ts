import { expect, test } from 'vitest';
import {
  createGoldenFileIO,
  type GoldenEntry,
  type GoldenManifest,
  goldenNames,
  goldenTable,
} from '../../test/support/golden.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { metadataTables } from './metadata-tables.ts';
import type { PartitionRow } from './partition-table.ts';

/*
 * Goal: metadata tables of what Iceberg Java writes (v1 to v3, deletes of all kinds, evolved specs) show what Java
 * itself reads of the manifests. Method: Java's reading is beside each golden table; partitions are summed up anew.
 */

const io = createGoldenFileIO();

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

const isLive = (entry: GoldenEntry): boolean => entry.status !== 'deleted';
const entriesOf = (manifests: readonly GoldenManifest[]): readonly GoldenEntry[] =>
  manifests.flatMap((manifest) => manifest.entries);

type Sums = Pick<
  PartitionRow,
  'recordCount' | 'fileCount' | 'positionDeleteRecordCount' | 'equalityDeleteRecordCount'
>;

/** By the partition as Java read it, its fields by id; one that a file's own spec lacks is as good as null. */
function summed({ partitionSpecs }: TableMetadata, entries: readonly GoldenEntry[]): Sums[] {
  const ids = new Map(
    partitionSpecs.map(({ specId, fields }) => [
      specId,
      new Map(fields.map(({ name, fieldId }) => [name, fieldId])),
    ]),
  );
  const sums = new Map<string, { -readonly [K in keyof Sums]: number }>();
  for (const { specId, partition, content, recordCount } of entries.filter(isLive)) {
    const known = Object.entries(partition).filter(([, value]) => value !== null);
    const key = JSON.stringify(known.map(([name, value]) => [ids.get(specId)?.get(name), value]).sort());
    const none = { recordCount: 0, fileCount: 0, positionDeleteRecordCount: 0, equalityDeleteRecordCount: 0 };
    const row = sums.get(key) ?? none;
    sums.set(key, row);
    if (content === 'data') {
      row.recordCount += Number(recordCount);
      row.fileCount += 1;
    } else if (content === 'position_deletes') row.positionDeleteRecordCount += Number(recordCount);
    else row.equalityDeleteRecordCount += Number(recordCount);
  }
  return [...sums.values()];
}

test.each(goldenNames())('metadata tables of %s are what Java reads', async (name) => {
  const golden = goldenTable(name);
  const metadata = await loadTableMetadata(io, golden.metadataLocation);
  for (const { snapshotId, manifests } of golden.snapshots) {
    const at = { snapshotId };
    const expected = entriesOf(manifests);
    const entries = await collect(metadataTables.entries(metadata, io, at));
    expect(
      entries.map((entry) => [entry.status, entry.snapshotId, entry.sequenceNumber, entry.dataFile.filePath]),
    ).toEqual(
      expected.map((entry) => [
        entry.status,
        BigInt(entry.snapshotId),
        BigInt(entry.sequenceNumber),
        entry.path,
      ]),
    );
    const files = await collect(metadataTables.files(metadata, io, at));
    expect(files.map((file) => file.filePath)).toEqual(expected.filter(isLive).map((entry) => entry.path));
    const deletes = await collect(metadataTables.deleteFiles(metadata, io, at));
    expect(deletes.map((file) => file.filePath)).toEqual(
      expected.filter((entry) => isLive(entry) && entry.content !== 'data').map((entry) => entry.path),
    );
    const partitions = await collect(metadataTables.partitions(metadata, io, at));
    expect(partitions.map(sumsOf)).toEqual(summed(metadata, expected));
    const rows = await collect(metadataTables.manifests(metadata, io, at));
    expect(rows.map((row) => [row.path, row.length, row.content, row.partitionSpecId])).toEqual(
      manifests.map((manifest) => [manifest.path, manifest.length, manifest.content, manifest.specId]),
    );
  }
  const all = await collect(metadataTables.allFiles(metadata, io));
  expect(all.map((file) => file.filePath).sort()).toEqual(
    entriesOf(golden.manifests)
      .filter(isLive)
      .map((entry) => entry.path)
      .sort(),
  );
});

function sumsOf({
  recordCount,
  fileCount,
  positionDeleteRecordCount,
  equalityDeleteRecordCount,
}: PartitionRow): Sums {
  return { recordCount, fileCount, positionDeleteRecordCount, equalityDeleteRecordCount };
}
