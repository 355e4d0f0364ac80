import type { AvroValue } from '../avro/avro-encoder.ts';
import { type AvroCodec, AvroFileWriter } from '../avro/avro-file-writer.ts';
import { IcebergError } from '../errors.ts';
import { stringifyJson } from '../json/json.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import { partitionTypes } from '../metadata/partition-spec-binding.ts';
import { partitionFieldsToJson } from '../metadata/partition-spec-json.ts';
import type { PrimitiveType, Schema } from '../metadata/schema.ts';
import { schemaToJson } from '../metadata/schema-json.ts';
import { checkValue } from '../metadata/single-value.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import type {
  DataFile,
  EntryStatus,
  FileContent,
  ManifestContent,
  ManifestFile,
  PartitionValue,
} from './data-file.ts';
import { manifestEntryType } from './manifest-schema.ts';
import { PartitionSummary } from './partition-summary.ts';
import { partitionValueToAvro } from './partition-value-avro.ts';

/** A line to be written into a manifest. */
export interface NewManifestEntry {
  readonly status: EntryStatus;
  readonly dataFile: DataFile;
  /** Absent only in an added entry: the snapshot of the commit then. */
  readonly snapshotId?: bigint;
  /** Absent only in an added entry: the number of the commit then, whichever it will be. */
  readonly sequenceNumber?: bigint;
  /** Absent only in an added entry, as `sequenceNumber`. */
  readonly fileSequenceNumber?: bigint;
}

/** What goes into manifests, format v2. */
export interface ManifestInput {
  readonly metadata: TableMetadata;
  readonly spec: PartitionSpec;
  readonly content: ManifestContent;
  /** The snapshot that the manifest is written for. */
  readonly snapshotId: bigint;
  /** Files of that spec and content, at least one. Taken once, in order. */
  readonly entries: Iterable<NewManifestEntry>;
}

/** The bytes of a manifest and its line in the manifest list. */
export interface EncodedManifest {
  readonly bytes: Uint8Array;
  /** Its sequence numbers are {@link unassigned} where the commit gives them. */
  readonly manifest: ManifestFile;
}

/** Stands for the sequence number that a commit has yet to give; see {@link withSequenceNumber}. */
export const unassigned = -1n;

const statusCodes: Readonly<Record<EntryStatus, number>> = { existing: 0, added: 1, deleted: 2 };
const contentCodes: Readonly<Record<FileContent, number>> = {
  data: 0,
  'position-deletes': 1,
  'equality-deletes': 2,
};

/**
 * Makes manifests of about `targetSizeBytes` each (by default one of any size). They hold nothing that a new
 * attempt of the commit would change: sequence numbers of added files are inherited from the manifest list.
 * `INVALID_ARGUMENT` for a file whose partition does not fit the spec, or a spec this release can only read.
 * Spec: https://iceberg.apache.org/spec/#sequence-number-inheritance
 */
export function* encodeManifests(
  input: ManifestInput,
  newLocation: () => string,
  targetSizeBytes: number = Number.POSITIVE_INFINITY,
): Generator<EncodedManifest> {
  const { metadata, spec, content, snapshotId } = input;
  const schema = currentSchema(metadata);
  const types = writableTypes(spec, schema, metadata);
  const writer = new AvroFileWriter({ type: manifestEntryType(spec, types), codec: manifestCodec(metadata) });
  const header = writer.header({
    schema: stringifyJson(schemaToJson(schema)),
    'schema-id': String(schema.schemaId),
    'partition-spec': stringifyJson(partitionFieldsToJson(spec.fields)),
    'partition-spec-id': String(spec.specId),
    'format-version': '2',
    content,
  });
  const source = input.entries[Symbol.iterator]();
  let next = source.next();
  while (next.done !== true) {
    const line = new ManifestLine(types);
    const blocks = [header];
    let size = header.length;
    let isEmpty = true;
    const records = function* (): Generator<AvroValue> {
      // One entry always: the header alone, which has the schema, may be larger than the target.
      for (; next.done !== true && (isEmpty || size < targetSizeBytes); next = source.next()) {
        isEmpty = false;
        checkPartition(next.value.dataFile, spec, types);
        line.add(next.value);
        yield entryToAvro(next.value, types, snapshotId);
      }
    };
    for (const block of writer.blocks(records())) {
      blocks.push(block);
      size += block.length;
    }
    const bytes = Buffer.concat(blocks);
    yield {
      bytes,
      manifest: {
        manifestPath: newLocation(),
        manifestLength: bytes.length,
        partitionSpecId: spec.specId,
        content,
        addedSnapshotId: snapshotId,
        ...line.summary(),
      },
    };
  }
}

