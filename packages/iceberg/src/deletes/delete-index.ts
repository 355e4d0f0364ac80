import { IcebergError } from '../errors.ts';
import type { ValueStats } from '../expression/expression-stats.ts';
import type { DataFile, ManifestEntry, PartitionValue, PrimitiveValue } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import { isPrimitiveType, type NestedField, type PrimitiveType, type Schema } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';
import { dataFileStats } from '../scan/scan-stats.ts';
import { type EqualityField, findEqualityField } from './equality-field.ts';
import { filePathFieldId } from './position-deletes.ts';

/** A delete file with the sequence number that says which data files it concerns. */
export interface DeleteFile {
  readonly dataFile: DataFile;
  readonly sequenceNumber: bigint;
  /** Of equality deletes: the columns it compares, in the order of `dataFile.equalityIds`. */
  readonly equalityFields?: readonly EqualityField[];
}

/** Position deletes, by the rules of which a data file has a set of its own. */
type Deletes = {
  readonly byPath: Map<string, DeleteFile[]>;
  readonly byPartition: Map<string, DeleteFile[]>;
};

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
  readonly #vectors = new Map<string, DeleteFile>();
  readonly #positions: Deletes = { byPath: new Map(), byPartition: new Map() };
  readonly #equality = new Map<string, DeleteFile[]>();
  readonly #everywhere: DeleteFile[] = [];

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
      const file = { dataFile, sequenceNumber, equalityFields: this.#equalityFields(dataFile) };
      if (isUnpartitioned(spec)) this.#everywhere.push(file);
      else addTo(this.#equality, partitionKey(dataFile), file);
      return;
    }
    const file = { dataFile, sequenceNumber };
    const path = dataFile.referencedDataFile ?? onlyPath(dataFile);
    if (dataFile.fileFormat === 'PUFFIN') this.#addVector(file, path);
    else if (path !== undefined) addTo(this.#positions.byPath, path, file);
    else addTo(this.#positions.byPartition, partitionKey(dataFile), file);
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
    const { byPath, byPartition } = this.#positions;
    const inPartition = byPartition.get(partitionKey(dataFile)) ?? [];
    const path = inPartition.length > 0 ? Buffer.from(dataFile.filePath, 'utf8') : undefined;
    return [
      ...(byPath.get(dataFile.filePath) ?? []).filter(applies),
      ...inPartition.filter((file) => applies(file) && mayNamePath(file.dataFile, path as Buffer)),
    ];
  }

  #equalityOf(dataFile: DataFile, sequenceNumber: bigint, spec: PartitionSpec): DeleteFile[] {
    const candidates = [...(this.#equality.get(partitionKey(dataFile)) ?? []), ...this.#everywhere];
    // Only what was there before: a writer that updates rows adds the new ones in the same commit.
    const older = candidates.filter((file) => sequenceNumber < file.sequenceNumber);
    return older.filter((file) => mayShareKeys(file, dataFile, spec));
  }

  #addVector(file: DeleteFile, path: string | undefined): void {
    const { filePath } = file.dataFile;
    if (path === undefined) throw invalid(filePath, 'a deletion vector that names no data file');
    if (this.#vectors.has(path)) throw invalid(filePath, `a second deletion vector for ${path}`);
    this.#vectors.set(path, file);
  }

  #equalityFields({ equalityIds, filePath }: DataFile): EqualityField[] {
    if (!equalityIds || equalityIds.length === 0) throw invalid(filePath, 'equality deletes without columns');
    return equalityIds.map((id) => {
      const field = findEqualityField(this.#schemas, id);
      if (field) return field;
      throw invalid(
        filePath,
        `equality deletes by field ${id}, which is a plain column of no schema of the table`,
      );
    });
  }
}

function invalid(file: string, problem: string): IcebergError {
  return new IcebergError('INVALID_MANIFEST', `${file}: ${problem}`, { context: { file } });
}

function addTo(map: Map<string, DeleteFile[]>, key: string, file: DeleteFile): void {
  const files = map.get(key);
  if (files) files.push(file);
  else map.set(key, [file]);
}

/** A spec that was emptied of its fields in format v1 still has them, as void. */
function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void');
}

/** The path of the one data file that a position delete file names, if its bounds say that it is one. */
function onlyPath(deletes: DataFile): string | undefined {
  const lower = deletes.lowerBounds?.get(filePathFieldId);
  const upper = deletes.upperBounds?.get(filePathFieldId);
  if (!lower || !upper || Buffer.compare(lower, upper) !== 0) return undefined;
  return Buffer.from(lower).toString('utf8');
}

/** Whether the paths named in a position delete file may include this one, by the bounds of its path column. */
function mayNamePath(deletes: DataFile, path: Buffer): boolean {
  const lower = deletes.lowerBounds?.get(filePathFieldId);
  const upper = deletes.upperBounds?.get(filePathFieldId);
  return (!lower || Buffer.compare(lower, path) <= 0) && (!upper || Buffer.compare(upper, path) >= 0);
}

/** Whether some row of the data file may equal one of the deletes, by the bounds and counts of both. */
function mayShareKeys(file: DeleteFile, dataFile: DataFile, spec: PartitionSpec): boolean {
  const ofRows = dataFileStats(dataFile, spec);
  const ofDeletes = dataFileStats(file.dataFile);
  return (file.equalityFields as readonly EqualityField[]).every(({ leaf, path }) => {
    const reference = { id: leaf.id, path, type: leaf.type };
    return mayShareValue(leaf, ofRows(reference), ofDeletes(reference));
  });
}

function mayShareValue({ type }: NestedField, left: ValueStats, right: ValueStats): boolean {
  if ((left.canBeNull && right.canBeNull) || (left.canBeNaN && right.canBeNaN)) return true;
  if (!left.canBeValue || !right.canBeValue || !isPrimitiveType(type)) return false;
  return notAbove(type, left.lower, right.upper) && notAbove(type, right.lower, left.upper);
}

/** Unknown bounds, and NaN, which is none, rule out nothing. */
function notAbove(
  type: PrimitiveType,
  lower: PrimitiveValue | undefined,
  upper: PrimitiveValue | undefined,
): boolean {
  if (lower === undefined || upper === undefined || Number.isNaN(lower) || Number.isNaN(upper)) return true;
  return compareValues(type, lower, upper) <= 0;
}

function partitionKey(file: DataFile): string {
  return `${file.specId}|${file.partition.map(valueKey).join('|')}`;
}

function valueKey(value: PartitionValue): string {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  // A column widened from int to long has partitions of both widths; they are the same values. -0 is not 0.
  if (typeof value === 'number' || typeof value === 'bigint') {
    return `number:${Object.is(value, -0) ? '-0' : value}`;
  }
  return `${typeof value}:${JSON.stringify(value)}`;
}
