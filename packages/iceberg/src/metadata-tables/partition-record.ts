import type { PartitionValue } from '../manifest/data-file.ts';
import type { PartitionField } from '../metadata/partition-spec.ts';
import { partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';

/**
 * Partition values by the name of their field. It has every field that any spec of the table has, in the order of
 * field ids, null where the file's own spec lacks it: rows of all specs have one shape. Empty in tables that never
 * had partitions.
 */
export type PartitionRecord = Readonly<Record<string, PartitionValue>>;

/** Brings partition values of any spec of a table into the shape that all specs share. */
export class PartitionRecords {
  readonly #metadata: TableMetadata;
  readonly #columns: readonly { readonly fieldId: number; readonly name: string }[];
  readonly #positions = new Map<number, readonly number[]>();

  constructor(metadata: TableMetadata) {
    this.#metadata = metadata;
    this.#columns = unifiedColumns(metadata);
  }

  /** The values in the order of the shared shape. */
  values(specId: number, partition: readonly PartitionValue[]): readonly PartitionValue[] {
    return this.#positionsOf(specId).map((position) => partition[position] ?? null);
  }

  record(specId: number, partition: readonly PartitionValue[]): PartitionRecord {
    const values = this.values(specId, partition);
    return Object.fromEntries(this.#columns.map(({ name }, index) => [name, values[index] ?? null]));
  }

  /** For each shared column the position in that spec's values, -1 if it lacks the field. */
  #positionsOf(specId: number): readonly number[] {
    const known = this.#positions.get(specId);
    if (known) return known;
    const { fields } = partitionSpecById(this.#metadata, specId);
    const positions = this.#columns.map(({ fieldId }) =>
      fields.findIndex((field) => field.fieldId === fieldId),
    );
    this.#positions.set(specId, positions);
    return positions;
  }
}

/** The newest name of each field id. Should an older field have had the same name, it carries its id too. */
function unifiedColumns({ partitionSpecs }: TableMetadata): readonly { fieldId: number; name: string }[] {
  const newestFirst = [...partitionSpecs].sort((left, right) => right.specId - left.specId);
  const fields = new Map<number, PartitionField>();
  for (const field of newestFirst.flatMap((spec) => spec.fields)) {
    if (!fields.has(field.fieldId)) fields.set(field.fieldId, field);
  }
  const taken = new Set<string>();
  const columns = [...fields.values()].map(({ fieldId, name }) => {
    const unique = taken.has(name) ? `${name}_${fieldId}` : name;
    taken.add(unique);
    return { fieldId, name: unique };
  });
  return columns.sort((left, right) => left.fieldId - right.fieldId);
}
