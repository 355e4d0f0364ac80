import type { Catalog, CommitRequest, LoadedTable, TableIdentifier } from '../catalog/catalog.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile, ManifestEntry } from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import type { CreateTableOptions } from '../metadata/create-table-options.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { currentSnapshot } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';

export const namespace = ['conformance'];
export const orders: TableIdentifier = { namespace, name: 'orders' };
/** Names that no case has taken before it says so. */
export const invoices: TableIdentifier = { namespace, name: 'invoices' };
export const missing: TableIdentifier = { namespace, name: 'missing' };
export const missingNamespace: TableIdentifier = { namespace: ['missing'], name: 'orders' };

/** Deliberately with ids that a catalog must not keep. */
export const orderOptions: CreateTableOptions = {
  schema: {
    fields: [
      { id: 40, name: 'segment_offset', required: true, type: 'long', doc: 'position in the topic' },
      { id: 10, name: 'append_time', required: true, type: 'timestamptz' },
      {
        id: 20,
        name: 'attributes',
        required: false,
        type: { type: 'map', keyId: 21, key: 'string', valueId: 22, valueRequired: true, value: 'string' },
      },
    ],
    identifierFieldIds: [40],
  },
  partitionSpec: { fields: [{ sourceId: 10, name: 'append_day', transform: 'day' }] },
  sortOrder: {
    fields: [{ sourceId: 40, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }],
  },
  properties: { owner: 'conformance' },
};

/** The namespace and the table most cases start with. */
export async function createOrders(catalog: Catalog): Promise<LoadedTable> {
  await catalog.createNamespace(namespace);
  return catalog.createTable(orders, orderOptions);
}

/** A data file as a manifest describes it; the file itself is not needed to commit. */
export function dataFile(table: LoadedTable, name: string, from: number, rows: number): DataFile {
  const bound = (value: number): Uint8Array => encodeSingleValue('long', BigInt(value));
  return {
    content: 'data',
    filePath: `${table.metadata.location}/data/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition: [20_000],
    specId: table.metadata.defaultSpecId,
    recordCount: rows,
    fileSizeInBytes: 1000 + rows,
    lowerBounds: new Map([[1, bound(from)]]),
    upperBounds: new Map([[1, bound(from + rows - 1)]]),
  };
}

/** A change that can be made at any time. */
export function settingProperty(key: string, value: string): CommitRequest {
  return { requirements: [], updates: [{ action: 'set-properties', updates: { [key]: value } }] };
}

/** Commits updates without requirements. */
export async function commit(catalog: Catalog, updates: CommitRequest['updates']): Promise<LoadedTable> {
  return catalog.commitTable(orders, { requirements: [], updates });
}

/** Appends one file. */
export async function commitAppend(
  catalog: Catalog,
  base: LoadedTable,
  {
    partition,
    ...options
  }: Pick<Parameters<typeof prepareAppend>[0], 'io' | 'snapshotId' | 'tags'> &
    Partial<Pick<DataFile, 'partition'>>,
): Promise<LoadedTable> {
  const file = dataFile(base, `f${base.metadata.lastSequenceNumber}`, 0, 10);
  const dataFiles = [partition === undefined ? file : { ...file, partition }];
  const { request } = await prepareAppend({ ...options, base, dataFiles });
  return catalog.commitTable(base.identifier, request);
}

/** The namespace and the table with one file in it. */
export async function createWithRows(catalog: Catalog, io: FileIO): Promise<LoadedTable> {
  return commitAppend(catalog, await createOrders(catalog), { io });
}

/** What the manifests of the current snapshot say, newest first. */
export async function liveEntries(io: FileIO, { metadata }: LoadedTable): Promise<ManifestEntry[]> {
  const snapshot = currentSnapshot(metadata);
  const entries: ManifestEntry[] = [];
  for (const manifest of snapshot === undefined ? [] : await readSnapshotManifests(io, snapshot)) {
    for (const entry of await readManifest(io, metadata, manifest)) {
      if (entry.status !== 'deleted') entries.push(entry);
    }
  }
  return entries;
}

/** The names that `dataFile` was given, in order. */
export async function liveNames(io: FileIO, table: LoadedTable): Promise<string[]> {
  const entries = await liveEntries(io, table);
  return entries
    .map(({ dataFile: { filePath } }) => /([^/]*)\.parquet$/.exec(filePath)?.[1] ?? filePath)
    .sort();
}