/** The manifest as a commit with this sequence number lists it; one of an earlier commit stays as it is. */
export function withSequenceNumber(manifest: ManifestFile, sequenceNumber: bigint): ManifestFile {
  if (manifest.sequenceNumber !== unassigned) return manifest;
  const { minSequenceNumber: min } = manifest;
  return { ...manifest, sequenceNumber, minSequenceNumber: min === unassigned ? sequenceNumber : min };
}

/** What a manifest list says of the entries of a manifest. */
class ManifestLine {
  readonly #partitions: PartitionSummary;
  readonly #files = { added: 0, existing: 0, deleted: 0 };
  readonly #rows = { added: 0, existing: 0, deleted: 0 };
  /** Of live entries whose number is known already. */
  #minSequenceNumber: bigint | undefined;

  constructor(types: readonly PrimitiveType[]) {
    this.#partitions = new PartitionSummary(types);
  }

  add({ status, dataFile, sequenceNumber }: NewManifestEntry): void {
    this.#files[status] += 1;
    this.#rows[status] += dataFile.recordCount;
    this.#partitions.add(dataFile.partition);
    if (status === 'deleted' || sequenceNumber === undefined) return;
    if (this.#minSequenceNumber === undefined || sequenceNumber < this.#minSequenceNumber) {
      this.#minSequenceNumber = sequenceNumber;
    }
  }

  summary(): Omit<
    ManifestFile,
    'manifestPath' | 'manifestLength' | 'partitionSpecId' | 'content' | 'addedSnapshotId'
  > {
    return {
      sequenceNumber: unassigned,
      // Numbers known before the commit are lower than the commit's own.
      minSequenceNumber: this.#minSequenceNumber ?? unassigned,
      addedFilesCount: this.#files.added,
      existingFilesCount: this.#files.existing,
      deletedFilesCount: this.#files.deleted,
      addedRowsCount: this.#rows.added,
      existingRowsCount: this.#rows.existing,
      deletedRowsCount: this.#rows.deleted,
      partitions: this.#partitions.fields(),
    };
  }
}

/** The codec that the table asks for: `write.manifest.compression-codec`, gzip (deflate) unless it says none. */
export function manifestCodec(metadata: TableMetadata): AvroCodec {
  const codec = metadata.properties['write.manifest.compression-codec']?.toLowerCase();
  return codec === 'uncompressed' || codec === 'none' ? 'null' : 'deflate';
}

function writableTypes(
  spec: PartitionSpec,
  schema: Schema,
  metadata: TableMetadata,
): readonly PrimitiveType[] {
  return partitionTypes(spec, [schema, ...metadata.schemas.toReversed()]).map((type, index) => {
    if (type !== undefined) return type;
    const { name, transform } = spec.fields[index]!;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `partition field "${name}" with transform ${transform} can only be read`,
      {
        context: { specId: spec.specId, name, transform },
      },
    );
  });
}

function checkPartition(file: DataFile, spec: PartitionSpec, types: readonly PrimitiveType[]): void {
  if (file.partition.length !== types.length) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${file.filePath}: ${file.partition.length} partition values for the ${types.length} fields of spec ${spec.specId}`,
      { context: { filePath: file.filePath, specId: spec.specId } },
    );
  }
  file.partition.forEach((value: PartitionValue, index) => {
    if (value !== null) checkValue(types[index]!, value);
  });
}

function entryToAvro(
  { status, dataFile, snapshotId, sequenceNumber, fileSequenceNumber }: NewManifestEntry,
  types: readonly PrimitiveType[],
  commitSnapshotId: bigint,
): AvroValue {
  return [
    statusCodes[status],
    snapshotId ?? commitSnapshotId,
    sequenceNumber ?? null,
    fileSequenceNumber ?? null,
    dataFileToAvro(dataFile, types),
  ];
}

function dataFileToAvro(file: DataFile, types: readonly PrimitiveType[]): AvroValue {
  return [
    contentCodes[file.content],
    file.filePath,
    file.fileFormat,
    file.partition.map((value, index) => partitionValueToAvro(types[index]!, value)),
    file.recordCount,
    file.fileSizeInBytes,
    mapToAvro(file.columnSizes),
    mapToAvro(file.valueCounts),
    mapToAvro(file.nullValueCounts),
    mapToAvro(file.nanValueCounts),
    mapToAvro(file.lowerBounds),
    mapToAvro(file.upperBounds),
    file.keyMetadata ?? null,
    file.splitOffsets ?? null,
    file.equalityIds ?? null,
    file.sortOrderId ?? null,
    file.referencedDataFile ?? null,
  ];
}

/** Ordered by column id, so that equal metrics give equal bytes. */
function mapToAvro(map: ReadonlyMap<number, AvroValue> | undefined): AvroValue {
  if (map === undefined) return null;
  return [...map].sort(([left], [right]) => left - right);
}
