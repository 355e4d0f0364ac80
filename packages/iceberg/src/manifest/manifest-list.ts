import type { AvroValue } from '../avro/avro-encoder.ts';
import { type AvroCodec, AvroFileWriter } from '../avro/avro-file-writer.ts';
import { IcebergError } from '../errors.ts';
import type { ManifestFile } from './data-file.ts';
import { hasCounts, hasLiveFiles } from './manifest-counts.ts';
import { manifestFileType } from './manifest-schema.ts';

/** This many chunks of a size become one of the next: an append re-encodes a few lines, however long the list. */
const fanOut = 32;
const maxChunkManifests = fanOut ** 3;

/** Lines of a manifest list that stand next to each other, and their encoded form once it was needed. */
interface Chunk {
  readonly manifests: readonly ManifestFile[];
  blocks: Uint8Array | undefined;
  canBeCarried?: boolean;
}

export interface ManifestListHeader {
  readonly snapshotId: bigint;
  readonly parentSnapshotId?: bigint;
  readonly sequenceNumber: bigint;
}

/**
 * The manifests of a snapshot, newest first, immutable. Lists made from one another share the encoded form of
 * what they have in common, so that the cost of writing the next one does not grow with its length (its size
 * does: the format wants every manifest named).
 */
export class ManifestList {
  readonly #writer: AvroFileWriter;
  readonly #chunks: readonly Chunk[];
  #manifests: readonly ManifestFile[] | undefined;

  private constructor(writer: AvroFileWriter, chunks: readonly Chunk[]) {
    this.#writer = writer;
    this.#chunks = chunks;
  }

  /** A list of these manifests, to be written with this codec. */
  static of(manifests: readonly ManifestFile[], codec: AvroCodec = 'deflate'): ManifestList {
    const writer = new AvroFileWriter({ type: manifestFileType, codec });
    const list = new ManifestList(writer, manifests.length === 0 ? [] : [{ manifests, blocks: undefined }]);
    list.#manifests = manifests;
    return list;
  }

  /** All manifests in order; shared, do not change it. */
  get manifests(): readonly ManifestFile[] {
    this.#manifests ??= this.#chunks.flatMap((chunk) => chunk.manifests);
    return this.#manifests;
  }

  /**
   * The same in runs: lists made from one another have most of them in common, the very same arrays, so that who has
   * seen a run in one list may pass it over in another.
   */
  get runs(): readonly (readonly ManifestFile[])[] {
    return this.#chunks.map((chunk) => chunk.manifests);
  }

  /** Whether the next list may hold all of it as it is: all counts are known, and each manifest has a live file. */
  get canBeCarried(): boolean {
    return this.#chunks.every((chunk) => {
      chunk.canBeCarried ??= chunk.manifests.every(
        (manifest) => hasCounts(manifest) && hasLiveFiles(manifest),
      );
      return chunk.canBeCarried;
    });
  }

  /** This list with manifests put before it, to be written with this codec. */
  prepend(manifests: readonly ManifestFile[], codec: AvroCodec): ManifestList {
    if (codec !== this.#writer.codec) return ManifestList.of([...manifests, ...this.manifests], codec);
    if (manifests.length === 0) return this;
    return new ManifestList(this.#writer, compact([{ manifests, blocks: undefined }, ...this.#chunks]));
  }

  /** The bytes of a manifest list file, format v2. Spec: https://iceberg.apache.org/spec/#manifest-lists */
  encode(header: ManifestListHeader): Uint8Array {
    const parent = header.parentSnapshotId;
    const start = this.#writer.header({
      'snapshot-id': String(header.snapshotId),
      'parent-snapshot-id': parent === undefined ? 'null' : String(parent),
      'sequence-number': String(header.sequenceNumber),
      'format-version': '2',
    });
    return Buffer.concat([start, ...this.#chunks.map((chunk) => this.#blocksOf(chunk))]);
  }

  #blocksOf(chunk: Chunk): Uint8Array {
    chunk.blocks ??= Buffer.concat([...this.#writer.blocks(chunk.manifests.map(manifestFileToAvro))]);
    return chunk.blocks;
  }
}

/** Joins the leading chunks of a size as soon as there are `fanOut` of them, like the digits of a counter. */
function compact(chunks: readonly Chunk[]): readonly Chunk[] {
  const levelOf = (chunk: Chunk): number =>
    Math.floor(Math.log(Math.min(chunk.manifests.length, maxChunkManifests)) / Math.log(fanOut) + 1e-9);
  let result = chunks;
  for (let level = 0; fanOut ** level < maxChunkManifests; level += 1) {
    const end = result.findIndex((chunk) => levelOf(chunk) > level);
    const leading = end === -1 ? result : result.slice(0, end);
    if (leading.length < fanOut) return result;
    const joined: Chunk = { manifests: leading.flatMap((chunk) => chunk.manifests), blocks: undefined };
    result = [joined, ...result.slice(leading.length)];
  }
  return result;
}

function manifestFileToAvro(manifest: ManifestFile): AvroValue {
  return [
    manifest.manifestPath,
    manifest.manifestLength,
    manifest.partitionSpecId,
    manifest.content === 'data' ? 0 : 1,
    manifest.sequenceNumber,
    manifest.minSequenceNumber,
    manifest.addedSnapshotId,
    required(manifest, 'addedFilesCount'),
    required(manifest, 'existingFilesCount'),
    required(manifest, 'deletedFilesCount'),
    required(manifest, 'addedRowsCount'),
    required(manifest, 'existingRowsCount'),
    required(manifest, 'deletedRowsCount'),
    manifest.partitions?.map((summary) => [
      summary.containsNull,
      summary.containsNan ?? null,
      summary.lowerBound ?? null,
      summary.upperBound ?? null,
    ]) ?? null,
    manifest.keyMetadata ?? null,
  ];
}

/** v2 demands the counts that v1 may lack; `withCounts` fills them in before a list is written. */
function required(manifest: ManifestFile, key: Extract<keyof ManifestFile, `${string}Count`>): number {
  const count = manifest[key];
  if (count !== undefined) return count;
  throw new IcebergError('INVALID_ARGUMENT', `${manifest.manifestPath}: the manifest list needs ${key}`, {
    context: { manifestPath: manifest.manifestPath },
  });
}
