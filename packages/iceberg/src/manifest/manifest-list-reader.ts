import { AvroFields, type AvroRow } from '../avro/avro-fields.ts';
import { decodeAvroFile } from '../avro/avro-file-reader.ts';
import type { FileIO } from '../io/file-io.ts';
import { readWholeFile } from '../io/file-io-errors.ts';
import { readAhead } from '../io/read-ahead.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import type { ManifestFile, PartitionFieldSummary } from './data-file.ts';
import { ManifestList } from './manifest-list.ts';
import type { ManifestListCache } from './manifest-list-cache.ts';

/**
 * The manifests of a snapshot, in the order of its manifest list. Errors: `IO_ERROR`, `INVALID_MANIFEST`.
 * With a cache a list that was read (or written) before costs no I/O; the result is shared, do not change it.
 */
export async function readSnapshotManifests(
  io: FileIO,
  snapshot: Snapshot,
  cache?: ManifestListCache,
): Promise<readonly ManifestFile[]> {
  if (snapshot.manifests !== undefined) {
    const manifests: ManifestFile[] = [];
    const describe = (path: string) => describeManifest(io, path, snapshot);
    for await (const { result } of readAhead(snapshot.manifests, describe)) manifests.push(result);
    return manifests;
  }
  return (await readManifestList(io, snapshot.manifestList, cache)).manifests;
}

/** The manifest list at a location; what is read goes to the cache. Errors: `IO_ERROR`, `INVALID_MANIFEST`. */
export async function readManifestList(
  io: FileIO,
  location: string,
  cache?: ManifestListCache,
): Promise<ManifestList> {
  const known = cache?.get(location);
  if (known !== undefined) return known;
  const list = ManifestList.of(decodeManifestList(await readWholeFile(io, location), location));
  cache?.set(location, list);
  return list;
}

/** Reads a manifest list of format v1, v2 or v3 held in memory. `INVALID_MANIFEST` names the file. */
export function decodeManifestList(bytes: Uint8Array, location: string): readonly ManifestFile[] {
  const file = decodeAvroFile(bytes, location);
  const layout = new AvroFields(file.type, location);
  const summary = layout.items(507);
  return [...file.records()].map((value) => readManifestFile(layout.row(value), summary));
}

function readManifestFile(row: AvroRow, summary: AvroFields | undefined): ManifestFile {
  const partitions = row.optionalList(507)?.map((item) => readFieldSummary(summary!.row(item)));
  const keyMetadata = row.optionalBytes(519);
  const firstRowId = row.optionalLong(520);
  return {
    manifestPath: row.string(500),
    manifestLength: row.count(501),
    partitionSpecId: row.int(502),
    content: row.optionalInt(517) === 1 ? 'deletes' : 'data',
    sequenceNumber: row.optionalLong(515) ?? 0n,
    minSequenceNumber: row.optionalLong(516) ?? 0n,
    addedSnapshotId: row.optionalLong(503) ?? 0n,
    ...optionalCount('addedFilesCount', row, 504),
    ...optionalCount('existingFilesCount', row, 505),
    ...optionalCount('deletedFilesCount', row, 506),
    ...optionalCount('addedRowsCount', row, 512),
    ...optionalCount('existingRowsCount', row, 513),
    ...optionalCount('deletedRowsCount', row, 514),
    ...(partitions && { partitions }),
    ...(keyMetadata && { keyMetadata }),
    ...(firstRowId !== undefined && { firstRowId }),
  };
}

function readFieldSummary(row: AvroRow): PartitionFieldSummary {
  const containsNan = row.optionalBoolean(518);
  const lowerBound = row.optionalBytes(510);
  const upperBound = row.optionalBytes(511);
  return {
    containsNull: row.boolean(509),
    ...(containsNan !== undefined && { containsNan }),
    ...(lowerBound && { lowerBound }),
    ...(upperBound && { upperBound }),
  };
}

type CountName = Extract<keyof ManifestFile, `${string}Count`>;

function optionalCount(
  name: CountName,
  row: AvroRow,
  fieldId: number,
): { readonly [N in CountName]?: number } {
  const count = row.optionalCount(fieldId);
  return count === undefined ? {} : { [name]: count };
}

/** v1 snapshots may name manifests without a list: what a list would say is then known only in part. */
async function describeManifest(io: FileIO, location: string, snapshot: Snapshot): Promise<ManifestFile> {
  const bytes = await readWholeFile(io, location);
  const header = decodeAvroFile(bytes, location).metadata;
  return {
    manifestPath: location,
    manifestLength: bytes.length,
    partitionSpecId: Number(header.get('partition-spec-id') ?? 0),
    content: 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: snapshot.snapshotId,
  };
}
