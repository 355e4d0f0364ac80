import type { DataFile, ManifestEntry, PartitionValue } from '../manifest/data-file.ts';

/** Field id of `file_path` in position delete files. */
const filePathColumn = 2147483546;

/** A delete file with the sequence number that says which data files it concerns. */
export interface DeleteFile {
  readonly dataFile: DataFile;
  readonly sequenceNumber: bigint;
}

/**
 * The delete files of a snapshot, by what they concern.
 *
 * @see https://iceberg.apache.org/spec/#scan-planning
 */
export class DeleteIndex {
  readonly #byPath = new Map<string, DeleteFile[]>();
  readonly #byPartition = new Map<string, DeleteFile[]>();
  readonly #everywhere: DeleteFile[] = [];

  /** @param isUnpartitioned whether a spec has no fields: equality deletes of such a spec concern all files */
  add(entry: ManifestEntry, isUnpartitioned: boolean): void {
    const { dataFile, sequenceNumber } = entry;
    const file = { dataFile, sequenceNumber };
    if (dataFile.referencedDataFile !== undefined) {
      addTo(this.#byPath, dataFile.referencedDataFile, file);
    } else if (dataFile.content === 'equality-deletes' && isUnpartitioned) {
      this.#everywhere.push(file);
    } else {
      addTo(this.#byPartition, partitionKey(dataFile), file);
    }
  }

  /** The delete files that may remove rows of a data file. */
  deletesOf(dataFile: DataFile, sequenceNumber: bigint): DeleteFile[] {
    const candidates = [
      ...(this.#byPath.get(dataFile.filePath) ?? []),
      ...(this.#byPartition.get(partitionKey(dataFile)) ?? []),
      ...this.#everywhere,
    ];
    return candidates.filter((candidate) =>
      // An equality delete concerns only what was there before it; a position delete also what came with it.
      candidate.dataFile.content === 'equality-deletes'
        ? sequenceNumber < candidate.sequenceNumber
        : sequenceNumber <= candidate.sequenceNumber && mayNamePath(candidate.dataFile, dataFile.filePath),
    );
  }
}

function addTo(map: Map<string, DeleteFile[]>, key: string, file: DeleteFile): void {
  const files = map.get(key);
  if (files) files.push(file);
  else map.set(key, [file]);
}

/** Whether the paths named in a position delete file may include this one, by the bounds of its path column. */
function mayNamePath(deletes: DataFile, path: string): boolean {
  const bytes = Buffer.from(path, 'utf8');
  const lower = deletes.lowerBounds?.get(filePathColumn);
  const upper = deletes.upperBounds?.get(filePathColumn);
  return (!lower || Buffer.compare(lower, bytes) <= 0) && (!upper || Buffer.compare(upper, bytes) >= 0);
}

function partitionKey(file: DataFile): string {
  return `${file.specId}|${file.partition.map(valueKey).join('|')}`;
}

function valueKey(value: PartitionValue): string {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  // A column widened from int to long has partitions of both widths; they are the same values.
  if (typeof value === 'number' || typeof value === 'bigint') return `number:${value}`;
  return `${typeof value}:${JSON.stringify(value)}`;
}
