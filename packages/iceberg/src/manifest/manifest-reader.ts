import type { AvroValue } from '../avro/avro-encoder.ts';
import { AvroFields, type AvroRow } from '../avro/avro-fields.ts';
import { decodeAvroFile } from '../avro/avro-file-reader.ts';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { readWholeFile } from '../io/file-io-errors.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import { partitionTypes } from '../metadata/partition-spec-binding.ts';
import type { PrimitiveType, Schema } from '../metadata/schema.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import type {
  DataFile,
  EntryStatus,
  FileContent,
  FileFormat,
  ManifestEntry,
  ManifestFile,
} from './data-file.ts';
import { partitionValueFromAvro } from './partition-value-avro.ts';

/**
 * Reads a manifest of format v1, v2 or v3. The file is read when the promise resolves; entries are decoded as
 * they are taken, inherited values filled in, and each taking starts anew. Errors: `IO_ERROR`,
 * `INVALID_MANIFEST` (also while entries are taken), each naming the file.
 *
 * @param schema gives partition values their types: default the table's current one; of an older snapshot, the one
 *   that its rows are read with
 */
export async function readManifest(
  io: FileIO,
  metadata: TableMetadata,
  manifest: ManifestFile,
  schema: Schema = currentSchema(metadata),
): Promise<Iterable<ManifestEntry>> {
  return decodeManifest(await readWholeFile(io, manifest.manifestPath), metadata, manifest, schema);
}

/** {@link readManifest} for a manifest held in memory. */
export function decodeManifest(
  bytes: Uint8Array,
  metadata: TableMetadata,
  manifest: ManifestFile,
  schema: Schema = currentSchema(metadata),
): Iterable<ManifestEntry> {
  const file = decodeAvroFile(bytes, manifest.manifestPath);
  const spec = partitionSpecById(metadata, manifest.partitionSpecId);
  const types = partitionTypes(spec, [schema, ...metadata.schemas.toReversed()]);
  const decoder = new EntryDecoder(file.type, manifest, spec, types);
  return {
    *[Symbol.iterator]() {
      // v3: rows of live files without an own first row id follow each other; deleted ones take none, as in Java.
      let nextRowId = manifest.firstRowId;
      let count = 0;
      for (const value of file.records()) {
        count += 1;
        const entry = decoder.decode(value, nextRowId);
        if (nextRowId !== undefined && decoder.tookRowId) nextRowId += BigInt(entry.dataFile.recordCount);
        yield entry;
      }
      // A file cut between two blocks looks whole; the list knows better.
      const { addedFilesCount: added, existingFilesCount: existing, deletedFilesCount: deleted } = manifest;
      if (count < (added ?? 0) + (existing ?? 0) + (deleted ?? 0)) throw decoder.tooShort(count);
    },
  };
}

const statuses: readonly EntryStatus[] = ['existing', 'added', 'deleted'];
const contents: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes'];
const formats: ReadonlySet<string> = new Set<FileFormat>(['PARQUET', 'AVRO', 'ORC', 'PUFFIN']);

type MapReader = (row: AvroRow) => ReadonlyMap<number, AvroValue> | undefined;

class EntryDecoder {
  readonly #manifest: ManifestFile;
  readonly #spec: PartitionSpec;
  readonly #types: readonly (PrimitiveType | undefined)[];
  readonly #entry: AvroFields;
  readonly #dataFile: AvroFields;
  readonly #partition: AvroFields;
  readonly #columnSizes: MapReader;
  readonly #valueCounts: MapReader;
  readonly #nullValueCounts: MapReader;
  readonly #nanValueCounts: MapReader;
  readonly #lowerBounds: MapReader;
  readonly #upperBounds: MapReader;
  /** Whether the entry decoded last took its first row id from the manifest. */
  tookRowId = false;

  constructor(
    type: ConstructorParameters<typeof AvroFields>[0],
    manifest: ManifestFile,
    spec: PartitionSpec,
    types: readonly (PrimitiveType | undefined)[],
  ) {
    this.#manifest = manifest;
    this.#spec = spec;
    this.#types = types;
    this.#entry = new AvroFields(type, manifest.manifestPath);
    this.#dataFile = this.#entry.record(2) ?? this.#missing(2);
    this.#partition = this.#dataFile.record(102) ?? this.#missing(102);
    this.#columnSizes = this.#mapReader(108, 117, 118);
    this.#valueCounts = this.#mapReader(109, 119, 120);
    this.#nullValueCounts = this.#mapReader(110, 121, 122);
    this.#nanValueCounts = this.#mapReader(137, 138, 139);
    this.#lowerBounds = this.#mapReader(125, 126, 127);
    this.#upperBounds = this.#mapReader(128, 129, 130);
  }

