import { readFile } from 'node:fs/promises';
import { applyCommit } from '../../src/catalog/apply-commit.ts';
import type { LoadedTable } from '../../src/catalog/catalog.ts';
import type { MemoryFileIO } from '../../src/io/memory-file-io.ts';
import type { DataFile } from '../../src/manifest/data-file.ts';
import { ManifestList } from '../../src/manifest/manifest-list.ts';
import { readSnapshotManifests } from '../../src/manifest/manifest-list-reader.ts';
import { encodeManifests, withSequenceNumber } from '../../src/manifest/manifest-writer.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';
import type { Schema } from '../../src/metadata/schema.ts';
import { encodeSingleValue } from '../../src/metadata/single-value.ts';
import { currentSnapshot, type TableMetadata } from '../../src/metadata/table-metadata.ts';
import { prepareAppend } from '../../src/transaction/prepare-append.ts';
import { logRow, logSchema } from './fixture-schemas.ts';

/** The log's columns and `region`, which no file has: it is read from the identity partition. */
export const regionSchema: Schema = {
  schemaId: 0,
  fields: [...logSchema.fields, { id: 20, name: 'region', required: false, type: 'string' }],
};

const logBytes = new Uint8Array(await readFile(new URL('../fixtures/log.parquet', import.meta.url)));

/** An empty table with the ids of the golden files, which a catalog would not give. */
export function emptyRegionTable(): TableMetadata {
  const fresh = createTableMetadata({
    location: 'mem://table',
    schema: { fields: [{ id: 1, name: 'region', required: false, type: 'string' }] },
    partitionSpec: { fields: [{ sourceId: 1, name: 'region', transform: 'identity' }] },
  });
  const [spec] = fresh.partitionSpecs;
  if (!spec) throw new Error('no partition spec');
  return {
    ...fresh,
    schemas: [regionSchema],
    lastColumnId: 20,
    partitionSpecs: [{ ...spec, fields: spec.fields.map((field) => ({ ...field, sourceId: 20 })) }],
  };
}

/** A data file of 3,000 messages in a region, stored under its own name, with exact bounds of the offset. */
export function regionFile(io: MemoryFileIO, name: string, region: string | null): DataFile {
  const filePath = `mem://table/data/${name}.parquet`;
  io.files.set(filePath, logBytes);
  return {
    content: 'data',
    filePath,
    fileFormat: 'PARQUET',
    partition: [region],
    specId: 0,
    recordCount: 3000,
    fileSizeInBytes: logBytes.length,
    lowerBounds: new Map([[6, encodeSingleValue('long', 2n ** 53n)]]),
    upperBounds: new Map([[6, encodeSingleValue('long', 2n ** 53n + 2999n)]]),
  };
}

/** Row `i` of a file of that region. */
export function regionRow(region: string | null, i: number): Record<string, unknown> {
  return { ...logRow(i), region };
}

const tableOf = (metadata: TableMetadata): LoadedTable => ({
  identifier: { namespace: ['default'], name: 'regions' },
  metadataLocation: 'mem://table/metadata/v.metadata.json',
  metadata,
});

/** Appends files in a commit of their own. */
export async function append(
  metadata: TableMetadata,
  io: MemoryFileIO,
  dataFiles: readonly DataFile[],
): Promise<TableMetadata> {
  const { request } = await prepareAppend({ base: tableOf(metadata), io, dataFiles });
  return applyCommit(metadata, request);
}

/** Adds delete files to the current snapshot's list, as another engine would have committed them. */
export async function addDeletes(
  metadata: TableMetadata,
  io: MemoryFileIO,
  files: readonly DataFile[],
  sequenceNumber: bigint,
): Promise<void> {
  const snapshot = currentSnapshot(metadata);
  const [spec] = metadata.partitionSpecs;
  if (!snapshot || !spec) throw new Error('no snapshot or spec');
  const location = `mem://table/metadata/deletes-${sequenceNumber}-${files[0]?.filePath.split('/').at(-1)}.avro`;
  const { snapshotId } = snapshot;
  const entries = files.map((dataFile) => ({ status: 'added', dataFile }) as const);
  const input = { metadata, spec, content: 'deletes', snapshotId, entries } as const;
  const [encoded] = [...encodeManifests(input, () => location)];
  io.files.set(location, encoded!.bytes);
  const deletes = withSequenceNumber(encoded!.manifest, sequenceNumber);
  const manifests = await readSnapshotManifests(io, snapshot);
  const list = ManifestList.of([deletes, ...manifests]);
  io.files.set(snapshot.manifestList, list.encode({ snapshotId, sequenceNumber: snapshot.sequenceNumber }));
}
