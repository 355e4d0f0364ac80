import { isPrimitiveType, type NestedField, type PrimitiveType, type Schema } from '../metadata/schema.ts';
import type { ColumnPath } from './column-names.ts';
import { FieldLocator, type LocatedField, refuseColumn, splitPath } from './field-locator.ts';
import { type NewColumn, type NewField, newField, primitive } from './new-column.ts';
import type { SchemaChange, SchemaChangeOptions } from './schema-change.ts';
import { type FieldEdit, type FieldMove, rootId, type SchemaEdits } from './schema-edits.ts';
import { unionByName } from './schema-union.ts';
import { isPromotionAllowed } from './type-promotion.ts';

/** Checks the changes asked for one by one, and keeps them by field id. */
export class SchemaChangeBuilder implements SchemaChange {
  readonly edits: SchemaEdits = { dropped: new Set(), edits: new Map(), added: new Map(), moves: new Map() };
  /** Undefined: those there were. */
  identifierPaths: readonly ColumnPath[] | undefined;
  lastColumnId: number;
  readonly #schema: Schema;
  readonly #allowIncompatible: boolean;
  readonly #locator: FieldLocator;
  /** Fields that another change speaks of, and what they lie in: they cannot be dropped, too. */
  readonly #needed = new Set<number>();

  constructor(schema: Schema, lastColumnId: number, options: SchemaChangeOptions) {
    this.#schema = schema;
    this.lastColumnId = lastColumnId;
    this.#allowIncompatible = options.allowIncompatible ?? false;
    this.#locator = new FieldLocator(schema, this.edits, options.caseSensitive ?? true);
  }

  addColumn(path: ColumnPath, column: NewColumn): this {
    const [parent, name] = splitPath(path);
    const structId = parent === undefined ? rootId : this.#locator.structToAddTo(parent, name);
    if (name === '') throw refuseColumn(path, 'a column needs a name');
    const taken = this.#locator.fieldNamed(structId, name);
    if (taken !== undefined) throw refuseColumn(path, this.#takenMessage(taken, name));
    if (column.required && !this.#allowIncompatible) {
      throw refuseColumn(
        path,
        `"${name}" cannot be added as required, since rows written before have no value for it: add it as ` +
          'optional (default values need format v3), or set allowIncompatible',
      );
    }
    append(
      this.edits.added,
      structId,
      newField(name, column, () => ++this.lastColumnId),
    );
    this.#need(structId);
    return this;
  }

  dropColumn(path: ColumnPath): this {
    const { field, name, inStruct, added } = this.#locator.find(path);
    if (added) throw refuseColumn(path, `"${name}" was added by the same update`);
    if (!inStruct) throw refuseColumn(path, `"${name}" cannot be taken out of its list or map`);
    if (this.#needed.has(field.id)) {
      throw refuseColumn(
        path,
        `"${name}" cannot be dropped: the same update changes it, or moves something next to it`,
      );
    }
    this.edits.dropped.add(field.id);
    return this;
  }

  renameColumn(path: ColumnPath, newName: string): this {
    const target = this.#locator.find(path);
    if (newName === '') throw refuseColumn(path, 'a column needs a name');
    if (!target.inStruct) throw refuseColumn(path, `"${target.name}" has no name of its own`);
    if (target.added) {
      throw refuseColumn(path, `"${target.name}" was added by the same update: add it as "${newName}"`);
    }
    return this.#edit(target, { name: newName });
  }

  widenColumn(path: ColumnPath, type: PrimitiveType): this {
    const target = this.#locator.find(path);
    const wide = primitive(type);
    const present = target.field.type;
    if (present === wide) return this;
    if (isPromotionAllowed(present, wide)) return this.#edit(target, { type: wide });
    const name = isPrimitiveType(present) ? present : present.type;
    throw refuseColumn(
      path,
      `"${target.name}" cannot be changed from ${name} to ${wide}: ` +
        'only int to long, float to double, and decimals to more digits of the same scale',
    );
  }

  makeOptional(path: ColumnPath): this {
    return this.#edit(this.#locator.find(path), { required: false });
  }

  makeRequired(path: ColumnPath): this {
    const target = this.#locator.find(path);
    if (!target.field.required && !this.#allowIncompatible) {
      throw refuseColumn(
        path,
        `"${target.name}" cannot be made required, since rows may have no value for it: set allowIncompatible ` +
          'if none lacks one',
      );
    }
    return this.#edit(target, { required: true });
  }

  setDoc(path: ColumnPath, doc: string | undefined): this {
    const target = this.#locator.find(path);
    if (!target.inStruct) throw refuseColumn(path, `"${target.name}" has no doc of its own`);
    return this.#edit(target, { doc: doc ?? null });
  }

  moveFirst(path: ColumnPath): this {
    return this.#move(path, 'first');
  }

  moveBefore(path: ColumnPath, other: ColumnPath): this {
    return this.#move(path, 'before', other);
  }

  moveAfter(path: ColumnPath, other: ColumnPath): this {
    return this.#move(path, 'after', other);
  }

  setIdentifierFields(paths: readonly ColumnPath[]): this {
    this.identifierPaths = [...paths];
    return this;
  }

  unionByName(schema: { readonly fields: readonly NewField[] }): this {
    unionByName(this, this.#schema.fields, schema.fields, (name) => this.#locator.names.key(name));
    return this;
  }

  /** Within one update a name must not mean two columns: the renamed one and a new one. */
  #takenMessage({ id }: NestedField, name: string): string {
    const isRenamed = this.edits.edits.get(id)?.name !== undefined;
    return isRenamed
      ? `"${name}" is the column that this update renames: add the new one by a further updateSchema of the same transaction`
      : `there is a column "${name}" already`;
  }

  #move(path: ColumnPath, to: FieldMove['to'], other?: ColumnPath): this {
    const { field, name, parentId, inStruct } = this.#locator.find(path);
    if (!inStruct) throw refuseColumn(path, `"${name}" has no place of its own`);
    const reference = other === undefined ? undefined : this.#locator.find(other);
    if (reference?.field.id === field.id) throw refuseColumn(path, `"${name}" cannot be moved ${to} itself`);
    if (reference !== undefined && reference.parentId !== parentId) {
      throw refuseColumn(path, `"${name}" and "${reference.name}" are not in the same struct`);
    }
    append(this.edits.moves, parentId, {
      fieldId: field.id,
      to,
      ...(reference !== undefined && { referenceId: reference.field.id }),
    });
    for (const id of [field.id, reference?.field.id ?? field.id]) this.#need(id);
    return this;
  }

  #edit({ field }: LocatedField, edit: FieldEdit): this {
    this.edits.edits.set(field.id, { ...this.edits.edits.get(field.id), ...edit });
    this.#need(field.id);
    return this;
  }

  #need(id: number): void {
    for (const one of this.#locator.withParents(id)) this.#needed.add(one);
  }
}

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}