  decode(value: AvroValue, nextRowId: bigint | undefined): ManifestEntry {
    const row = this.#entry.row(value);
    const status = statuses[row.int(0)];
    if (status === undefined) throw this.#invalid(`an entry has status ${row.int(0)}`);
    const { sequenceNumber: inherited, addedSnapshotId } = this.#manifest;
    const sequenceNumber =
      row.optionalLong(3) ?? (status === 'added' || inherited === 0n ? inherited : undefined);
    if (sequenceNumber === undefined) throw this.#invalid(`a ${status} entry has no sequence number`);
    return {
      status,
      snapshotId: row.optionalLong(1) ?? addedSnapshotId,
      sequenceNumber,
      fileSequenceNumber: row.optionalLong(4) ?? (status === 'added' ? inherited : sequenceNumber),
      dataFile: this.#readDataFile(
        row.raw(2) ?? this.#missing(2),
        status === 'deleted' ? undefined : nextRowId,
      ),
    };
  }

  tooShort(entries: number): IcebergError {
    return this.#invalid(`holds ${entries} entries, fewer than its manifest list says`);
  }

  #readDataFile(value: AvroValue, nextRowId: bigint | undefined): DataFile {
    const row = this.#dataFile.row(value);
    const content = contents[row.optionalInt(134) ?? 0];
    if (content === undefined) throw this.#invalid(`a file has content ${row.int(134)}`);
    const fileFormat = row.string(101).toUpperCase();
    if (!formats.has(fileFormat)) throw this.#invalid(`a file has format ${fileFormat.slice(0, 40)}`);
    const columnSizes = this.#columnSizes(row);
    const valueCounts = this.#valueCounts(row);
    const nullValueCounts = this.#nullValueCounts(row);
    const nanValueCounts = this.#nanValueCounts(row);
    const lowerBounds = this.#lowerBounds(row);
    const upperBounds = this.#upperBounds(row);
    const keyMetadata = row.optionalBytes(131);
    const splitOffsets = row.optionalList(132);
    const equalityIds = row.optionalList(135);
    const sortOrderId = row.optionalInt(140);
    const ownRowId = row.optionalLong(142);
    this.tookRowId = ownRowId === undefined && content === 'data' && nextRowId !== undefined;
    const firstRowId = this.tookRowId ? nextRowId : ownRowId;
    const referencedDataFile = row.optionalString(143);
    const contentOffset = row.optionalCount(144);
    const contentSizeInBytes = row.optionalCount(145);
    return {
      content,
      filePath: row.string(100),
      fileFormat: fileFormat as FileFormat,
      partition: this.#readPartition(row.raw(102) ?? this.#missing(102)),
      specId: this.#spec.specId,
      recordCount: row.count(103),
      fileSizeInBytes: row.count(104),
      ...(columnSizes && { columnSizes: this.#counts(columnSizes, 108) }),
      ...(valueCounts && { valueCounts: this.#counts(valueCounts, 109) }),
      ...(nullValueCounts && { nullValueCounts: this.#counts(nullValueCounts, 110) }),
      ...(nanValueCounts && { nanValueCounts: this.#counts(nanValueCounts, 137) }),
      ...(lowerBounds && { lowerBounds: this.#bounds(lowerBounds, 125) }),
      ...(upperBounds && { upperBounds: this.#bounds(upperBounds, 128) }),
      ...(keyMetadata && { keyMetadata }),
      ...(splitOffsets && { splitOffsets: this.#numbers(splitOffsets, 132) }),
      ...(equalityIds && { equalityIds: this.#numbers(equalityIds, 135) }),
      ...(sortOrderId !== undefined && { sortOrderId }),
      ...(firstRowId !== undefined && { firstRowId }),
      ...(referencedDataFile !== undefined && { referencedDataFile }),
      ...(contentOffset !== undefined && { contentOffset }),
      ...(contentSizeInBytes !== undefined && { contentSizeInBytes }),
    };
  }

  #readPartition(value: AvroValue): DataFile['partition'] {
    const row = this.#partition.row(value);
    return this.#spec.fields.map(({ fieldId }, index) => {
      const avroType = this.#partition.typeOf(fieldId);
      const raw = row.raw(fieldId);
      return avroType === undefined || raw === undefined
        ? null
        : partitionValueFromAvro(avroType, raw, this.#types[index]);
    });
  }

  /** Reads an array of key-value records as a map; keys and values are found by field id. */
  #mapReader(fieldId: number, keyId: number, valueId: number): MapReader {
    const items = this.#dataFile.items(fieldId);
    if (items === undefined) return () => undefined;
    return (row) => {
      const list = row.optionalList(fieldId);
      if (list === undefined) return undefined;
      const map = new Map<number, AvroValue>();
      for (const item of list) {
        const pair = items.row(item);
        map.set(pair.int(keyId), pair.raw(valueId) ?? null);
      }
      return map;
    };
  }

  #counts(map: ReadonlyMap<number, AvroValue>, fieldId: number): ReadonlyMap<number, number> {
    for (const value of map.values()) {
      if (typeof value !== 'number')
        throw this.#invalid(`field ${fieldId} holds ${String(value)}, not a count`);
    }
    return map as ReadonlyMap<number, number>;
  }

  #bounds(map: ReadonlyMap<number, AvroValue>, fieldId: number): ReadonlyMap<number, Uint8Array> {
    for (const value of map.values()) {
      if (!(value instanceof Uint8Array))
        throw this.#invalid(`field ${fieldId} holds a bound that is not bytes`);
    }
    return map as ReadonlyMap<number, Uint8Array>;
  }

  #numbers(list: readonly AvroValue[], fieldId: number): readonly number[] {
    for (const value of list) {
      if (typeof value !== 'number') throw this.#invalid(`field ${fieldId} holds ${String(value)}`);
    }
    return list as readonly number[];
  }

  #missing(fieldId: number): never {
    throw this.#invalid(`the required field ${fieldId} is missing`);
  }

  #invalid(message: string): IcebergError {
    const file = this.#manifest.manifestPath;
    return new IcebergError('INVALID_MANIFEST', `${file}: ${message}`, { context: { file } });
  }
}
