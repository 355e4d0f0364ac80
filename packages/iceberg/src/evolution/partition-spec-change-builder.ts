import { IcebergError } from '../errors.ts';
import type { PartitionField, PartitionSpec, Transform } from '../metadata/partition-spec.ts';
import { currentSchema, defaultPartitionSpec, type TableMetadata } from '../metadata/table-metadata.ts';
import { parseTransform } from '../metadata/transform.ts';
import { ColumnNames, type ColumnPath, pathText } from './column-names.ts';
import { defaultPartitionName } from './partition-field-name.ts';
import type { PartitionSource, PartitionSpecChange } from './partition-spec-change.ts';

/** Collects the changes of the default spec; the rules are those of Iceberg Java. */
export class PartitionSpecChangeBuilder implements PartitionSpecChange {
  readonly #metadata: TableMetadata;
  readonly #spec: PartitionSpec;
  readonly #names: ColumnNames;
  readonly #onColumn: (path: ColumnPath) => void;
  readonly #added: PartitionField[] = [];
  readonly #removed = new Set<number>();
  readonly #renamed = new Map<number, string>();
  #lastPartitionId: number;

  /** @param onColumn told of every column that is looked up by name */
  constructor(metadata: TableMetadata, caseSensitive: boolean, onColumn: (path: ColumnPath) => void) {
    this.#metadata = metadata;
    this.#spec = defaultPartitionSpec(metadata);
    this.#names = new ColumnNames(currentSchema(metadata).fields, caseSensitive);
    this.#onColumn = onColumn;
    this.#lastPartitionId = metadata.lastPartitionId;
    for (const field of this.#spec.fields) {
      if (parseTransform(field.transform).kind !== 'unknown') continue;
      throw refuse(`cannot change a spec with the unknown transform ${field.transform}`, field.name);
    }
  }

  addField(source: ColumnPath, transform: Transform = 'identity', name?: string): this {
    const column = this.#column(source);
    const same = this.#spec.fields.find((field) => isOf(field, column.id, transform));
    if (same !== undefined && this.#removed.has(same.fieldId)) return this.#keep(same, name);
    const twice = same ?? this.#added.find((field) => isOf(field, column.id, transform));
    if (twice !== undefined)
      throw refuse(`the spec has ${transform} of "${column.name}" already`, twice.name);
    const field = this.#newField(column, transform, name);
    this.#refuseSecondTime(field);
    this.#makeRoomFor(field.name);
    this.#added.push(field);
    return this;
  }

  removeField(field: string | PartitionSource): this {
    const found = typeof field === 'string' ? this.#named(field) : this.#madeOf(field);
    if (this.#renamed.has(found.fieldId))
      throw refuse(`"${found.name}" was renamed by the same update`, found.name);
    this.#removed.add(found.fieldId);
    return this;
  }

  renameField(name: string, newName: string): this {
    const field = this.#named(name);
    if (this.#removed.has(field.fieldId)) throw refuse(`"${name}" was removed by the same update`, name);
    if (newName === '') throw refuse('a partition field needs a name', name);
    const void_ = this.#spec.fields.find((other) => other.name === newName && other.transform === 'void');
    if (void_ !== undefined) this.#setAside(void_);
    this.#renamed.set(field.fieldId, newName);
    return this;
  }

  /** The fields of the new spec, all with their ids. */
  fields(): readonly PartitionField[] {
    const kept = this.#spec.fields.flatMap((field): PartitionField[] => {
      const name = this.#renamed.get(field.fieldId) ?? field.name;
      if (!this.#removed.has(field.fieldId)) return [{ ...field, name }];
      // v1 finds fields by their place, so every one keeps it for ever.
      return this.#metadata.formatVersion === 1 ? [{ ...field, name, transform: 'void' }] : [];
    });
    // A void field left from v1 makes room for the one it was: no spec has an id twice.
    const revived = new Set(this.#added.map(({ fieldId }) => fieldId));
    return [...kept.filter(({ fieldId }) => !revived.has(fieldId)), ...this.#added];
  }

  #column(path: ColumnPath): { readonly id: number; readonly name: string } {
    this.#onColumn(path);
    const found = this.#names.find(path);
    if (found === undefined) throw refuse(`there is no column "${pathText(path)}"`, pathText(path));
    return { id: found.field.id, name: found.path.join('.') };
  }

  /** A field that an earlier spec had keeps its id, so that files of both specs are planned alike. */
  #newField(
    column: { readonly id: number; readonly name: string },
    transform: Transform,
    name: string | undefined,
  ): PartitionField {
    const earlier = this.#metadata.partitionSpecs
      .flatMap((spec) => spec.fields)
      .find((field) => isOf(field, column.id, transform) && (name === undefined || field.name === name));
    if (earlier !== undefined && this.#metadata.formatVersion > 1) return earlier;
    this.#lastPartitionId += 1;
    return {
      sourceId: column.id,
      fieldId: this.#lastPartitionId,
      name: name ?? defaultPartitionName(column.name, transform),
      transform,
    };
  }

  /** A field taken out and put back in the same update stays as it was. */
  #keep(field: PartitionField, name: string | undefined): this {
    this.#removed.delete(field.fieldId);
    return name === undefined || name === field.name ? this : this.renameField(field.name, name);
  }

  #refuseSecondTime(field: PartitionField): void {
    if (!isTime(field)) return;
    const other = this.#added.find((one) => one.sourceId === field.sourceId && isTime(one));
    if (other !== undefined)
      throw refuse(`"${field.name}" and "${other.name}" divide the same times`, field.name);
  }

  #makeRoomFor(name: string): void {
    if (this.#added.some((field) => field.name === name)) {
      throw refuse(`"${name}" was added by the same update already`, name);
    }
    const owner = this.#spec.fields.find(
      (field) => (this.#renamed.get(field.fieldId) ?? field.name) === name,
    );
    if (owner === undefined) return;
    if (!this.#removed.has(owner.fieldId) && owner.transform !== 'void') {
      throw refuse(`there is a partition field "${name}" already`, name);
    }
    this.#setAside(owner);
  }

  /** Gives a field that says nothing any more another name. */
  #setAside(field: PartitionField): void {
    this.#renamed.set(field.fieldId, `${field.name}_${field.fieldId}`);
  }

  #named(name: string): PartitionField {
    if (this.#added.some((field) => field.name === name)) {
      throw refuse(`"${name}" was added by the same update`, name);
    }
    const field = this.#spec.fields.find((one) => one.name === name);
    if (field === undefined) throw refuse(`the default spec has no partition field "${name}"`, name);
    return field;
  }

  #madeOf({ source, transform = 'identity' }: PartitionSource): PartitionField {
    const column = this.#column(source);
    const matches = (field: PartitionField): boolean => isOf(field, column.id, transform);
    if (this.#added.some(matches)) throw refuse('the field was added by the same update', column.name);
    const field = this.#spec.fields.find(matches);
    if (field === undefined)
      throw refuse(`the default spec has no ${transform} of "${column.name}"`, column.name);
    return field;
  }
}

function isOf(field: PartitionField, sourceId: number, transform: Transform): boolean {
  return field.sourceId === sourceId && field.transform === transform && field.sourceIds === undefined;
}

function isTime({ transform }: PartitionField): boolean {
  return ['year', 'month', 'day', 'hour'].includes(transform);
}

function refuse(message: string, name: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context: { name } });
}
