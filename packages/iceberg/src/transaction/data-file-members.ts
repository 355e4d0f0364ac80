import { IcebergError } from '../errors.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { FilePartition } from '../manifest/partition-key.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';

/** What a member must be, in words, and whether it is. */
interface MemberRule {
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
/** Ids have 31 bits. */
const isId = (value: unknown): boolean => isCount(value) && (value as number) < 2 ** 31;
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

const id: MemberRule = { expected: 'a whole number from 0', test: isId };
const count: MemberRule = { expected: 'a whole number from 0', test: isCount };
const bytes: MemberRule = { expected: 'a Uint8Array', test: isBytes };
const text: MemberRule = { expected: 'a text', test: isText };
const counts = mapOf('whole numbers from 0', isCount);
const bounds = mapOf('Uint8Arrays', isBytes);

/** Of data files, as manifests spell them: any other would make the manifest unreadable. */
const formats: ReadonlySet<unknown> = new Set(['PARQUET', 'AVRO', 'ORC']);

type Members = { readonly [Key in keyof DataFile]?: MemberRule };

/** What says which file is meant. */
const nameRules: Members = {
  filePath: text,
  partition: { expected: 'an array of one value for each partition field', test: Array.isArray },
  specId: id,
};

/** What else a manifest holds. */
const addedRules: Members = {
  ...nameRules,
  fileFormat: {
    expected: `a file format (${[...formats].join(', ')})`,
    test: (value) => formats.has(value),
  },
  recordCount: count,
  fileSizeInBytes: count,
};

const optionalRules: Members = {
  columnSizes: counts,
  valueCounts: counts,
  nullValueCounts: counts,
  nanValueCounts: counts,
  lowerBounds: bounds,
  upperBounds: bounds,
  keyMetadata: bytes,
  splitOffsets: arrayOf('whole numbers from 0', isCount),
  equalityIds: arrayOf('column ids', isId),
  sortOrderId: id,
  referencedDataFile: text,
};

/** `INVALID_ARGUMENT` naming file and member unless a manifest can hold the description; partition values are not looked at. */
export function checkAddedMembers(file: DataFile): void {
  checkMembers(file, addedRules);
  checkMembers(file, optionalRules, true);
}

/** `INVALID_ARGUMENT` naming file and member unless the file can be looked for. */
export function checkNameMembers(file: DataFile): void {
  checkMembers(file, nameRules);
}

/** `INVALID_ARGUMENT` unless these are partitions, each of values of one spec. */
export function checkPartitions(partitions: readonly FilePartition[]): void {
  for (const one of partitions as readonly (FilePartition | null)[]) {
    if (isId(one?.specId) && Array.isArray(one?.partition)) continue;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'a partition has a specId and an array partition of its values',
    );
  }
}

/**
 * `INVALID_ARGUMENT` for a file of a partition spec that the table does not have; `COMMIT_CONFLICT` if it had it when
 * the transaction began: an expiry may have removed it (`cleanExpiredMetadata`).
 */
export function checkSpecs(
  { metadata, start }: { readonly metadata: TableMetadata; readonly start: TableMetadata },
  files: readonly DataFile[],
): void {
  const has = (table: TableMetadata, specId: number): boolean =>
    table.partitionSpecs.some((spec) => spec.specId === specId);
  const stray = files.find(({ specId }) => !has(metadata, specId));
  if (stray === undefined) return;
  const { filePath, specId } = stray;
  const context = { filePath, member: 'specId', specId };
  throw has(start, specId)
    ? new IcebergError('COMMIT_CONFLICT', `partition spec ${specId} was removed: decide anew`, { context })
    : new IcebergError(
        'INVALID_ARGUMENT',
        `${filePath}: specId is ${specId}, but the table has no such partition spec`,
        { context },
      );
}

function checkMembers(file: DataFile, rules: Members, mayBeAbsent = false): void {
  for (const [member, { expected, test }] of Object.entries(rules)) {
    const value: unknown = file[member as keyof DataFile];
    if ((value === undefined && mayBeAbsent) || test(value)) continue;
    const { filePath } = file;
    const name = isText(filePath) ? filePath : 'a file without a location';
    throw new IcebergError('INVALID_ARGUMENT', `${name}: ${member} is not ${expected}${shown(value)}`, {
      context: { filePath, member },
    });
  }
}

/** Values of collections are not shown: they may be long. */
function shown(value: unknown): string {
  return typeof value === 'object' || typeof value === 'function' ? '' : `, but ${String(value)}`;
}

function mapOf(values: string, test: MemberRule['test']): MemberRule {
  return {
    expected: `a Map from column ids to ${values}`,
    test: (map) => map instanceof Map && [...map].every(([key, value]) => isId(key) && test(value)),
  };
}

function arrayOf(values: string, test: MemberRule['test']): MemberRule {
  return {
    expected: `an array of ${values}`,
    test: (array) => Array.isArray(array) && array.every(test),
  };
}
