import { IcebergError } from '../errors.ts';
import type { ColumnReference } from '../expression/expression-bound.ts';
import type { ValueStats } from '../expression/expression-stats.ts';
import { dataFileStats } from '../expression/manifest-stats.ts';
import type { DataFile, ManifestEntry } from '../manifest/data-file.ts';
import { partitionKey } from '../manifest/partition-key.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';
import type { DeleteFile } from './delete-file.ts';
import { type EqualityField, findEqualityField } from './equality-field.ts';
import { PositionDeleteFiles } from './position-delete-files.ts';
import { filePathFieldId } from './position-deletes.ts';
import { SequencedFiles } from './sequenced-files.ts';
import { mayShareValue } from './shared-values.ts';

/** A column of equality deletes and what is known of its values in the delete file. */
interface KeyColumn {
  readonly reference: ColumnReference;
  readonly keys: ValueStats;
}

/** An equality delete file with its columns' bounds, decoded once. */
interface EqualityDeleteFile {
  readonly file: DeleteFile;
  readonly columns: readonly KeyColumn[];
}

/**
 * The delete files of a snapshot, by what they concern.
 *
 * | delete file | concerns data files |
 * |---|---|
 * | deletion vector | the one it names, if not younger; position delete files no longer count for that one |
 * | position deletes naming one data file | that one, if not younger |
 * | other position deletes | of its spec and partition, not younger, within its bounds of paths |
 * | equality deletes | of its spec and partition, or all if its spec is unpartitioned; older ones only |
 *
 * @see https://iceberg.apache.org/spec/#scan-planning
 */
export class DeleteIndex {
  readonly #schemas: readonly Schema[];
  readonly #fields = new Map<number, EqualityField | undefined>();
  readonly #vectors = new Map<string, DeleteFile>();
  readonly #positionsByPath = new Map<string, DeleteFile[]>();
  readonly #positionsByPartition = new Map<string, PositionDeleteFiles>();
  readonly #equalityByPartition = new Map<string, SequencedFiles<EqualityDeleteFile>>();
  readonly #equalityEverywhere = new SequencedFiles<EqualityDeleteFile>();

  /** @param schemas where equality columns are looked up: the scan's own first, then those that had columns since dropped */
  constructor(schemas: readonly Schema[]) {
    this.#schemas = schemas;
  }

  /**
   * @param spec of the delete file's partition
   * @throws IcebergError `INVALID_MANIFEST` when the entry cannot be what it says: two deletion vectors for one data
   *   file, equality deletes without columns or of columns that no schema has
   */
  add(entry: ManifestEntry, spec: PartitionSpec): void {
    const { dataFile, sequenceNumber } = entry;
    if (dataFile.content === 'equality-deletes') {
      const file = this.#equalityFile(dataFile, sequenceNumber);
      const partition = isUnpartitioned(spec)
        ? this.#equalityEverywhere
        : obtain(this.#equalityByPartition, partitionKey(dataFile), () => new SequencedFiles());
      partition.add(sequenceNumber, file);
      return;
    }
    const file = { dataFile, sequenceNumber };
    const path = dataFile.referencedDataFile ?? onlyPath(dataFile);
    if (dataFile.fileFormat === 'PUFFIN') this.#addVector(file, path);
    else if (path !== undefined) obtain(this.#positionsByPath, path, () => []).push(file);
    else
      obtain(this.#positionsByPartition, partitionKey(dataFile), () => new PositionDeleteFiles()).add(file);
  }

  /** The delete files that may remove rows of a data file; `spec` is that of its partition. */
  deletesOf(dataFile: DataFile, sequenceNumber: bigint, spec: PartitionSpec): DeleteFile[] {
    return [
      ...this.#positionsOf(dataFile, sequenceNumber),
      ...this.#equalityOf(dataFile, sequenceNumber, spec),
    ];
  }

  #positionsOf(dataFile: DataFile, sequenceNumber: bigint): readonly DeleteFile[] {
    // What came with the data file in one commit may be deleted by position already.
    const applies = (file: DeleteFile) => sequenceNumber <= file.sequenceNumber;
    const vector = this.#vectors.get(dataFile.filePath);
    // Whoever wrote the vector had to take the position deletes of before into it.
    if (vector && applies(vector)) return [vector];
    const inPartition = this.#positionsByPartition.get(partitionKey(dataFile));
    return [
      ...(this.#positionsByPath.get(dataFile.filePath) ?? []).filter(applies),
      ...(inPartition?.of(dataFile, sequenceNumber) ?? []),
    ];
  }

  #equalityOf(dataFile: DataFile, sequenceNumber: bigint, spec: PartitionSpec): DeleteFile[] {
    const inPartition = this.#equalityByPartition.get(partitionKey(dataFile));
    const statsOf = dataFileStats(dataFile, spec);
    const known = new Map<number, ValueStats>();
    const mayHold = ({ reference, keys }: KeyColumn): boolean => {
      let rows = known.get(reference.id);
      if (!rows) {
        rows = statsOf(reference);
        known.set(reference.id, rows);
      }
      return mayShareValue(reference, rows, keys);
    };
    const found: DeleteFile[] = [];
    for (const candidates of [inPartition, this.#equalityEverywhere]) {
      // Only what was there before: a writer that updates rows adds the new ones in the same commit.
      for (const { file, columns } of candidates?.from(sequenceNumber + 1n) ?? []) {
        if (columns.every(mayHold)) found.push(file);
      }
    }
    return found;
  }

  #addVector(file: DeleteFile, path: string | undefined): void {
    const { filePath } = file.dataFile;
    if (path === undefined) throw invalid(filePath, 'a deletion vector that names no data file');
    if (this.#vectors.has(path)) throw invalid(filePath, `a second deletion vector for ${path}`);
    this.#vectors.set(path, file);
  }

  #equalityFile(dataFile: DataFile, sequenceNumber: bigint): EqualityDeleteFile {
    const { equalityIds, filePath } = dataFile;
    if (!equalityIds || equalityIds.length === 0) throw invalid(filePath, 'equality deletes without columns');
    const equalityFields = equalityIds.map((id) => this.#equalityField(id, filePath));
    const keysOf = dataFileStats(dataFile);
    const columns = equalityFields.map(({ leaf, path }) => {
      const reference = { id: leaf.id, path, type: leaf.type };
      return { reference, keys: keysOf(reference) };
    });
    return { file: { dataFile, sequenceNumber, equalityFields }, columns };
  }

  #equalityField(id: number, filePath: string): EqualityField {
    if (!this.#fields.has(id)) this.#fields.set(id, findEqualityField(this.#schemas, id));
    const field = this.#fields.get(id);
    if (field) return field;
    throw invalid(
      filePath,
      `equality deletes by field ${id}, which is a plain column of no schema of the table`,
    );
  }
}

function invalid(file: string, problem: string): IcebergError {
  return new IcebergError('INVALID_MANIFEST', `${file}: ${problem}`, { context: { file } });
}

function obtain<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

/**
 * Whether files of the spec have no partition: equality deletes of it concern files of every spec. A spec that was
 * emptied of its fields in format v1 still has them, as void.
 */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void');
}

/** The path of the one data file that a position delete file names, if its bounds say that it is one. */
function onlyPath(deletes: DataFile): string | undefined {
  const lower = deletes.lowerBounds?.get(filePathFieldId);
  const upper = deletes.upperBounds?.get(filePathFieldId);
  if (!lower || !upper || Buffer.compare(lower, upper) !== 0) return undefined;
  return Buffer.from(lower).toString('utf8');
}
