import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createGoldenFileIO,
  type GoldenEntry,
  type GoldenManifest,
  type GoldenValue,
  goldenNames,
  goldenTable,
} from '../../test/support/golden.ts';
import { IcebergError } from '../errors.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { partitionSpecById, snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import type { ManifestEntry, ManifestFile, PartitionFieldSummary, PartitionValue } from './data-file.ts';
import { decodeManifestList, readSnapshotManifests } from './manifest-list-reader.ts';
import { readManifest } from './manifest-reader.ts';

const io = createGoldenFileIO();

/** A partition value in the printed form of the golden tables. */
function printed(value: PartitionValue | undefined): GoldenValue {
  if (value === null || value === undefined || typeof value === 'boolean') return value ?? null;
  if (value instanceof Uint8Array) return `x:${Buffer.from(value).toString('hex')}`;
  return typeof value === 'string' ? `s:${value}` : String(value);
}

const text = (value: bigint | number | undefined): string | null =>
  value === undefined ? null : String(value);
const hex = (value: Uint8Array | undefined): string | null =>
  value === undefined ? null : Buffer.from(value).toString('hex');

const summaryView = ({ containsNull, containsNan, lowerBound, upperBound }: PartitionFieldSummary) => ({
  containsNull,
  containsNan: containsNan ?? null,
  lower: hex(lowerBound),
  upper: hex(upperBound),
});

function manifestView(manifest: ManifestFile, entries: readonly unknown[]): object {
  return {
    path: manifest.manifestPath,
    length: manifest.manifestLength,
    content: manifest.content,
    specId: manifest.partitionSpecId,
    sequenceNumber: text(manifest.sequenceNumber),
    minSequenceNumber: text(manifest.minSequenceNumber),
    addedSnapshotId: text(manifest.addedSnapshotId),
    addedFiles: manifest.addedFilesCount,
    existingFiles: manifest.existingFilesCount,
    deletedFiles: manifest.deletedFilesCount,
    addedRows: text(manifest.addedRowsCount),
    existingRows: text(manifest.existingRowsCount),
    deletedRows: text(manifest.deletedRowsCount),
    firstRowId: text(manifest.firstRowId),
    partitions: (manifest.partitions ?? []).map(summaryView),
    entries,
  };
}

const mapView = (map: ReadonlyMap<number, number | Uint8Array> | undefined) =>
  Object.fromEntries(
    [...(map ?? [])].map(([id, value]) => [
      String(id),
      value instanceof Uint8Array ? hex(value) : String(value),
    ]),
  );

function entryView({ dataFile, ...entry }: ManifestEntry, metadata: TableMetadata): object {
  const { fields } = partitionSpecById(metadata, dataFile.specId);
  return {
    status: entry.status,
    snapshotId: text(entry.snapshotId),
    sequenceNumber: text(entry.sequenceNumber),
    fileSequenceNumber: text(entry.fileSequenceNumber),
    content: dataFile.content.replace('-', '_'),
    path: dataFile.filePath,
    format: dataFile.fileFormat,
    specId: dataFile.specId,
    partition: Object.fromEntries(fields.map(({ name }, at) => [name, printed(dataFile.partition[at])])),
    recordCount: text(dataFile.recordCount),
    fileSizeInBytes: text(dataFile.fileSizeInBytes),
    columnSizes: mapView(dataFile.columnSizes),
    valueCounts: mapView(dataFile.valueCounts),
    nullValueCounts: mapView(dataFile.nullValueCounts),
    nanValueCounts: mapView(dataFile.nanValueCounts),
    lowerBounds: mapView(dataFile.lowerBounds),
    upperBounds: mapView(dataFile.upperBounds),
    splitOffsets: dataFile.splitOffsets ?? [],
    equalityIds: dataFile.equalityIds ?? [],
    sortOrderId: dataFile.sortOrderId ?? null,
    firstRowId: text(dataFile.firstRowId),
    referencedDataFile: dataFile.referencedDataFile ?? null,
    contentOffset: text(dataFile.contentOffset),
    contentSizeInBytes: text(dataFile.contentSizeInBytes),
  };
}

/** What Java left out because there is nothing, in the form of {@link entryView}. */
const goldenEntry = (entry: GoldenEntry): object => ({
  columnSizes: {},
  valueCounts: {},
  nullValueCounts: {},
  nanValueCounts: {},
  lowerBounds: {},
  upperBounds: {},
  splitOffsets: [],
  equalityIds: [],
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
  ...Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null && value !== undefined)),
  sortOrderId: entry.sortOrderId,
  firstRowId: entry.firstRowId,
});

const goldenView = (manifest: GoldenManifest): object => ({
  ...manifest,
  entries: manifest.entries.map(goldenEntry),
});

/**
 * A golden manifest is stated once, as the newest snapshot has it. Older lists of an upgraded table have no first row
 * ids yet.
 */
const withoutRowIds = (view: unknown): unknown =>
  JSON.parse(JSON.stringify(view, (key, value) => (key === 'firstRowId' ? undefined : value)));

describe('manifests and manifest lists that Iceberg Java wrote', () => {
  test.each(goldenNames())('%s: every field of every snapshot is read as Java reads it', async (name) => {
    const golden = goldenTable(name);
    const metadata = await loadTableMetadata(io, golden.metadataLocation);
    for (const { snapshotId, manifests } of golden.snapshots) {
      const views: unknown[] = [];
      for (const manifest of await readSnapshotManifests(io, snapshotById(metadata, snapshotId)!)) {
        const entries = [...(await readManifest(io, metadata, manifest))];
        views.push(
          manifestView(
            manifest,
            entries.map((entry) => entryView(entry, metadata)),
          ),
        );
      }
      const wanted = manifests.map(goldenView);
      expect(withoutRowIds(views)).toEqual(withoutRowIds(wanted));
      if (snapshotId === metadata.currentSnapshotId) expect(views).toEqual(wanted);
    }
  });
});

describe('manifest lists that iceberg-rust keeps', () => {
  const read = (name: string) => {
    const bytes = readFileSync(join(import.meta.dirname, `../../test/fixtures/manifests/rust/${name}`));
    return decodeManifestList(new Uint8Array(bytes), name);
  };

  test.each([
    ['manifest-list-v2-1.avro', 6653143792592159268n, 6658],
    ['manifest-list-v2-2.avro', 3083072880052097243n, 6660],
  ])('%s', (name, addedSnapshotId, manifestLength) => {
    expect(read(name)).toMatchObject([
      {
        addedSnapshotId,
        manifestLength,
        partitionSpecId: 0,
        content: 'data',
        sequenceNumber: 1n,
        minSequenceNumber: 1n,
        addedFilesCount: 1,
        existingFilesCount: 0,
        deletedFilesCount: 0,
        addedRowsCount: 1,
        partitions: [],
      },
    ]);
  });

  test('an encrypted one is an error that names it', () => {
    expect(() => read('manifest-list-v3-encrypted.avro')).toThrow(IcebergError);
    expect(() => read('manifest-list-v3-encrypted.avro')).toThrow(
      'INVALID_MANIFEST: manifest-list-v3-encrypted.avro: not an Avro file',
    );
  });
});
